"""The semantic model as TMDL, in the order and spacing of Microsoft's own serializer.

Format: Microsoft Learn, "Tabular Model Definition Language (TMDL)", "Power BI Desktop project semantic model folder".
"""

import re
from collections.abc import Iterable, Mapping

from lib.powerbi.ids import tag
from lib.powerbi.model import Column, Measure, SemanticModel, Table
from lib.powerbi.relationships import Relationship
from lib.powerbi.settings import Parameter, PowerBiFile

_LEVEL = 1600
"""Compatibility level: what Power BI Desktop understands since 2023."""
_PLAIN = re.compile(r"\w+")


def definition(file: PowerBiFile, model: SemanticModel) -> dict[str, str]:
    """The files of the folder `definition` by their paths in it."""
    return {
        "database.tmdl": f"database\n\tcompatibilityLevel: {_LEVEL}\n\n",
        "model.tmdl": _text(_model(file, model)),
        "expressions.tmdl": _text(_parameter(name, each) for name, each in file.parameters.items()),
        "relationships.tmdl": _text(map(_relationship, model.relationships)),
        f"roles/{file.readers.role}.tmdl": _text(_role(file, model.filters)),
        **{f"tables/{name}.tmdl": _text(_table(table)) for name, table in model.tables.items()},
    }


def name_of(name: str) -> str:
    """A name as TMDL has it: in quotes, where it is more than letters, digits and _."""
    return name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'"


def _model(file: PowerBiFile, model: SemanticModel) -> Iterable[list[str]]:
    yield [
        *_described(file.description),
        "model Model",
        f"\tculture: {file.culture}",
        "\tdefaultPowerBIDataSourceVersion: powerBI_V3",
        "\tdiscourageImplicitMeasures",
        f"\tsourceQueryCulture: {file.culture}",
    ]
    yield ["annotation __PBI_TimeIntelligenceEnabled = 0"]
    yield [f"ref table {name_of(name)}" for name in model.tables]
    yield [f"ref role {name_of(file.readers.role)}"]


def _parameter(name: str, said: Parameter) -> list[str]:
    value = said.value.replace('"', '""')
    return [
        *_described(said.description),
        f'expression {name} = "{value}" meta [IsParameterQuery=true, Type="Text", IsParameterQueryRequired=true]',
        f"\tlineageTag: {tag('expression', name)}",
        "",
        "\tannotation PBI_ResultType = Text",
    ]


def _relationship(each: Relationship) -> list[str]:
    return [
        f"relationship {tag('relationship', each.table, each.column, each.to_table)}",
        *([] if each.is_active else ["\tisActive: false"]),
        f"\tfromColumn: {each.table}.{each.column}",
        f"\ttoColumn: {each.to_table}.{each.to_column}",
    ]


def _role(file: PowerBiFile, filters: Mapping[str, str]) -> Iterable[list[str]]:
    yield [*_described(file.readers.description), f"role {name_of(file.readers.role)}", "\tmodelPermission: read"]
    for table, dax in filters.items():
        yield [f"\ttablePermission {name_of(table)} = {dax}"]


def _table(table: Table) -> Iterable[list[str]]:
    yield [
        *_described(table.description),
        f"table {name_of(table.name)}",
        *(["\tisHidden"] if table.is_hidden else []),
        f"\tlineageTag: {tag('table', table.name)}",
        *(["\tdataCategory: Time"] if table.is_calendar else []),
    ]
    for measure in table.measures:
        yield _measure(table, measure)
    for column in table.columns:
        yield _column(table, column)
    for name, levels in table.hierarchies.items():
        yield from _hierarchy(table, name, levels)
    yield [f"\tpartition {name_of(table.name)} = m", "\t\tmode: import", *_source(table)]


def _measure(table: Table, measure: Measure) -> list[str]:
    return [
        *_described(measure.description, 1),
        *_expression(f"\tmeasure {name_of(measure.name)} =", measure.dax, 3),
        f"\t\tformatString: {measure.format}",
        *([f"\t\tdisplayFolder: {measure.folder}"] if measure.folder else []),
        f"\t\tlineageTag: {tag('measure', table.name, measure.name)}",
    ]


def _column(table: Table, column: Column) -> list[str]:
    name = name_of(column.name)
    head = _expression(f"\tcolumn {name} =", column.dax, 3) if column.dax else [f"\tcolumn {name}"]
    lines = [
        *_described(column.description, 1),
        *head,
        f"\t\tdataType: {column.type}",
        *(["\t\tisHidden"] if column.is_hidden else []),
        *(["\t\tisKey"] if column.is_key else []),
        *([f"\t\tformatString: {column.format}"] if column.format else []),
        f"\t\tlineageTag: {tag('column', table.name, column.name)}",
        *([f"\t\tdataCategory: {column.category}"] if column.category else []),
        "\t\tsummarizeBy: none",
        *([] if column.dax else [f"\t\tsourceColumn: {column.name}"]),
        *([f"\t\tsortByColumn: {column.sorted_by}"] if column.sorted_by else []),
        "",
        "\t\tannotation SummarizationSetBy = User",
    ]
    # what Desktop writes of a column that has days and no times
    return [*lines, "", "\t\tannotation UnderlyingDateTimeDataType = Date"] if column.is_day else lines


def _hierarchy(table: Table, name: str, levels: Iterable[str]) -> Iterable[list[str]]:
    yield [f"\thierarchy {name_of(name)}", f"\t\tlineageTag: {tag('hierarchy', table.name, name)}"]
    for level in levels:
        yield [
            f"\t\tlevel {name_of(level)}",
            f"\t\t\tlineageTag: {tag('level', table.name, name, level)}",
            f"\t\t\tcolumn: {name_of(level)}",
        ]


def _source(table: Table) -> list[str]:
    """The rows of a view, in Power Query's language; all steps are carried out by the database."""
    schema = f'"{table.schema}"' if table.schema else "schema"
    columns = ", ".join(f'"{column.name}"' for column in table.columns if column.dax is None)
    rows = "Table.SelectRows(Published, each [is_current])" if table.only_current else "Published"
    return [
        "\t\tsource =",
        *[
            f"\t\t\t\t{line}"
            for line in (
                "let",
                "    Source = PostgreSQL.Database(server, database),",
                f'    Published = Source{{[Schema = {schema}, Item = "{table.item}"]}}[Data],',
                f"    Rows = {rows},",
                f"    Columns = Table.SelectColumns(Rows, {{{columns}}})",
                "in",
                "    Columns",
            )
        ],
    ]


def _expression(head: str, text: str, depth: int) -> list[str]:
    """A head with its expression: on the same line, or below it where it has several."""
    if "\n" not in text:
        return [f"{head} {text}"]
    return [head, *[("\t" * depth + line).rstrip() for line in text.splitlines()]]


def _described(text: str, depth: int = 0) -> list[str]:
    return ["\t" * depth + "/// " + " ".join(text.split())]


def _text(parts: Iterable[list[str]]) -> str:
    return "\n\n".join("\n".join(part) for part in parts) + "\n\n"
