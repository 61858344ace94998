"""dim_sales_people: who sells in the stores."""

from pyspark.sql import DataFrame

from lib.gold.ids import id_of, with_inferred
from lib.gold.registry import gold_table
from lib.gold.routes import By


@gold_table(
    grain=["sales_person_id"],
    key="sales_person_id",
    routes={
        "pos_sales_people": "concat('pos:', sales_person_id)",
        "pos_sales": By(("concat('pos:', sales_person_id)",), names_only=True),
    },
)
def dim_sales_people(pos_sales_people: DataFrame, pos_sales: DataFrame) -> DataFrame:
    """One row per sales person, those included whom only a sale names.

    sales_person_id: STRING. The person's id in gold, `pos:` and the till's.
    name: STRING. Name.
    store_id: STRING. Where the person sells now: dim_stores. A sale has the store where it was made.
    hired_on: DATE. Day of hiring.
    is_inferred: BOOLEAN. True where no record of the person has landed: only the id is known.
    """
    return with_inferred(pos_sales_people, "sales_person_id", pos_sales).select(
        id_of("pos", "sales_person_id").alias("sales_person_id"),
        "name",
        id_of("pos", "store_id").alias("store_id"),
        "hired_on",
        "is_inferred",
    )
