"""What customers spent of late: the borders of the windows, and the trend."""

from datetime import date
from decimal import Decimal

from pyspark.sql import SparkSession

from lib.gold import measures
from tests.builders import assert_rows
from tests.gold.builders import line, sales


def windows(spark: SparkSession, as_of: str, *days: str) -> list[tuple[str, ...]]:
    """Per day that has an order: is it in the last 90 days, the last 12 months, the previous 12 months?"""
    lines = sales(spark, *[line(day, "o1", day, total_value=1) for day in days])
    spends = ("spend_last_90_days", "spend_last_12_months", "spend_previous_12_months")
    rows = measures.recent_spend(lines, date.fromisoformat(as_of)).select("customer_id", *spends).collect()
    found = {row[0]: tuple({1: "in", 0: "out"}[int(value)] for value in row[1:]) for row in rows}
    return [(day, *found.get(day, ("out", "out", "out"))) for day in days]


def test_a_window_of_days_holds_as_of_and_not_the_day_that_many_days_before(spark: SparkSession) -> None:
    assert windows(spark, "2017-06-30", "2017-04-01", "2017-04-02", "2017-06-30") == [
        ("2017-04-01", "out", "in", "out"),
        ("2017-04-02", "in", "in", "out"),
        ("2017-06-30", "in", "in", "out"),
    ]


def test_the_last_and_the_previous_12_months_touch(spark: SparkSession) -> None:
    days = ("2015-06-30", "2015-07-01", "2016-06-30", "2016-07-01", "2017-06-30")
    assert windows(spark, "2017-06-30", *days) == [
        ("2015-06-30", "out", "out", "out"),
        ("2015-07-01", "out", "out", "in"),
        ("2016-06-30", "out", "out", "in"),
        ("2016-07-01", "out", "in", "out"),
        ("2017-06-30", "in", "in", "out"),
    ]


def test_the_months_touch_on_a_leap_day_too(spark: SparkSession) -> None:
    days = ("2014-02-28", "2014-03-01", "2015-02-28", "2015-03-01", "2016-02-29")
    assert windows(spark, "2016-02-29", *days) == [
        ("2014-02-28", "out", "out", "out"),
        ("2014-03-01", "out", "out", "in"),
        ("2015-02-28", "out", "out", "in"),
        ("2015-03-01", "out", "in", "out"),
        ("2016-02-29", "in", "in", "out"),
    ]


def test_the_leap_day_belongs_to_the_last_12_months_of_a_28_february(spark: SparkSession) -> None:
    assert windows(spark, "2017-02-28", "2015-02-28", "2016-02-28", "2016-02-29") == [
        ("2015-02-28", "out", "out", "out"),
        ("2016-02-28", "out", "out", "in"),
        ("2016-02-29", "out", "in", "out"),
    ]


def test_the_trend_is_growth_over_the_previous_12_months_and_null_without_them(spark: SparkSession) -> None:
    lines = sales(
        spark,
        line("grows by half", "o1", "2016-01-01", total_value=20),
        line("grows by half", "o2", "2017-01-01", total_value=30),
        line("is gone", "o3", "2016-01-01", total_value=20),
        line("is new", "o4", "2017-01-01", total_value=20),
        line("bought long ago", "o5", "2010-01-01", total_value=20),
        line("grows by a third", "o6", "2016-01-01", total_value=3),
        line("grows by a third", "o7", "2017-01-01", total_value=4),
        line("was unpriced", "o8", "2016-01-01", total_value=None),
    )
    assert_rows(
        measures.recent_spend(lines, date(2017, 6, 30)),
        ["customer_id", "spend_last_12_months", "spend_previous_12_months", "spend_trend"],
        [
            ("grows by half", Decimal(30), Decimal(20), Decimal("0.5")),
            ("is gone", Decimal(0), Decimal(20), Decimal(-1)),
            ("is new", Decimal(20), Decimal(0), None),
            ("grows by a third", Decimal(4), Decimal(3), Decimal("0.333333")),
            ("was unpriced", Decimal(0), Decimal(0), None),
        ],
    )
