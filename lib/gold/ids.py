"""The ids under which gold knows what the sources number themselves, and the members that only a fact names."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
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
    both = _with_named(known, key, facts).withColumn("_is_known", F.bool_or(~F.col("is_inferred")).over(_same(key)))
    return both.filter("NOT is_inferred OR NOT _is_known").drop("_is_known")


def with_inferred_now(held: DataFrame, key: str, *facts: DataFrame) -> DataFrame:
    """The intervals of the known members, and one for each key that the facts name and that nobody describes now.

    That one has the key, `is_inferred`, and NULLs; it holds since ever, or from when on the key was deleted.
    """
    both = _with_named(held, key, facts).withColumns(
        {"_ended": F.max("valid_to").over(_same(key)), "_is_known": F.bool_or("is_current").over(_same(key))}
    )
    since = F.when(F.col("is_inferred"), F.coalesce("_ended", beginning())).otherwise(F.col("valid_from"))
    values = {"valid_from": since, "is_current": F.col("is_inferred") | F.col("is_current")}
    return both.filter("NOT is_inferred OR _is_known IS NOT TRUE").withColumns(values).drop("_ended", "_is_known")


def _with_named(known: DataFrame, key: str, facts: Sequence[DataFrame]) -> DataFrame:
    """The known rows, and one, `is_inferred`, for each key that facts name.

    In one frame, so that a window tells which keys are known: a join would compute the known rows twice.
    """
    named = _named(key, facts).withColumn("is_inferred", F.lit(True))
    return known.withColumn("is_inferred", F.lit(False)).unionByName(named, allowMissingColumns=True)


def _same(key: str) -> WindowSpec:
    return Window.partitionBy(key)


def _named(key: str, facts: Sequence[DataFrame]) -> DataFrame:
    """The keys that facts name, each once."""
    return reduce(DataFrame.union, [fact.select(key) for fact in facts]).filter(F.col(key).isNotNull()).distinct()
