"""Numbers as people read them."""

import pytest

from lib.dashboard import formats


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"), (float("nan"), "–"), (0, "$0"), (12.5, "$12.50"), (999, "$999"), (999.6, "$1K"), (1234, "$1.23K"),
        (999_499, "$999K"), (999_600, "$1M"), (12_523_000, "$12.5M"), (-1500, "−$1.5K"), (2.5e9, "$2.5B"),
    ],
)  # fmt: skip
def test_dollars_have_three_digits(value: float | None, expected: str) -> None:
    assert formats.dollars(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, "0"), (12_345, "12,345"), (1_234_567, "1.23M"), (None, "–")])
def test_counts_are_exact_below_a_million(value: float | None, expected: str) -> None:
    assert formats.count(value) == expected


def test_shares_and_changes_are_percent() -> None:
    assert formats.percent(0.1234) == "12.3 %"
    assert formats.change(110, 100) == "+10.0 %"
    assert formats.change(96, 100) == "-4.0 %"
    assert formats.change(5, 0) is None


def test_exact_dollars_have_cents() -> None:
    assert formats.exact_dollars(-1234.5) == "−$1,234.50"
    assert formats.whole_dollars(1234.5) == "$1,234"
