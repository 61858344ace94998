"""dim_territories: where it is sold."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.conformed import stores_in_territories
from lib.gold.ids import id_of, with_inferred
from lib.gold.registry import gold_table
from lib.gold.routes import By


@gold_table(
    grain=["territory_id"],
    key="territory_id",
    routes={
        "adventureworks_sales": By(("concat('adventureworks:', territory_key)",), names_only=True),
        "adventureworks_returns": By(("concat('adventureworks:', territory_key)",), names_only=True),
    },
)
def dim_territories(
    adventureworks_territories: DataFrame,
    adventureworks_sales: DataFrame,
    adventureworks_returns: DataFrame,
    pos_stores: DataFrame,
) -> DataFrame:
    """One row per sales territory, those included which only a sale, a return or a store names.

    A store whose country and region the ERP knows, in upper or lower case, is in the ERP's territory; the others' are
    territories of pos.

    territory_id: STRING. The territory's id in gold, `{source}:{source_territory_id}`.
    source: STRING. The system that knows the territory.
    source_territory_id: STRING. The territory's key in that system: for pos, `{country}/{region}`.
    region: STRING. Region within the country.
    country: STRING. Country.
    continent: STRING. Continent; NULL for pos.
    is_inferred: BOOLEAN. True where no record that describes the territory has landed: only the id is known.
    """
    inferred = with_inferred(adventureworks_territories, "territory_key", adventureworks_sales, adventureworks_returns)
    of_erp = inferred.withColumns(
        {
            "territory_id": id_of("adventureworks", "territory_key"),
            "source": F.lit("adventureworks"),
            "source_territory_id": F.col("territory_key").cast("string"),
        }
    )
    stores = stores_in_territories(pos_stores, adventureworks_territories)
    of_till = (
        stores.filter("source = 'pos' AND territory_id IS NOT NULL")
        .select("territory_id", "source", "source_territory_id", "region", "country", F.lit(False).alias("is_inferred"))
        .distinct()
    )
    return of_erp.unionByName(of_till, allowMissingColumns=True).select(
        "territory_id",
        "source",
        "source_territory_id",
        "region",
        "country",
        "continent",
        "is_inferred",
    )
