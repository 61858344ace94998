"""dim_territories: where it is sold."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of, with_inferred
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
    territories = with_inferred(
        adventureworks_territories, "territory_key", adventureworks_sales, adventureworks_returns
    )
    return territories.select(
        id_of("adventureworks", "territory_key").alias("territory_id"),
        F.lit("adventureworks").alias("source"),
        F.col("territory_key").cast("string").alias("source_territory_id"),
        "region",
        "country",
        "continent",
        "is_inferred",
    )
