"""How the lake is, in the database that gold is served from: runs, freshness, quarantine, conservation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

RUNS = (
    "run_id", "environment", "as_of", "started_at", "seconds", "exit_status", "tables_changed", "tables_unchanged",
    "warnings", "failures",
)  # fmt: skip
FRESHNESS = ("table_name", "newest", "warn_after", "error_after", "warn_at", "error_at")
QUARANTINE = ("table_name", "waiting", "oldest", "reason", "rows")
CONSERVATION = (
    "layer", "table_name", "is_conserved", "run_id", "rows_in", "accepted", "superseded", "quarantined",
)  # fmt: skip
COLUMNS: Mapping[str, Sequence[str]] = {
    "runs": RUNS,
    "freshness": FRESHNESS,
    "quarantine": QUARANTINE,
    "conservation": CONSERVATION,
}
"""The tables of the schema `operations` and their columns."""


def replace_all(connection: psycopg.Connection, rows: Mapping[str, Iterable[Sequence[Any]]]) -> None:
    """Put rows, by table, in the place of all that the tables had, in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            place = sql.Identifier("operations", table)
            cursor.execute(sql.SQL("DELETE FROM {}").format(place))
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            values = sql.SQL(", ").join(sql.Placeholder() * len(columns))
            insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(place, names, values)
            cursor.executemany(insert, [tuple(row) for row in rows[table]])
