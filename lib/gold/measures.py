"""What is measured of a customer's orders. Money in US dollars, DECIMAL; days are whole days."""

from calendar import isleap
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

MONEY = "decimal(19,4)"
RATIO = "decimal(19,6)"
EXACT = "decimal(28,8)"
"""Money before it is rounded: as fact_sales has it."""
_AMOUNTS = ("list_value", "value", "margin")


def until(facts: DataFrame, day: date | None, when: str = "order_date") -> DataFrame:
    """The facts up to a day and on it; all of them if there is none."""
    return facts if day is None else facts.filter(F.col(when) <= F.lit(day))


def orders_of(sales: DataFrame, *parted_by: str) -> DataFrame:
    """One row per order: customer_id, source, channel, order_id, order_date, territory_id, quantity, list_value, value,
    margin.

    An order's date and territory are those of its first line, by date and line number. A line without a price counts
    its units and adds nothing to list_value (the value before the discount), value and margin; a line without a known
    cost adds its value, and nothing to margin. An order whose lines differ in the columns `parted_by` is one order for
    each of their values; the rows have these columns too.
    """
    order = ("customer_id", *parted_by, "source", "channel", "order_id")
    lines = sales.withColumns(
        {
            "list_value": F.expr("CAST(quantity * unit_price AS DECIMAL(24,4))"),
            "value": F.col("total_value"),
            # NULL where price or cost is: what is not known to be profit does not count as such
            "margin": F.col("total_value") - F.col("total_cost"),
        }
    )
    is_whole = F.col("order_lines") == 1
    first_line = F.struct("order_date", "order_line")
    grouped = lines.filter(~F.coalesce(is_whole, F.lit(False))).groupBy(*order)
    of_many = grouped.agg(
        F.min("order_date").alias("order_date"),
        F.min_by("territory_id", first_line).alias("territory_id"),
        F.sum("quantity").alias("quantity"),
        *[_exact(F.sum(amount)).alias(amount) for amount in _AMOUNTS],
    )
    # a line that is an order is one as it stands: what a till sells is spared the shuffle
    of_one = lines.filter(is_whole).select(
        *order,
        "order_date",
        "territory_id",
        F.col("quantity").cast("bigint").alias("quantity"),
        *[_exact(F.col(amount)).alias(amount) for amount in _AMOUNTS],
    )
    return of_many.unionByName(of_one)


def lifetime(orders: DataFrame) -> DataFrame:
    """One row per customer who bought: what all of their orders come to, and the territory of the latest one.

    Columns: customer_id, territory_id, total_orders, total_quantity, total_spend, spend_web, spend_store, total_margin,
    avg_order_value, max_order_value, first_order_date, last_order_date, avg_days_between_orders, longest_gap_days.
    """
    in_time = Window.partitionBy("customer_id").orderBy("order_date", "source", "order_id")
    gaps = orders.withColumn("gap_days", F.date_diff("order_date", F.lag("order_date").over(in_time)))
    latest = F.struct("order_date", "source", "order_id")
    return gaps.groupBy("customer_id").agg(
        F.max_by("territory_id", latest).alias("territory_id"),
        F.count(F.lit(1)).alias("total_orders"),
        F.sum("quantity").alias("total_quantity"),
        _money(F.sum("value")).alias("total_spend"),
        *[
            _money(F.coalesce(F.sum(F.when(F.col("channel") == each, F.col("value"))), F.lit(0))).alias(f"spend_{each}")
            for each in ("web", "store")
        ],
        _money(F.sum("margin")).alias("total_margin"),
        _money(F.avg("value")).alias("avg_order_value"),
        _money(F.max("value")).alias("max_order_value"),
        F.min("order_date").alias("first_order_date"),
        F.max("order_date").alias("last_order_date"),
        F.avg("gap_days").alias("avg_days_between_orders"),
        F.max("gap_days").alias("longest_gap_days"),
    )


def spending(months: DataFrame, sales: DataFrame, as_of: date) -> DataFrame:
    """What `recent_spend` of a day adds up: customer_id, order_date, total_value.

    One row for each of a customer's months, on its first day; only of the months in which a window begins or ends, one
    for each line: so little of a long history is read.
    """
    # a border that is the last day of a month goes through none
    cut = sorted({f"{day:%Y-%m}" for day in _borders(as_of) if (day + timedelta(days=1)).day != 1})
    whole = months.filter(~F.col("sales_month").isin(cut)).select(
        "customer_id", first_day("sales_month").alias("order_date"), "total_value"
    )
    return whole.unionByName(
        sales.filter(F.col("order_month").isin(cut)).select("customer_id", "order_date", "total_value")
    )


def recent_spend(sales: DataFrame, as_of: date) -> DataFrame:
    """One row per customer: spend_last_90_days, spend_last_12_months, spend_previous_12_months, spend_trend.

    A window ends with `as_of` and includes it; it begins on the day after the one 90 days, or 12 months, before. A
    customer of whom no window has a sale has no row.
    """
    last, days_ago, year_ago, two_years_ago = map(F.lit, _borders(as_of))
    day = F.col("order_date")
    recent = sales.filter((day > two_years_ago) & (day <= last))
    windows = recent.groupBy("customer_id").agg(
        _spend_if(day > days_ago).alias("spend_last_90_days"),
        _spend_if(day > year_ago).alias("spend_last_12_months"),
        _spend_if(day <= year_ago).alias("spend_previous_12_months"),
    )
    before = F.col("spend_previous_12_months")
    return windows.withColumn("spend_trend", ratio(F.col("spend_last_12_months") - before, before))


def favourites(sales: DataFrame, products: DataFrame) -> DataFrame:
    """One row per customer who bought: distinct_products, favourite_category.

    The favourite is the category with the most units; of equals the one that most was spent on, then the first by name.
    """
    categories = products.select("product_id", "category")
    bought = sales.join(categories, "product_id", how="left").groupBy("customer_id", "category")
    per_category = bought.agg(
        F.sum("quantity").alias("quantity"),
        F.sum("total_value").alias("value"),
        F.countDistinct("product_id").alias("products"),
    )
    by_preference = Window.partitionBy("customer_id").orderBy(
        F.col("category").isNull(), F.desc("quantity"), F.desc("value"), "category"
    )
    # a product has one category, so that the distinct products of the categories add up
    return (
        per_category.withColumn("place", F.row_number().over(by_preference))
        .groupBy("customer_id")
        .agg(
            F.sum("products").alias("distinct_products"),
            F.max(F.when(F.col("place") == 1, F.col("category"))).alias("favourite_category"),
        )
    )


def standing(buyers: DataFrame) -> DataFrame:
    """The buyers, one row each, and where they stand among all: ranks, shares and the scores of RFM.

    Reads customer_id, country, total_spend, total_orders, last_order_date. Every window puts the best first and ends
    in customer_id, so that equals are parted the same way in all of them: a rank and a score never contradict.
    Scores are quintiles, 5 the best (Hughes, Strategic Database Marketing, 1994).
    """
    everyone = Window.partitionBy()
    by_spend = Window.orderBy(F.desc("total_spend"), "customer_id")
    in_country = Window.partitionBy("country").orderBy(F.desc("total_spend"), "customer_id")
    spend_so_far = by_spend.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    rank, count = F.row_number().over(by_spend), F.count(F.lit(1)).over(everyone)
    share = ratio(F.sum("total_spend").over(spend_so_far), F.sum("total_spend").over(everyone))
    # a window over everyone is one task's work, which is not to carry what it does not look at
    places = buyers.select("customer_id", "country", "total_spend", "total_orders", "last_order_date").select(
        "customer_id",
        rank.alias("spend_rank"),
        F.when(F.col("country").isNotNull(), F.row_number().over(in_country)).alias("spend_rank_in_country"),
        F.coalesce(F.try_divide(count - rank, count - 1), F.lit(1.0)).alias("spend_percentile"),
        share.alias("cumulative_spend_share"),
        _quintile("last_order_date").alias("recency_score"),
        _quintile("total_orders").alias("frequency_score"),
        _quintile("total_spend").alias("monetary_score"),
    )
    return buyers.join(places, "customer_id", how="left")


def rfm_segment() -> Column:
    """The name of a buyer's place in recency, frequency and monetary score; the first line that holds decides."""
    recency, frequency, monetary = F.col("recency_score"), F.col("frequency_score"), F.col("monetary_score")
    worth = frequency + monetary
    return (
        F.when(recency.isNull(), "Never bought")
        .when((recency >= 4) & (worth >= 8), "Champions")
        .when((recency >= 3) & (worth >= 7), "Loyal")
        .when((recency >= 4) & (worth <= 4), "New")
        .when(recency >= 4, "Promising")
        .when((recency <= 2) & (worth >= 8), "Cannot lose")
        .when(recency == 3, "Needs attention")
        .when((recency == 2) | (worth >= 6), "At risk")
        .otherwise("Lost")
    )


def year_month(day: str | Column) -> Column:
    """A day's month as YYYY-MM."""
    return F.date_format(day, "yyyy-MM")


def first_day(month: str) -> Column:
    """The first day of a month that is written YYYY-MM."""
    return F.to_date(F.concat(F.col(month), F.lit("-01")))


def age(as_of: Column) -> Column:
    """Whole years from birth_date to a day. Who was born on 29 February turns on 28 February in other years."""
    return F.floor(F.months_between(as_of, "birth_date") / 12).cast("int")


def ratio(part: Column, whole: Column) -> Column:
    """part / whole, rounded once; NULL where the whole is 0.

    Of two DECIMAL(38,8) Spark gives a quotient of the six digits of RATIO. Of others it gives one of more digits, which
    would be rounded a second time: 0.5469064996 to 0.546906500, and that to 0.546907.
    """
    wide = "decimal(38,8)"
    return F.try_divide(part.cast(wide), whole.cast(wide)).cast(RATIO)


def _borders(as_of: date) -> tuple[date, date, date, date]:
    """The last day of the windows of recent spend, and the days before the first ones of 90 days, 12 and 24 months."""
    return as_of, as_of - timedelta(days=90), _years_before(as_of, 1), _years_before(as_of, 2)


def _years_before(day: date, years: int) -> date:
    # of 29 February the 28th, where the year has no 29th
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - years, day=28 if is_leap_day and not isleap(day.year - years) else day.day)


def _quintile(measure: str) -> Column:
    return 6 - F.ntile(5).over(Window.orderBy(F.desc(measure), "customer_id"))


def or_zero(measure: str, type_name: str = MONEY) -> Column:
    """A measure under its name, 0 where there is none."""
    return F.coalesce(F.col(measure), F.lit(0)).cast(type_name).alias(measure)


def _spend_if(condition: Column) -> Column:
    return _money(F.coalesce(F.sum(F.when(condition, F.col("total_value"))), F.lit(0)))


def _exact(amount: Column) -> Column:
    return F.coalesce(amount, F.lit(0)).cast(EXACT)


def _money(amount: Column) -> Column:
    return amount.cast(MONEY)
