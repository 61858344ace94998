"""Where the till and the ERP speak of the same product or place: one id, the same in dimensions and facts.

The ERP is `adventureworks`, the till `pos`. What the ERP knows goes by the ERP's id.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of


def till_sales(pos_sales: DataFrame, products: DataFrame) -> DataFrame:
    """The till's sales, row by row, with what was sold in gold's terms; `products` are intervals of the ERP's.

    `sku` is the till's product, trimmed and in upper case; `product_id` becomes gold's; `product_key` is that of the
    ERP's product which has that SKU now, NULL where there is none. `order_date` is the day of sale in UTC.
    """
    sku = F.upper(F.trim("sku")).alias("sku")
    # one row per SKU, so that no sale is doubled: of several products that share it, the first by key
    of_erp = products.filter("is_current").groupBy(sku).agg(F.min("product_key").alias("product_key"))
    sold = pos_sales.withColumns({"sku": F.upper(F.trim("product_id")), "order_date": F.to_date("sold_at")})
    product_id = F.coalesce(id_of("adventureworks", "product_key"), id_of("pos", "sku"))
    return sold.join(of_erp, "sku", how="left").withColumn("product_id", product_id)


def stores_in_territories(pos_stores: DataFrame, adventureworks_territories: DataFrame) -> DataFrame:
    """One row per store: store_id, name, opened_on, and its territory as dim_territories has it.

    `territory_id`, `source`, `source_territory_id`, `region` and `country` are the ERP's where it knows country and
    region in any case; else the till's, spelled as its first store there, by id, has them.
    """
    of_erp = adventureworks_territories.groupBy(_place()).agg(
        F.min_by(F.struct("territory_key", "region", "country"), "territory_key").alias("erp")
    )
    of_till = pos_stores.groupBy(_place()).agg(F.min_by(F.struct("region", "country"), "store_id").alias("till"))
    stores = pos_stores.withColumn("place", _place())
    placed = stores.join(of_till, "place", how="left").join(of_erp, "place", how="left")
    named = placed.withColumn("by_name", F.concat("till.country", F.lit("/"), "till.region"))
    return named.select(
        "store_id",
        F.coalesce(id_of("adventureworks", "erp.territory_key"), id_of("pos", "by_name")).alias("territory_id"),
        F.when(F.col("erp").isNull(), "pos").otherwise("adventureworks").alias("source"),
        F.coalesce(F.col("erp.territory_key").cast("string"), "by_name").alias("source_territory_id"),
        "name",
        F.coalesce("erp.region", "till.region", "region").alias("region"),
        F.coalesce("erp.country", "till.country", "country").alias("country"),
        "opened_on",
    )


def territory_of_place(places: DataFrame, dim_territories: DataFrame) -> DataFrame:
    """The places, which have `country` and `region`, with the `territory_id` in which they are.

    That is the territory of their country and region in any case, else the only one of their country; NULL without.
    """
    known = dim_territories.filter("country IS NOT NULL")
    by_name = known.groupBy(_place()).agg(F.min("territory_id").alias("_of_region"))
    country = F.upper(F.trim("country")).alias("_country")
    only_one = F.when(F.count(F.lit(1)) == 1, F.min("territory_id")).alias("_of_country")
    by_country = known.groupBy(country).agg(only_one)
    named = places.withColumns({"place": _place(), "_country": country})
    both = named.join(by_name, "place", how="left").join(by_country, "_country", how="left")
    return both.withColumn("territory_id", F.coalesce("_of_region", "_of_country"))


def _place() -> Column:
    return F.upper(F.concat(F.trim("country"), F.lit("/"), F.trim("region"))).alias("place")
