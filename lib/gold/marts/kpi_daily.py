"""kpi_daily: how the business does, day by day."""

from decimal import Decimal

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table


@gold_table(grain=["date"], key="year(date)", routes={"fact_sales": "year(order_date)"})
def kpi_daily(fact_sales: DataFrame, high_value_above: Decimal) -> DataFrame:
    """One row per day with sales, web and store together.

    An order counts whole, on its day. A day without an order has no row: dim_date has every day.

    date: DATE. The day in UTC: dim_date.
    total_customers: BIGINT. Different customers who bought on the day.
    total_sales: DECIMAL(19,4). Value of the day's orders, US dollars; lines without a price add nothing.
    total_transactions: BIGINT. Number of orders.
    avg_transaction_value: DECIMAL(19,4). Mean value of an order, US dollars: total_sales / total_transactions.
    high_value_transactions: BIGINT. Orders whose value is above `high_value_above` US dollars.
    year_to_date_sales: DECIMAL(19,4). Value of all orders from 1 January of the year to the day, US dollars.
    """
    orders = measures.orders_of(fact_sales)
    days = orders.groupBy(F.col("order_date").alias("date")).agg(
        F.count_distinct("customer_id").alias("total_customers"),
        F.sum("value").alias("sales"),
        F.count(F.lit(1)).alias("total_transactions"),
        F.avg("value").alias("avg_transaction_value"),
        F.count_if(F.col("value") > F.lit(high_value_above)).alias("high_value_transactions"),
    )
    in_year = Window.partitionBy(F.year("date")).orderBy("date")
    to_date = in_year.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return days.select(
        "date",
        "total_customers",
        F.col("sales").cast(measures.MONEY).alias("total_sales"),
        "total_transactions",
        F.col("avg_transaction_value").cast(measures.MONEY).alias("avg_transaction_value"),
        "high_value_transactions",
        F.sum("sales").over(to_date).cast(measures.MONEY).alias("year_to_date_sales"),
    )
