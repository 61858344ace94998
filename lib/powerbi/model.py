"""The semantic model as facts: tables, columns, relationships, measures and roles, from gold and conf/powerbi.yml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.gold.registry import GoldTable
from lib.powerbi import dax, settings
from lib.powerbi.relationships import Relationship, keys_of, relationships_of
from lib.powerbi.roles import filters_of
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import Layout

_TYPES = {
    "STRING": "string",
    "INT": "int64",
    "BIGINT": "int64",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "DATE": "dateTime",
    "TIMESTAMP": "dateTime",
}
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")
_DIGITS = 4
"""The decimals of Power BI's fixed-point type, `decimal`; what has more is a `double` rather than rounded."""
_ALWAYS_THE_SAME = ("valid_to", "is_current")
"""In the rows that hold now, which are those that the model has."""
_COMPARED = "Compared"


@dataclass(frozen=True)
class Column:
    """A column: of the published table of its name, or computed by `dax`."""

    name: str
    type: str
    description: str
    format: str | None = None
    is_day: bool = False
    dax: str | None = None
    is_key: bool = False
    is_hidden: bool = False
    category: str | None = None
    sorted_by: str | None = None


@dataclass(frozen=True)
class Measure:
    """A measure; in a `folder` are those that were made of another one."""

    name: str
    dax: str
    format: str
    description: str
    folder: str | None = None


@dataclass(frozen=True)
class Table:
    """A table and where it is from: `schema` None is the published one. `only_current`: of its rows those that hold."""

    name: str
    description: str
    item: str
    columns: tuple[Column, ...]
    schema: str | None = None
    measures: tuple[Measure, ...] = ()
    hierarchies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only_current: bool = False
    is_calendar: bool = False
    is_hidden: bool = False

    @property
    def expressions(self) -> dict[str, str]:
        """What is written in DAX, by the names of measures and computed columns."""
        measures = {measure.name: measure.dax for measure in self.measures}
        return measures | {column.name: column.dax for column in self.columns if column.dax}

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class SemanticModel:
    """All of it; `filters` are the rows, DAX by table, that a regional reader sees."""

    tables: Mapping[str, Table]
    relationships: tuple[Relationship, ...]
    filters: Mapping[str, str]

    @property
    def homes(self) -> dict[str, str]:
        """The measures by name, and the tables that have them."""
        return {measure.name: table.name for table in self.tables.values() for measure in table.measures}


def semantic_model(
    file: PowerBiFile, gold: Mapping[str, GoldTable], layouts: Mapping[str, Layout], numbers: Mapping[str, Any]
) -> SemanticModel:
    """The model of the tables that the file names, of which gold has all; `numbers` fill the places in measures."""
    relationships = relationships_of(file, gold, layouts)
    linked = {(each.table, each.column) for each in relationships}
    readers = _readers(file)
    tables = {name: _table(file, gold[name], layouts[name], linked, numbers) for name in file.tables}
    filters = filters_of(file, layouts, relationships)
    return SemanticModel({**tables, readers.name: readers}, relationships, filters)


def type_of(gold_type: str) -> str | None:
    """The type in Power BI's words; None for a list, for which it has none."""
    decimal = _DECIMAL.fullmatch(gold_type)
    if decimal:
        return "decimal" if int(decimal[1]) <= _DIGITS else "double"
    return _TYPES.get(gold_type)


def _table(
    file: PowerBiFile, gold: GoldTable, layout: Layout, linked: set[tuple[str, str]], numbers: Mapping[str, Any]
) -> Table:
    said, keys = file.tables[gold.name], keys_of(gold)
    only_current = keys != gold.grain
    left_out = {each.name for each in layout.columns if each.mask == "hidden"}
    if only_current:
        left_out |= {*_ALWAYS_THE_SAME}
    published = [
        Column(
            name,
            of,
            each.definition,
            _format(file, each.type),
            is_day=each.type == "DATE",
            is_key=keys == (name,),
            is_hidden=(gold.name, name) in linked,
            category=file.geography.get(name),
            sorted_by=said.sorted_by.get(name),
        )
        for name, each in gold.definitions.items()
        if (of := type_of(each.type)) and name not in left_out
    ]
    calculated = [
        Column(
            name,
            type_of(each.type) or "string",
            dax.filled(each.description, numbers),
            _format(file, each.type),
            is_day=each.type == "DATE",
            dax=dax.filled(each.dax, numbers),
            is_hidden=each.hidden,
            sorted_by=said.sorted_by.get(name),
        )
        for name, each in said.columns.items()
    ]
    return Table(
        gold.name,
        f"{gold.description} Of these the rows that hold now." if only_current else gold.description,
        gold.name,
        (*published, *calculated),
        measures=tuple(measure for name in said.measures for measure in _measures(file, said.measures, name, numbers)),
        hierarchies={name: tuple(levels) for name, levels in said.hierarchies.items()},
        only_current=only_current,
        is_calendar=gold.name == file.calendar,
    )


def _measures(
    file: PowerBiFile, measures: Mapping[str, settings.Measure], name: str, numbers: Mapping[str, Any]
) -> list[Measure]:
    said = measures[name]
    itself = Measure(
        name, dax.filled(said.dax, numbers), file.formats[said.format], dax.filled(said.description, numbers)
    )
    if said.compared is None:
        return [itself]
    date = dax.column(file.calendar, "date")
    before = f"{name} before"
    if said.compared == "year":
        text, what = dax.year_before(name, date), "the same days a year earlier"
    else:
        text, what = dax.period_before(name, file.calendar, date), "the period before, of the same length"
    return [
        itself,
        Measure(before, text, itself.format, f"{name} of {what}.", _COMPARED),
        Measure(
            f"{name} change", dax.change(name, before), file.formats["change"], f"Growth of {name} over {what}.",
            _COMPARED,
        ),
    ]  # fmt: skip


def _readers(file: PowerBiFile) -> Table:
    """Who sees which country: no table of gold, and not shown."""
    said = file.readers
    schema, item = said.source
    columns = ((said.reader, "Who reads."), (said.country, "A country whose rows they see."))
    return Table(
        said.table,
        "One row per reader and country whose rows they see.",
        item,
        tuple(Column(name, "string", description, is_hidden=True) for name, description in columns),
        schema=schema,
        is_hidden=True,
    )


def _format(file: PowerBiFile, gold_type: str) -> str | None:
    return file.formats.get(gold_type.partition("(")[0])
