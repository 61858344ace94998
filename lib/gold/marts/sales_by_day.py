"""sales_by_day: what was sold, day by day."""

from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table


@gold_table(grain=["date"], key="date", routes={"fact_sales": "order_date"})
def sales_by_day(fact_sales: DataFrame, high_value_above: Decimal) -> DataFrame:
    """One row per day with sales, web and store together; an order counts whole, on its day.

    date: DATE. The day in UTC: dim_date.
    total_customers: BIGINT. Different customers who bought on the day.
    total_value: DECIMAL(28,8). Value of the day's orders, US dollars, exact; lines without a price add nothing.
    total_transactions: BIGINT. Number of orders.
    avg_transaction_value: DECIMAL(19,4). Mean value of an order, US dollars: total_value / total_transactions.
    high_value_transactions: BIGINT. Orders whose value is above `high_value_above` US dollars.
    """
    orders = measures.orders_of(fact_sales)
    return orders.groupBy(F.col("order_date").alias("date")).agg(
        F.count_distinct("customer_id").alias("total_customers"),
        F.sum("value").cast(measures.EXACT).alias("total_value"),
        F.count(F.lit(1)).alias("total_transactions"),
        F.avg("value").cast(measures.MONEY).alias("avg_transaction_value"),
        F.count_if(F.col("value") > F.lit(high_value_above)).alias("high_value_transactions"),
    )
