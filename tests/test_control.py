"""Control files: what a delivery announces, and in words what is not as announced."""

from decimal import Decimal

import pytest

from lib import control
from lib.contract import Control
from lib.control import Totals
from lib.errors import LakehouseError

ROWS = Control(files="shop/*.ctl")
SUMS = Control(files="shop/*.ctl", sum_of="price")


def test_files_are_announced_beside_the_control_file_or_below_it() -> None:
    text = "\ufefffile,rows,sum\r\na.json,3,10.50\r\nday/b.json,0,-0.5\r\n"
    assert control.parse("shop/x.ctl", text, SUMS) == {
        "shop/a.json": Totals(3, Decimal("10.50")),
        "shop/day/b.json": Totals(0, Decimal("-0.5")),
    }
    assert control.parse("x.ctl", text, ROWS) == {"a.json": Totals(3), "day/b.json": Totals(0)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "column file is missing (there are nothing)"),
        ("name,rows,sum\na,1,1\n", "column file is missing (there are name, rows, sum)"),
        ("file,rows\na,1\n", "column sum is missing (there are file, rows)"),
        ("file,rows,sum\n", "it announces no file"),
        ("file,rows,sum\na,1,1\nb,many,1\n", "line 3: rows or sum is not a number"),
        ("file,rows,sum\na,1,much\n", "line 2: rows or sum is not a number"),
        ("file,rows,sum\na,1,NaN\n", "line 2: rows or sum is not a number"),
        ("file,rows,sum\na\n", "line 2: rows or sum is not a number"),
    ],
)
def test_a_control_file_that_says_nothing_usable_is_told(text: str, told: str) -> None:
    with pytest.raises(LakehouseError) as error:
        control.parse("shop/x.ctl", text, SUMS)
    assert str(error.value).startswith(f"shop/x.ctl: {told}")


def test_what_is_as_announced_is_no_offence() -> None:
    announced = {"a": Totals(3, Decimal("10.5")), "b": Totals(0, Decimal(0))}
    assert control.offences(announced, {"a": Totals(3, Decimal("10.500000"))}, SUMS) == {}


def test_every_difference_of_every_file_is_told() -> None:
    announced = {"a": Totals(3, Decimal("10.5")), "b": Totals(1200, Decimal(7)), "c": Totals(1, Decimal(1))}
    found = {"a": Totals(3, Decimal("10.4")), "b": Totals(1000, Decimal(8)), "c": Totals(1, Decimal(1))}
    assert control.offences(announced, found, SUMS) == {
        "a": "price was to add up to 10.5, it adds up to 10.4",
        "b": "1,200 rows were announced, it has 1,000; price was to add up to 7, it adds up to 8",
    }


def test_without_a_sum_only_the_rows_count() -> None:
    assert control.offences({"a": Totals(3)}, {"a": Totals(3, Decimal(9))}, ROWS) == {}
    assert control.offences({"a": Totals(3)}, {}, ROWS) == {"a": "3 rows were announced, it has 0"}
