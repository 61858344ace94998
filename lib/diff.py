"""The difference between two frames of one grain. A transform; `lib.tables` writes what it finds."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def difference(old: DataFrame, new: DataFrame, grain: Sequence[str]) -> DataFrame:
    """The rows that turn `old` into `new`: their columns as in `new`, and `_action` insert, update or delete.

    NULLs compare as values, in the grain too. A deleted row carries its old values. Rows that are equal are left out,
    so that a table to which nothing happened gets no commit.
    """
    columns = new.columns
    before = old.select(F.struct(*columns).alias("_old"))
    after = new.select(F.struct(*columns).alias("_new"))
    same_key = reduce(Column.__and__, [F.col(f"_old.{name}").eqNullSafe(F.col(f"_new.{name}")) for name in grain])
    action = (
        F.when(F.col("_old").isNull(), "insert")
        .when(F.col("_new").isNull(), "delete")
        .when(~F.col("_old").eqNullSafe(F.col("_new")), "update")
    )
    paired = before.join(after, same_key, how="full_outer").withColumn("_action", action)
    changed = paired.filter(F.col("_action").isNotNull())
    return changed.select(F.coalesce("_new", "_old").alias("_row"), "_action").select("_row.*", "_action")
