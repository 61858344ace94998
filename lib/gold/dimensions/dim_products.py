"""dim_products: what is sold."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of, with_inferred
from lib.gold.registry import gold_table


@gold_table(grain=["product_id"])
def dim_products(
    adventureworks_products: DataFrame,
    adventureworks_product_subcategories: DataFrame,
    adventureworks_product_categories: DataFrame,
    adventureworks_sales: DataFrame,
    adventureworks_returns: DataFrame,
) -> DataFrame:
    """One row per product, those included which only a sale or a return names.

    product_id: STRING. The product's id in gold, `{source}:{source_product_id}`.
    source: STRING. The system that knows the product.
    source_product_id: STRING. The product's key in that system.
    sku: STRING. Stock keeping unit.
    product_name: STRING. Name.
    model_name: STRING. Name of the model, of which a product is one size and colour.
    subcategory: STRING. Name of the group of products.
    category: STRING. Name of the top group: Bikes, Components, Clothing or Accessories.
    color: STRING. Colour, NULL where a product has none.
    size: STRING. Centimetres or S to XL, NULL where a product has none.
    style: STRING. U universal, M men's, W women's, NULL where a product has none.
    unit_cost: DECIMAL(19,4). What one costs the retailer, US dollars.
    unit_price: DECIMAL(19,4). List price of one, US dollars.
    product_description: STRING. Text for the customer.
    is_inferred: BOOLEAN. True where no product record has landed: only the id is known.
    """
    products = with_inferred(adventureworks_products, "product_key", adventureworks_sales, adventureworks_returns)
    subcategories = adventureworks_product_subcategories.select("subcategory_key", "subcategory_name", "category_key")
    categories = adventureworks_product_categories.select("category_key", "category_name")
    grouped = subcategories.join(categories, "category_key", how="left")
    return products.join(grouped, "subcategory_key", how="left").select(
        id_of("adventureworks", "product_key").alias("product_id"),
        F.lit("adventureworks").alias("source"),
        F.col("product_key").cast("string").alias("source_product_id"),
        "sku",
        "product_name",
        "model_name",
        F.col("subcategory_name").alias("subcategory"),
        F.col("category_name").alias("category"),
        "color",
        "size",
        "style",
        "unit_cost",
        "unit_price",
        "product_description",
        "is_inferred",
    )
