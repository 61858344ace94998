"""The measures of the project's model, computed by an engine of DAX that is not Power BI's (the package pbix-mcp)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from pbix_mcp.dax import engine

from lib.config import load_settings
from lib.gold.registry import gold_tables
from lib.powerbi.model import Column, SemanticModel, semantic_model
from lib.serving.layout import layouts_of
from lib.serving.queries import numbers_of
from tests.builders import CONF

Data = dict[str, dict[str, list[Any]]]
"""The tables as the engine has them: names of columns, and rows."""

_ROW = "_row"


@cache
def model() -> SemanticModel:
    """The model of conf/powerbi.yml."""
    settings = load_settings(CONF)
    numbers = numbers_of(settings.measures | dict(settings.dashboard))
    return semantic_model(settings.power_bi, gold_tables(), layouts_of(gold_tables(), settings.serving), numbers)


def days(first: date, last: date) -> list[dict[str, Any]]:
    """Rows of dim_date."""
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [{"date": day, "year": day.year, "month": day.month, "year_month": f"{day:%Y-%m}"} for day in every]


def loaded(rows: Mapping[str, Iterable[Mapping[str, Any]]], *, without: Collection[str] = ()) -> Data:
    """All tables with these rows, of which the rest is blank, and the columns that the model computes but for some."""
    data: Data = {}
    for name, table in model().tables.items():
        columns = [column.name for column in table.columns if column.dax is None]
        given = [[_value(row.get(column)) for column in columns] for row in rows.get(name, [])]
        data[name] = {"columns": [*columns, _ROW], "rows": [[*row, number] for number, row in enumerate(given)]}
    for name, table in model().tables.items():
        for column in table.columns:
            if column.dax is not None and column.name not in without:
                values = _of_rows(data, name, column)
                data[name]["columns"].append(column.name)
                for row, value in zip(data[name]["rows"], values, strict=True):
                    row.append(value)
    return data


def told(data: Data, measure: str, **filters: Any) -> Any:
    """A measure's value where the columns, `table__column`, have one of these values; a blank is None."""
    chosen = {name.replace("__", "."): [_value(each) for each in values] for name, values in filters.items()}
    return _evaluated(
        data, measure, {each.name: each.dax for table in model().tables.values() for each in table.measures}, chosen
    )


def by(data: Data, measure: str, column: str, **filters: Any) -> dict[Any, Any]:
    """A measure by the values of a column, `table__column`, for which it has any."""
    table, _, name = column.partition("__")
    place = data[table]["columns"].index(name)
    values = sorted({row[place] for row in data[table]["rows"]} - {None})
    found = {value: told(data, measure, **{column: [value], **filters}) for value in values}
    return {value: each for value, each in found.items() if each is not None}


def seen(data: Data, table: str, reader: str) -> int:
    """How many rows of a table the role's own filter of it lets somebody see."""
    text = model().filters[table].replace("USERPRINCIPALNAME()", f'"{reader}"')
    return _evaluated(data, "seen", {"seen": f"COUNTROWS(FILTER({table}, {text}))"}, {}) or 0


def _of_rows(data: Data, table: str, column: Column) -> list[Any]:
    """What a computed column has in the rows of its table: the expression in each of them, in one text."""
    text = f'CONCATENATEX({table}, {table}[{_ROW}] & "=" & ({column.dax}), "|", {table}[{_ROW}])'
    found = _evaluated(data, "computed", {"computed": text}, {})
    values = [each.partition("=")[2] for each in found.split("|")] if found else []
    of = {"int64": int, "dateTime": lambda value: datetime.strptime(value, "%m/%d/%Y"), "string": str}[column.type]
    return [of(value) if value else None for value in values]


def _evaluated(data: Data, measure: str, measures: dict[str, str], chosen: dict[str, list[Any]]) -> Any:
    engine._engine.eval_errors.clear()
    engine._engine.unsupported_functions.clear()
    relationships = [
        {
            "FromTable": each.table, "FromColumn": each.column, "ToTable": each.to_table, "ToColumn": each.to_column,
            "IsActive": each.is_active,
        }
        for each in model().relationships
    ]  # fmt: skip
    columns = {name: {*table["columns"]} for name, table in data.items()}
    found = engine.evaluate_measures_batch(
        [measure], data, measures, chosen, "dim_date", "date", relationships,
        measure_tables=model().homes, model_columns=columns,
    )  # fmt: skip
    assert not engine._engine.eval_errors, engine._engine.eval_errors
    assert not engine._engine.unsupported_functions, engine._engine.unsupported_functions
    return found[measure]


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value
