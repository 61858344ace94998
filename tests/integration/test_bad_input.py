"""One run over every kind of bad file at once, and what became of each."""

import json

import pytest
from pyspark.sql import SparkSession

from lib.errors import ConfigError
from tests.builders import CONF, CUSTOMERS_HEADER, PRODUCTS_HEADER, RETURNS_HEADER, SALES_HEADER, Lake, Outcome

ADA = '11000,MS.,ADA,LOVELACE,12/10/1915,S,F,ada@example.org,"$90,000 ",2,Bachelors,Professional,Y'
BIKE = '310,2,BK-R93R-62,"Road-150 Red, 62",Road-150,"Fast.",Red,62,U,2171.2942,3578.27'
ONLY = ["customer_360", "fact_returns"]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(spark, tmp_path_factory.mktemp("bad") / "lake", CONF)


@pytest.fixture(scope="module", autouse=True)
def outcome(lake: Lake) -> Outcome:
    good = "1/1/2017,12/1/2016,SO1,310,11000,1,1,2"
    lake.land_lines("Customers", CUSTOMERS_HEADER, ADA)
    lake.land_lines("Products", PRODUCTS_HEADER, BIKE)
    lake.land_lines("Sales_2015", "OrderDate,OrderNumber", "1/1/2015,SO9")
    lake.land_lines("Sales_2016", f"{SALES_HEADER},Coupon", "1/1/2016,12/1/2015,SO2,310,11000,1,1,1,SAVE10")
    lake.land_lines(
        "Sales_2017",
        SALES_HEADER,
        good,
        "1/1/2017,12/1/2016,SO3,310,11000,1,1,abc",
        "1/1/2017,12/1/2016,SO4,310,11000,1,1,0",
        "1/1/2017,12/1/2016,SO5,310",
        "1/1/2017,12/1/2016,SO6,310,11000,1,1,1,1,1",
        '1/1/2017,"12/1/2016,SO7,310,11000,1,1,1',
        '1/1/2017,12/1/2016,SO8,310,11000,1,1,"1',
        "2/30/2017,12/1/2016,,310,11000,1,1,-1",
    )
    reordered = "OrderQuantity,OrderLineItem,TerritoryKey,CustomerKey,ProductKey,OrderNumber,StockDate,OrderDate"
    lake.land_lines("Sales_2018", reordered, "3,1,1,11000,310,SO10,12/1/2016,1/1/2018")
    lake.land_lines("Sales_2019", SALES_HEADER)
    lake.land("Sales_2020", b"")
    lake.land("Returns", RETURNS_HEADER.encode() + b"\r\n1/18/2017,1,310,1\x81\r\n")
    (lake.landing / "adventureworks" / "notes.txt").write_text("not ours")
    (lake.landing / "adventureworks" / "AdventureWorks_Sales_2021.csv.part").write_text(SALES_HEADER)
    return lake.run(only=ONLY)


def test_a_bad_file_makes_the_exit_status_one_and_the_last_line_counts_failures_last(outcome: Outcome) -> None:
    assert outcome.status == 1
    assert outcome.last_line.endswith("2 failed")


def test_a_file_without_a_column_is_rejected_alone_with_what_is_missing_and_what_is_there(
    lake: Lake, outcome: Outcome
) -> None:
    assert (
        "AdventureWorks_Sales_2015.csv: rejected: columns OrderLineItem, StockDate, ProductKey, "
        "CustomerKey, TerritoryKey, OrderQuantity are missing (there are OrderDate, OrderNumber)" in outcome.text
    )
    kept = list((lake.root / "rejected").rglob("AdventureWorks_Sales_2015.csv"))
    assert len(kept) == 1
    reason = kept[0].with_name(kept[0].name + ".reason.txt").read_text()
    assert "columns OrderLineItem, StockDate" in reason


def test_undecodable_bytes_reject_the_whole_file(lake: Lake, outcome: Outcome) -> None:
    assert "AdventureWorks_Returns.csv: rejected: does not decode as windows-1252" in outcome.text
    assert list((lake.root / "rejected").rglob("AdventureWorks_Returns.csv"))
    assert not (lake.root / "bronze" / "adventureworks_returns").exists()


def test_everything_else_goes_on(lake: Lake) -> None:
    orders = [("SO1", 2), ("SO10", 3), ("SO2", 1)]
    assert lake.rows("gold.fact_sales", "order_id", "quantity") == orders
    assert lake.rows("gold.customer_360", "full_name", "total_orders") == [("Ada Lovelace", 3)]


def test_columns_in_another_order_have_no_effect(lake: Lake) -> None:
    columns = ("CAST(order_date AS STRING)", "customer_key", "quantity")
    assert lake.rows("silver.adventureworks_sales", *columns, where="order_number = 'SO10'") == [
        ("2018-01-01", 11000, 3)
    ]


def test_an_unknown_column_is_kept_in_rescued_and_said(lake: Lake, outcome: Outcome) -> None:
    rescued = lake.rows("bronze.adventureworks_sales", "_rescued", where="OrderNumber = 'SO2'")
    assert rescued == [('{"Coupon":"SAVE10"}',)]
    assert "Sales_2016.csv: column Coupon is not in the contract; the values are kept in _rescued" in outcome.text


def test_files_with_a_header_only_or_nothing_are_recorded_as_empty_and_leave_landing(lake: Lake) -> None:
    empty = lake.rows("ops.files", "path", "reason", where="status = 'empty'")
    assert empty == [
        ("adventureworks/AdventureWorks_Sales_2019.csv", "there is only a header"),
        ("adventureworks/AdventureWorks_Sales_2020.csv", "the file is empty"),
    ]
    left = sorted(file.name for file in lake.landing.rglob("*") if file.is_file())
    assert left == ["AdventureWorks_Sales_2021.csv.part", "notes.txt"]


def test_ragged_rows_and_open_quotes_are_kept_whole_and_quarantined(lake: Lake) -> None:
    rows = lake.rows("silver.adventureworks_sales_quarantine", "raw", where="dq_errors[0] = 'malformed record'")
    lines = sorted(json.loads(json.loads(raw)["_rescued"])["_malformed"] for (raw,) in rows)
    assert lines == [
        '1/1/2017,"12/1/2016,SO7,310,11000,1,1,1',
        "1/1/2017,12/1/2016,SO5,310",
        "1/1/2017,12/1/2016,SO6,310,11000,1,1,1,1,1",
        '1/1/2017,12/1/2016,SO8,310,11000,1,1,"1',
    ]


def test_a_value_that_does_not_cast_is_quarantined_with_its_text_and_every_reason(lake: Lake) -> None:
    errors = lake.rows(
        "silver.adventureworks_sales_quarantine", "dq_errors", where="dq_errors[0] <> 'malformed record'"
    )
    assert [list(row[0]) for row in errors] == [
        [
            "order_date: '2/30/2017' is not a DATE (M/d/yyyy)",
            "order_number is NULL",
            "order_date is NULL",
            "quantity must be above zero",
        ],
        ["quantity: 'abc' is not an INT", "quantity must be above zero"],
        ["quantity must be above zero"],
    ]


def test_the_rows_add_up_at_every_hop(lake: Lake, outcome: Outcome) -> None:
    assert lake.rows("bronze.adventureworks_sales", "count(*)") == [(10,)]
    steps = lake.rows(
        "ops.steps",
        "rows_in",
        "accepted",
        "superseded",
        "quarantined",
        where="layer = 'silver' AND table_name = 'adventureworks_sales'",
    )
    assert steps == [(10, 3, 0, 7)]
    assert "conserved at 9 of 9 hops" in outcome.text


def test_members_that_only_facts_name_are_inferred_and_counted(lake: Lake, outcome: Outcome) -> None:
    assert lake.rows("gold.dim_territories", "territory_id", "is_inferred") == [("adventureworks:1", True)]
    assert "dim_territories: 1 of its rows are inferred" in outcome.text


@pytest.mark.slow
def test_a_mended_file_is_loaded_when_it_lands_again(lake: Lake) -> None:
    lake.land_lines("Sales_2015", SALES_HEADER, "1/1/2015,12/1/2014,SO9,310,11000,1,1,5")
    lake.land_lines("Returns", RETURNS_HEADER, "1/18/2017,1,310,1")
    outcome = lake.run(only=ONLY)
    assert outcome.status == 0, outcome.text
    assert lake.rows("gold.fact_sales", "quantity", where="order_id = 'SO9'") == [(5,)]
    assert lake.rows("gold.fact_returns", "product_id", "quantity") == [("adventureworks:310", 1)]


def test_a_landing_folder_that_is_not_there_is_a_clear_error(spark: SparkSession, lake: Lake) -> None:
    nowhere = Lake(spark, lake.root.parent / "nowhere", CONF)
    with pytest.raises(ConfigError, match="nowhere/landing: the landing folder is not there"):
        nowhere.run(make_landing=False)
    assert not nowhere.root.exists()
