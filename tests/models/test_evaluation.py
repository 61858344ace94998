"""How good probabilities are."""

import pytest

from lib.models.evaluation import Scored, beats_all, calibration, measures

PERFECT = Scored.of([(0.9, 3, 0), (0.1, 0, 7)])


def test_a_perfect_order_has_every_measure_at_its_best() -> None:
    found = measures(PERFECT, bins=2)
    assert (found["auc"], found["average_precision"], found["base_rate"], found["customers"]) == (1, 1, 0.3, 10)
    assert found["lift_top_decile"] == pytest.approx(1 / 0.3)
    assert found["brier"] == pytest.approx(0.01)


def test_one_score_for_all_is_as_good_as_a_lot() -> None:
    found = measures(Scored.of([(0.3, 3, 7)]), bins=5)
    assert (found["auc"], found["average_precision"], found["lift_top_decile"]) == (0.5, 0.3, pytest.approx(1))
    assert found["calibration_error"] == pytest.approx(0)


def test_an_order_the_wrong_way_round_is_worse_than_a_lot() -> None:
    assert measures(Scored.of([(0.9, 0, 7), (0.1, 3, 0)]), bins=2)["auc"] == 0


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    # of 2 × 2 pairs: (0.8, 0.6) and (0.8, 0.2) are right, (0.4, 0.2) too, (0.4, 0.6) is wrong
    found = measures(Scored.of([(0.8, 1, 0), (0.6, 0, 1), (0.4, 1, 0), (0.2, 0, 1)]), bins=2)
    assert found["auc"] == 0.75
    assert found["average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = [(0.8, 1, 0), (0.6, 2, 1), (0.4, 1, 5)]
    assert measures(Scored.of(rows), bins=3) == measures(Scored.of(rows[::-1]), bins=3)


def test_calibration_says_what_was_said_and_what_came() -> None:
    assert calibration(Scored.of([(0.9, 4, 1), (0.2, 1, 4)]), bins=2) == [
        (pytest.approx(0.9), 0.8, 5),
        (pytest.approx(0.2), 0.2, 5),
    ]


def test_a_model_that_is_no_better_than_one_of_its_rivals_beats_nothing() -> None:
    found = {"test": {"auc": 0.8, "error": 3.0}, "recency": {"auc": 0.7, "error": 4.0}}
    assert beats_all(found, "auc")
    assert beats_all(found, "error", less=True)
    assert not beats_all({**found, "champion": {"auc": 0.8}}, "auc"), "as good is no better"
    assert not beats_all({**found, "rate": {"error": 2.9}}, "error", less=True)
