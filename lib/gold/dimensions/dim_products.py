"""dim_products: what is sold."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.conformed import till_sales
from lib.gold.ids import id_of, with_inferred_now
from lib.gold.registry import gold_table
from lib.gold.routes import By
from lib.history import beginning, intervals


@gold_table(
    grain=["product_id", "valid_from"],
    key="product_id",
    routes={
        "adventureworks_products_history": [
            "concat('adventureworks:', product_key)",
            "concat('pos:', upper(trim(sku)))",
        ],
        "adventureworks_sales": By(("concat('adventureworks:', product_key)",), names_only=True),
        "adventureworks_returns": By(("concat('adventureworks:', product_key)",), names_only=True),
        "pos_sales": "concat('pos:', upper(trim(product_id)))",
    },
)
def dim_products(
    adventureworks_products_history: DataFrame,
    adventureworks_product_subcategories: DataFrame,
    adventureworks_product_categories: DataFrame,
    adventureworks_sales: DataFrame,
    adventureworks_returns: DataFrame,
    pos_sales: DataFrame,
) -> DataFrame:
    """One row per product and stretch of time without a change, those included which only a fact or the till knows.

    The groups have the names that they have now. The till describes what it sells: a SKU that the ERP does not have is
    a product with the name, category and price of its newest sale, since ever.

    product_id: STRING. The product's id in gold, `{source}:{source_product_id}`.
    source: STRING. The system that knows the product: adventureworks, or pos where the ERP does not have the SKU.
    source_product_id: STRING. The product's key in that system: for pos, the SKU.
    sku: STRING. Stock keeping unit.
    product_name: STRING. Name.
    model_name: STRING. Name of the model, of which a product is one size and colour.
    subcategory: STRING. Name of the group of products.
    category: STRING. Name of the top group: Bikes, Components, Clothing or Accessories, or what the till calls it.
    color: STRING. Colour, NULL where a product has none.
    size: STRING. Centimetres or S to XL, NULL where a product has none.
    style: STRING. U universal, M men's, W women's, NULL where a product has none.
    unit_cost: DECIMAL(19,4). What one costs the retailer, US dollars; NULL for pos.
    unit_price: DECIMAL(19,4). List price of one, US dollars; for pos, the price of its newest sale, before discount.
    product_description: STRING. Text for the customer.
    is_inferred: BOOLEAN. True where no record that describes the product has landed, or it was deleted: only the id is
      known.
    valid_from: TIMESTAMP. From when on the row held; 1900-01-01 where it is the first that is known.
    valid_to: TIMESTAMP. Until when it held, that moment not included; NULL where it holds now.
    is_current: BOOLEAN. True in the one row of a product that holds now; a product that was deleted has none.
    """
    versions = intervals(adventureworks_products_history, ["product_key"])
    inferred = with_inferred_now(versions, "product_key", adventureworks_sales, adventureworks_returns)
    subcategories = adventureworks_product_subcategories.select(
        "subcategory_key", F.col("subcategory_name").alias("subcategory"), "category_key"
    )
    categories = adventureworks_product_categories.select("category_key", F.col("category_name").alias("category"))
    grouped = subcategories.join(categories, "category_key", how="left")
    of_erp = inferred.join(grouped, "subcategory_key", how="left").withColumns(
        {
            "product_id": id_of("adventureworks", "product_key"),
            "source": F.lit("adventureworks"),
            "source_product_id": F.col("product_key").cast("string"),
        }
    )
    of_till = _known_to_the_till_alone(till_sales(pos_sales, versions))
    return of_erp.unionByName(of_till, allowMissingColumns=True).select(
        "product_id",
        "source",
        "source_product_id",
        "sku",
        "product_name",
        "model_name",
        "subcategory",
        "category",
        "color",
        "size",
        "style",
        "unit_cost",
        "unit_price",
        "product_description",
        "is_inferred",
        "valid_from",
        "valid_to",
        "is_current",
    )


def _known_to_the_till_alone(sales: DataFrame) -> DataFrame:
    described = F.struct("product_name", "category", F.col("price").cast("decimal(19,4)").alias("unit_price"))
    newest = F.max_by(described, "transaction_id").alias("newest")
    own = sales.filter("sku IS NOT NULL AND product_key IS NULL")
    # the moment first: an aggregate over a struct would sort all sales
    latest = own.groupBy("sku").agg(F.max("updated_at").alias("updated_at"))
    products = own.join(F.broadcast(latest), ["sku", "updated_at"], how="left_semi").groupBy("product_id", "sku")
    return products.agg(newest).select(
        "product_id",
        F.lit("pos").alias("source"),
        F.col("sku").alias("source_product_id"),
        "sku",
        "newest.*",
        F.lit(False).alias("is_inferred"),
        beginning().alias("valid_from"),
        F.lit(True).alias("is_current"),
    )
