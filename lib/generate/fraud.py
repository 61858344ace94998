"""The fraud that is planted among what people do, and known afterwards; some of it too small to be seen.

The first quarter of the rows has none: nobody has a past then to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from typing import NamedTuple

import numpy as np

from lib.generate.faults import check_rates
from lib.generate.vectors import Ints

OF_TILLS = ("quantity", "value", "discount", "velocity", "geography")
OF_PAYMENTS = ("refunds",)

HONEST_SHARE = 0.25
QUANTITIES = (4, 30)
OVERCHARGES = (2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
DISCOUNTS = ("0.5", "0.6", "0.65", "0.7", "0.75", "0.8", "0.9")
SALES_OF_A_BURST = (5, 12)
REFUNDS_OF_A_RUN = (3, 8)
# Of the settled payments, in the order of time, every so many hundredth of them is the next refund of a run.
SHARE_BETWEEN = 0.01


class Fraud(NamedTuple):
    """What was planted: of each row its place, its kind, and a number that rows of one deed share, from 1."""

    place: Ints
    kind: list[str]
    deed: list[int]


def suspects(free: Ints, size: int) -> Ints:
    """The free ones among so many rows, in the order of time, that are late enough."""
    return free[free >= HONEST_SHARE * size]


class Places:
    """The rows that are still free to be made fraud, in the order of time; each is taken once."""

    def __init__(self, rng: np.random.Generator, free: Ints) -> None:
        """Begin with these rows."""
        self._rng, self._free = rng, free

    def single(self, count: int) -> Ints:
        """So many rows, or all that are left."""
        return self._take(np.sort(self._rng.permutation(len(self._free))[:count]))

    def runs(self, count: int, length: tuple[int, int], *, step: int = 1) -> Iterator[Ints]:
        """Runs of rows, each `step` free ones after the last, until about `count` are taken."""
        while count > 0 and len(self._free) > length[1] * step:
            size = int(self._rng.integers(length[0], length[1] + 1))
            begin = int(self._rng.integers(0, len(self._free) - size * step))
            yield self._take(begin + step * np.arange(size))
            count -= size

    def _take(self, at: Ints) -> Ints:
        taken = self._free[at]
        self._free = np.delete(self._free, at)
        return taken


def gathered(deeds: Iterator[tuple[str, Ints]]) -> Fraud:
    """All rows of some deeds, each a kind and its rows, numbered."""
    told = [(place, kind, number) for number, (kind, run) in enumerate(deeds, 1) for place in run.tolist()]
    places = np.array([place for place, _, _ in told], dtype=np.int64)
    return Fraud(places, [kind for _, kind, _ in told], [number for _, _, number in told])


def known_fraud(fraud: Fraud, numbers: Ints, *, key: str, label: str) -> Iterator[str]:
    """One line for each row that was planted; `label` makes the key of its number."""
    for number, kind, deed in zip(numbers.tolist(), fraud.kind, fraud.deed, strict=True):
        yield dumps({key: label.format(number), "kind": kind, "deed": deed})


def check_shares(shares: Mapping[str, float], known: tuple[str, ...]) -> None:
    """Refuse a kind that is not one of the `known` and a share that is none."""
    check_rates(shares, known, of="fraud", each="share")
