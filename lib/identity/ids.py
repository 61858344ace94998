"""Ids of people: minted once, derived from nothing, and kept whatever comes. Transforms only."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

DIGITS = 9
"""Of the number in an id; ids of one length sort by age."""


def assigned(members: DataFrame, *, minted: int) -> DataFrame:
    """One row per record: `key`, `customer_id`, `before` (its id so far, NULL for a new record), `event`.

    `members` are records with `component`, `before`, and `born` BIGINT, the run in which the record came: all records
    of the components, and all that have one of their ids. `minted` is how many ids there are.

    An id goes on in the component that has the oldest of its records. A component keeps the oldest id that goes on in
    it; one in which none does gets a new id. `event` is NULL where the id stays, else `created` (a new record, a new
    id), `joined` (a new record of a known person), `merged` (the person had two ids; the older survives) or `split`
    (the id goes on elsewhere).
    """
    age = F.struct("born", "key")
    goes_on = members.filter("before IS NOT NULL").groupBy("before").agg(F.min_by("component", age).alias("component"))
    kept = goes_on.groupBy("component").agg(F.min("before").alias("kept"))
    clusters = members.groupBy("component").agg(F.min(age).alias("oldest")).join(kept, "component", how="left")
    # the known ones first, so that the others are counted from 1
    number = F.row_number().over(Window.orderBy(F.col("kept").isNotNull(), "oldest")) + minted
    named = clusters.select("component", "kept", F.coalesce("kept", new_id(number)).alias("customer_id"))
    places = goes_on.select("before", F.col("component").alias("place"))
    both = members.join(named, "component").join(places, "before", how="left")
    is_new, stays = F.col("before").isNull(), F.col("before") == F.col("customer_id")
    event = (
        F.when(stays, None)
        .when(is_new & F.col("kept").isNull(), "created")
        .when(is_new, "joined")
        .when(F.col("place") == F.col("component"), "merged")
        .otherwise("split")
    )
    return both.select("key", "customer_id", "before", event.alias("event"))


def new_id(number: Column) -> Column:
    """The id of a number, counted from 1: K000000001."""
    return F.concat(F.lit("K"), F.lpad(number.cast("string"), DIGITS, "0"))


def number_of(customer_id: str | None) -> int:
    """The number of an id; 0 where there is none yet."""
    return int(customer_id[1:]) if customer_id else 0


def held(events: DataFrame) -> DataFrame:
    """One row per record: `key`, its `customer_id` by its latest event, and `born`, the run of the first one."""
    return events.groupBy("key").agg(
        F.max_by("customer_id", "run_id").alias("customer_id"), F.min("run_id").alias("born")
    )
