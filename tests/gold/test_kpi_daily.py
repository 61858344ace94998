"""kpi_daily: how the business does, day by day."""

from decimal import Decimal

from pyspark.sql import SparkSession

from lib.gold.marts.kpi_daily import kpi_daily
from tests.builders import assert_rows
from tests.gold.builders import line, made

DAY = "CAST(date AS STRING)"


def test_a_day_counts_customers_once_and_orders_each_whatever_their_channel(spark: SparkSession) -> None:
    rows = made(
        spark,
        kpi_daily,
        fact_sales=[
            line("ada", "o1", "2017-01-01", order_line=1, total_value=100, channel="web"),
            line("ada", "o1", "2017-01-01", order_line=2, total_value=20, channel="web"),
            line("ada", "o2", "2017-01-01", total_value=50, channel="store"),
            line("bob", "o3", "2017-01-01", total_value=9, channel="store"),
            line("bob", "o4", "2017-01-03", total_value=1, channel="store"),
        ],
    )
    assert_rows(
        rows,
        [DAY, "total_customers", "total_transactions", "total_sales", "avg_transaction_value"],
        [
            ("2017-01-01", 2, 3, Decimal("179.0000"), Decimal("59.6667")),
            ("2017-01-03", 1, 1, Decimal("1.0000"), Decimal("1.0000")),
        ],
    )


def test_an_order_is_of_high_value_above_the_threshold_and_not_at_it(spark: SparkSession) -> None:
    rows = made(
        spark,
        kpi_daily,
        fact_sales=[
            line("ada", "at", "2017-01-01", total_value=1000),
            line("ada", "above in two lines", "2017-01-01", order_line=1, total_value="999.99999999"),
            line("ada", "above in two lines", "2017-01-01", order_line=2, total_value="0.00000002"),
            line("ada", "below", "2017-01-02", total_value=999),
        ],
    )
    assert_rows(rows, [DAY, "high_value_transactions"], [("2017-01-01", 1), ("2017-01-02", 0)])


def test_the_threshold_is_a_setting(spark: SparkSession) -> None:
    lines = [line("ada", "o1", "2017-01-01", total_value="0.51"), line("ada", "o2", "2017-01-01", total_value="0.5")]
    rows = made(spark, kpi_daily, fact_sales=lines, high_value_above=Decimal("0.5"))
    assert_rows(rows, ["high_value_transactions"], [(1,)])


def test_the_year_to_date_begins_anew_in_january(spark: SparkSession) -> None:
    rows = made(
        spark,
        kpi_daily,
        fact_sales=[
            line("ada", "o1", "2016-06-01", total_value=1),
            line("ada", "o2", "2016-12-31", total_value=2),
            line("ada", "o3", "2017-01-01", total_value=4),
            line("bob", "o4", "2017-01-01", total_value=8),
            line("ada", "o5", "2017-03-01", total_value=16),
        ],
    )
    assert_rows(
        rows,
        [DAY, "CAST(year_to_date_sales AS INT)"],
        [("2016-06-01", 1), ("2016-12-31", 3), ("2017-01-01", 12), ("2017-03-01", 28)],
    )


def test_the_year_to_date_is_rounded_once_and_not_day_by_day(spark: SparkSession) -> None:
    lines = [line("ada", f"o{day}", f"2017-01-0{day}", total_value="0.00004") for day in (1, 2)]
    assert_rows(
        made(spark, kpi_daily, fact_sales=lines),
        [DAY, "total_sales", "year_to_date_sales"],
        [("2017-01-01", Decimal("0.0000"), Decimal("0.0000")), ("2017-01-02", Decimal("0.0000"), Decimal("0.0001"))],
    )


def test_an_order_of_unknown_price_is_an_order_without_money(spark: SparkSession) -> None:
    lines = [line("ada", "o1", "2017-01-01", total_value=None), line("bob", "o2", "2017-01-01", total_value=30)]
    assert_rows(
        made(spark, kpi_daily, fact_sales=lines),
        ["total_customers", "total_transactions", "total_sales", "avg_transaction_value"],
        [(2, 2, Decimal("30.0000"), Decimal("15.0000"))],
    )


def test_an_order_counts_whole_on_the_day_of_its_first_line(spark: SparkSession) -> None:
    lines = [line("ada", "o1", "2017-01-02", order_line=2), line("ada", "o1", "2017-01-01", order_line=1)]
    assert_rows(made(spark, kpi_daily, fact_sales=lines), [DAY, "total_sales"], [("2017-01-01", Decimal("20.0000"))])


def test_without_sales_there_is_no_day(spark: SparkSession) -> None:
    assert made(spark, kpi_daily).collect() == []
