"""What the makers of columns share: array types, weighted draws, and arrays read back as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

BATCH = 50_000


class Span(NamedTuple):
    """A range of days; day 0 is `start`."""

    start: date
    days: int

    @property
    def last(self) -> date:
        """The last day of the range."""
        return self.start + timedelta(days=self.days - 1)


def pick(rng: np.random.Generator, weights: Iterable[float], size: int) -> Ints:
    """Draw `size` positions of `weights`, each as often as its share of their sum."""
    shares = np.asarray(tuple(weights), dtype=np.float64)
    return rng.choice(len(shares), size, p=shares / shares.sum()).astype(np.int64)


def rows(*columns: npt.NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Arrays of one length as tuples of plain Python values; only one batch of them is in memory at a time."""
    for at in range(0, len(columns[0]), BATCH):
        yield from zip(*(column[at : at + BATCH].tolist() for column in columns), strict=True)


def day_labels(first: date, days: int) -> list[str]:
    """The text of `days` days in a row from `first`, as M/d/yyyy without zero padding."""
    start = first.toordinal()
    each = (date.fromordinal(start + offset) for offset in range(days))
    return [f"{day.month}/{day.day}/{day.year}" for day in each]
