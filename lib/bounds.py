"""Between which values the rows of a frame lie: a table's files that have nothing in between need not be read."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ORDERED = ("string", "date", "integer", "long")
"""Types whose values Python, Spark and Parquet's statistics put into the same order."""

Ends = Mapping[str, tuple[str | int | date, str | int | date]]
"""The least and the greatest value of columns; of one that has NULLs, or whose order is in doubt, there are none."""


def count_and_ends(rows: DataFrame, columns: Sequence[str]) -> tuple[int, Ends]:
    """How many rows there are, and the ends of some of their columns: one pass over them."""
    ordered = [name for name in columns if rows.schema[name].dataType.typeName() in _ORDERED]
    is_full = [F.count(name) == F.count(F.lit(1)) for name in ordered]
    ends = [
        F.when(full, F.array(F.min(name), F.max(name))).alias(f"_ends_{name}")
        for name, full in zip(ordered, is_full, strict=True)
    ]
    # the count first: there may be no column that has ends, and no aggregate is of nothing
    found = rows.agg(F.count(F.lit(1)).alias("_count"), *ends).collect()[0]
    pairs = {name: found[f"_ends_{name}"] for name in ordered if found["_count"]}
    return found["_count"], {name: (pair[0], pair[1]) for name, pair in pairs.items() if pair is not None}


def between(ends: Ends, names: Mapping[str, str]) -> list[Column]:
    """What holds for every row, as conditions on columns of another frame; `names` has those, by the names here."""
    return [F.col(there).between(*map(F.lit, ends[here])) for here, there in names.items() if here in ends]
