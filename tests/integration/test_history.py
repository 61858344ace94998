"""Every version that passed is kept once: late ones, returned ones, deletes; a withdrawn file leaves none."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.pipeline.quarantine import replay
from lib.pipeline.withdraw import withdraw
from lib.tables import Tables
from tests.builders import PRODUCTS_HEADER, RETURNS_HEADER, SALES_HEADER, Lake
from tests.integration.contents import table_rows
from tests.integration.test_deletes import LAYERS, lake_of, land
from tests.integration.test_faults import customer, sale

HISTORY = "silver.shop_things_history"


def remembered(lake: Lake, **run: Any) -> list[tuple[Any, ...]]:
    """Run, and key, name, day of the file and whether it lives of every version there is then."""
    outcome = lake.run(**{"layers": LAYERS, **run})
    assert outcome.status == 0, outcome.text
    return lake.rows(HISTORY, "id", "name", "day(_source_modified_at)", "_is_live")


def loosen(lake: Lake) -> None:
    """Change the contract in a way that lets the same rows pass."""
    file = lake.conf / "contracts/shop/things.yml"
    file.write_text(file.read_text().replace("expect: name IS NOT NULL", "expect: length(name) > 0"))


@pytest.mark.integration
def test_late_versions_and_deletes_are_kept_and_nothing_is_kept_twice(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "delete_when: op = 'D'", "history: true")
    land(lake, "c", "1,,Ada,", "2,,Bob,", "1,,Ada,", day=3)
    expected = [(1, "Ada", 3, True), (2, "Bob", 3, True)]
    assert remembered(lake) == expected
    land(lake, "d", "1,D,,", "3,,,", day=4)
    land(lake, "b", "1,,Older,", "2,D,,", day=2)
    expected += [(1, "Older", 2, True), (1, None, 4, False), (2, None, 2, False)]
    assert remembered(lake) == sorted(expected, key=str)
    assert lake.rows("silver.shop_things", "id", where="_is_live") == [(2,)]
    # what came before comes again, and a run has nothing to do
    land(lake, "c", "2,,Bob,", "1,,Ada,", day=3)
    assert remembered(lake) == sorted(expected, key=str)
    before = lake.versions()
    remembered(lake)
    assert lake.versions() == before
    loosen(lake)
    assert remembered(lake) == sorted(expected, key=str)
    assert lake.versions()[HISTORY] == before[HISTORY]


@pytest.mark.slow
@pytest.mark.integration
def test_whole_deliveries_bury_in_the_history_whatever_their_order(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "snapshot: true", "history: true")
    land(lake, "1", "1,,Ada,", "2,,Bob,", day=1)
    land(lake, "3", "2,,Bob,", day=3)
    expected = [(1, "Ada", 1, True), (1, "Ada", 3, False), (2, "Bob", 1, True), (2, "Bob", 3, True)]
    assert remembered(lake) == expected
    # late: 2 was gone on that day, and 3 was there
    land(lake, "2", "1,,Ada,", "3,,Cid,", day=2)
    expected += [(1, "Ada", 2, True), (2, "Bob", 2, False), (3, "Cid", 2, True), (3, "Cid", 3, False)]
    assert remembered(lake) == sorted(expected, key=str)
    before = lake.versions()
    remembered(lake)
    assert lake.versions() == before
    loosen(lake)
    assert remembered(lake) == sorted(expected, key=str)


@pytest.mark.slow
@pytest.mark.integration
def test_rows_that_return_reach_the_history_and_withdrawn_ones_leave_it(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "delete_when: op = 'D'", "history: true")
    land(lake, "1", "1,,Ada,", "2,,,", day=1)
    assert remembered(lake) == [(1, "Ada", 1, True)]
    without = lake.copy(tmp_path / "without")
    land(lake, "2", "1,,Wrong,", "2,,Wrong,", "1,D,,", day=2)
    assert len(remembered(lake)) == 4
    expected = [(1, "Ada", 1, True)]
    assert remembered(lake, layers=["silver"], prepare=withdraw("shop/things/2.csv")) == expected
    layers = ("bronze", "silver")
    assert table_rows(lake, layers) == table_rows(without, layers)
    mended = tmp_path / "mended.csv"
    mended.write_text("_batch,_row,id,name\n1,1,2,Bob\n")
    given = replay(lake.settings().contracts["shop_things"], mended)
    assert remembered(lake, layers=["silver"], prepare=given) == [*expected, (2, "Bob", 1, True)]


@pytest.mark.integration
def test_a_run_that_dies_before_the_history_is_written_is_simply_run_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(spark, tmp_path, "history: true")
    land(lake, "1", "1,,Ada,", day=1)
    assert lake.run(layers=LAYERS).status == 0
    upsert = Tables.upsert

    def dies(tables: Tables, name: str, *arguments: Any, **options: Any) -> Any:
        if name == HISTORY:
            raise OSError("no space left on device")
        return upsert(tables, name, *arguments, **options)

    land(lake, "2", "1,,Ada L.,", day=2)
    with monkeypatch.context() as patch:
        patch.setattr(Tables, "upsert", dies)
        assert lake.run(layers=LAYERS).status == 1
    assert lake.rows("silver.shop_things", "name") == [("Ada L.",)]
    assert lake.rows(HISTORY, "name") == [("Ada",)]
    assert lake.run(layers=LAYERS).status == 0
    assert lake.rows(HISTORY, "name") == [("Ada L.",), ("Ada",)]


@pytest.mark.integration
def test_an_entity_that_is_to_have_a_history_from_now_on_has_it_from_the_start(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = lake_of(spark, tmp_path, "delete_when: op = 'D'")
    land(lake, "1", "1,,Ada,", day=1)
    land(lake, "2", "1,,Ada L.,", day=2)
    assert lake.run(layers=LAYERS).status == 0
    assert lake.rows("silver.shop_things", "name") == [("Ada L.",)]
    file = lake.conf / "contracts/shop/things.yml"
    file.write_text(file.read_text().replace("key: [id]\n", "key: [id]\nhistory: true\n"))
    assert remembered(lake) == [(1, "Ada L.", 2, True), (1, "Ada", 1, True)]


def land_products(lake: Lake, day: str, price: str, cost: str) -> None:
    """Drop the price list of a day."""
    line = f'1,2,BK-1,"Road-1",Road,"Fast.",Red,62,U,{cost},{price}'
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    os.utime(lake.land_lines("Products", PRODUCTS_HEADER, line), (at, at))


def prices(lake: Lake) -> list[tuple[Any, ...]]:
    """Run everything, and what each sale and the return cost then."""
    outcome = lake.run(only=["customer_360", "fact_returns"])
    assert outcome.status == 0, outcome.text
    found = lake.rows("gold.fact_sales", "order_id", "CAST(unit_price AS INT)", "CAST(unit_cost AS INT)")
    return found + lake.rows("gold.fact_returns", "'back'", "CAST(unit_price AS INT)", "CAST(unit_cost AS INT)")


@pytest.mark.slow
@pytest.mark.integration
def test_facts_have_the_price_and_cost_of_their_day_and_dimensions_have_what_was(lake: Lake) -> None:
    days = {"SO1": "1/5/2017", "SO2": "1/20/2017", "SO3": "2/10/2017", "SO4": "2/11/2017"}
    lines = [f"{day},1/1/2016,{number},1,11000,1,1,2" for number, day in days.items()]
    lake.land_lines("Sales_2017", SALES_HEADER, *lines)
    lake.land_lines("Returns", RETURNS_HEADER, "2/11/2017,1,1,1")
    lake.land("pos/sales/1.jsonl", sale("T1", 1, at="2017-01-05").replace("2017-01-05T10", "2017-02-11T10"), source=".")
    lake.land("pos/customers/1.jsonl", customer("C1", "Ada", at="2017-01-01"), source=".")
    land_products(lake, "2017-01-10", "20", "10")
    of_first = [("SO1", 20, 10), ("SO2", 20, 10), ("SO3", 20, 10), ("SO4", 20, 10), ("T1", 24, 10), ("back", 20, 10)]
    assert prices(lake) == of_first
    # tomorrow's prices: in force from noon of the 10th on, so that the day of the 11th is the first to have them
    land_products(lake, "2017-02-10", "30", "13")
    lake.land("pos/customers/2.jsonl", customer("C1", "Ada L.", at="2017-02-01"), source=".")
    of_second = [*of_first[:3], ("SO4", 30, 13), ("T1", 24, 13), ("back", 30, 13)]
    assert prices(lake) == of_second
    # late, between the two
    land_products(lake, "2017-01-15", "25", "11")
    of_third = [of_first[0], ("SO2", 25, 11), ("SO3", 25, 11), *of_second[3:]]
    assert prices(lake) == of_third
    held = ("CAST(unit_price AS INT)", "CAST(valid_from AS DATE)", "CAST(valid_to AS DATE)", "is_current")
    ever, first, second = date(1900, 1, 1), date(2017, 1, 15), date(2017, 2, 10)
    assert lake.rows("gold.dim_products", *held) == [
        (20, ever, first, False), (25, first, second, False), (30, second, None, True),
    ]  # fmt: skip
    assert lake.rows("silver.adventureworks_products", "CAST(unit_price AS INT)") == [(30,)]
    assert lake.rows("gold.dim_customers", "full_name", "is_current", where="array_contains(systems, 'pos')") == [
        ("Ada L.", True), ("Ada", False),
    ]  # fmt: skip
    assert lake.rows("gold.customer_360", "full_name", "total_orders", where="customer_id LIKE 'pos%'") == [
        ("Ada L.", 1)
    ]
    # asked for a day, it says what was true when that day ended
    assert lake.run(layers=["gold"], only=["customer_360"], as_of=date(2017, 1, 31)).status == 0
    then = ("full_name", "total_orders", "CAST(as_of AS STRING)")
    assert lake.rows("gold.customer_360", *then) == [("Ada", 0, "2017-01-31"), (None, 2, "2017-01-31")]
    assert prices(lake) == of_third
    assert lake.rows("gold.customer_360", *then) == [("Ada L.", 1, "2017-02-11"), (None, 4, "2017-02-11")]
    # the same once more: a newer file, and nothing new in it
    land_products(lake, "2017-03-01", "30", "13")
    assert prices(lake) == of_third
    assert len(lake.rows("gold.dim_products", "valid_from")) == 3
    before = lake.versions()
    assert prices(lake) == of_third
    assert lake.versions() == before
