"""sales_by_customer_month: what each customer bought, month by month."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table
from lib.gold.routes import By


@gold_table(
    grain=["customer_id", "sales_month"],
    key=["customer_id", "sales_month"],
    routes={"fact_sales": By(("customer_id", "order_month"))},
    clustered_by="sales_month",
)
def sales_by_customer_month(fact_sales: DataFrame, sales_until: date | None) -> DataFrame:
    """One row per customer and month in which the customer bought; order lines after as_of are left out.

    customer_id: STRING. The customer's id in gold: dim_customers.
    sales_month: STRING. The month, YYYY-MM.
    total_value: DECIMAL(28,8). Value of the orders, US dollars, exact; lines without a price add nothing.
    max_order_value: DECIMAL(28,8). Value of the largest order, US dollars, exact.
    """
    orders = measures.orders_of(measures.until(fact_sales, sales_until), "order_month")
    return orders.groupBy("customer_id", F.col("order_month").alias("sales_month")).agg(
        F.sum("value").cast(measures.EXACT).alias("total_value"), F.max("value").alias("max_order_value")
    )
