"""What Power BI loads is there for the role that it reads as, and its keys are unique."""

import pytest

from lib.powerbi.model import Table
from tests.builders import Lake
from tests.integration.published import ask
from tests.powerbi.engine import model

pytestmark = pytest.mark.integration


def rows(table: Table) -> str:
    """The rows that Power Query's steps ask the database for."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns if column.dax is None)
    where = " WHERE is_current" if table.only_current else ""
    return f"SELECT {columns} FROM {table.schema or 'gold'}.{table.item}{where}"


def test_a_reader_may_load_every_table_and_its_keys_are_unique(served: Lake) -> None:
    keys = {each.to_table: each.to_column for each in model().relationships}
    for name, table in model().tables.items():
        key = f'count(DISTINCT "{keys[name]}")' if name in keys else "count(*)"
        [(all_rows, different)] = ask(served, f"SELECT count(*), {key} FROM ({rows(table)}) AS loaded")
        assert all_rows == different, f"{name} has a key twice"
        assert all_rows or name == "reader_countries", f"{name} is empty"


def test_a_fact_has_its_row_in_each_table_that_it_names(served: Lake) -> None:
    tables = model().tables
    for each in model().relationships:
        if not each.table.startswith("fact_"):
            continue
        missing = (
            f'SELECT count(*) FROM ({rows(tables[each.table])}) AS here WHERE "{each.column}" IS NOT NULL AND '
            f'"{each.column}" NOT IN (SELECT "{each.to_column}" FROM ({rows(tables[each.to_table])}) AS there)'
        )
        assert ask(served, missing) == [(0,)], f"{each.table}.{each.column}"
