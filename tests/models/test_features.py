"""What the models know of a customer as of a day: nothing of what came later."""

from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession

from lib.models.features import features, left, spent
from tests.builders import assert_rows
from tests.gold.builders import frame

DAY = date(2017, 3, 31)


def known(
    spark: SparkSession,
    sales: list[dict[str, object]],
    contacts: list[dict[str, object]] | None = None,
    payments: list[dict[str, object]] | None = None,
) -> DataFrame:
    return features(
        frame(spark, "fact_sales", *sales),
        frame(spark, "fact_interactions", *(contacts or [])),
        frame(spark, "fact_payments", *(payments or [])),
        DAY,
    )


def test_a_purchase_is_a_day_and_windows_end_with_the_day(spark: SparkSession) -> None:
    found = known(
        spark,
        [
            {"order_id": "o1", "order_date": "2016-03-31", "total_value": 100},
            {"order_id": "o2", "order_date": "2016-12-31", "total_value": 20, "product_id": "mug"},
            {"order_id": "o3", "order_date": "2017-03-31", "total_value": 7, "channel": "store"},
            {"order_id": "o4", "order_date": "2017-03-31", "total_value": 3, "channel": "store"},
        ],
    )
    assert_rows(
        found,
        ["purchases", "purchases_last_90_days", "purchases_last_365_days", "days_since_last_order", "tenure_days",
         "mean_gap_days", "total_spend", "repeat_spend", "spend_last_90_days", "spend_last_365_days",
         "distinct_products", "round(store_share, 3)"],
        [(3, 1, 2, 0, 365, 182.5, Decimal(130), Decimal(30), Decimal(10), Decimal(30), 2, 0.333)],
    )  # fmt: skip


def test_what_was_let_off_is_a_share_of_the_prices(spark: SparkSession) -> None:
    sales = [
        {"order_id": "o1", "quantity": 2, "unit_price": 10, "total_value": 15, "order_date": "2017-01-01"},
        {"order_id": "o2", "quantity": 1, "unit_price": None, "total_value": None, "order_date": "2017-01-02"},
    ]
    assert_rows(
        known(spark, sales), ["discount_share", "total_spend", "repeat_spend"], [(0.25, Decimal(15), Decimal(0))]
    )


def test_contacts_and_payments_count_for_a_time(spark: SparkSession) -> None:
    contacts = [
        {"interaction_id": "1", "interaction_date": "2017-03-01", "type": "complaint", "satisfaction": 1},
        {"interaction_id": "2", "interaction_date": "2016-08-01", "type": "complaint", "satisfaction": 4},
        {"interaction_id": "3", "interaction_date": "2015-01-01", "type": "complaint", "satisfaction": 5},
    ]
    payments = [
        {"payment_id": "1", "payment_date": "2017-03-01", "status": "failed"},
        {"payment_id": "2", "payment_date": "2017-03-01", "status": "failed", "type": "refund"},
        {"payment_id": "3", "payment_date": "2016-03-31", "status": "failed"},
    ]
    assert_rows(
        known(spark, [{}], contacts, payments),
        ["contacts_last_180_days", "complaints_last_365_days", "mean_satisfaction", "failed_payments_last_365_days"],
        [(1, 2, 2.5, 1)],
    )


def test_nothing_that_is_later_moves_a_feature(spark: SparkSession) -> None:
    sales = [{"order_date": "2017-01-01"}, {"order_id": "o2", "order_date": "2017-03-31", "customer_id": "bob"}]
    contacts, payments = [{"interaction_date": "2017-02-01"}], [{"payment_date": "2017-02-01"}]
    planted = (
        [{"order_id": "o9", "order_date": "2017-04-01", "total_value": 9_999, "product_id": "x", "channel": "store"},
         {"order_id": "o8", "order_date": "2017-04-01", "customer_id": "new"}],
        [{"interaction_id": "I9", "interaction_date": "2017-04-01", "type": "complaint", "satisfaction": 1}],
        [{"payment_id": "Y9", "payment_date": "2017-04-01", "status": "failed"}],
    )  # fmt: skip
    before = known(spark, sales, contacts, payments)
    after = known(spark, sales + planted[0], contacts + planted[1], payments + planted[2])
    assert sorted(after.collect()) == sorted(before.collect())


def test_who_comes_back_within_the_days_has_not_left(spark: SparkSession) -> None:
    sales = frame(
        spark, "fact_sales",
        {"customer_id": "ada", "order_date": "2017-03-01"},
        {"customer_id": "ada", "order_id": "o2", "order_date": "2017-06-29"},
        {"customer_id": "bob", "order_id": "o3", "order_date": "2017-03-31"},
        {"customer_id": "bob", "order_id": "o4", "order_date": "2017-06-30"},
    )  # fmt: skip
    found = left(features(sales, frame(spark, "fact_interactions"), frame(spark, "fact_payments"), DAY), sales, DAY, 90)
    assert_rows(found, ["customer_id", "has_left"], [("ada", 0), ("bob", 1)])
    assert_rows(spent(sales, DAY, date(2017, 6, 29)), ["customer_id", "spend"], [("ada", Decimal(10))])
