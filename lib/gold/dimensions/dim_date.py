"""dim_date: when it happened."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.registry import gold_table


@gold_table(grain=["date"])
def dim_date(
    adventureworks_calendar: DataFrame,
    adventureworks_sales: DataFrame,
    adventureworks_returns: DataFrame,
    crm_interactions: DataFrame,
    crm_payments: DataFrame,
    pos_sales: DataFrame,
) -> DataFrame:
    """One row per day, without gaps, from the first to the last day of the calendar and of all facts.

    date: DATE. The day.
    year: INT. Calendar year.
    quarter: INT. 1 to 4.
    month: INT. 1 to 12.
    month_name: STRING. January to December.
    year_month: STRING. YYYY-MM.
    iso_week: INT. Week of the ISO 8601 year, 1 to 53.
    day_of_month: INT. 1 to 31.
    day_of_week: INT. ISO 8601: 1 Monday to 7 Sunday.
    day_name: STRING. Monday to Sunday.
    is_weekend: BOOLEAN. Saturday or Sunday.
    in_calendar: BOOLEAN. False where the retailer's calendar does not have the day.
    """
    calendar = adventureworks_calendar.select("date").distinct()
    sold = adventureworks_sales.select(F.col("order_date").alias("date"))
    returned = adventureworks_returns.select(F.col("return_date").alias("date"))
    rung_up = pos_sales.select(F.to_date("sold_at").alias("date"))
    contacted = crm_interactions.select(F.to_date("started_at").alias("date"))
    paid = crm_payments.select(F.col("paid_on").alias("date"))
    every_day = calendar.union(sold).union(returned).union(rung_up).union(contacted).union(paid)
    bounds = every_day.agg(F.min("date").alias("first"), F.max("date").alias("last"))
    days = bounds.filter("first IS NOT NULL").select(F.explode(F.sequence("first", "last")).alias("date"))
    marked = days.join(calendar.withColumn("in_calendar", F.lit(True)), "date", how="left")
    return marked.select(
        "date",
        F.year("date").alias("year"),
        F.quarter("date").alias("quarter"),
        F.month("date").alias("month"),
        F.date_format("date", "MMMM").alias("month_name"),
        F.date_format("date", "yyyy-MM").alias("year_month"),
        F.weekofyear("date").alias("iso_week"),
        F.dayofmonth("date").alias("day_of_month"),
        (F.weekday("date") + 1).alias("day_of_week"),
        F.date_format("date", "EEEE").alias("day_name"),
        (F.weekday("date") >= 5).alias("is_weekend"),
        F.coalesce("in_calendar", F.lit(False)).alias("in_calendar"),
    )
