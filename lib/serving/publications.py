"""The record of what is served: migrations, loads, publications, and which of them is live."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from lib.errors import LockedError
from lib.postgresql import literal, quoted
from lib.serving.database import PUBLISHER
from lib.serving.ddl import DATA
from lib.transient import in_words

FRONT, FRONT_PII = "gold", "gold_pii"
"""The schemas under whose names the live publication is read."""

# not a path: a cluster gets this code as a zip
_MIGRATIONS = files(__package__ or "lib.serving") / "migrations"
_LOCK = 0x60_1D
"""The number of the lock that a publisher holds."""


@dataclass(frozen=True)
class Publication:
    """A publication: its number, the run it holds, and its schemas, of masked views and of whole ones.

    `status`: prepared, live, replaced or withdrawn.
    """

    publication_id: int
    run_id: int
    as_of: date | None
    status: str
    schema_name: str
    pii_schema_name: str
    published_at: datetime | None = None

    @property
    def fronts(self) -> dict[str, str]:
        """The schemas that take the names FRONT and FRONT_PII while it is live, by these names."""
        return {FRONT: f"{self.schema_name}_front", FRONT_PII: f"{self.pii_schema_name}_front"}


@dataclass(frozen=True)
class Load:
    """A loaded table: `made_from` says of what, so that the next run knows whether it has to be loaded again."""

    load_id: int
    table: str
    made_from: Mapping[str, Any]

    @property
    def place(self) -> str:
        """The name of the table in the schema of the loaded ones."""
        return f"{self.table}_{self.load_id}"


def migrate(connection: psycopg.Connection, place: str) -> None:
    """Bring the roles and the record up to what this code knows; then go on as the publisher.

    Raises:
        LakehouseError: if whoever is connected may not do that, or may not publish.
    """
    done = connection.execute("SELECT to_regclass('public.lakehouse_migrations')").fetchone()
    applied = set[str]()
    if done and done[0]:
        applied = {row[0] for row in connection.execute("SELECT name FROM public.lakehouse_migrations")}
    known = sorted(_MIGRATIONS.iterdir(), key=lambda file: file.name)
    waiting = [file for file in known if file.name.endswith(".sql") and file.name not in applied]
    try:
        for file in waiting:
            with connection.transaction():
                connection.execute("CREATE TABLE IF NOT EXISTS public.lakehouse_migrations (name text PRIMARY KEY)")
                connection.execute("GRANT SELECT ON public.lakehouse_migrations TO PUBLIC")
                connection.execute(file.read_text("utf-8"))
                connection.execute("RESET ROLE")
                connection.execute("INSERT INTO public.lakehouse_migrations VALUES (%s)", [file.name])
        connection.execute(f"SET ROLE {PUBLISHER}")
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        what = (
            f"{waiting[0].name} has to be applied by one who may create roles" if waiting else "cannot be published to"
        )
        raise in_words(f"{place}: {what}: {said}", error) from None


@contextmanager
def held(connection: psycopg.Connection, place: str) -> Iterator[None]:
    """Hold the database for publishing; the lock goes with the connection.

    Raises:
        LockedError: if another one publishes.
    """
    [is_free] = _row(connection, "SELECT pg_try_advisory_lock(%s)", [_LOCK])
    if not is_free:
        raise LockedError(f"{place}: another run publishes there; nothing was changed")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def token_key(connection: psycopg.Connection) -> str:
    """What makes this database's tokens."""
    return str(_row(connection, "SELECT key FROM serving.token_key")[0])


def publications(connection: psycopg.Connection) -> list[Publication]:
    """All that are there, the newest first."""
    rows = connection.execute(
        "SELECT publication_id, run_id, as_of, status, schema_name, pii_schema_name, published_at "
        "FROM serving.publications ORDER BY publication_id DESC"
    )
    return [Publication(*row) for row in rows]


def loads_of(connection: psycopg.Connection, publication: Publication) -> dict[str, Load]:
    """The tables of a publication by name."""
    rows = connection.execute(
        "SELECT load_id, table_name, made_from FROM serving.loads "
        "JOIN serving.published_tables USING (load_id, table_name) WHERE publication_id = %s ORDER BY table_name",
        [publication.publication_id],
    )
    return {row[1]: Load(*row) for row in rows}


def newest_loads(connection: psycopg.Connection) -> dict[str, Load]:
    """Of each table the last load that is there, published or not."""
    rows = connection.execute(
        "SELECT DISTINCT ON (table_name) load_id, table_name, made_from FROM serving.loads "
        "ORDER BY table_name, load_id DESC"
    )
    return {row[1]: Load(*row) for row in rows}


def begin_load(connection: psycopg.Connection, table: str, made_from: Mapping[str, Any]) -> Load:
    """A load that counts once the transaction that it is part of is committed."""
    row = _row(
        connection,
        "INSERT INTO serving.loads (table_name, made_from, rows, sums) VALUES (%s, %s, 0, '{}') RETURNING load_id",
        [table, Jsonb(made_from)],
    )
    return Load(row[0], table, made_from)


def end_load(connection: psycopg.Connection, load: Load, rows: int, sums: Mapping[str, Any]) -> None:
    """Write down what a load holds."""
    said = {name: str(value) for name, value in sums.items() if value is not None}
    connection.execute(
        "UPDATE serving.loads SET rows = %s, sums = %s WHERE load_id = %s", [rows, Jsonb(said), load.load_id]
    )


def prepare(connection: psycopg.Connection, run_id: int, as_of: date | None, loads: Mapping[str, Load]) -> Publication:
    """A new publication, of these loads, in a transaction of the caller's; its schemas are still to be made."""
    [number] = _row(connection, "SELECT 1 + coalesce(max(publication_id), 0) FROM serving.publications")
    made = Publication(number, run_id, as_of, "prepared", f"gold_{number:04d}", f"gold_pii_{number:04d}")
    connection.execute(
        "INSERT INTO serving.publications "
        "(publication_id, run_id, through_run_id, as_of, schema_name, pii_schema_name, status) "
        "VALUES (%s, %s, %s, %s, %s, %s, 'prepared')",
        [number, run_id, run_id, as_of, made.schema_name, made.pii_schema_name],
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO serving.published_tables VALUES (%s, %s, %s)",
            [(number, load.table, load.load_id) for load in loads.values()],
        )
    return made


def make_live(connection: psycopg.Connection, wanted: Publication, *, replaced: str = "replaced") -> None:
    """Publish: in one short transaction the names FRONT and FRONT_PII go from the live publication to another one.

    Who is in the middle of a query is not disturbed: schemas are renamed, no table is touched. `replaced` is what the
    one that was live becomes.
    """
    with connection.transaction():
        was = next((each for each in publications(connection) if each.status == "live"), None)
        for front, schema in was.fronts.items() if was else ():
            connection.execute(f"ALTER SCHEMA {quoted(front)} RENAME TO {quoted(schema)}")
        for front, schema in wanted.fronts.items():
            connection.execute(f"ALTER SCHEMA {quoted(schema)} RENAME TO {quoted(front)}")
        connection.execute(
            "UPDATE serving.publications SET status = %s, replaced_at = now() WHERE status = 'live'", [replaced]
        )
        connection.execute(
            "UPDATE serving.publications SET status = 'live', published_at = now(), replaced_at = NULL "
            "WHERE publication_id = %s",
            [wanted.publication_id],
        )


def confirm(connection: psycopg.Connection, live: Publication, run_id: int) -> None:
    """Write down that a run found the live publication to be what gold is."""
    connection.execute(
        "UPDATE serving.publications SET through_run_id = %s WHERE publication_id = %s", [run_id, live.publication_id]
    )


def drop_unfinished(connection: psycopg.Connection, lock_timeout: str) -> None:
    """Drop what a publisher that died had prepared; its loads stay, to be published this time."""
    for each in publications(connection):
        if each.status == "prepared":
            _dropped(connection, each, lock_timeout)


def retire(connection: psycopg.Connection, *, keep: int, keep_seconds: float, lock_timeout: str) -> list[Publication]:
    """Drop publications that are needed no more, and the loads that no publication has; gives the publications.

    Those are all that are older than the `keep` newest besides the live one and were replaced more than `keep_seconds`
    ago. What somebody reads is left for the next time.
    """
    known = publications(connection)
    after_live = [each for each in known if each.status in {"replaced", "withdrawn"}]
    too_old = {
        row[0]
        for row in connection.execute(
            "SELECT publication_id FROM serving.publications WHERE replaced_at < now() - make_interval(secs => %s)",
            [keep_seconds],
        )
    }
    left = [each for each in after_live[keep:] if each.publication_id in too_old]
    dropped = [each for each in left if _dropped(connection, each, lock_timeout)]
    _drop_loads(connection, lock_timeout)
    return dropped


def _dropped(connection: psycopg.Connection, publication: Publication, lock_timeout: str) -> bool:
    schemas = [*publication.fronts.values(), publication.schema_name, publication.pii_schema_name]
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {literal(lock_timeout)}")
            for schema in schemas:
                connection.execute(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE")
            connection.execute(
                "DELETE FROM serving.publications WHERE publication_id = %s", [publication.publication_id]
            )
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _drop_loads(connection: psycopg.Connection, lock_timeout: str) -> None:
    unused = connection.execute(
        "SELECT load_id, table_name FROM serving.loads "
        "WHERE NOT EXISTS (SELECT FROM serving.published_tables AS used WHERE used.load_id = loads.load_id)"
    ).fetchall()
    for load_id, table in unused:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {literal(lock_timeout)}")
                connection.execute(f"DROP TABLE IF EXISTS {quoted(DATA)}.{quoted(Load(load_id, table, {}).place)}")
                connection.execute("DELETE FROM serving.loads WHERE load_id = %s", [load_id])
        except psycopg.errors.LockNotAvailable:
            continue


def _row(connection: psycopg.Connection, query: str, values: list[Any] | None = None) -> tuple[Any, ...]:
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise LookupError(query)
    return tuple(row)
