"""Ranges of a table's watermark: what a run reads of a database, on record in `ops.files` as if it were a file."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone

PREFIX = "jdbc:"
"""How the path of a range begins; no file with a colon in its path is ever loaded."""

_BOUND = r"-?\d+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z"
_PATH = re.compile(rf"{PREFIX}([^/]+)/({_BOUND})?\.\.({_BOUND})", re.ASCII)


@dataclass(frozen=True)
class Range:
    """The rows of a table whose watermark is above `after` (None: whatever it is) and not above `through`.

    A bound is a text: a whole number, or a moment as `2017-01-01T00:00:00.5Z`.
    """

    table: str
    after: str | None
    through: str

    @property
    def path(self) -> str:
        """What it is called in `ops.files` and in `_source_file`, e.g. `jdbc:public.interactions/5..17`."""
        return f"{PREFIX}{self.table}/{self.after or ''}..{self.through}"

    @property
    def in_words(self) -> str:
        """The range as a person reads it."""
        return f"{self.table}{f' after {self.after}' if self.after else ''} through {self.through}"


def range_of(path: str) -> Range | None:
    """The range that a path stands for, None for every other path."""
    match = _PATH.fullmatch(path)
    return Range(match[1], match[2], match[3]) if match else None


def is_moment(bound: str) -> bool:
    """Is a bound a moment, and not a number?"""
    return bound.endswith("Z")


def micros_of(moment: str) -> int:
    """A moment in microseconds since 1970."""
    whole, _, fraction = moment.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp()
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0") or 0)
