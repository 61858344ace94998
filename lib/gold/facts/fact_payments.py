"""fact_payments: what was paid, and what it is worth in US dollars."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lib.gold.measures import MONEY
from lib.gold.people import by_person, with_customer
from lib.gold.registry import gold_table
from lib.gold.routes import Via
from lib.history import valid_at


@gold_table(
    grain=["source", "payment_id"],
    rows_of=["crm_payments"],
    key="payment_id",
    routes={
        "crm_payments": "payment_id",
        "crm_exchange_rates": Via("crm_payments", here="currency", there="currency"),
        "customer_identities": by_person("crm_payments", "crm"),
    },
)
def fact_payments(crm_payments: DataFrame, crm_exchange_rates: DataFrame, customer_identities: DataFrame) -> DataFrame:
    """One row per payment or refund, also of those that failed.

    payment_id: STRING. The payment's number in its source.
    customer_id: STRING. Who paid, or got the refund: dim_customers.
    source: STRING. The system that has the payment on record.
    source_customer_id: STRING. The customer's key in that system.
    type: STRING. payment or refund.
    status: STRING. settled, pending or failed.
    currency: STRING. In what it was paid, ISO 4217.
    amount: DECIMAL(14,2). How much, in that currency; above zero, of a refund too.
    exchange_rate: DECIMAL(18,8). US dollars for one unit of the currency, on the day of payment.
    amount_base: DECIMAL(19,4). amount × exchange_rate, US dollars, rounded to the scale of the column.
    payment_date: DATE. When: dim_date.
    """
    next_one = F.lead("valid_from").over(Window.partitionBy("currency").orderBy("valid_from"))
    rates = crm_exchange_rates.select(
        "currency",
        F.col("rate").alias("exchange_rate"),
        F.col("valid_from").cast("timestamp").alias("valid_from"),
        next_one.cast("timestamp").alias("valid_to"),
    )
    payments = with_customer(crm_payments, "crm", "customer_id", customer_identities)
    return valid_at(payments, rates, ["currency"], moment=F.col("paid_on")).select(
        "payment_id",
        "customer_id",
        "source",
        "source_customer_id",
        "type",
        "status",
        "currency",
        "amount",
        "exchange_rate",
        (F.col("amount") * F.col("exchange_rate")).cast(MONEY).alias("amount_base"),
        F.col("paid_on").alias("payment_date"),
    )
