"""What the makers of columns share: array types, weighted draws, and arrays read back as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

BATCH = 50_000
EPOCH = date(1970, 1, 1).toordinal()


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


def texts(values: Sequence[str]) -> Texts:
    """Texts as a column."""
    return np.array(list(values), dtype=np.object_)


def or_null(label: str, numbers: Ints) -> Texts:
    """The label with each number in it; null, as JSON has it, for 0."""
    return texts([label.format(number) if number else "null" for number in numbers.tolist()])


def iso_days(days: Ints) -> Texts:
    """The texts of days by their ordinals; an empty one for 0."""
    written = np.datetime_as_string(_as_days(days)).astype(np.object_)
    written[days == 0] = ""
    return written


def stamps(day: Ints | int, seconds: Ints) -> Texts:
    """The texts of moments, so many seconds after the midnight before a day, which is given by its ordinal."""
    moments = (1_000 * ((day - EPOCH) * 86_400 + seconds)).astype("datetime64[ms]")
    return np.char.add(np.datetime_as_string(moments), "Z").astype(np.object_)


def swapped(days: Ints) -> Ints:
    """The ordinals of days with month and day of the month exchanged; the same where there is no such day."""
    day = _as_days(days)
    month, year = day.astype("datetime64[M]"), day.astype("datetime64[Y]")
    of_month, of_year = (day - month).astype(np.int64), (month - year).astype(np.int64)
    other = (year.astype("datetime64[M]") + of_month).astype("datetime64[D]") + of_year
    return np.where(of_month < 12, EPOCH + other.astype(np.int64), days)


def _as_days(days: Ints) -> npt.NDArray[np.datetime64]:
    return (days - EPOCH).astype("datetime64[D]")
