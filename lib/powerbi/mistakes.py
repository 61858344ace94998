"""What conf/powerbi.yml names and nobody has: tables, columns, measures, formats, numbers, queries, fields."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from lib.gold.registry import GoldTable
from lib.powerbi import dax, report
from lib.powerbi.model import SemanticModel, semantic_model, type_of
from lib.powerbi.relationships import keys_of
from lib.powerbi.settings import Calculated, Measure, PowerBiFile, Table
from lib.serving.layout import Layout


def mistakes_of_power_bi(
    file: PowerBiFile,
    gold: Mapping[str, GoldTable],
    layouts: Mapping[str, Layout],
    numbers: Mapping[str, Any],
    queries: Collection[str],
) -> list[str]:
    """A line per mistake; what is made of the tables is looked at when these are right."""
    found = [*_of_tables(file, gold), *_of_texts(file, numbers)]
    if found:
        return found
    model = semantic_model(file, gold, layouts, numbers)
    return [
        *_of_columns(file, model),
        *_of_expressions(model),
        *_of_answers(file, model, queries),
        *_of_pages(file, model),
    ]


def _of_tables(file: PowerBiFile, gold: Mapping[str, GoldTable]) -> Iterator[str]:
    named = [("calendar", file.calendar), *(("readers.whole", name) for name in file.readers.whole)]
    for place, name in named:
        if name not in file.tables:
            yield _unknown(place, "the model has no such table", name, file.tables)
    for name, said in file.tables.items():
        if name not in gold:
            yield _unknown(f"tables.{name}", "gold has no table of this name", name, gold)
            continue
        yield from _of_calculated(name, said, gold[name])
        for column, target in said.refers_to.items():
            place = f"tables.{name}.refers_to.{column}"
            if target not in file.tables or target not in gold:
                yield _unknown(place, "the model has no such table", target, file.tables)
            elif len(keys_of(gold[target])) != 1:
                yield f"{place}: the key of {target} has more columns than one"


def _of_calculated(name: str, said: Table, gold: GoldTable) -> Iterator[str]:
    for column, calculated in said.columns.items():
        place = f"tables.{name}.columns.{column}"
        if column in gold.definitions:
            yield f"{place}: gold's table has a column of this name (call it something else)"
        if type_of(calculated.type) is None:
            yield f"{place}.type: '{calculated.type}' is no type that Power BI has"


def _of_texts(file: PowerBiFile, numbers: Mapping[str, Any]) -> Iterator[str]:
    for name, said in file.tables.items():
        for measure, each in said.measures.items():
            for wanted in [each.format, "change"] if each.compared else [each.format]:
                if wanted not in file.formats:
                    yield _unknown(f"tables.{name}.measures.{measure}", "is no format", wanted, file.formats)
        expressions: list[tuple[str, Calculated | Measure]] = [*said.columns.items(), *said.measures.items()]
        for what, one in expressions:
            for place in sorted(dax.places(one.dax + one.description) - numbers.keys()):
                yield _unknown(f"tables.{name}, {what}", "there is no such number", place, numbers)


def _of_columns(file: PowerBiFile, model: SemanticModel) -> Iterator[str]:
    for name, said in file.tables.items():
        there = [column.name for column in model.tables[name].columns]
        wanted = [
            *said.sorted_by.items(),
            *(("refers_to", column) for column in said.refers_to),
            *((each, level) for each, levels in said.hierarchies.items() for level in levels),
        ]
        for what, column in wanted:
            if column not in there:
                yield _unknown(f"tables.{name}, {what}", "the model has no such column", column, there)
    columns = {column.name for table in model.tables.values() for column in table.columns}
    for column in file.geography.keys() - columns:
        yield _unknown("geography", "the model has no such column", column, columns)


def _of_expressions(model: SemanticModel) -> Iterator[str]:
    names = [measure.name.casefold() for table in model.tables.values() for measure in table.measures]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"tables: the measure '{name}' is there twice (a measure's name is one of all tables)"
    for table in model.tables.values():
        # to Power BI they would be one name, in upper or lower case
        columns = {column.name.casefold() for column in table.columns}
        for name in (measure.name for measure in table.measures if measure.name.casefold() in columns):
            yield f"tables.{table.name}, {name}: the table has a column of this name (call it something else)"
        for name, text in table.expressions.items():
            yield from (f"tables.{table.name}, {name}: {said}" for said in _unknown_names(text, model))
    for name, text in model.filters.items():
        yield from (f"readers, the filter of {name}: {said}" for said in _unknown_names(text, model))


def _unknown_names(text: str, model: SemanticModel) -> Iterator[str]:
    named = dax.references(text)
    for table, column in sorted(named.columns):
        if table not in model.tables or model.tables[table].column(column) is None:
            yield f"the model has no column {dax.column(table, column)}"
    for measure in sorted(named.measures - model.homes.keys()):
        yield _unknown("dax", "the model has no such measure", measure, model.homes)
    for word in sorted(named.tables - model.tables.keys()):
        yield _unknown("dax", "the model has no such table", word, model.tables)


def _of_answers(file: PowerBiFile, model: SemanticModel, queries: Collection[str]) -> Iterator[str]:
    for query in sorted(file.answers.keys() - {*queries}):
        yield _unknown("answers", "there is no such query in conf/queries", query, queries)
    for query, measures in file.answers.items():
        for measure in measures:
            if measure not in model.homes:
                yield _unknown(f"answers.{query}", "the model has no such measure", measure, model.homes)


def _of_pages(file: PowerBiFile, model: SemanticModel) -> Iterator[str]:
    for title, rows in file.pages.items():
        for visual in (visual for row in rows for visual in row.visuals):
            place = f"pages.{title}, {visual.title or visual.type}"
            if visual.type not in report.ROLES:
                yield _unknown(place, "there is no such type", visual.type, report.ROLES)
                continue
            for role in visual.fields.keys() - report.ROLES[visual.type]:
                yield _unknown(place, f"a {visual.type} takes no fields for this", role, report.ROLES[visual.type])
            fields = [field for named in visual.fields.values() for field in named]
            for field in [*fields, *([visual.sort.removeprefix("-")] if visual.sort else [])]:
                if not report.is_field(field, model):
                    yield _unknown(place, "the model has no such column, hierarchy or measure", field, model.homes)


def _unknown(place: str, offence: str, name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, [*known], n=1)
    return f"{place}: '{name}': {offence}" + (f" (did you mean {close[0]}?)" if close else "")
