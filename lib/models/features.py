"""What a customer did until a day: the only thing that the models know of the customer.

Nothing that is later than the day is read, and nothing of which it is not known since when it holds: what records say
of a person (tier, income) is known from the first delivery on, but was perhaps not so before.
"""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold import measures

SCHEMA = {
    "customer_id": "STRING",
    "purchases": "BIGINT",
    "purchases_last_90_days": "BIGINT",
    "purchases_last_365_days": "BIGINT",
    "days_since_last_order": "INT",
    "tenure_days": "INT",
    "mean_gap_days": "DOUBLE",
    "total_spend": "DECIMAL(19,4)",
    "repeat_spend": "DECIMAL(19,4)",
    "spend_last_90_days": "DECIMAL(19,4)",
    "spend_last_365_days": "DECIMAL(19,4)",
    "units": "BIGINT",
    "distinct_products": "BIGINT",
    "discount_share": "DOUBLE",
    "store_share": "DOUBLE",
    "contacts_last_180_days": "BIGINT",
    "complaints_last_365_days": "BIGINT",
    "mean_satisfaction": "DOUBLE",
    "failed_payments_last_365_days": "BIGINT",
}
"""The columns of `features`, and their types; what they mean says gold.customer_features."""

_CONTACTS = ("contacts_last_180_days", "complaints_last_365_days", "failed_payments_last_365_days")


def features(sales: DataFrame, interactions: DataFrame, payments: DataFrame, as_of: date) -> DataFrame:
    """One row per customer who bought until a day and on it, with what was known when that day ended.

    The inputs are fact_sales, fact_interactions and fact_payments, whole. Columns: SCHEMA. Money in US dollars.
    """
    bought = _bought(measures.until(sales, as_of), as_of)
    contacts = _contacts(measures.until(interactions, as_of, "interaction_date"), as_of)
    paid = _paid(measures.until(payments, as_of, "payment_date"), as_of)
    known = bought.join(contacts, "customer_id", how="left").join(paid, "customer_id", how="left")
    return known.select(
        *[
            measures.or_zero(name, "bigint") if name in _CONTACTS else F.col(name).cast(type_name).alias(name)
            for name, type_name in SCHEMA.items()
        ]
    )


def left(known: DataFrame, sales: DataFrame, as_of: date, days: int) -> DataFrame:
    """The customers with `has_left` INT: 1 for who did not buy in so many days after a day, 0 for who did."""
    after = (F.col("order_date") > F.lit(as_of)) & (F.col("order_date") <= F.lit(as_of + timedelta(days=days)))
    came = sales.filter(after).select("customer_id", F.lit(0).alias("has_left")).distinct()
    return known.join(came, "customer_id", how="left").fillna(1, ["has_left"])


def spent(sales: DataFrame, after: date, until: date) -> DataFrame:
    """One row per customer who bought after a day and until another one: `spend`, DECIMAL(19,4), US dollars."""
    day = F.col("order_date")
    return (
        sales.filter((day > F.lit(after)) & (day <= F.lit(until)))
        .groupBy("customer_id")
        .agg(
            F.sum("total_value").cast(measures.MONEY).alias("spend"),
        )
    )


def _bought(sales: DataFrame, as_of: date) -> DataFrame:
    # a day with an order is a purchase: a till's receipt of three lines is three orders
    by_day = sales.filter("customer_id IS NOT NULL").groupBy("customer_id", "order_date")
    days = by_day.agg(
        F.sum("total_value").alias("value"),
        F.sum(F.expr("CAST(quantity * unit_price AS DECIMAL(24,4))")).alias("list_value"),
        F.sum("quantity").alias("units"),
        F.bool_or(F.col("channel") == "store").alias("is_store"),
        F.collect_set("product_id").alias("products"),
    )
    day, purchases = F.col("order_date"), F.count(F.lit(1))
    first, last = F.min("order_date"), F.max("order_date")
    value = F.coalesce("value", F.lit(0))

    def since(days_ago: int, what: Column) -> Column:
        return F.when(day > F.lit(as_of - timedelta(days=days_ago)), what)

    return days.groupBy("customer_id").agg(
        purchases.alias("purchases"),
        F.count(since(90, F.lit(1))).alias("purchases_last_90_days"),
        F.count(since(365, F.lit(1))).alias("purchases_last_365_days"),
        F.date_diff(F.lit(as_of), last).alias("days_since_last_order"),
        F.date_diff(F.lit(as_of), first).alias("tenure_days"),
        F.try_divide(F.date_diff(last, first), purchases - 1).alias("mean_gap_days"),
        F.sum(value).alias("total_spend"),
        (F.sum(value) - F.min_by(value, "order_date")).alias("repeat_spend"),
        F.coalesce(F.sum(since(90, value)), F.lit(0)).alias("spend_last_90_days"),
        F.coalesce(F.sum(since(365, value)), F.lit(0)).alias("spend_last_365_days"),
        F.sum("units").alias("units"),
        F.size(F.array_distinct(F.flatten(F.collect_list("products")))).alias("distinct_products"),
        F.coalesce(1 - F.try_divide(F.sum("value"), F.sum("list_value")), F.lit(0)).alias("discount_share"),
        F.try_divide(F.count_if("is_store"), purchases).alias("store_share"),
    )


def _contacts(interactions: DataFrame, as_of: date) -> DataFrame:
    day = F.col("interaction_date")
    recent, year = (day > F.lit(as_of - timedelta(days=days)) for days in (180, 365))
    return interactions.groupBy("customer_id").agg(
        F.count_if(recent).alias("contacts_last_180_days"),
        F.count_if(year & (F.col("type") == "complaint")).alias("complaints_last_365_days"),
        F.avg(F.when(year, F.col("satisfaction"))).alias("mean_satisfaction"),
    )


def _paid(payments: DataFrame, as_of: date) -> DataFrame:
    is_failed = (F.col("type") == "payment") & (F.col("status") == "failed")
    year = F.col("payment_date") > F.lit(as_of - timedelta(days=365))
    return payments.groupBy("customer_id").agg(F.count_if(is_failed & year).alias("failed_payments_last_365_days"))
