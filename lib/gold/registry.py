"""What makes a function a gold table, and the list of all of them."""

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType

from pyspark.sql import DataFrame

import lib.gold
from lib.gold.routes import Route

Keep = Callable[[DataFrame], DataFrame]
"""Has rows computed once that a gold function reads several times; they are let go when the table is written."""

_TABLES: dict[str, "GoldTable"] = {}
_USED = (
    "lib.history", "lib.silver", "lib.models.churn", "lib.models.features", "lib.models.lifetime", "lib.models.value",
)  # fmt: skip
"""What makes intervals of versions, and what customers are scored by, lies outside of `lib.gold`."""
_COLUMN_LINE = re.compile(r"(?P<name>\w+): (?P<type>[A-Z][A-Z0-9(),<>]*)\. (?P<definition>.+)")


@dataclass(frozen=True)
class ColumnDefinition:
    """What a docstring says of a column."""

    type: str
    definition: str


@dataclass(frozen=True)
class GoldTable:
    """A table of gold: `inputs` are the function's parameters, tables and run parameters alike, but for a `keep`.

    `rows_of` names the inputs of which each row is a row of this table: their counts must add up to its own. A table
    with a `key` (SQL over its columns) can be computed for some keys alone; `routes` lead there from a changed input.
    `clustered_by` names the column by whose values the rows of a large table are brought together into files. A table
    `is_sparse` if only few of the keys that there are have a row in it.
    """

    name: str
    function: Callable[..., DataFrame]
    inputs: tuple[str, ...]
    grain: tuple[str, ...]
    rows_of: tuple[str, ...]
    key: tuple[str, ...] = ()
    routes: Mapping[str, Route] = field(default_factory=dict)
    clustered_by: str = ""
    is_sparse: bool = False
    keeps: bool = False

    @property
    def description(self) -> str:
        """The first line of the docstring: the grain."""
        return inspect.cleandoc(self.function.__doc__ or "").split("\n", 1)[0]

    @property
    def definitions(self) -> dict[str, ColumnDefinition]:
        """Type and definition of each column, from the docstring's lines `name: TYPE. Definition.`

        An indented line continues the one before it.
        """
        text = inspect.cleandoc(self.function.__doc__ or "")
        lines = re.sub(r"\n[ \t]+", " ", text).splitlines()
        found = [match for match in map(_COLUMN_LINE.fullmatch, lines) if match]
        return {match["name"]: ColumnDefinition(match["type"], match["definition"]) for match in found}

    @property
    def columns(self) -> dict[str, str]:
        """The definition of each column."""
        return {name: column.definition for name, column in self.definitions.items()}


def gold_table(
    *,
    grain: Sequence[str],
    rows_of: Sequence[str] = (),
    key: str | Sequence[str] = (),
    routes: Mapping[str, Route] | None = None,
    clustered_by: str = "",
    is_sparse: bool = False,
) -> Callable[[Callable[..., DataFrame]], Callable[..., DataFrame]]:
    """Declare a function to be the gold table of its name; it stays a plain function that a test can call.

    With a `key`, a change of an input that has a route is followed to the keys that it touches, and these alone are
    computed again; a change of an input without one has the whole table computed. A table that is read by a stretch of
    time is best `clustered_by` it: the files of other times are not read then. Of one that `is_sparse`, that many keys
    changed is judged by the rows of its inputs, for its own say nothing of how many keys there are.
    """

    def declare(function: Callable[..., DataFrame]) -> Callable[..., DataFrame]:
        parameters = inspect.signature(function).parameters
        inputs = tuple(name for name in parameters if name != "keep")
        unknown = sorted({*(routes or {})} - {*inputs})
        if unknown:
            raise ValueError(f"gold.{function.__name__}: routes: {', '.join(unknown)} is none of its parameters")
        keys = (key,) if isinstance(key, str) else tuple(key)
        _TABLES[function.__name__] = GoldTable(
            function.__name__,
            function,
            inputs,
            tuple(grain),
            tuple(rows_of),
            keys,
            routes or {},
            clustered_by,
            is_sparse,
            "keep" in parameters,
        )
        return function

    return declare


def as_they_are(rows: DataFrame) -> DataFrame:
    """The `keep` of who calls a gold function by hand: rows are computed as often as they are read."""
    return rows


@cache
def gold_tables() -> dict[str, GoldTable]:
    """All gold tables by name, from every module below `lib.gold`."""
    for module in _modules():
        importlib.import_module(module)
    return dict(sorted(_TABLES.items()))


@cache
def is_followed(name: str) -> bool:
    """Does a gold table read what changed in this one?"""
    return any(name in table.routes for table in gold_tables().values())


@cache
def code_version() -> str:
    """A hash of the source of everything that gold's functions use: another hash, and gold is computed anew."""
    return hashlib.sha256("".join(map(_source_of, [*_modules(), *_USED])).encode()).hexdigest()[:16]


def _modules(package: ModuleType = lib.gold) -> list[str]:
    return sorted(found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))


def _source_of(module: str) -> str:
    # not inspect.getsource: its cache forgets what comes from a zip, and threads take it from one another
    spec = importlib.util.find_spec(module)
    source: str | None = getattr(spec.loader, "get_source", lambda _: None)(module) if spec else None
    if source is None:
        raise ImportError(f"{module}: there is no source to read")
    return source
