"""sales_by_level_month: how many sales of a product, or in a place, were of which value, quantity and discount."""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import habits
from lib.gold.registry import gold_table


@gold_table(
    grain=["subject", "subject_id", "sales_month", "measure", "level"],
    key="sales_month",
    routes={"fact_sales": "order_month"},
)
def sales_by_level_month(fact_sales: DataFrame) -> DataFrame:
    """One row per product or place, month, measure and level at which there were sales: histograms, small at any size.

    subject: STRING. Of what: product or place.
    subject_id: STRING. Which one: dim_products, dim_stores; `web/` and the territory's id for the web shop there.
    sales_month: STRING. The month, YYYY-MM.
    measure: STRING. value, quantity or discount.
    level: DECIMAL(12,4). Of a product's value the natural logarithm of US dollars a unit, of a place's that of the
      line, to the hundredth; of quantity units, of discount the share.
    sales: BIGINT. Number of order lines.
    """
    sales = habits.with_levels(fact_sales).withColumn("sales_month", F.col("order_month"))
    levels = {measure: f"{measure}_level" for measure in habits.OF_A_SALE}
    # what a place sells has as many values as there are goods and discounts
    values = {"product": habits.level("value", "product"), "place": "round(value_level, 2)"}
    of_each = [
        habits.by_measure(
            sales.filter(F.col(f"{subject}_id").isNotNull()).select(
                "*", F.lit(subject).alias("subject"), F.col(f"{subject}_id").alias("subject_id")
            ),
            *["subject", "subject_id", "sales_month"],
            levels={**levels, "value": value},
        )
        for subject, value in values.items()
    ]
    return (
        reduce(DataFrame.unionByName, of_each)
        .groupBy("subject", "subject_id", "sales_month", "measure", "level")
        .agg(F.count(F.lit(1)).alias("sales"))
    )
