"""dim_territories: where it is sold."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of
from lib.gold.registry import gold_table


@gold_table(grain=["territory_id"])
def dim_territories(
    adventureworks_territories: DataFrame, adventureworks_sales: DataFrame, adventureworks_returns: DataFrame
) -> DataFrame:
    """One row per sales territory, those included which only a sale or a return names.

    territory_id: STRING. The territory's id in gold, `{source}:{source_territory_id}`.
    source: STRING. The system that knows the territory.
    source_territory_id: STRING. The territory's key in that system.
    region: STRING. Region within the country.
    country: STRING. Country.
    continent: STRING. Continent.
    is_inferred: BOOLEAN. True where no territory record has landed: only the id is known.
    """
    known = adventureworks_territories.withColumn("is_inferred", F.lit(False))
    named_by_facts = adventureworks_sales.select("territory_key").union(adventureworks_returns.select("territory_key"))
    named = named_by_facts.filter("territory_key IS NOT NULL").distinct()
    inferred = named.join(adventureworks_territories, "territory_key", how="left_anti").withColumn(
        "is_inferred", F.lit(True)
    )
    return known.unionByName(inferred, allowMissingColumns=True).select(
        id_of("adventureworks", "territory_key").alias("territory_id"),
        F.lit("adventureworks").alias("source"),
        F.col("territory_key").cast("string").alias("source_territory_id"),
        "region",
        "country",
        "continent",
        "is_inferred",
    )
