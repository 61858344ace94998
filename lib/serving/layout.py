"""How a table of gold lies in PostgreSQL: its columns there, its keys, indexes and masks. Facts only; no SQL is run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lib.gold.registry import GoldTable
from lib.serving.settings import Mask, ServingFile

COUNTRY = "country"
OF_COUNTRY = "_country"
"""The column of a loaded table that says whose it is, where it has no `country` itself."""

_TYPES = {
    "STRING": "text",
    "INT": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamptz",
    "ARRAY<STRING>": "text[]",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


@dataclass(frozen=True)
class Column:
    """A column as PostgreSQL has it; `mask` is what gold_reader sees of it instead, None for itself."""

    name: str
    type: str
    definition: str
    mask: Mask | None = None

    @property
    def is_money(self) -> bool:
        """Is its sum compared with Delta's?"""
        return self.type.startswith("numeric")


@dataclass(frozen=True)
class Layout:
    """A table as PostgreSQL has it.

    `country_of`: the column, and the table of gold where its country is found, of a table that has none itself.
    `is_for_all`: may a reader of one country see it, though it is of none?
    `references`: its columns whose values a dimension has, with the dimension and its column.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    country_of: tuple[str, str] | None
    is_for_all: bool
    references: Mapping[str, tuple[str, str]]
    indexes: tuple[tuple[str, ...], ...]

    @property
    def masked(self) -> dict[str, Mask]:
        """The columns of which the loaded table has a second one, with what may be seen of it; and their masks."""
        return {column.name: column.mask for column in self.columns if column.mask not in {None, "hidden"}}

    @property
    def has_country(self) -> bool:
        """Does a row say itself of which country it is?"""
        return any(column.name == COUNTRY for column in self.columns)


def layouts_of(tables: Mapping[str, GoldTable], serving: ServingFile) -> dict[str, Layout]:
    """The layouts of gold's tables by name."""
    dimensions = {
        table.key[0] if table.key else table.grain[0]: name for name, table in tables.items() if _is(name, "dim")
    }
    return {name: _layout(table, serving, dimensions) for name, table in tables.items()}


def type_of(spark_type: str) -> str:
    """The type in PostgreSQL's words of a column of gold.

    Raises:
        ValueError: if there is none for it.
    """
    decimal = _DECIMAL.fullmatch(spark_type)
    if decimal:
        return f"numeric({decimal[1]},{decimal[2]})"
    if spark_type not in _TYPES:
        raise ValueError(f"{spark_type} has no type in PostgreSQL (there are {', '.join(_TYPES)}, DECIMAL(p,s))")
    return _TYPES[spark_type]


def _layout(table: GoldTable, serving: ServingFile, dimensions: Mapping[str, str]) -> Layout:
    masks = serving.personal.get(table.name, {})
    columns = tuple(
        Column(name, type_of(column.type), column.definition, masks.get(name))
        for name, column in table.definitions.items()
    )
    names = [column.name for column in columns]
    found = next(((name, of) for name, of in serving.country_of.items() if name in names), None)
    references = _references(table.name, columns, dimensions)
    return Layout(
        name=table.name,
        description=table.description,
        columns=columns,
        grain=table.grain,
        country_of=None if COUNTRY in names else found,
        is_for_all=_is(table.name, "dim") and COUNTRY not in names and found is None,
        references=references,
        indexes=_indexes(table, columns, references),
    )


def _references(table: str, columns: Sequence[Column], dimensions: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """By their names: the star schema's columns are called as the dimension's key, a fact's days end in `_date`."""
    if not (_is(table, "dim") or _is(table, "fact")):
        return {}
    found = {
        column.name: (dimensions[column.name], column.name)
        for column in columns
        if column.name in dimensions and dimensions[column.name] != table
    }
    if _is(table, "fact"):
        found |= {
            column.name: (dimensions["date"], "date")
            for column in columns
            if column.type == "date" and column.name.endswith("_date") and "date" in dimensions
        }
    return found


def _indexes(
    table: GoldTable, columns: Sequence[Column], references: Mapping[str, tuple[str, str]]
) -> tuple[tuple[str, ...], ...]:
    """On what a row refers to, on days and months, and on region and day; the grain has one as the key."""
    names = [column.name for column in columns]
    times = [column.name for column in columns if column.type == "date" or column.name.endswith("_month")]
    times = [name for name in times if not _is(table.name, "dim") or name == "date"][:3]
    people = [name for name in ("customer_id",) if name in names]
    wanted: list[tuple[str, ...]] = [(name,) for name in dict.fromkeys([*references, *people, *times])]
    regional = next((name for name in ("region", "territory_id") if name in names), None)
    if regional and times:
        wanted.append((regional, times[0]))
    return tuple(index for index in wanted if index != table.grain[: len(index)])


def _is(table: str, kind: str) -> bool:
    return table.startswith(f"{kind}_")
