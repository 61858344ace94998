"""How far the customers of today are from those that a model was tested on: the population stability index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_LEAST = 1e-4
"""The share that a bin without customers counts as: the index would be infinite."""


@dataclass(frozen=True)
class Reference:
    """How a measure was spread: the upper ends of all bins but the last, ascending, and the share of each bin.

    The last share is that of the customers of whom the measure is NULL.
    """

    ends: tuple[float, ...]
    shares: tuple[float, ...]

    def index(self, shares: Sequence[float]) -> float:
        """The population stability index of other shares: 0 for the same ones, above 0.2 is called a shift.

        The sum over the bins of (now − then) × ln(now / then); Siddiqi, Credit Risk Scorecards, 2006.
        """
        pairs = [(max(now, _LEAST), max(then, _LEAST)) for now, then in zip(shares, self.shares, strict=True)]
        return sum((now - then) * log(now / then) for now, then in pairs)


def reference_of(rows: DataFrame, names: Sequence[str], *, bins: int) -> dict[str, Reference]:
    """How each measure is spread over the rows, in bins of about equally many; two passes over them."""
    parts = [number / bins for number in range(1, bins)]
    cuts = rows.agg(*[F.percentile_approx(F.col(name).cast("double"), parts).alias(name) for name in names]).first()
    ends = {name: tuple(sorted({*(cuts[name] or ())})) if cuts else () for name in names}
    shares = shares_of(rows, ends)
    return {name: Reference(ends[name], shares[name]) for name in names}


def shares_of(rows: DataFrame, ends: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    """The share of the rows in each bin of each measure, that of NULL the last; all 0 without rows; one pass."""
    counts = {
        f"{name} {place}": F.count_if(is_in)
        for name, cuts in ends.items()
        for place, is_in in enumerate(_bins(F.col(name).cast("double"), cuts))
    }
    found = rows.agg(F.count(F.lit(1)).alias("rows"), *[count.alias(name) for name, count in counts.items()]).first()
    total = found["rows"] if found and found["rows"] else 1
    return {
        name: tuple((found[f"{name} {place}"] if found else 0) / total for place in range(len(cuts) + 2))
        for name, cuts in ends.items()
    }


def as_json(references: Mapping[str, Reference]) -> dict[str, Any]:
    """What `from_json` takes."""
    return {name: {"ends": list(each.ends), "shares": list(each.shares)} for name, each in references.items()}


def from_json(said: Mapping[str, Any]) -> dict[str, Reference]:
    """The references that `as_json` wrote."""
    return {name: Reference(tuple(each["ends"]), tuple(each["shares"])) for name, each in said.items()}


def _bins(value: Column, ends: Sequence[float]) -> list[Column]:
    """What holds for a value in each bin, NULL's the last."""
    lower: list[float | None] = [None, *ends]
    upper: list[float | None] = [*ends, None]
    held = []
    for above, until in zip(lower, upper, strict=True):
        is_in = value.isNotNull()
        if above is not None:
            is_in &= value > above
        if until is not None:
            is_in &= value <= until
        held.append(is_in)
    return [*held, value.isNull()]
