"""sales_baselines: what was usual for a product, or in a place, when a month began."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import habits
from lib.gold.registry import gold_table
from lib.gold.routes import By
from lib.lakehouse import Anomalies

_MONTHS_AFTER = [
    By((f"date_format(add_months(to_date(concat(sales_month, '-01')), {months}), 'yyyy-MM')",))
    for months in range(habits.HISTORY_MONTHS + 1)
]
"""A month's sales count in the histories of the months after it; that it has any gives it a row."""


@gold_table(
    grain=["subject", "subject_id", "sales_month"],
    key="sales_month",
    routes={"sales_by_level_month": [*_MONTHS_AFTER]},
)
def sales_baselines(sales_by_level_month: DataFrame, anomalies: Anomalies) -> DataFrame:
    """One row per product or place and month with sales, if the 12 months before have enough to say what is usual.

    A median is that of the order lines of those months. A scale is the median distance from it over 0.6745, and at
    least the configured one. Less than the share `rare_below` of the lines are above a high.

    subject: STRING. Of what: product or place.
    subject_id: STRING. Which one, as in sales_by_level_month.
    sales_month: STRING. The month for which this is the history, YYYY-MM.
    sales: BIGINT. Number of order lines in the 12 months before.
    value_median: DOUBLE. Natural logarithm of US dollars: a product's of one unit, a place's of a line.
    value_scale: DOUBLE. Of the same.
    value_high: DOUBLE. Of the same.
    quantity_median: DOUBLE. Units of a line.
    quantity_scale: DOUBLE. Units.
    quantity_high: DOUBLE. Units.
    discount_median: DOUBLE. Share of the price that was let off, 0 to 1.
    discount_scale: DOUBLE. Of the same.
    discount_high: DOUBLE. Of the same.
    """
    of_what = ("subject", "subject_id")
    months = sales_by_level_month.select(*of_what, F.col("sales_month").alias("month")).distinct()
    history = sales_by_level_month.join(months, [*of_what], how="inner").filter(
        habits.is_before("sales_month", of="month")
    )
    least = anomalies.least_sales
    return habits.habits(
        history.drop("sales_month").withColumnRenamed("month", "sales_month"),
        [*of_what, "sales_month"],
        least=F.when(F.col("subject") == "product", least.product).otherwise(least.place),
        scales=anomalies.least_scale.model_dump(),
        rare_below=anomalies.rare_below,
    ).select(*of_what, "sales_month", "sales", *habits.figures())
