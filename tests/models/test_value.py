"""How often customers will buy and for how much: the formulas of the papers, and fits that find what was put in."""

import numpy as np
import pytest
from scipy.special import hyp2f1

from lib.errors import LakehouseError
from lib.models.value import (
    Purchases,
    Spend,
    expected_purchases,
    expected_value,
    fit_purchases,
    fit_spend,
    foretell,
    probability_alive,
)

CDNOW = Purchases(0.243, 4.414, 0.793, 2.426)
"""What Fader, Hardie & Lee (2005) estimate of the customers of a shop for music."""


def one(*values: float) -> list[np.ndarray]:
    return [np.array([float(value)]) for value in values]


def test_a_customer_of_the_paper_is_foretold_what_the_paper_says() -> None:
    # two more purchases, the last one after 30.43 of 38.86 weeks: 1.226 in the next 39 weeks
    assert expected_purchases(CDNOW, 39, *one(2, 30.43, 38.86)) == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize("repeats", [0, 1, 7, 30])
@pytest.mark.parametrize("a", [0.2, 1.0, 1.7])
def test_the_series_is_the_papers_formula(repeats: int, a: float) -> None:
    r, alpha, b, recency, age, weeks = 0.9, 5.0, 2.0, 20.0, 30.0, 26.0
    near = a + 1e-7 if a == 1 else a
    z, last = weeks / (alpha + age + weeks), near + b + repeats - 1
    alive = 1 / (
        1 + (repeats > 0) * near / (b + max(repeats, 1) - 1) * ((alpha + age) / (alpha + recency)) ** (r + repeats)
    )
    ever = last / (near - 1) * (1 - (1 - z) ** (r + repeats) * hyp2f1(r + repeats, b + repeats, last, z))
    found = expected_purchases(Purchases(r, alpha, a, b), weeks, *one(repeats, recency if repeats else 0, age))
    assert found == pytest.approx(ever * alive, rel=1e-4)


def test_who_bought_once_may_be_alive_and_who_fell_silent_is_less_likely_so() -> None:
    once, silent, regular = np.array([0.0, 20.0, 20.0]), np.array([0.0, 10.0, 59.0]), np.array([60.0, 60.0, 60.0])
    alive = probability_alive(CDNOW, once, silent, regular)
    assert alive[0] == 1
    assert alive[1] < 0.01
    assert alive[2] > 0.9


def test_extreme_customers_and_models_have_finite_prospects() -> None:
    repeats, recency, age = (
        np.array([0.0, 0, 3, 900, 5000]),
        np.array([0.0, 0, 0, 99, 520]),
        np.array([0.0, 520, 0, 100, 520]),
    )
    for model in (CDNOW, Purchases(0.2, 2.2, 2e-5, 117.0), Purchases(5.0, 0.1, 0.3, 0.2)):
        found = expected_purchases(model, 52, repeats, recency, age)
        assert np.isfinite(found).all()
        assert (found >= 0).all()


def simulated(customers: int, model: Purchases, weeks: int, seed: int) -> tuple[np.ndarray, ...]:
    """Repeats, recency, age and the purchases of the 26 weeks after: of customers who live as the model says."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(weeks / 2, weeks, customers)
    rate, leaving = rng.gamma(model.r, 1 / model.alpha, customers), rng.beta(model.a, model.b, customers)
    repeats, recency, later, clock = (np.zeros(customers) for _ in range(4))
    alive = np.ones(customers, dtype=bool)
    while alive.any():
        clock += rng.exponential(1 / rate)
        before, after = alive & (clock <= age), alive & (clock > age) & (clock <= age + 26)
        repeats[before] += 1
        recency[before] = clock[before]
        later[after] += 1
        alive &= (clock <= age + 26) & (rng.random(customers) >= leaving)
    return repeats, recency, age, later


@pytest.mark.parametrize("model", [Purchases(0.25, 4.4, 0.8, 2.5), Purchases(1.5, 10.0, 0.6, 3.0)])
def test_a_fit_finds_what_customers_were_made_of(model: Purchases) -> None:
    repeats, recency, age, later = simulated(20_000, model, 78, seed=1)
    # in whole weeks and grouped, as a lake's customers are
    groups, count = np.unique(np.stack([repeats, recency.round(), age.round()]), axis=1, return_counts=True)
    found = fit_purchases(*groups, count.astype(float))
    assert found.r == pytest.approx(model.r, rel=0.1)
    assert found.alpha == pytest.approx(model.alpha, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(model.a / (model.a + model.b), rel=0.1)
    assert expected_purchases(found, 26, repeats, recency, age).sum() == pytest.approx(later.sum(), rel=0.05)


def test_a_fit_of_spend_finds_what_purchases_were_made_of() -> None:
    rng, customers = np.random.default_rng(2), 20_000
    repeats = rng.integers(1, 8, customers).astype(float)
    scale = rng.gamma(3.7, 1 / 1500.0, customers)
    mean = rng.gamma(6.0 * repeats, 1 / (scale * repeats))
    found = fit_spend(repeats, mean, np.ones(customers))
    assert found.p * found.v / (found.q - 1) == pytest.approx(6 * 1500 / 2.7, rel=0.05)
    assert found.q == pytest.approx(3.7, rel=0.1)


def test_the_more_a_customer_bought_the_more_their_own_purchases_count() -> None:
    model = Spend(6.0, 4.0, 15.0)
    everyone = 6.0 * 15.0 / 3.0
    once, twice, often = expected_value(model, np.array([0.0, 1, 50]), np.array([0.0, 90, 90]))
    assert once == pytest.approx(everyone)
    assert everyone < twice < often < 90


def test_a_row_of_features_is_foretold_in_days() -> None:
    # purchases, days since the last one, tenure, spend after the first
    found = foretell(CDNOW, Spend(6.0, 4.0, 15.0), 273, *one(3, 59, 272, 80))
    assert found["purchases"] == pytest.approx(expected_purchases(CDNOW, 39, *one(2, 213 / 7, 272 / 7)))
    assert found["value"] == pytest.approx(found["purchases"] * expected_value(Spend(6.0, 4.0, 15.0), *one(2, 40)))


def test_without_anybody_who_came_back_nothing_is_learnt() -> None:
    with pytest.raises(LakehouseError, match="nobody bought twice"):
        fit_purchases(*one(0, 0, 10, 5))
    with pytest.raises(LakehouseError, match="nobody bought twice"):
        fit_spend(np.array([]), np.array([]), np.array([]))
