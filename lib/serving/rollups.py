"""What is added up of gold when it is published, so that a page of the dashboard need not: a file of SQL each."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_FOLDER = files(__package__ or "lib.serving") / "rollups"
_INDEX = re.compile(r"-- index: (.+)")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Rollup:
    """A table of a publication that is made of others of it: its grain in words, its indexes, and its SELECT."""

    name: str
    description: str
    indexes: tuple[tuple[str, ...], ...]
    sql: str

    def tables(self, known: Collection[str]) -> list[str]:
        """Those of the known tables and rollups that it reads."""
        return sorted({*_WORD.findall(self.sql)} & {*known} - {self.name})


@cache
def rollups() -> dict[str, Rollup]:
    """All by name; a file begins with the grain, `-- index: a, b` stands for an index."""
    found = {}
    for file in sorted(_FOLDER.iterdir(), key=lambda each: each.name):
        text = file.read_text("utf-8")
        indexes = tuple(tuple(part.strip() for part in line.split(",")) for line in _INDEX.findall(text))
        sql = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
        description = text.splitlines()[0].removeprefix("-- ")
        name = file.name.removesuffix(".sql")
        found[name] = Rollup(name, description, indexes, sql.strip().rstrip(";"))
    return found
