"""History: every version of a key, and from when to when it held. Transforms only.

What is stored is versions alone, each under its own place in the order, so that one that comes late is simply added;
from when to when each held follows from all of them, where they are read.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lib import silver
from lib.contract import IS_LIVE, Contract
from lib.silver import ADDRESS, SILVER_LINEAGE

BEGINNING = "1900-01-01T00:00:00Z"
"""Where the first version of a key begins to hold: what was before it nobody said, so it is the best that is known.

A day and not NULL, since `valid_from` is part of a grain and stands in range conditions; this day, because every tool
that may read it has it (the timestamps of pandas begin in 1677, those of SQL Server in 1753). A version of an earlier
moment, and a fact, count as of this one.
"""

_DELIVERY = ("_source_modified_at", "_source_file")


def version_grain(contract: Contract) -> list[str]:
    """What identifies a version: its key, its place in the order, and its content, by way of the hash. Never NULL."""
    return list(dict.fromkeys([*contract.key, *silver.version_order(contract)]))


def schema_of(contract: Contract) -> str:
    """A history's columns as DDL, for an entity of which nothing has landed yet."""
    return silver.schema_of(contract) + (f", {IS_LIVE} BOOLEAN" if contract.has_deletes else "")


def versions(judged: DataFrame, contract: Contract) -> DataFrame:
    """One row per version of a key: of all rows that pass, those that are equal in order and content once.

    Grain: `version_grain`. Columns: the contract's, then SILVER_LINEAGE, the address the first one that the version
    has, and `_is_live` where a key can go (false: the row says that it is gone).
    """
    first_landed = F.min_by(F.struct(*silver.columns_of(contract)), F.struct(*ADDRESS))
    places = [F.col(name).alias(f"_version_{name}") for name in version_grain(contract)]
    found = silver.passing(judged, contract).groupBy(*places).agg(first_landed.alias("_first"))
    return found.select("_first.*")


def buried(known: DataFrame, present: DataFrame, contract: Contract) -> DataFrame:
    """Tombstones of the keys that were in a whole delivery and not in the next one; columns as in `known`.

    `known` are versions; `present` has the key of each row of every delivery, also of rows that fail (a key that is
    there is there), with the delivery: `_source_modified_at`, `_source_file`. A delivery in which a key cannot be read
    takes nothing away. A tombstone has the values of the key's last version, and the delivery that lacks it as its own.
    """
    has_key = reduce(Column.__and__, [F.col(name).isNotNull() for name in contract.key])
    complete = F.when(F.bool_and(has_key), F.struct(*_DELIVERY))
    deliveries = present.groupBy(*_DELIVERY).agg(complete.alias("_complete"))
    later = Window.orderBy(*_DELIVERY).rowsBetween(1, Window.unboundedFollowing)
    following = deliveries.select(*_DELIVERY, F.first("_complete", ignorenulls=True).over(later).alias("_next"))
    keys = present.filter(has_key).select(*contract.key, *_DELIVERY).distinct()
    lapsed = keys.join(F.broadcast(following), list(_DELIVERY), how="inner").filter(F.col("_next").isNotNull())
    absent = lapsed.select(*contract.key, "_next.*").join(keys, [*contract.key, *_DELIVERY], how="left_anti")
    gone = absent.select(*contract.key, F.struct(*_DELIVERY).alias("_gone"))
    before = (
        known.filter(IS_LIVE).join(gone, list(contract.key), how="inner").filter(F.struct(*_DELIVERY) < F.col("_gone"))
    )
    last = F.max_by(F.struct(*known.columns), F.struct(*silver.version_order(contract)))
    places = [F.col(name).alias(f"_key_{name}") for name in contract.key]
    dead = before.groupBy(*places, "_gone").agg(last.alias("_last")).select("_last.*", "_gone")
    tombstone = {**{name: F.col(f"_gone.{name}") for name in _DELIVERY}, IS_LIVE: F.lit(False)}
    return dead.withColumns(tombstone).select(*known.columns)


def intervals(
    known: DataFrame,
    key: Sequence[str],
    *,
    latest_by: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    said_at: str = "",
) -> DataFrame:
    """One row per key and stretch of time in which its values were the same, without gaps or overlaps.

    `known` are versions; `latest_by` is what their contract says, its first column the moment of a version (without it
    that is the file's time); `columns` are the values that count, all but key, order and lineage if not given.
    Of the versions of one moment the last in their order counts. A deleted key has no row for the time in which it was
    gone. Columns: key, values, `valid_from` TIMESTAMP (BEGINNING for the first), `valid_to` TIMESTAMP (not included;
    NULL: until further notice), `is_current` BOOLEAN; and, under the name `said_at` if one is given, TIMESTAMP, the
    moment of the version with which the stretch began, of the first one too.
    """
    order = silver.order_of(latest_by, has_deletes=IS_LIVE in known.columns)
    apart = {*key, *order, *SILVER_LINEAGE, IS_LIVE}
    values = F.struct(*(columns or [name for name in known.columns if name not in apart]))
    in_order = Window.partitionBy(*key).orderBy(*order)
    moments = known.withColumns(
        {
            "_from": F.greatest(F.col(order[0]).cast("timestamp"), beginning()),
            # what a deleted key has is nothing at all
            "_values": F.when(F.col(IS_LIVE), values) if IS_LIVE in known.columns else values,
        }
    )
    following = moments.withColumn("_next", F.lead("_from").over(in_order))
    settled = following.filter("_next IS NULL OR _next > _from").withColumns(
        {"_is_first": F.row_number().over(in_order) == 1, "_before": F.lag("_values").over(in_order)}
    )
    changes = settled.filter("_is_first OR NOT _values <=> _before").withColumn(
        "valid_to", F.lead("_from").over(in_order)
    )
    return changes.filter("_values IS NOT NULL").select(
        *key,
        "_values.*",
        F.when(F.col("_is_first"), beginning()).otherwise(F.col("_from")).alias("valid_from"),
        "valid_to",
        F.col("valid_to").isNull().alias("is_current"),
        *([F.col("_from").alias(said_at)] if said_at else []),
    )


def as_of(held: DataFrame, moment: datetime | Column | None) -> DataFrame:
    """The intervals, at most one per key, that hold a moment; without one those that hold now."""
    if moment is None:
        return held.filter("is_current")
    at = _counted(moment if isinstance(moment, Column) else F.lit(moment))
    return held.filter((F.col("valid_from") <= at) & (F.col("valid_to").isNull() | (at < F.col("valid_to"))))


def valid_at(facts: DataFrame, held: DataFrame, key: Sequence[str], *, moment: Column) -> DataFrame:
    """The facts, each once, with the values that held for their key at their moment; NULLs where there were none.

    `held` are intervals; their values must not have the names of columns of the facts. A fact before the first
    version has the values of that one; one without a key or a moment has none.
    """
    values = [name for name in held.columns if name not in (*key, "valid_from", "valid_to", "is_current")]
    aside = held.select(*[F.col(name).alias(f"_held_{name}") for name in (*key, "valid_from", "valid_to")], *values)
    same_key = reduce(Column.__and__, [F.col(name) == F.col(f"_held_{name}") for name in key])
    has_begun = F.col("_held_valid_from") <= F.col("_moment")
    goes_on = F.col("_held_valid_to").isNull() | (F.col("_moment") < F.col("_held_valid_to"))
    # the key alone is what the rows are brought together by: the range only judges the few intervals of that key
    timed = facts.withColumn("_moment", _counted(moment))
    return timed.join(aside, same_key & has_begun & goes_on, how="left").select(*facts.columns, *values)


def _counted(moment: Column) -> Column:
    """A moment as it counts; a NULL stays one, which greatest() alone would make the beginning."""
    return F.when(moment.isNotNull(), F.greatest(moment.cast("timestamp"), beginning()))


def beginning() -> Column:
    """BEGINNING, TIMESTAMP."""
    return F.lit(BEGINNING).cast("timestamp")
