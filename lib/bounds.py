"""Between which values the rows of a frame lie: a table's files that have nothing in between need not be read."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ORDERED = ("string", "date", "integer", "long")
"""Types whose values Python, Spark and Parquet's statistics put into the same order."""

Ends = Mapping[str, tuple[str | int | date, str | int | date]]
"""The least and the greatest value of columns; of one that has NULLs, or whose order is in doubt, there are none."""


def ends_of(rows: DataFrame, columns: Sequence[str]) -> list[Column]:
    """The ends of some columns as columns of an aggregate, under the same names."""
    ordered = [name for name in columns if rows.schema[name].dataType.typeName() in _ORDERED]
    return [
        F.when(F.count(F.lit(1)) == F.count(name), F.array(F.min(name), F.max(name))).alias(name) for name in ordered
    ]


def ends_in(row: Mapping[str, Any]) -> Ends:
    """The ends in the row that such an aggregate gives."""
    return {name: (both[0], both[1]) for name, both in row.items() if isinstance(both, list) and both[0] is not None}


def between(ends: Ends, names: Mapping[str, str]) -> list[Column]:
    """What holds for every row, as conditions on columns of another frame; `names` has those, by the names here."""
    return [F.col(there).between(*map(F.lit, ends[here])) for here, there in names.items() if here in ends]
