"""What a person asks of the published database on a terminal."""

import difflib
from collections.abc import Sequence

import psycopg
from rich.console import Console

from lib.config import Settings
from lib.errors import ConfigError, LakehouseError
from lib.postgresql import quoted
from lib.serving.database import serving
from lib.serving.ddl import name_of
from lib.terminal import print_rows


def print_publications(settings: Settings, console: Console) -> int:
    """Print the publications that are there, the newest first."""
    with serving(settings) as server, server.reader() as connection:
        rows = connection.execute(
            "SELECT publication_id, status, run_id, through_run_id, as_of, "
            "to_char(published_at, 'YYYY-MM-DD HH24:MI:SS') AS \"published (UTC)\", "
            "to_char(replaced_at, 'YYYY-MM-DD HH24:MI:SS') AS \"replaced (UTC)\" "
            "FROM serving.publications ORDER BY publication_id DESC"
        )
        columns = [column.name for column in rows.description or ()]
        print_rows(console, f"publications in {server.place}", columns, rows.fetchall())
    return 0


def print_queries(settings: Settings, wanted: Sequence[str], console: Console, *, role: str, limit: int) -> int:
    """Print what the queries, all of them if none is named, find in the live publication.

    Raises:
        ConfigError: if there is no query of a name.
        LakehouseError: if nothing is published, or the role may not read it.
    """
    known = settings.queries
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise ConfigError(f"{name}: there is no such query in conf/queries; {hint}")
    with serving(settings) as server, server.reader(role) as connection:
        schema = live_schema(connection, server.place)
        for name in wanted or known:
            try:
                rows = connection.execute(f"SELECT * FROM {name_of(schema, name)}")
            except psycopg.errors.UndefinedTable:
                raise LakehouseError(f"{name}: is not in {quoted(schema)} yet: `make publish` adds it") from None
            columns = [column.name for column in rows.description or ()]
            more = f" (the first {limit} of {rows.rowcount:,})" if rows.rowcount > limit else ""
            print_rows(console, f"{known[name].title}{more}", columns, rows.fetchmany(limit))
    return 0


def live_schema(connection: psycopg.Connection, place: str) -> str:
    """The schema of the live publication for who asks.

    Raises:
        LakehouseError: if there is none.
    """
    row = connection.execute("SELECT serving.live()").fetchone()
    if row is None or row[0] is None:
        raise LakehouseError(f"{place}: nothing was published yet (`make run` or `make publish` does)")
    return str(row[0])
