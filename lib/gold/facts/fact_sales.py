"""fact_sales: what was sold."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of
from lib.gold.registry import gold_table


@gold_table(grain=["source", "order_id", "order_line"], rows_of=["adventureworks_sales"])
def fact_sales(adventureworks_sales: DataFrame, adventureworks_products: DataFrame) -> DataFrame:
    """One row per order line.

    order_id: STRING. The order's number in its source.
    order_line: INT. The line's number within the order.
    customer_id: STRING. Who bought: dim_customers.
    product_id: STRING. What: dim_products.
    territory_id: STRING. Where: dim_territories.
    source: STRING. The system that took the order.
    source_customer_id: STRING. The customer's key in that system.
    channel: STRING. How it was sold: web.
    quantity: INT. Units.
    unit_price: DECIMAL(19,4). List price of one, US dollars; NULL where the product is unknown.
    unit_cost: DECIMAL(19,4). Cost of one, US dollars; NULL where the product is unknown.
    discount: DECIMAL(5,4). Share of the price that was let off, 0 to 1.
    total_value: DECIMAL(28,8). quantity × unit_price × (1 − discount), US dollars, exact; sums are rounded once.
    total_cost: DECIMAL(24,4). quantity × unit_cost, US dollars.
    order_date: DATE. When: dim_date.
    """
    prices = adventureworks_products.select("product_key", "unit_price", "unit_cost")
    no_discount = F.lit(0).cast("decimal(5,4)")
    lines = adventureworks_sales.join(prices, "product_key", how="left").withColumn("discount", no_discount)
    return lines.select(
        F.col("order_number").alias("order_id"),
        "order_line",
        id_of("adventureworks", "customer_key").alias("customer_id"),
        id_of("adventureworks", "product_key").alias("product_id"),
        id_of("adventureworks", "territory_key").alias("territory_id"),
        F.lit("adventureworks").alias("source"),
        F.col("customer_key").cast("string").alias("source_customer_id"),
        F.lit("web").alias("channel"),
        "quantity",
        "unit_price",
        "unit_cost",
        "discount",
        F.expr("CAST(quantity * unit_price * (1 - discount) AS DECIMAL(28,8))").alias("total_value"),
        F.expr("CAST(quantity * unit_cost AS DECIMAL(24,4))").alias("total_cost"),
        "order_date",
    )
