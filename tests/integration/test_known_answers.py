"""The real AdventureWorks files, from landing to customer_360, against answers that are known."""

from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.builders import CONF, Lake


def in_memory(spark: SparkSession) -> list[str]:
    """What Spark keeps of any frame; what Delta keeps of its logs is its own affair."""
    rdds = spark.sparkContext._jsc.getPersistentRDDs().values()
    return sorted(name for name in (str(rdd.name()) for rdd in rdds) if "Delta Table State" not in name)


@pytest.fixture(scope="module", autouse=True)
def kept_before(spark: SparkSession) -> list[str]:
    """What is kept before anything of this module runs: such a fixture comes first."""
    return in_memory(spark)


@pytest.fixture(scope="module")
def real(spark: SparkSession, adventureworks: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, tmp_path_factory.mktemp("real") / "lake", CONF)
    outcome = lake.run(copy_from=adventureworks)
    assert outcome.status == 0, outcome.text
    return lake


def test_every_sales_line_order_and_buyer_arrives(real: Lake) -> None:
    counts = ("count(*)", "count(DISTINCT order_id)", "count(DISTINCT customer_id)")
    assert real.rows("gold.fact_sales", *counts) == [(56046, 25164, 17416)]


def test_the_money_is_right_to_the_fourth_decimal(real: Lake) -> None:
    sums = ("sum(total_value)", "sum(total_cost)")
    assert real.rows("gold.fact_sales", *sums) == [(Decimal("24914586.8193"), Decimal("14456871.3851"))]
    sums = ("sum(total_spend)", "sum(total_margin)", "sum(historical_ltv)")
    assert real.rows("gold.customer_360", *sums) == [
        (Decimal("24914586.8193"), Decimal("10457715.4342"), Decimal("10457715.4342"))
    ]


def test_every_customer_has_a_row_buyer_or_not(real: Lake) -> None:
    counts = ("count(*)", "count_if(total_orders = 0)", "count_if(gender IS NULL)", "count(DISTINCT customer_id)")
    assert real.rows("gold.customer_360", *counts) == [(18148, 732, 130, 18148)]


def test_no_member_of_a_dimension_had_to_be_inferred(real: Lake) -> None:
    for dimension in ("dim_customers", "dim_products", "dim_territories"):
        assert real.rows(f"gold.{dimension}", "count_if(is_inferred)") == [(0,)]


def test_a_known_customer_is_described_as_in_the_files(real: Lake) -> None:
    columns = (
        "full_name", "email", "CAST(birth_date AS STRING)", "age", "annual_income", "home_owner", "country",
        "total_orders", "total_spend", "CAST(last_order_date AS STRING)", "days_since_last_order",
    )  # fmt: skip
    assert real.rows("gold.customer_360", *columns, where="customer_id = 'adventureworks:11000'") == [
        (
            "Jon Yang", "jon24@adventure-works.com", "1966-04-08", 51, Decimal("90000.00"), True, "Australia",
            2, Decimal("4656.3896"), "2016-11-04", 238,
        )
    ]  # fmt: skip


def test_what_tables_keep_in_memory_is_let_go_when_they_are_written(
    kept_before: list[str], real: Lake, spark: SparkSession
) -> None:
    assert real.read("gold.sales_anomalies").columns
    assert in_memory(spark) == kept_before


def test_a_second_run_on_the_same_files_changes_no_table(real: Lake, adventureworks: Path) -> None:
    before = real.versions()
    outcome = real.run(copy_from=adventureworks)
    assert outcome.status == 0
    assert real.versions() == before
    assert not list(real.landing.rglob("*.csv")), "files that were loaded before do not stay in landing"


def test_the_users_own_files_stay_as_they_are(real: Lake, adventureworks: Path) -> None:
    assert len(list(adventureworks.glob("*.csv"))) == 10
    assert len(list((real.root / "processed").rglob("*.csv"))) == 10
