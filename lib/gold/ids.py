"""The ids under which gold knows what the sources number themselves, and the members that only a fact names."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

UNKNOWN = "unknown"
"""The member to which a mart counts what names none; no id of a source is like it: they have a colon."""


def id_of(source: str, key: str) -> Column:
    """`{source}:{key}`, STRING: unique over all sources, NULL where the key is."""
    return F.concat(F.lit(f"{source}:"), F.col(key).cast("string"))


def with_inferred(known: DataFrame, key: str, *facts: DataFrame) -> DataFrame:
    """The known members, and one for each key that only the facts name: its key, `is_inferred`, and NULLs."""
    named = reduce(DataFrame.union, [fact.select(key) for fact in facts]).filter(F.col(key).isNotNull()).distinct()
    inferred = named.join(known, key, how="left_anti").withColumn("is_inferred", F.lit(True))
    return known.withColumn("is_inferred", F.lit(False)).unionByName(inferred, allowMissingColumns=True)
