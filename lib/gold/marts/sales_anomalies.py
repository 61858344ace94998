"""sales_anomalies: sales and refunds that somebody should look at, and why."""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lib.gold import habits
from lib.gold.measures import MONEY, year_month
from lib.gold.registry import Keep, as_they_are, gold_table
from lib.gold.routes import Via
from lib.lakehouse import Anomalies

_SUBJECTS = ("product", "place", "customer")
_DECIDES = {"value": ("product",), "quantity": ("product", "place"), "discount": ("place",)}
"""Whose history decides on a measure, the first that has one: how many and at what price is the good's own."""
_EXCUSES = {"value": (), "quantity": ("customer",), "discount": ("product", "customer")}
"""For whom it must not be usual: who always buys by the dozen may go on."""
_OF_A_SALE = (
    "customer_id", "product_id", "store_id", "sales_person_id", "channel", "country", "quantity", "discount",
)  # fmt: skip
"""What an anomaly says of its sale as fact_sales has it."""
_OF_A_DAY = ("orders", "countries")
_YEAR = 365


@gold_table(
    grain=["source", "event", "event_id", "event_line"],
    key="customer_id",
    routes={
        "dim_territories": Via("fact_sales", here="territory_id", there="territory_id", reads=("country",)),
        "fact_payments": "customer_id",
        "fact_sales": "customer_id",
        "sales_baselines": [
            Via(
                "fact_sales",
                here=f"CASE WHEN subject = '{subject}' THEN concat(subject_id, '/', sales_month) END",
                there=f"concat({subject_id}, '/', order_month)",
                reads=(*habits.figures(),),
            )
            for subject, subject_id in (("product", "product_id"), ("place", habits.PLACE))
        ],
    },
    is_sparse=True,
)
def sales_anomalies(
    dim_territories: DataFrame,
    fact_payments: DataFrame,
    fact_sales: DataFrame,
    sales_baselines: DataFrame,
    anomalies: Anomalies,
    keep: Keep = as_they_are,
) -> DataFrame:
    """One row per order line, or refund, that is suspicious by the limits of `anomalies`.

    A sale is compared with the 12 months before its own: of the product, of the store (or web shop of the territory),
    and of the customer. Sales of one day are judged together, as are refunds that come close together. A modified
    z-score is NULL where the history is too short to say anything.

    source: STRING. The system that has it on record.
    event: STRING. sale or refund.
    event_id: STRING. Of a sale order_id of fact_sales, of a refund payment_id of fact_payments.
    event_line: INT. The line's number within the order; 0 for a refund.
    customer_id: STRING. Whose: dim_customers.
    product_id: STRING. What was sold: dim_products; NULL for a refund.
    store_id: STRING. In which store: dim_stores; NULL for web and refunds.
    sales_person_id: STRING. Who sold: dim_sales_people; NULL for web and refunds.
    channel: STRING. How it was sold: web or store; NULL for a refund.
    country: STRING. Country of the sale's territory; NULL for a refund.
    quantity: INT. Units; NULL for a refund.
    discount: DECIMAL(5,4). Share of the price that was let off; NULL for a refund.
    value: DECIMAL(19,4). total_value of the sale, amount_base of the refund, US dollars.
    kinds: ARRAY<STRING>. What is suspicious of it, in order: discount, geography, quantity, refunds, value, velocity.
    reasons: ARRAY<STRING>. Why, in words and figures.
    severity: STRING. low, medium (strength from `medium_from`) or high (from `high_from`); one more with a second kind,
      high with a third.
    strength: DOUBLE. How many times its limit it is, the most of all kinds.
    value_z_product: DOUBLE. Modified z-score of the logarithm of the value of a unit among the product's sales.
    value_z_place: DOUBLE. That of the logarithm of the value among the store's.
    value_z_customer: DOUBLE. The same among the customer's.
    quantity_z_product: DOUBLE. Modified z-score of the quantity among the product's sales.
    quantity_z_place: DOUBLE. The same among the store's.
    quantity_z_customer: DOUBLE. The same among the customer's.
    discount_z_product: DOUBLE. Modified z-score of the discount among the product's sales.
    discount_z_place: DOUBLE. The same among the store's.
    discount_z_customer: DOUBLE. The same among the customer's.
    event_date: DATE. When.
    event_month: STRING. Month of event_date, YYYY-MM.
    """
    places = dim_territories.select("territory_id", "country")
    sold = habits.with_levels(fact_sales).join(places, "territory_id", how="left")
    days = _days(sold)
    compared = _with_baselines(sold, sales_baselines, anomalies)
    suspects = keep(_worth_a_look(compared, days, anomalies))
    history = keep(_history(suspects, sold))
    sales = _judged(_with_habits(suspects, history, anomalies), anomalies)
    return sales.unionByName(_refunds(fact_payments, anomalies), allowMissingColumns=True).select(
        "source",
        "event",
        "event_id",
        "event_line",
        *_OF_A_SALE,
        "value",
        F.array_sort("kinds").alias("kinds"),
        "reasons",
        _severity(anomalies).alias("severity"),
        "strength",
        *[f"{measure}_z_{subject}" for measure in habits.OF_A_SALE for subject in _SUBJECTS],
        "event_date",
        year_month("event_date").alias("event_month"),
    )


def _with_baselines(sold: DataFrame, baselines: DataFrame, anomalies: Anomalies) -> DataFrame:
    """The sales, compared with the sales of their products and places."""
    for subject in ("product", "place"):
        figures = [F.col(name).alias(f"{subject}_{name}") for name in habits.figures()]
        of_subject = baselines.filter(F.col("subject") == subject).select(
            F.col("subject_id").alias(f"{subject}_id"), F.col("sales_month").alias("order_month"), *figures
        )
        with_figures = sold.join(of_subject, [f"{subject}_id", "order_month"], how="left")
        sold = _compared(with_figures, subject, anomalies)
    return sold


def _days(sold: DataFrame) -> DataFrame:
    """One row per customer and day with sales: the number of orders, and the countries of the stores, in order."""
    in_store = F.when(F.col("channel") == "store", F.col("country"))
    return (
        sold.filter("customer_id IS NOT NULL")
        .groupBy("customer_id", "order_month", "order_date")
        .agg(
            F.count_distinct("source", "order_id").alias("day_orders"),
            F.array_sort(F.collect_set(in_store)).alias("day_countries"),
        )
    )


def _worth_a_look(sold: DataFrame, days: DataFrame, anomalies: Anomalies) -> DataFrame:
    """The few sales that can be suspicious, whatever the customer's own history says of them; with their days."""
    is_many = F.col("day_orders") >= anomalies.orders_of_a_day
    of_interest = days.filter((is_many | (F.size("day_countries") > 1)) & (F.col("day_orders") < anomalies.nobody_from))
    both = sold.join(of_interest, ["customer_id", "order_month", "order_date"], how="left")
    is_far = reduce(Column.__or__, [_decided(measure) for measure in habits.OF_A_SALE])
    return both.filter(is_far | F.col("day_orders").isNotNull())


def _history(sales: DataFrame, sold: DataFrame) -> DataFrame:
    """Of the customers of some sales all sales of the 12 months before theirs, under the month that comes after."""
    months = sales.select("customer_id", F.col("order_month").alias("month")).distinct()
    before = sold.join(months, "customer_id", how="inner").filter(habits.is_before("order_month", of="month"))
    return before.select(
        "customer_id", F.col("month").alias("order_month"), "order_date", "source", "order_id", "channel", "country",
        *[f"{each}_level" for each in habits.OF_A_SALE],
    )  # fmt: skip


def _with_habits(sales: DataFrame, history: DataFrame, anomalies: Anomalies) -> DataFrame:
    """The sales with what is usual for the customer at that time, and `home`, the country where the customer buys."""
    by = ["customer_id", "order_month"]
    of_sales = habits.by_measure(history, *by, levels={each: f"{each}_level" for each in habits.OF_A_SALE})
    of_days = habits.by_measure(
        _days(history), *by, levels={"orders": "day_orders", "countries": "size(day_countries)"}
    )
    usual = habits.habits(
        of_sales.unionByName(of_days).withColumn("sales", F.lit(1)),
        by,
        least=F.when(F.col("measure").isin(*_OF_A_DAY), 1).otherwise(anomalies.least_sales.customer),
        scales=anomalies.least_scale.model_dump() | dict.fromkeys(_OF_A_DAY, 1.0),
        rare_below=anomalies.rare_below,
    )
    in_stores = history.filter("channel = 'store' AND country IS NOT NULL")
    homes = in_stores.groupBy(*by).agg(F.mode("country", deterministic=True).alias("home"))
    figures = [F.col(name).alias(f"customer_{name}") for name in habits.figures((*habits.OF_A_SALE, *_OF_A_DAY))]
    known = sales.join(usual.select(*by, *figures), by, how="left").join(homes, by, how="left")
    return _compared(known, "customer", anomalies)


def _compared(sales: DataFrame, subject: str, anomalies: Anomalies) -> DataFrame:
    """The sales with their z-scores in a subject's history, and whether they are far and rare there; NULL: unknown."""
    scores, verdicts = {}, {}
    for measure in habits.OF_A_SALE:
        median, scale, high = (F.col(f"{subject}_{name}") for name in habits.figures([measure]))
        level = F.col(habits.level(measure, subject)).cast("double")
        score = f"{measure}_z_{subject}"
        scores[score] = (level - median) / scale
        verdicts[f"is_{measure}_unusual_{subject}"] = (F.col(score) > anomalies.z_above) & (level > high)
    return sales.withColumns(scores).withColumns(verdicts)


def _decided(measure: str) -> Column:
    """Is the measure unusual for the first of those that decide on it of whom something is known?"""
    return F.coalesce(*[f"is_{measure}_unusual_{each}" for each in _DECIDES[measure]], F.lit(False))


def _is_excused(measure: str) -> Column:
    """Is it known to be usual for one of those for whom it must not be?"""
    verdicts = [F.coalesce(~F.col(f"is_{measure}_unusual_{each}"), F.lit(False)) for each in _EXCUSES[measure]]
    return reduce(Column.__or__, verdicts, F.lit(False))


def _judged(sales: DataFrame, anomalies: Anomalies) -> DataFrame:
    """The suspicious ones among the sales: kinds, reasons, strength and z-scores."""
    is_of_kind = {
        **{measure: _decided(measure) & ~_is_excused(measure) for measure in habits.OF_A_SALE},
        "velocity": _is_velocity(anomalies),
        "geography": _is_elsewhere(),
    }
    strengths = {
        **{
            measure: F.coalesce(*[f"{measure}_z_{each}" for each in of]) / anomalies.z_above
            for measure, of in _DECIDES.items()
        },
        "velocity": F.col("day_orders") / anomalies.orders_of_a_day,
        "geography": F.size("day_countries").cast("double"),
    }
    reasons = [
        F.when(F.col(f"is_{measure}") & F.col(f"is_{measure}_unusual_{each}"), _in_words(measure, each))
        for measure in habits.OF_A_SALE
        for each in _SUBJECTS
    ]
    reasons += [F.when(F.col("is_velocity"), _many_orders()), F.when(F.col("is_geography"), _two_countries())]
    named = sales.withColumns({f"is_{kind}": is_so for kind, is_so in is_of_kind.items()})
    return named.filter(" OR ".join(f"is_{kind}" for kind in is_of_kind)).select(
        "source",
        F.lit("sale").alias("event"),
        F.col("order_id").alias("event_id"),
        F.col("order_line").alias("event_line"),
        *_OF_A_SALE,
        F.col("total_value").cast(MONEY).alias("value"),
        F.array_compact(F.array(*[F.when(F.col(f"is_{kind}"), kind) for kind in is_of_kind])).alias("kinds"),
        F.array_compact(F.array(*reasons)).alias("reasons"),
        F.greatest(*[F.when(F.col(f"is_{kind}"), each) for kind, each in strengths.items()]).alias("strength"),
        *[f"{measure}_z_{each}" for measure in habits.OF_A_SALE for each in _SUBJECTS],
        F.col("order_date").alias("event_date"),
    )


def _is_velocity(anomalies: Anomalies) -> Column:
    """More orders on the day than is usual for anybody and, as far as that is known, for the customer."""
    orders = F.col("day_orders")
    z_score = (orders - F.col("customer_orders_median")) / F.col("customer_orders_scale")
    is_usual = (z_score <= anomalies.z_above) | (orders <= F.col("customer_orders_high"))
    return F.coalesce(orders >= anomalies.orders_of_a_day, F.lit(False)) & ~F.coalesce(is_usual, F.lit(False))


def _is_elsewhere() -> Column:
    """In a store away from the customer's country on a day with sales in two, unless most days of the customer are so.

    Where nobody knows which country that is, or the customer was not there that day, it is each of the day's.
    """
    is_at_home = (F.col("country") == F.col("home")) & F.array_contains("day_countries", F.col("home"))
    is_two = (F.size("day_countries") > 1) & (F.coalesce("customer_countries_median", F.lit(1.0)) <= 1)
    return F.coalesce(is_two & (F.col("channel") == "store"), F.lit(False)) & ~F.coalesce(is_at_home, F.lit(False))


def _in_words(measure: str, subject: str) -> Column:
    """What it is, and what is usual for the subject."""
    whose = {
        "product": F.lit("for this product"),
        "place": F.when(F.col("channel") == "web", "in the web shop there").otherwise("in this store"),
        "customer": F.lit("for this customer"),
    }[subject]
    median, high = (F.col(f"{subject}_{measure}_{figure}") for figure in ("median", "high"))
    if measure == "value":
        said, unit = F.exp(F.col(habits.level(measure, subject)).cast("double")), " dollars"
        unit += " a unit" if subject == "product" else ""
        said, usual, rare = (_number(each, "#,##0.00") for each in (said, F.exp(median), F.exp(high)))
    elif measure == "quantity":
        said, usual, rare = (_number(each, "#,##0.##") for each in (F.col("quantity"), median, high))
        unit = " units"
    else:
        said, usual, rare = (_number(100 * each, "0.##") for each in (F.col("discount"), median, high))
        unit = " % off"
    return F.concat(
        said, F.lit(f"{unit}; "), whose, F.lit(" "), usual, F.lit(" is usual, more than "), rare, F.lit(" rare")
    )


def _number(amount: Column, pattern: str) -> Column:
    return F.call_function("format_number", amount, F.lit(pattern))


def _many_orders() -> Column:
    usual = F.concat(F.lit("; the customer's days have "), _number(F.col("customer_orders_median"), "0.#"))
    return F.concat(F.col("day_orders"), F.lit(" orders on one day"), F.coalesce(usual, F.lit("")))


def _two_countries() -> Column:
    home = F.concat(F.lit("; the customer is usually in "), F.col("home"))
    return F.concat(
        F.lit("in stores of "),
        F.array_join("day_countries", " and "),
        F.lit(" on one day"),
        F.coalesce(home, F.lit("")),
    )


def _refunds(payments: DataFrame, anomalies: Anomalies) -> DataFrame:
    """Refunds that are among many of the customer's within some days, if these are much of what the customer paid."""
    in_time = Window.partitionBy("customer_id").orderBy(F.unix_date("payment_date"))
    so_far, to_come = (
        in_time.rangeBetween(1 - anomalies.refund_days, Window.currentRow),
        in_time.rangeBetween(Window.currentRow, anomalies.refund_days - 1),
    )
    is_refund = F.col("type") == "refund"
    refunded = F.when(is_refund, F.col("amount_base"))
    paid = F.sum(F.when(~is_refund, F.col("amount_base"))).over(in_time.rangeBetween(-_YEAR, Window.currentRow))
    runs = payments.filter("status <> 'failed' AND customer_id IS NOT NULL").select(
        "*",
        F.count(refunded).over(so_far).alias("count"),
        F.sum(refunded).over(so_far).cast(MONEY).alias("refunded"),
        F.coalesce(paid, F.lit(0)).cast(MONEY).alias("paid"),
    )
    is_much = F.col("refunded") > F.lit(anomalies.refund_share).cast("double") * F.col("paid")
    run = F.when((F.col("count") >= anomalies.refunds) & is_much, F.struct("count", "refunded", "paid"))
    found = runs.withColumn("run", F.max(run).over(to_come)).filter(is_refund & F.col("run").isNotNull())
    reason = F.concat(
        *[F.col("run.count"), F.lit(f" refunds within {anomalies.refund_days} days, ")],
        *[
            _number(F.col("run.refunded"), "#,##0.00"),
            F.lit(" dollars; paid in the year before: "),
            _number(F.col("run.paid"), "#,##0.00"),
        ],
    )
    return found.select(
        "source",
        F.lit("refund").alias("event"),
        F.col("payment_id").alias("event_id"),
        F.lit(0).alias("event_line"),
        "customer_id",
        F.col("amount_base").cast(MONEY).alias("value"),
        F.array(F.lit("refunds")).alias("kinds"),
        F.array(reason).alias("reasons"),
        (F.col("run.count") / anomalies.refunds).alias("strength"),
        F.col("payment_date").alias("event_date"),
    )


def _severity(anomalies: Anomalies) -> Column:
    strength, kinds = F.col("strength"), F.size("kinds")
    return (
        F.when((strength >= anomalies.high_from) | (kinds > 2), "high")
        .when((strength >= anomalies.medium_from) & (kinds > 1), "high")
        .when((strength >= anomalies.medium_from) | (kinds > 1), "medium")
        .otherwise("low")
    )
