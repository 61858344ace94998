"""dim_stores: the shops."""

from pyspark.sql import DataFrame

from lib.gold.conformed import stores_in_territories
from lib.gold.ids import id_of, with_inferred
from lib.gold.registry import gold_table
from lib.gold.routes import By


@gold_table(
    grain=["store_id"],
    key="store_id",
    routes={
        "pos_sales": By(("concat('pos:', store_id)",), names_only=True),
        "pos_sales_people": By(("concat('pos:', store_id)",), names_only=True),
    },
)
def dim_stores(
    pos_stores: DataFrame, adventureworks_territories: DataFrame, pos_sales: DataFrame, pos_sales_people: DataFrame
) -> DataFrame:
    """One row per store, those included which only a sale or a sales person names.

    store_id: STRING. The store's id in gold, `pos:` and the till's.
    name: STRING. Name.
    territory_id: STRING. Where it is: dim_territories; the ERP's territory, where it has one of that name.
    region: STRING. Region of that territory.
    country: STRING. Country of that territory.
    opened_on: DATE. Day of the opening.
    is_inferred: BOOLEAN. True where no store record has landed: only the id is known.
    """
    stores = stores_in_territories(pos_stores, adventureworks_territories)
    return with_inferred(stores, "store_id", pos_sales, pos_sales_people).select(
        id_of("pos", "store_id").alias("store_id"),
        "name",
        "territory_id",
        "region",
        "country",
        "opened_on",
        "is_inferred",
    )
