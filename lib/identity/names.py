"""First names that may stand for one another."""

from nicknames import name_triplets
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.session import local_frame

LONG = 6
"""Letters of a name in which two may be wrong."""


def short_forms(spark: SparkSession) -> DataFrame:
    """One row per short form of first names: `short` STRING, `full` ARRAY<STRING>, the names that it may stand for.

    English names, from the package nicknames (https://github.com/carltonnorthern/nicknames).
    """
    known: dict[str, set[str]] = {}
    for name, _, short in name_triplets():
        known.setdefault(short, set()).add(name)
    rows = [{"short": short, "full": sorted(full)} for short, full in sorted(known.items())]
    return local_frame(spark, rows, "short STRING, full ARRAY<STRING>")


def is_misspelled(one: str, other: str) -> Column:
    """Do two names begin alike and differ in one letter, or in two if they are long?"""
    letters = F.when(F.least(F.length(one), F.length(other)) >= LONG, 2).otherwise(1)
    return (F.left(one, F.lit(1)) == F.left(other, F.lit(1))) & (F.levenshtein(one, other) <= letters)


def with_full_forms(records: DataFrame, short: DataFrame) -> DataFrame:
    """The records with `first_names` ARRAY<STRING>: the first name, and those that it may be short for."""
    both = records.join(F.broadcast(short), records["first_name"] == short["short"], how="left").drop("short")
    names = F.array_union(F.array("first_name"), F.coalesce("full", F.expr("CAST(array() AS ARRAY<STRING>)")))
    return both.withColumn("first_names", F.when(F.col("first_name").isNotNull(), names)).drop("full")
