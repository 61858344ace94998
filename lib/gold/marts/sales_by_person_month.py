"""sales_by_person_month: what each sales person sold in each store, month by month."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.ids import UNKNOWN
from lib.gold.registry import gold_table

_PAIR = ("store_id", "sales_person_id")


@gold_table(
    grain=["store_id", "sales_person_id", "sales_month"], key="sales_month", routes={"fact_sales": "order_month"}
)
def sales_by_person_month(fact_sales: DataFrame) -> DataFrame:
    """One row per store, sales person and month with sales of channel store.

    store_id: STRING. The store: dim_stores; `unknown` where the sale does not say it.
    sales_person_id: STRING. The sales person: dim_sales_people; `unknown` where the sale does not say it.
    sales_month: STRING. The month, YYYY-MM.
    total_value: DECIMAL(28,8). Value of the orders, US dollars, exact; lines without a price add nothing.
    total_transactions: BIGINT. Number of orders.
    max_order_value: DECIMAL(28,8). Value of the largest order, US dollars, exact.
    """
    named = fact_sales.filter("channel = 'store'").withColumns(
        {member: F.coalesce(member, F.lit(UNKNOWN)) for member in _PAIR}
    )
    orders = measures.orders_of(named, *_PAIR, "order_month")
    return orders.groupBy(*_PAIR, F.col("order_month").alias("sales_month")).agg(
        F.sum("value").cast(measures.EXACT).alias("total_value"),
        F.count(F.lit(1)).alias("total_transactions"),
        F.max("value").alias("max_order_value"),
    )
