"""fact_returns: what came back."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of
from lib.gold.registry import gold_table


@gold_table(
    grain=["source", "return_date", "territory_id", "product_id"],
    rows_of=["adventureworks_returns"],
    key="product_id",
    routes={
        "adventureworks_returns": "concat('adventureworks:', product_key)",
        "adventureworks_products": "concat('adventureworks:', product_key)",
    },
)
def fact_returns(adventureworks_returns: DataFrame, adventureworks_products: DataFrame) -> DataFrame:
    """One row per product, territory and day with returns.

    product_id: STRING. What came back: dim_products.
    territory_id: STRING. Where: dim_territories.
    source: STRING. The system that took the return.
    quantity: INT. Units.
    unit_price: DECIMAL(19,4). List price of one, US dollars; NULL where the product is unknown.
    total_value: DECIMAL(24,4). quantity × unit_price, US dollars.
    return_date: DATE. When: dim_date.
    """
    prices = adventureworks_products.select("product_key", "unit_price")
    return adventureworks_returns.join(prices, "product_key", how="left").select(
        id_of("adventureworks", "product_key").alias("product_id"),
        id_of("adventureworks", "territory_key").alias("territory_id"),
        F.lit("adventureworks").alias("source"),
        "quantity",
        "unit_price",
        F.expr("CAST(quantity * unit_price AS DECIMAL(24,4))").alias("total_value"),
        "return_date",
    )
