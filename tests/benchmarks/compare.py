"""Are the tables of two pipelines the same? Asked of their Delta tables, without Spark."""

import sys
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from tests.benchmarks.measure import cost_of, spark_of_the_project

TABLES = [
    "silver/pos_sales",
    "silver/pos_sales_quarantine",
    "silver/pos_customers",
    "silver/pos_customers_quarantine",
    "silver/pos_stores",
    "silver/pos_sales_people",
    "gold/dim_customers",
    "gold/dim_products",
    "gold/dim_territories",
    "gold/dim_stores",
    "gold/dim_sales_people",
    "gold/fact_sales",
    "gold/customer_360",
    "gold/mart_customers",
    "gold/mart_sales_team",
    "gold/kpi_daily",
    "gold/sales_by_region_month",
]
HISTORY = ("valid_from", "valid_to", "is_current")
NOT_ASKED = {
    "gold/customer_360": ("suspicious_events", "is_suspicious"),
    "gold/mart_sales_team": ("suspicious_sales",),
}
"""Columns that follow from what the others do not look for."""
SHOWN = 3


def purge(lake: Path, tables: list[str], heap: str) -> None:
    """Have no row in the tables' files that is only marked as gone, which is unknown to who reads files alone."""
    paths = [lake / table for table in tables]
    marked = [path for path in paths if "deletionVectors" in (DeltaTable(str(path)).protocol().reader_features or [])]
    if marked:
        program = [sys.executable, "-m", "tests.benchmarks.rewrite", *marked]
        cost_of(program, spark_of_the_project(heap, is_small=False))


def differences(ours: Path, theirs: Path, tables: list[str]) -> list[str]:
    """What differs, in words: the table, and some rows that only one of the two has; nothing where all is the same.

    No row of their files may be marked as gone (`purge`): it would be one that only one of them has.

    The other pipeline's columns count, each with type and values. A column that only ours has, and that is none of
    NOT_ASKED, must have one value in all rows: the tills do not fill it. Of a row in quarantine the file and the
    reasons count, of a dimension with a history the rows that hold now.
    """
    connection = duckdb.connect(config={"temp_directory": f"{theirs}/.spill"})
    connection.execute("SET TimeZone = 'UTC'")
    return [each for table in tables for each in _differences(connection, table, ours / table, theirs / table)]


def _differences(connection: duckdb.DuckDBPyConnection, table: str, ours: Path, theirs: Path) -> list[str]:
    is_quarantine = table.endswith("_quarantine")
    types = {path: _types(path, is_quarantine=is_quarantine) for path in (ours, theirs)}
    unlike = {name: type_name for name, type_name in types[theirs].items() if types[ours].get(name) != type_name}
    if unlike:
        there = {name: types[ours].get(name) for name in unlike}
        return [f"{table}: columns {unlike} are {there} here"]
    for place, path in (("ours", ours), ("theirs", theirs)):
        _view(connection, place, path)
    columns = ", ".join(_value(name, type_name) for name, type_name in types[theirs].items())
    more = [name for name in types[ours] if name not in {*types[theirs], *NOT_ASKED.get(table, ())}]
    found = _constants(connection, more)
    if _digest(connection, "ours", columns) != _digest(connection, "theirs", columns):
        found += _rows_of_one(connection, columns)
    return [f"{table}: {each}" for each in found]


def _types(path: Path, *, is_quarantine: bool) -> dict[str, str]:
    table = DeltaTable(str(path))
    types = {field.name: str(field.type) for field in table.schema().fields}
    if is_quarantine:
        return {name: types[name] for name in ("_source_file", "dq_errors")}
    return {name: type_name for name, type_name in types.items() if not name.startswith("_") and name not in HISTORY}


def _view(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    rows = connection.read_parquet(DeltaTable(str(path)).file_uris())
    # the others know what is, and not what was
    held = rows.filter("is_current") if "is_current" in rows.columns else rows
    held.create_view(name, replace=True)


def _value(name: str, type_name: str) -> str:
    if name == "_source_file":
        return "parse_filename(_source_file) AS file"
    if "timestamp" in type_name:
        return f'CAST("{name}" AS TIMESTAMPTZ) AS "{name}"'
    return f'"{name}"'


def _constants(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[str]:
    """The columns that have more than one value, which the other pipeline lacks."""
    counts = {
        name: connection.execute(f'SELECT count(DISTINCT "{name}") FROM ours').fetchall()[0][0] for name in columns
    }
    return [f"only ours has the column {name}" for name, count in counts.items() if count > 1]


def _digest(connection: duckdb.DuckDBPyConnection, view: str, columns: str) -> tuple[object, ...]:
    """The same for the same rows in any order, in one pass and without keeping them."""
    rows = f"SELECT hash(each) AS digest FROM (SELECT {columns} FROM {view}) each"
    query = f"SELECT count(*), sum(CAST(digest AS HUGEINT)), bit_xor(digest) FROM ({rows})"
    found: tuple[object, ...] = connection.execute(query).fetchall()[0]
    return found


def _rows_of_one(connection: duckdb.DuckDBPyConnection, columns: str) -> list[str]:
    said = []
    for one, other in (("ours", "theirs"), ("theirs", "ours")):
        only = f"SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other}"
        count = connection.execute(f"SELECT count(*) FROM ({only})").fetchall()[0][0]
        shown = connection.execute(f"SELECT CAST(each AS VARCHAR) FROM ({only} ORDER BY ALL LIMIT {SHOWN}) each")
        said += [f"{count:,} rows only in {one}", *[f"  {row}" for (row,) in shown.fetchall()]]
    return said
