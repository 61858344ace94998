"""kpi_daily: how the business does, day by day."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table


@gold_table(grain=["date"])
def kpi_daily(sales_by_day: DataFrame) -> DataFrame:
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
    in_year = Window.partitionBy(F.year("date")).orderBy("date")
    to_date = in_year.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return sales_by_day.select(
        "date",
        "total_customers",
        F.col("total_value").cast(measures.MONEY).alias("total_sales"),
        "total_transactions",
        "avg_transaction_value",
        "high_value_transactions",
        F.sum("total_value").over(to_date).cast(measures.MONEY).alias("year_to_date_sales"),
    )
