"""sales_by_region_month: what was sold where, month by month."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.ids import UNKNOWN
from lib.gold.registry import gold_table


@gold_table(
    grain=["country", "region", "sales_month"],
    key="sales_month",
    routes={"fact_sales": "order_month"},
)
def sales_by_region_month(fact_sales: DataFrame, dim_territories: DataFrame) -> DataFrame:
    """One row per country, region and month with sales, web and store together.

    An order counts whole and once, in its month and in the territory of its first line, so that the rows add up to
    fact_sales; only total_customers does not add up, since a customer may buy in several months and regions.

    country: STRING. Country of the order's territory; `unknown` where the order has none or nobody describes it.
    region: STRING. Region of that territory; `unknown` likewise.
    sales_month: STRING. The month, YYYY-MM.
    total_sales: DECIMAL(19,4). Value of the orders, US dollars; lines without a price add nothing.
    total_orders: BIGINT. Number of orders.
    total_customers: BIGINT. Different customers who bought there in that month.
    total_quantity: BIGINT. Units, those of lines without a price included.
    avg_discount: DECIMAL(19,6). Share of the list value (quantity × unit_price) that was let off, 0 to 1: the mean
      discount of the lines weighted by their list value; NULL where that is 0.
    """
    places = dim_territories.select("territory_id", _known("country"), _known("region"))
    # the territory's row may be missing, or say nothing
    orders = (
        measures.orders_of(fact_sales, "order_month")
        .join(places, "territory_id", how="left")
        .withColumns({"country": _known("country"), "region": _known("region"), "sales_month": F.col("order_month")})
    )
    let_off = measures.ratio(F.col("list_value") - F.col("value"), F.col("list_value"))
    return (
        orders.groupBy("country", "region", "sales_month")
        .agg(
            F.sum("value").alias("value"),
            F.sum("list_value").alias("list_value"),
            F.count(F.lit(1)).alias("total_orders"),
            F.count_distinct("customer_id").alias("total_customers"),
            F.sum("quantity").alias("total_quantity"),
        )
        .select(
            "country",
            "region",
            "sales_month",
            F.col("value").cast(measures.MONEY).alias("total_sales"),
            "total_orders",
            "total_customers",
            "total_quantity",
            let_off.alias("avg_discount"),
        )
    )


def _known(name: str) -> Column:
    return F.coalesce(name, F.lit(UNKNOWN)).alias(name)
