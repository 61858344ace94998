"""What is looked for when a person should be gone: texts that are theirs, and where their bare keys stand."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_LEAST = 5
"""Letters or digits of a text that is looked for: a shorter one is anywhere by chance."""


@dataclass(frozen=True)
class Sought:
    """`ids`: records (`pos:C1`), keys with letters, ids of gold: nobody else has them. `values`: what is said of them.

    `bare`: keys that are numbers, or short, which are looked for in columns of keys alone; `columns` are these.
    """

    ids: tuple[str, ...]
    values: tuple[str, ...]
    bare: tuple[str, ...] = ()
    columns: frozenset[str] = field(default_factory=frozenset)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is looked for as text."""
        return (*self.ids, *self.values)


def sought_of(
    customer_ids: Iterable[str], source_ids: Iterable[str], values: Iterable[str | None], columns: Iterable[str]
) -> Sought:
    """What to look for of somebody with these ids in gold, records, and values in columns that are marked `pii`."""
    records = sorted({*source_ids})
    keys = {each.split(":", 1)[1] for each in records}
    bare = tuple(sorted(key for key in keys if key.isdigit() or _size(key) < _LEAST))
    ids = {*customer_ids, *records, *keys} - {*bare}
    # case does not count when they are looked for: one of each
    said = {" ".join(value.split()).lower() for value in values if value} - {each.lower() for each in ids}
    long = {value for value in said if _size(value) >= _LEAST}
    return Sought(tuple(sorted(ids)), tuple(sorted(long)), bare, frozenset(columns))


def _size(text: str) -> int:
    return sum(each.isalnum() for each in text)


def pattern_of(texts: Iterable[str], *, is_packed: bool = False) -> str:
    """A regular expression, of Python's and RE2's language alike, that finds any of the texts as whole words.

    Where they are `packed`, as in the pages of a database, anything may stand before one: a length that is a letter.
    """
    return "|".join(sorted((_whole(text, is_packed) for text in texts), key=len, reverse=True)) or r"\b\B"


def _whole(text: str, is_packed: bool) -> str:
    before = r"\b" if not is_packed and re.match(r"\w", text, re.ASCII) else ""
    after = r"\b" if re.search(r"\w\Z", text, re.ASCII) else ""
    # spaces may be any: a source has two where a rule makes one of them
    return before + r"\s+".join(map(re.escape, text.split(" "))) + after
