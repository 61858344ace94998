"""mart_sales_team: how the sales people of the stores do, month by month."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.ids import UNKNOWN
from lib.gold.registry import gold_table
from lib.lakehouse import IncentiveTier

_PAIR = ("store_id", "sales_person_id")


@gold_table(grain=["store_id", "sales_person_id", "sales_month"])
def mart_sales_team(
    dim_sales_people: DataFrame,
    sales_anomalies: DataFrame,
    sales_by_person_month: DataFrame,
    incentive_tiers: Sequence[IncentiveTier],
) -> DataFrame:
    """One row per store, sales person and month, from the first to the last month in which the person sold there.

    Only sales of channel store. A month between the first and the last without a sale has a row, with zeros. Sales
    without a store or a sales person are those of `unknown`, so that total_sales adds up to the store sales of
    fact_sales. Who sells in two stores has rows in each, and each measure is that of the person in that store.

    store_id: STRING. Where it was sold: dim_stores; `unknown` where the sale does not say.
    sales_person_id: STRING. Who sold: dim_sales_people; `unknown` where the sale does not say.
    full_name: STRING. Name of the sales person; NULL for `unknown` and for whom only a sale names.
    sales_month: STRING. The month, YYYY-MM.
    total_sales: DECIMAL(19,4). Value of the month's orders, US dollars; 0 in a month without one.
    avg_sales_per_month: DECIMAL(19,4). Sales of all months from first_sale_month to last_sale_month over their number,
      those without a sale included, US dollars; the same in all of these months.
    incentive: DECIMAL(19,4). What the month's sales earn the person, US dollars: the rate of the last of
      `incentive_tiers` that they reach, on all of them; 0 below the first tier, NULL for `unknown`.
    sales_growth_rate: DECIMAL(19,6). Growth over the calendar month before, 0.5 is +50 %; NULL where that had no sales.
    top_performance_rank: INT. Place by total_sales among the known sales people of the store in the month, 1 the best;
      equals by sales_person_id; NULL for `unknown`.
    year_to_date_sales: DECIMAL(19,4). Sales from January of the year to the month, US dollars.
    month_over_month_variance: DECIMAL(19,4). Sales less those of the calendar month before, US dollars; a month before
      without a sale counts as 0.
    first_sale_month: STRING. First month with a sale of the person in the store, YYYY-MM.
    last_sale_month: STRING. Last month with a sale of the person in the store, YYYY-MM.
    total_transactions: BIGINT. Number of the month's orders.
    avg_transaction_value: DECIMAL(19,4). Mean value of an order of the month, US dollars; NULL without one.
    max_single_transaction: DECIMAL(19,4). Value of the largest order of the month, US dollars; NULL without one.
    sales_contribution_percentage: DECIMAL(19,6). Share of the store's sales of the month, in percent, 0 to 100; NULL
      where the store had none.
    suspicious_sales: BIGINT. Number of the month's order lines in sales_anomalies.
    """
    people = dim_sales_people.select("sales_person_id", F.col("name").alias("full_name"))
    months = _compared(_without_gaps(_months_with_sales(sales_by_person_month)))
    is_known = F.col("sales_person_id") != UNKNOWN
    suspicious = _suspicious(sales_anomalies)
    named = months.join(people, "sales_person_id", how="left")
    return named.join(suspicious, [*_PAIR, "month"], how="left").select(
        *_PAIR,
        "full_name",
        measures.year_month("month").alias("sales_month"),
        _money("sales", "total_sales"),
        _money("avg_sales_per_month"),
        F.when(is_known, F.col("sales") * _rate(F.col("sales"), incentive_tiers))
        .cast(measures.MONEY)
        .alias("incentive"),
        measures.ratio(F.col("sales") - F.col("before"), F.col("before")).alias("sales_growth_rate"),
        F.when(is_known, F.col("place")).alias("top_performance_rank"),
        _money("year_to_date_sales"),
        (F.col("sales") - F.col("before")).cast(measures.MONEY).alias("month_over_month_variance"),
        measures.year_month("first_month").alias("first_sale_month"),
        measures.year_month("last_month").alias("last_sale_month"),
        "total_transactions",
        F.try_divide("sales", "total_transactions").cast(measures.MONEY).alias("avg_transaction_value"),
        _money("largest", "max_single_transaction"),
        measures.ratio(100 * F.col("sales"), F.col("sales_of_store")).alias("sales_contribution_percentage"),
        measures.or_zero("suspicious_sales", "bigint"),
    )


def _months_with_sales(sales: DataFrame) -> DataFrame:
    """The same rows; `month` is the first day of each, `sales` and `largest` what was sold in it."""
    return sales.select(
        *_PAIR,
        measures.first_day("sales_month").alias("month"),
        F.col("total_value").alias("sales"),
        "total_transactions",
        F.col("max_order_value").alias("largest"),
    )


def _suspicious(anomalies: DataFrame) -> DataFrame:
    """One row per store, sales person and first day of a month with suspicious sales in stores: how many."""
    # what says neither store nor person may have been sold in the web shop
    in_store = anomalies.filter("event = 'sale' AND channel = 'store'")
    named = in_store.withColumns({member: F.coalesce(member, F.lit(UNKNOWN)) for member in _PAIR})
    return named.groupBy(*_PAIR, measures.first_day("event_month").alias("month")).agg(
        F.count(F.lit(1)).alias("suspicious_sales")
    )


def _without_gaps(months: DataFrame) -> DataFrame:
    """The months, and after each one those without a sale that come before the next."""
    in_time = Window.partitionBy(*_PAIR).orderBy("month")
    until = F.coalesce(F.add_months(F.lead("month").over(in_time), -1), "month")
    stretches = months.withColumn("stretch", F.sequence("month", until, F.expr("INTERVAL 1 MONTH"))).drop("month")
    is_sold = F.col("pos") == 0
    return stretches.select("*", F.posexplode("stretch").alias("pos", "month")).select(
        *_PAIR,
        "month",
        F.when(is_sold, F.col("sales")).otherwise(F.lit(0)).cast(measures.EXACT).alias("sales"),
        F.when(is_sold, F.col("total_transactions")).otherwise(F.lit(0)).alias("total_transactions"),
        F.when(is_sold, F.col("largest")).alias("largest"),
    )


def _compared(months: DataFrame) -> DataFrame:
    """The months, without gaps, beside the other months of the pair and the other people of the store."""
    pair = Window.partitionBy(*_PAIR)
    in_time = pair.orderBy("month")
    in_year = Window.partitionBy(*_PAIR, F.year("month")).orderBy("month")
    to_month = in_year.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    store = Window.partitionBy("store_id", "month")
    by_sales = store.orderBy(F.col("sales_person_id") == UNKNOWN, F.desc("sales"), "sales_person_id")
    return months.select(
        "*",
        F.avg("sales").over(pair).alias("avg_sales_per_month"),
        F.lag("sales", 1, 0).over(in_time).cast(measures.EXACT).alias("before"),
        F.row_number().over(by_sales).alias("place"),
        F.sum("sales").over(to_month).alias("year_to_date_sales"),
        F.min("month").over(pair).alias("first_month"),
        F.max("month").over(pair).alias("last_month"),
        F.sum("sales").over(store).alias("sales_of_store"),
    )


def _rate(sales: Column, tiers: Sequence[IncentiveTier]) -> Column:
    """The rate of the last tier that the sales reach, the tiers ascending; 0 below the first."""

    def or_higher(rate: Column, tier: IncentiveTier) -> Column:
        return F.when(sales >= F.lit(tier.from_), F.lit(tier.rate)).otherwise(rate)

    return reduce(or_higher, tiers, F.lit(0)).cast("decimal(7,6)")


def _money(amount: str, name: str | None = None) -> Column:
    return F.col(amount).cast(measures.MONEY).alias(name or amount)
