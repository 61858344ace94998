"""customer_features: what the models know of a customer."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.registry import gold_table
from lib.models.champions import Champions
from lib.models.features import SCHEMA, features


@gold_table(grain=["customer_id"])
def customer_features(
    fact_interactions: DataFrame, fact_payments: DataFrame, fact_sales: DataFrame, as_of: date, champions: Champions
) -> DataFrame:
    """One row per customer who bought: what they did until as_of. Without a model that reads it the table is empty.

    A purchase is a day with an order. Windows end with as_of and include it.

    customer_id: STRING. The customer's id in gold.
    purchases: BIGINT. Days with an order.
    purchases_last_90_days: BIGINT. Those of the last 90 days.
    purchases_last_365_days: BIGINT. Those of the last 365 days.
    days_since_last_order: INT. Days from the latest order to as_of.
    tenure_days: INT. Days from the first order to as_of.
    mean_gap_days: DOUBLE. Mean of the days between two purchases; NULL with a single one.
    total_spend: DECIMAL(19,4). Value of all order lines, US dollars; lines without a price add nothing.
    repeat_spend: DECIMAL(19,4). The part that was not spent on the first day, US dollars.
    spend_last_90_days: DECIMAL(19,4). The part of the last 90 days, US dollars.
    spend_last_365_days: DECIMAL(19,4). The part of the last 365 days, US dollars.
    units: BIGINT. Units bought.
    distinct_products: BIGINT. Number of different products bought.
    discount_share: DOUBLE. Share of the prices that was let off, 0 to 1.
    store_share: DOUBLE. Share of the purchases that were in a store.
    contacts_last_180_days: BIGINT. Contacts with the contact centre in the last 180 days.
    complaints_last_365_days: BIGINT. Complaints in the last 365 days.
    mean_satisfaction: DOUBLE. Mean of what the customer said of the contacts of the last 365 days, 1 to 5; NULL where
      nothing was said.
    failed_payments_last_365_days: BIGINT. Payments of the last 365 days that failed.
    """
    if not champions:
        # nothing is planned of what nobody reads
        return fact_sales.filter("false").select(*[F.lit(None).cast(of).alias(name) for name, of in SCHEMA.items()])
    return features(fact_sales, fact_interactions, fact_payments, as_of)
