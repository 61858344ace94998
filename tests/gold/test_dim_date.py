"""dim_date: when it happened."""

from datetime import date

from pyspark.sql import SparkSession

from lib.gold.dimensions.dim_date import dim_date
from tests.builders import assert_rows
from tests.gold.builders import made


def test_days_have_no_gaps_from_the_first_to_the_last_of_calendar_and_facts(spark: SparkSession) -> None:
    days = made(
        spark,
        dim_date,
        adventureworks_calendar=[{"date": "2016-02-28"}, {"date": "2016-03-01"}],
        adventureworks_sales=[{"order_date": "2016-02-27"}],
        adventureworks_returns=[{"return_date": "2016-03-02"}],
        pos_sales=[{"sold_at": "2016-03-03T23:59:59Z"}],
        crm_interactions=[{"started_at": "2016-03-04T00:00:00Z"}],
        crm_payments=[{"paid_on": "2016-03-05"}],
    )
    assert_rows(
        days,
        ["CAST(date AS STRING)", "in_calendar"],
        [
            ("2016-02-27", False),
            ("2016-02-28", True),
            ("2016-02-29", False),
            ("2016-03-01", True),
            ("2016-03-02", False),
            ("2016-03-03", False),
            ("2016-03-04", False),
            ("2016-03-05", False),
        ],
    )


def test_a_day_is_described_by_the_calendar_and_by_its_iso_week(spark: SparkSession) -> None:
    days = made(spark, dim_date, adventureworks_calendar=[{"date": "2017-01-01"}, {"date": "2017-01-02"}])
    assert_rows(
        days,
        [
            "date",
            "year",
            "quarter",
            "month",
            "month_name",
            "year_month",
            "iso_week",
            "day_of_month",
            "day_of_week",
            "day_name",
            "is_weekend",
        ],
        [
            (date(2017, 1, 1), 2017, 1, 1, "January", "2017-01", 52, 1, 7, "Sunday", True),
            (date(2017, 1, 2), 2017, 1, 1, "January", "2017-01", 1, 2, 1, "Monday", False),
        ],
    )


def test_without_any_day_there_is_no_row(spark: SparkSession) -> None:
    assert_rows(made(spark, dim_date), ["date"], [])
