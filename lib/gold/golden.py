"""The golden record: of what several records say of one person, what counts; each value with the record it is from."""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

GROUPS: dict[str, tuple[str, ...]] = {
    "name": ("full_name", "first_name", "last_name", "prefix"),
    "birth_date": ("birth_date",),
    "gender": ("gender",),
    "email": ("email",),
    "phone": ("phone",),
    "address": ("street", "location_id"),
    "loyalty": ("loyalty_tier", "loyalty_points", "home_region"),
    "household": ("marital_status", "total_children", "home_owner"),
    "work": ("annual_income", "education_level", "occupation"),
}
"""What is taken from one record together: the street of one and the city of another are no address."""

ATTRIBUTES = tuple(name for names in GROUPS.values() for name in names)

Rule = str | Sequence[str]
"""`recent`, `frequent` or `longest`; or the sources, the most trusted one first."""


def golden(held: DataFrame, rules: Mapping[str, Rule]) -> DataFrame:
    """One row per customer and stretch of time in which nothing changed; none for a time in which no record held.

    `held` is what each record says and when: `customer_id`, `record` (`{source}:{key}`), `source`, some of ATTRIBUTES,
    `valid_from`, `valid_to` (NULL: until further notice), `said_at`, when that was said, `is_record`, false for a row
    that only adds to what another one says, and `weight` INT: what weighs more counts, whatever the rule.
    `rules` has one for each of GROUPS. NULL is no value; of equals the newest counts, then the last record by its name,
    then the greatest value. Columns: `customer_id`, ATTRIBUTES, `{group}_source` STRING, `valid_from`, `valid_to`,
    `is_current`.
    """
    counted = _said_in_spans(held).withColumns(
        {
            _times(group): F.count(F.lit(1)).over(Window.partitionBy("customer_id", "_from", GROUPS[group][0]))
            for group, rule in rules.items()
            if rule == "frequent"
        }
    )
    chosen = counted.groupBy("customer_id", "_from", "_to").agg(
        F.bool_or("is_record").alias("_is_known"), *[_choice(group, rules[group]).alias(group) for group in GROUPS]
    )
    values = [F.col(f"{group}.{name}").alias(name) for group, names in GROUPS.items() for name in names]
    sources = [F.col(f"{group}.record").alias(f"{group}_source") for group in GROUPS]
    known = chosen.filter("_is_known")
    return _whole_stretches(known.select("customer_id", F.struct(*values, *sources).alias("_values"), "_from", "_to"))


def _said_in_spans(held: DataFrame) -> DataFrame:
    """What each record says, once for each time, `_from` to `_to`, between two moments at which one begins or ends.

    A customer's records, few, are gathered: to join them with the times would compute twice what they say.
    """
    names = [name for name in held.columns if name != "customer_id"]
    people = held.groupBy("customer_id").agg(F.collect_list(F.struct(*names)).alias("_records"))
    ends = F.flatten(F.transform("_records", lambda record: F.array(record["valid_from"], record["valid_to"])))
    timed = people.withColumn("_moments", F.array_sort(F.array_distinct(F.array_compact(ends))))
    times = F.transform("_moments", lambda at, i: F.struct(at.alias("_from"), F.get("_moments", i + 1).alias("_to")))
    spans = timed.select("customer_id", "_records", F.inline(times))
    said = spans.select(
        "customer_id", "_from", "_to", F.inline(F.filter("_records", lambda record: _holds(record, F.col("_from"))))
    )
    return said.drop("valid_from", "valid_to")


def _holds(record: Column, moment: Column) -> Column:
    goes_on = record["valid_to"].isNull() | (moment < record["valid_to"])
    return (record["valid_from"] <= moment) & goes_on


def _times(group: str) -> str:
    return f"_times_{group}"


def _choice(group: str, rule: Rule) -> Column:
    """The values of the group, and the record that they are from, by its rule."""
    names = GROUPS[group]
    if rule == "recent":
        rank = []
    elif rule == "frequent":
        rank = [F.col(_times(group))]
    elif rule == "longest":
        rank = [F.length(F.col(names[0]).cast("string"))]
    else:
        # a source that is not among them comes after all that are
        place = F.array_position(F.array(*map(F.lit, rule)), F.col("source"))
        rank = [-F.coalesce(F.nullif(place, F.lit(0)), F.lit(len(rule) + 1))]
    # a record may say several things of one moment: the values part these the same way in any order
    order = F.struct("weight", *[each.alias("rank") for each in rank], "said_at", "record", *names)
    has_value: Column = reduce(Column.__or__, [F.col(name).isNotNull() for name in names])
    return F.max(F.when(has_value, order))


def _whole_stretches(spans: DataFrame) -> DataFrame:
    """Of spans that follow one another with the same values one row."""
    in_time = Window.partitionBy("customer_id").orderBy("_from")
    before, ended = F.lag("_values").over(in_time), F.lag("_to").over(in_time)
    of_all = in_time.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    marked = spans.withColumns(
        {
            "_goes_on": F.coalesce(before.eqNullSafe(F.col("_values")) & (ended == F.col("_from")), F.lit(False)),
            "_ended": ended,
            "_last": F.last("_to").over(of_all),
        }
    )
    starts = marked.filter("NOT _goes_on")
    has_next = F.lead("_from").over(in_time).isNotNull()
    return starts.withColumn(
        "valid_to", F.when(has_next, F.lead("_ended").over(in_time)).otherwise(F.col("_last"))
    ).select(
        "customer_id", "_values.*", F.col("_from").alias("valid_from"), "valid_to",
        F.col("valid_to").isNull().alias("is_current"),
    )  # fmt: skip
