"""A stand-in for publishing: copies a lake's gold into the embedded database as it is, unmasked for both roles."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import deltalake
import psycopg
import pyarrow as pa

from lib.config import Settings
from lib.serving.database import serving

ROLLUPS = Path(__file__).resolve().parents[2] / "lib/serving/rollups"
SCHEMA = "gold_0001"
_TYPES = {
    pa.string(): "text", pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double precision",
    pa.bool_(): "boolean", pa.date32(): "date", pa.list_(pa.string()): "text[]",
}  # fmt: skip


def publish(settings: Settings, *, blow_up: int = 0) -> None:
    """Copy gold and the ledger of a lake; `blow_up` adds that many copies of the facts under other orders and days."""
    with serving(settings, create=True) as server, server.publisher() as to:
        _prepare(to)
        for folder in sorted((settings.root / "gold").iterdir()):
            if (folder / "_delta_log").is_dir():
                _copy(to, f"{SCHEMA}.{folder.name}", _read(folder))
        if blow_up:
            _blow_up(to, blow_up)
        to.execute(f"SET search_path = {SCHEMA}")
        for file in sorted(ROLLUPS.glob("*.sql")):
            roll_up(to, file)
        _operations(to, settings)
        to.execute(f"GRANT USAGE ON SCHEMA {SCHEMA}, operations, serving TO gold_reader, gold_reader_pii")
        for schema in (SCHEMA, "operations", "serving"):
            to.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO gold_reader, gold_reader_pii")
        to.execute("VACUUM ANALYZE")


def roll_up(to: psycopg.Connection, file: Path) -> None:
    """One rollup as a table, with the indexes that its comments list."""
    text = file.read_text("utf-8")
    to.execute(f"DROP TABLE IF EXISTS {file.stem}")
    to.execute(f"CREATE TABLE {file.stem} AS {text}".encode())
    for line in text.splitlines():
        if line.startswith("-- index: "):
            to.execute(f"CREATE INDEX ON {file.stem} ({line.removeprefix('-- index: ')})".encode())


def _prepare(to: psycopg.Connection) -> None:
    for role in ("gold_reader", "gold_reader_pii"):
        if to.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            to.execute(f"CREATE ROLE {role} LOGIN".encode())
    for schema in (SCHEMA, "operations", "serving"):
        to.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        to.execute(f"CREATE SCHEMA {schema}".encode())
    to.execute(f"CREATE FUNCTION serving.live() RETURNS text LANGUAGE sql STABLE AS $$ SELECT '{SCHEMA}' $$".encode())


def _read(folder: Path) -> pa.Table:
    # by its own engine, which knows rows that are only marked as gone
    batches = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(str(folder))).execute("SELECT * FROM t")
    return pa.table(batches.read_all())


def _type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "text[]"
    return "text" if kind in {pa.large_string(), pa.string_view()} else _TYPES[kind]


def _copy(to: psycopg.Connection, name: str, table: pa.Table) -> None:
    columns = ", ".join(f'"{field.name}" {_type(field.type)}' for field in table.schema)
    to.execute(f"CREATE TABLE {name} ({columns})".encode())
    with to.cursor().copy(f"COPY {name} FROM STDIN".encode()) as copy:
        for batch in table.to_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                copy.write_row(row)


def _blow_up(to: psycopg.Connection, times: int) -> None:
    found = to.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = 'fact_sales'"
        " ORDER BY ordinal_position",
        [SCHEMA],
    ).fetchall()
    changed: dict[str, Any] = {
        "order_id": "order_id || '-' || n",
        "customer_id": "CASE WHEN n % 2 = 0 THEN customer_id ELSE customer_id || '-' || n / 8 END",
        "order_date": "day", "order_month": "to_char(day, 'YYYY-MM')",
    }  # fmt: skip
    columns = ", ".join(changed.get(name, name) for (name,) in found)
    to.execute(
        f"INSERT INTO {SCHEMA}.fact_sales SELECT {columns} FROM {SCHEMA}.fact_sales, generate_series(1, {times}) n,"
        " LATERAL (SELECT date '2015-01-01' + (order_date - date '2015-01-01' + n * 37) % 910 AS day) d".encode()
    )
    names = [
        name
        for (name,) in to.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND"
            " table_name = 'customer_360' ORDER BY ordinal_position", [SCHEMA],
        ).fetchall()
    ]  # fmt: skip
    taken = ", ".join("f.customer_id" if name == "customer_id" else f"c.{name}" for name in names)
    to.execute(
        f"INSERT INTO {SCHEMA}.customer_360 SELECT {taken} FROM (SELECT DISTINCT customer_id FROM {SCHEMA}.fact_sales"
        f" WHERE customer_id LIKE '%-%') f JOIN {SCHEMA}.customer_360 c"
        " ON c.customer_id = split_part(f.customer_id, '-', 1)".encode()
    )
    to.execute(f"TRUNCATE {SCHEMA}.sales_by_customer_month".encode())
    to.execute(
        f"INSERT INTO {SCHEMA}.sales_by_customer_month SELECT customer_id, order_month, sum(total_value),"
        f" max(total_value) FROM {SCHEMA}.fact_sales GROUP BY 1, 2".encode()
    )


def _operations(to: psycopg.Connection, settings: Settings) -> None:
    now = datetime.now(timezone.utc)
    to.execute(
        "CREATE TABLE serving.publications (publication_id bigint, run_id bigint, as_of date, schema_name text,"
        " status text, published_at timestamptz, replaced_at timestamptz)"
    )
    to.execute("INSERT INTO serving.publications VALUES (1, 1, '2017-06-30', %s, 'live', %s, NULL)", [SCHEMA, now])
    _copy(to, "operations.runs", _read(settings.root / "ops/runs"))
    steps = _read(settings.root / "ops/steps")
    _copy(to, "operations.steps", steps)
    to.execute(
        "CREATE TABLE operations.conservation AS SELECT DISTINCT ON (layer, table_name) layer, table_name,"
        " is_conserved, run_id, rows_in, accepted, superseded, quarantined FROM operations.steps"
        " WHERE is_conserved IS NOT NULL ORDER BY layer, table_name, run_id DESC, started_at DESC"
    )
    to.execute(
        "CREATE TABLE operations.freshness (table_name text, newest timestamptz, warn_after text, error_after text,"
        " warn_at timestamptz, error_at timestamptz)"
    )
    to.execute(
        "INSERT INTO operations.freshness SELECT table_name, max(started_at),"
        " CASE WHEN table_name LIKE 'pos%%' THEN '24h' END, CASE WHEN table_name LIKE 'pos%%' THEN '2d' END,"
        " CASE WHEN table_name LIKE 'pos%%' THEN max(started_at) + interval '24h' END,"
        " CASE WHEN table_name LIKE 'pos%%' THEN max(started_at) + interval '48h' END"
        " FROM operations.steps WHERE layer = 'bronze' GROUP BY 1"
    )
    to.execute(
        "CREATE TABLE operations.quarantine (table_name text, waiting bigint, oldest timestamptz, reason text,"
        " rows bigint)"
    )
    for folder in sorted((settings.root / "silver").glob("*_quarantine")):
        rows = _read(folder).to_pylist()
        waiting = [row for row in rows if row.get("status", "waiting") == "waiting"]
        reasons: dict[str, int] = {}
        for row in waiting:
            for reason in row["dq_errors"]:
                reasons[reason] = reasons.get(reason, 0) + 1
        for reason, count in reasons.items():
            to.execute(
                "INSERT INTO operations.quarantine VALUES (%s, %s, %s, %s, %s)",
                [folder.name.removesuffix("_quarantine"), len(waiting), now, reason, count],
            )
