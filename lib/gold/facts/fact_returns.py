"""fact_returns: what came back."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of
from lib.gold.registry import gold_table
from lib.history import intervals, valid_at


@gold_table(
    grain=["source", "return_date", "territory_id", "product_id"],
    rows_of=["adventureworks_returns"],
    key="product_id",
    routes={
        "adventureworks_returns": "concat('adventureworks:', product_key)",
        "adventureworks_products_history": "concat('adventureworks:', product_key)",
    },
)
def fact_returns(adventureworks_returns: DataFrame, adventureworks_products_history: DataFrame) -> DataFrame:
    """One row per product, territory and day with returns.

    Price and cost are those that held when that day began, in UTC; of a day before the product's first known version,
    those of that version.

    product_id: STRING. What came back: dim_products.
    territory_id: STRING. Where: dim_territories.
    source: STRING. The system that took the return.
    quantity: INT. Units.
    unit_price: DECIMAL(19,4). List price of one on the day, US dollars; NULL where the product is unknown.
    unit_cost: DECIMAL(19,4). Cost of one on the day, US dollars; NULL where the product is unknown.
    total_value: DECIMAL(24,4). quantity × unit_price, US dollars.
    total_cost: DECIMAL(24,4). quantity × unit_cost, US dollars.
    return_date: DATE. When: dim_date.
    """
    prices = intervals(adventureworks_products_history, ["product_key"], columns=["unit_price", "unit_cost"])
    return valid_at(adventureworks_returns, prices, ["product_key"], moment=F.col("return_date")).select(
        id_of("adventureworks", "product_key").alias("product_id"),
        id_of("adventureworks", "territory_key").alias("territory_id"),
        F.lit("adventureworks").alias("source"),
        "quantity",
        "unit_price",
        "unit_cost",
        F.expr("CAST(quantity * unit_price AS DECIMAL(24,4))").alias("total_value"),
        F.expr("CAST(quantity * unit_cost AS DECIMAL(24,4))").alias("total_cost"),
        "return_date",
    )
