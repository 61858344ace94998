"""What is usual, from what came before, and how far from it a sale is.

Far is measured by the modified z-score, 0.6745 × (x − median) / MAD, where MAD is the median of the distances from the
median; 3.5 is the usual cut (Iglewicz & Hoaglin, How to Detect and Handle Outliers, 1993). Mean and standard deviation
would be moved by what is looked for. Where most sales are alike the MAD is 0; a configured least scale stands in for
it. What comes in a few steps, as discounts do, is no bell curve: a sale must be rare too, above a high quantile of the
same history.
"""

from collections.abc import Collection, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lib.gold.measures import first_day, year_month

OF_A_SALE = ("value", "quantity", "discount")
"""The measures of a sale. A value's level is its natural logarithm, since twice as much is as far at any price."""
HISTORY_MONTHS = 12
"""The calendar months before a sale's own that it is compared with: a later sale never changes what was said of it."""
PLACE = "CASE channel WHEN 'web' THEN concat('web/', territory_id) ELSE store_id END"
"""SQL over fact_sales: the store, or the web shop of a territory."""

_MAD_OF_A_STANDARD_NORMAL = 0.6745
_LEVEL = "decimal(12,4)"
_FIGURES = ("median", "scale", "high")


def figures(measures: Collection[str] = OF_A_SALE) -> list[str]:
    """The columns `{measure}_median`, `{measure}_scale`, `{measure}_high` of `habits`."""
    return [f"{measure}_{figure}" for measure in measures for figure in _FIGURES]


def with_levels(sales: DataFrame) -> DataFrame:
    """Lines of fact_sales with `place_id` and the levels of their measures, those of value also of one unit.

    value_level, unit_value_level, quantity_level, discount_level: NULL where there is none to be had.
    """
    return sales.withColumns(
        {
            "place_id": F.expr(PLACE),
            "value_level": F.when(F.col("total_value") > 0, F.ln("total_value")).cast(_LEVEL),
            "unit_value_level": F.when(
                (F.col("total_value") > 0) & (F.col("quantity") > 0),
                F.ln(F.col("total_value").cast("double") / F.col("quantity")),
            ).cast(_LEVEL),
            "quantity_level": F.col("quantity").cast(_LEVEL),
            "discount_level": F.col("discount").cast(_LEVEL),
        }
    )


def level(measure: str, subject: str) -> str:
    """The column of `with_levels` by which a sale is compared: how many are bought is another measure of a product."""
    return "unit_value_level" if (measure, subject) == ("value", "product") else f"{measure}_level"


def by_measure(rows: DataFrame, *keep: str, levels: Mapping[str, str]) -> DataFrame:
    """One row per row and measure whose level it has: the columns `keep`, `measure`, `level`.

    `levels` are SQL by measure.
    """
    pairs = ", ".join(f"'{measure}', CAST({each} AS {_LEVEL})" for measure, each in levels.items())
    return rows.select(*keep, F.expr(f"stack({len(levels)}, {pairs}) AS (measure, level)")).filter("level IS NOT NULL")


def habits(
    history: DataFrame, by: Sequence[str], *, least: Column, scales: Mapping[str, float], rare_below: float
) -> DataFrame:
    """One row per value of the columns `by`: sales, and of each measure in `scales` median, scale and high.

    `history` has one row per value of `by`, measure and level, or several: how many `sales` were at that level. A
    z-score is (level − median) / scale; `high` is the quantile above which the share `rare_below` of the sales are at
    most. A measure with fewer sales than `least`, over the columns `by`, says nothing: NULL, and no row without any.
    """
    # no more rows to a group than it has levels, however many sales
    levels = history.groupBy(*by, "measure", "level").agg(F.sum("sales").alias("sales"))
    half, of = F.lit(0.5), Window.partitionBy(*by, "measure")
    around = levels.withColumn("median", F.percentile("level", half, F.col("sales")).over(of))
    distance = F.abs(F.col("level").cast("double") - F.col("median"))
    least_scale = F.coalesce(*[F.when(F.col("measure") == name, F.lit(scale)) for name, scale in scales.items()])
    measured = around.groupBy(*by, "measure").agg(
        F.sum("sales").alias("sales"),
        F.max("median").alias("median"),
        (F.percentile(distance, half, F.col("sales")) / _MAD_OF_A_STANDARD_NORMAL).alias("scale"),
        F.percentile("level", F.lit(1 - rare_below), F.col("sales")).alias("high"),
    )
    known = measured.filter(F.col("sales") >= least).withColumn("scale", F.greatest("scale", least_scale))
    return known.groupBy(*by).agg(
        F.max("sales").alias("sales"),
        *[
            F.max(F.when(F.col("measure") == measure, F.col(figure))).alias(f"{measure}_{figure}")
            for measure in scales
            for figure in _FIGURES
        ],
    )


def is_before(month: str, of: str) -> Column:
    """Is a month, YYYY-MM, of the history of another one?"""
    first = year_month(F.add_months(first_day(of), -HISTORY_MONTHS))
    return (F.col(month) < F.col(of)) & (F.col(month) >= first)
