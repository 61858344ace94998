"""Pairs of records that are one person. Transforms only."""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.identity.names import is_misspelled

LINK = ("key_l", "key_r")
"""The grain of links: the two records' keys, the smaller one first."""


def exact_links(changed: DataFrame, records: DataFrame, rules: Mapping[str, Sequence[str]]) -> DataFrame:
    """One row per pair of a changed record and any record that agree in all columns of a rule; NULL agrees with none.

    Columns: `key_l`, `key_r` STRING; `rule` STRING, of several the first by the order of the rules; `score` DOUBLE, 1.
    """
    found = [_of_rule(changed, records, same, place) for place, same in enumerate(rules.values())]
    pairs = reduce(DataFrame.unionByName, found).groupBy(*LINK).agg(F.min("place").alias("place"))
    names = F.array(*map(F.lit, rules))
    return pairs.select(*LINK, F.get(names, "place").alias("rule"), F.lit(1.0).alias("score"))


def candidates(changed: DataFrame, records: DataFrame, blocking: Sequence[Sequence[str]]) -> DataFrame:
    """One row per pair (`key_l`, `key_r`) of a changed record and any record that agree in all columns of one block."""
    found = [_of_rule(changed, records, same, place) for place, same in enumerate(blocking)]
    return reduce(DataFrame.unionByName, found).select(*LINK).distinct()


def _of_rule(changed: DataFrame, records: DataFrame, same: Sequence[str], place: int) -> DataFrame:
    left = changed.select("key", *same).alias("l")
    right = records.select("key", *same).alias("r")
    is_same: Column = reduce(Column.__and__, [F.col(f"l.{name}") == F.col(f"r.{name}") for name in same])
    pairs = left.join(right, is_same & (F.col("l.key") != F.col("r.key")), how="inner")
    return pairs.select(
        F.least("l.key", "r.key").alias("key_l"),
        F.greatest("l.key", "r.key").alias("key_r"),
        F.lit(place).alias("place"),
    )


def contradictions(pairs: DataFrame, records: DataFrame, strong: Sequence[str]) -> DataFrame:
    """One row per pair (`key_l`, `key_r`) of which the two records contradict each other, and `why` STRING, in words.

    `records` have the `strong` columns, and `first_names` if that is one of them: two first names are at odds unless
    they may stand for one another or differ in a few letters. Dates of which day and month are exchanged are not.
    """
    said = [_meant(records, name).alias(name) for name in strong if name != "first_name"]
    names = [name for name in ("first_name", "first_names") if "first_name" in strong]
    values = records.select("key", *said, *names)
    left, right = values.alias("l"), values.alias("r")
    both = pairs.join(left, F.col("key_l") == F.col("l.key")).join(right, F.col("key_r") == F.col("r.key"))
    odds = [F.when(_is_at_odds(name), f"other {name}".replace("_", " ")) for name in strong]
    return both.select(*LINK, F.concat_ws(", ", *odds).alias("why")).filter("why <> ''")


def _is_at_odds(name: str) -> Column:
    if name != "first_name":
        return F.col(f"l.{name}") != F.col(f"r.{name}")
    may_be_the_same = F.arrays_overlap("l.first_names", "r.first_names")
    return ~(may_be_the_same | is_misspelled("l.first_name", "r.first_name"))


def meant(records: DataFrame, strong: Sequence[str]) -> DataFrame:
    """One row per record: `key`, and what it says of the `strong` columns, STRING; equal where it means the same.

    Not the first name, which may stand for another one: of that only pairs can say.
    """
    names = [name for name in strong if name != "first_name"]
    return records.select("key", *[_meant(records, name).cast("string").alias(name) for name in names])


def _meant(records: DataFrame, name: str) -> Column:
    if dict(records.dtypes)[name] != "date":
        return F.col(name)
    day, month = F.dayofmonth(name), F.month(name)
    same = F.struct(F.year(name), F.least(day, month), F.greatest(day, month))
    return F.when(F.col(name).isNotNull(), same)
