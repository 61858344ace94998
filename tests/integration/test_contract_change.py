"""A contract changes between two runs: all of bronze is judged again, and the tables take the difference."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lib.errors import QualityError
from tests.builders import CONF, SALES_HEADER, Lake

FIRST = "1/1/2017,12/1/2016,SO1,310,11000,1,1,2,SAVE10"
LARGE = "1/2/2017,12/1/2016,SO2,310,11000,1,1,70,"
BAD = "1/3/2017,12/1/2016,SO3,310,11000,1,1,0,"


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with a configuration of its own, after a first run over a file of sales."""
    home = tmp_path_factory.mktemp("change")
    shutil.copytree(CONF, home / "conf")
    lake = Lake(spark, home / "lake", home / "conf")
    lake.land_lines("Sales_2017", f"{SALES_HEADER},Coupon", FIRST, LARGE, BAD)
    outcome = lake.run(layers=["bronze", "silver"])
    assert outcome.status == 0, outcome.text
    return lake


def edit(lake: Lake, old: str, new: str) -> None:
    contract: Path = lake.conf / "contracts/adventureworks/sales.yml"
    text = contract.read_text()
    assert old in text
    contract.write_text(text.replace(old, new))


def test_at_first_one_row_waits(lake: Lake) -> None:
    assert lake.rows("silver.adventureworks_sales", "order_number") == [("SO1",), ("SO2",)]
    assert lake.rows("silver.adventureworks_sales_quarantine", "status", "dq_errors[0]") == [
        ("waiting", "quantity must be above zero")
    ]


def test_a_loosened_rule_lets_the_waiting_row_return_and_a_stricter_one_parts_another(lake: Lake) -> None:
    edit(lake, "expect: quantity > 0", "expect: quantity BETWEEN 0 AND 50")
    outcome = lake.run(layers=["silver"])
    assert outcome.status == 0, outcome.text
    assert lake.rows("silver.adventureworks_sales", "order_number") == [("SO1",), ("SO3",)]
    columns = ("get_json_object(raw, '$.OrderNumber')", "status", "size(history)")
    assert lake.rows("silver.adventureworks_sales_quarantine", *columns) == [
        ("SO2", "waiting", 1),
        ("SO3", "accepted", 2),
    ]
    assert "conserved at 1 of 1 hops" in outcome.text


def test_a_column_learnt_later_is_filled_for_old_rows_too(lake: Lake) -> None:
    edit(lake, "columns:\n", "columns:\n  coupon: {from: Coupon, type: string}\n")
    assert lake.run(layers=["silver"]).status == 0
    columns = ("order_number", "coupon")
    assert lake.rows("silver.adventureworks_sales", *columns) == [("SO1", "SAVE10"), ("SO3", None)]


def test_a_new_type_rewrites_the_column(lake: Lake) -> None:
    edit(lake, "{from: OrderQuantity, type: int}", '{from: OrderQuantity, type: "decimal(9,2)"}')
    assert lake.run(layers=["silver"]).status == 0
    columns = ("order_number", "quantity")
    assert lake.rows("silver.adventureworks_sales", *columns) == [("SO1", Decimal("2.00")), ("SO3", Decimal("0.00"))]


def test_a_description_is_no_change(lake: Lake) -> None:
    before = lake.versions()
    edit(lake, "description: when the goods came into stock", "description: day of stocking")
    assert lake.run(layers=["silver"]).status == 0
    assert lake.versions() == before


def test_a_rule_that_says_fail_stops_before_anything_is_written_unless_the_run_forgives(lake: Lake) -> None:
    before = lake.versions()
    edit(lake, "message: quantity must be above zero", "message: quantity is wrong, on_fail: fail")
    outcome = lake.run(layers=["silver"])
    assert outcome.status == 1
    assert "1 of 3 rows: quantity is wrong (on_fail: fail): nothing of it was written" in outcome.text
    assert lake.versions() == before
    assert QualityError.exit_status == outcome.status
    assert lake.run(layers=["silver"], forgiving=True).status == 0
    assert lake.rows("silver.adventureworks_sales", "order_number") == [("SO1",), ("SO3",)]


def test_tomorrows_file_of_the_same_name_brings_newer_versions(lake: Lake) -> None:
    lake.land_lines("Sales_2017", f"{SALES_HEADER},Coupon", FIRST.replace(",1,2,", ",1,9,"))
    outcome = lake.run(layers=["bronze", "silver"])
    assert outcome.status == 0, outcome.text
    columns = ("order_number", "quantity", "_batch_id")
    assert lake.rows("silver.adventureworks_sales", *columns) == [
        ("SO1", Decimal("9.00"), 2),
        ("SO3", Decimal("0.00"), 1),
    ]
