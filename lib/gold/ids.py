"""The ids under which gold knows what the sources number themselves, and the members that only a fact names."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.history import beginning

UNKNOWN = "unknown"
"""The member to which a mart counts what names none; no id of a source is like it: they have a colon."""


def id_of(source: str, key: str) -> Column:
    """`{source}:{key}`, STRING: unique over all sources, NULL where the key is."""
    return F.concat(F.lit(f"{source}:"), F.col(key).cast("string"))


def location_id() -> Column:
    """The id of an address's place, STRING: country, region, city and postcode in capitals; NULL with none of them."""
    parts = [F.upper(F.trim(name)) for name in ("country", "region", "city", "postcode")]
    is_there: Column = reduce(Column.__or__, [part.isNotNull() for part in parts])
    return F.when(is_there, F.concat_ws("/", *[F.coalesce(part, F.lit("")) for part in parts]))


def with_inferred(known: DataFrame, key: str, *facts: DataFrame) -> DataFrame:
    """The known members, and one for each key that only the facts name: its key, `is_inferred`, and NULLs."""
    inferred = _named(key, facts).join(known, key, how="left_anti").withColumn("is_inferred", F.lit(True))
    return known.withColumn("is_inferred", F.lit(False)).unionByName(inferred, allowMissingColumns=True)


def with_inferred_now(held: DataFrame, key: str, *facts: DataFrame) -> DataFrame:
    """The intervals of the known members, and one for each key that the facts name and that nobody describes now.

    That one has the key, `is_inferred`, and NULLs; it holds since ever, or from when on the key was deleted.
    """
    ended = held.groupBy(key).agg(F.max("valid_to").alias("valid_from"), F.bool_or("is_current").alias("_is_known"))
    unknown = _named(key, facts).join(ended, key, how="left").filter("_is_known IS NOT TRUE")
    inferred = unknown.select(
        key,
        F.coalesce("valid_from", beginning()).alias("valid_from"),
        F.lit(None).cast("timestamp").alias("valid_to"),
        F.lit(True).alias("is_current"),
        F.lit(True).alias("is_inferred"),
    )
    return held.withColumn("is_inferred", F.lit(False)).unionByName(inferred, allowMissingColumns=True)


def _named(key: str, facts: Sequence[DataFrame]) -> DataFrame:
    """The keys that facts name, each once."""
    return reduce(DataFrame.union, [fact.select(key) for fact in facts]).filter(F.col(key).isNotNull()).distinct()
