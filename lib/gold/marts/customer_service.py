"""customer_service: what the contact centre had to do with a customer."""

from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table

CONTACTS = (
    "interactions", "interactions_by_phone", "interactions_by_email", "interactions_by_chat", "interactions_in_store",
    "complaints", "open_follow_ups",
)  # fmt: skip
"""What is counted of a customer's contacts, 0 where there was none."""


@gold_table(
    grain=["customer_id"],
    key="customer_id",
    routes={"fact_interactions": "customer_id", "fact_payments": "customer_id"},
)
def customer_service(fact_interactions: DataFrame, fact_payments: DataFrame, held_at: datetime | None) -> DataFrame:
    """One row per customer who was in contact with the contact centre or paid there.

    Where a date is asked for, what was later is left out, and a follow-up done later counts as open.

    customer_id: STRING. The customer's id in gold: dim_customers.
    interactions: BIGINT. Number of contacts.
    interactions_by_phone: BIGINT. Those by telephone.
    interactions_by_email: BIGINT. Those by e-mail.
    interactions_by_chat: BIGINT. Those by chat.
    interactions_in_store: BIGINT. Those in a store.
    complaints: BIGINT. Contacts that were complaints.
    open_follow_ups: BIGINT. Contacts after which somebody is to come back to the customer, and nobody has.
    mean_satisfaction: DOUBLE. Mean of what the customer said of contacts, 1 to 5; NULL where nothing was said.
    last_interaction_on: DATE. Day of the latest contact; NULL without one.
    payments: BIGINT. Number of payments, failed and pending ones included, refunds not.
    failed_payment_share: DECIMAL(19,6). Share of the payments that are not pending which failed; NULL without one.
    total_paid: DECIMAL(19,4). Settled payments less settled refunds, US dollars.
    last_payment_on: DATE. Day of the latest settled payment; NULL without one.
    """
    day = held_at.date() if held_at is not None else None
    contacts = _contacts(measures.until(fact_interactions, day, "interaction_date"), day)
    paid = _paid(measures.until(fact_payments, day, "payment_date"))
    both = contacts.join(paid, "customer_id", how="full_outer")
    return both.select(
        "customer_id",
        *[measures.or_zero(count, "bigint") for count in CONTACTS],
        "mean_satisfaction",
        "last_interaction_on",
        measures.or_zero("payments", "bigint"),
        "failed_payment_share",
        measures.or_zero("total_paid"),
        "last_payment_on",
    )


def _contacts(interactions: DataFrame, day: date | None) -> DataFrame:
    channel, done_on = F.col("channel"), F.col("follow_up_done_on")
    is_undone = done_on.isNull() if day is None else done_on.isNull() | (done_on > F.lit(day))
    return interactions.groupBy("customer_id").agg(
        F.count(F.lit(1)).alias("interactions"),
        F.count_if(channel == "phone").alias("interactions_by_phone"),
        F.count_if(channel == "email").alias("interactions_by_email"),
        F.count_if(channel == "chat").alias("interactions_by_chat"),
        F.count_if(channel == "store").alias("interactions_in_store"),
        F.count_if(F.col("type") == "complaint").alias("complaints"),
        F.count_if(F.col("follow_up_due_on").isNotNull() & is_undone).alias("open_follow_ups"),
        F.avg("satisfaction").alias("mean_satisfaction"),
        F.max("interaction_date").alias("last_interaction_on"),
    )


def _paid(payments: DataFrame) -> DataFrame:
    is_payment, is_settled = F.col("type") == "payment", F.col("status") == "settled"
    failed = F.count_if(is_payment & (F.col("status") == "failed"))
    ended = F.count_if(is_payment & (F.col("status") != "pending"))
    signed = F.when(is_payment, F.col("amount_base")).otherwise(-F.col("amount_base"))
    return payments.groupBy("customer_id").agg(
        F.count_if(is_payment).alias("payments"),
        measures.ratio(failed, ended).alias("failed_payment_share"),
        F.sum(F.when(is_settled, signed)).alias("total_paid"),
        F.max(F.when(is_payment & is_settled, F.col("payment_date"))).alias("last_payment_on"),
    )
