"""What a page is filtered by, and its URL."""

from datetime import date

import pytest

from lib.dashboard.filters import Filters, from_query, to_query, without_unknown


def test_a_url_says_all_that_was_chosen_and_is_read_back() -> None:
    filters = Filters(
        start=date(2017, 1, 1), end=date(2017, 3, 31), country=("Canada", "United States"), segment=("At risk",),
        search="a&b=c", customer="K1",
    )  # fmt: skip
    query = to_query(filters)
    assert query == {
        "start": "2017-01-01", "end": "2017-03-31", "country": ["Canada", "United States"], "segment": ["At risk"],
        "customer": "K1", "search": "a&b=c",
    }  # fmt: skip
    read = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    assert from_query(read) == (filters, [])


def test_nothing_chosen_is_an_empty_url() -> None:
    assert to_query(Filters()) == {}
    assert from_query({}) == (Filters(), [])


def test_what_a_url_says_in_vain_is_named() -> None:
    filters, ignored = from_query({"start": ["soon"], "colour": ["red"], "gender": ["F", "F"]})
    assert filters == Filters(gender=("F",))
    assert ignored == ["colour", "start=soon"]


def test_days_in_the_wrong_order_are_exchanged() -> None:
    filters, _ = from_query({"start": ["2017-02-01"], "end": ["2017-01-01"]})
    assert (filters.start, filters.end) == (date(2017, 1, 1), date(2017, 2, 1))


def test_a_value_that_there_is_not_is_left_out_and_named() -> None:
    filters = Filters(country=("Atlantis", "Canada"), gender=("F",))
    assert without_unknown(filters, {"country": ["Canada"], "gender": ["F", "M"]}) == (
        Filters(country=("Canada",), gender=("F",)), ["country=Atlantis"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "clicked", "expected"),
    [((), "F", ("F",)), (("F",), "F", ()), (("F",), "M", ("M",)), (("F", "M"), "M", ("M",))],
)
def test_a_click_chooses_a_value_alone_and_another_lets_it_go(
    chosen: tuple[str, ...], clicked: str, expected: tuple[str, ...]
) -> None:
    assert Filters(gender=chosen).toggled("gender", clicked).gender == expected


def test_what_was_chosen_below_another_parent_is_let_go() -> None:
    filters = Filters(country=("Canada",), region=("Canada",), category=("Bikes",), subcategory=("Road Bikes",))
    assert filters.with_values("country", ["France"]) == Filters(
        country=("France",), category=("Bikes",), subcategory=("Road Bikes",)
    )
    assert filters.with_values("category", ["Bikes"]) == filters


def test_clearing_keeps_who_is_looked_at() -> None:
    assert Filters(gender=("F",), customer="K1").cleared() == Filters(customer="K1")
