"""What is asked of a PostgreSQL database, as SQL text: three queries about one table. Every name in them is quoted."""

from collections.abc import Mapping

from lib.contract import Jdbc
from lib.ranges import is_moment

WHOLE = ("smallint", "integer", "bigint")
MOMENTS = ("timestamp with time zone", "timestamp without time zone")
"""With those above, the types in the database's words that a watermark may have."""

NUMERIC = (*WHOLE, "numeric", "real", "double precision")
PART = "_partition"


def columns_query(jdbc: Jdbc) -> str:
    """A row per column of the table: `name`, `type` in the database's words, `place`; none where there is no table."""
    return (
        "SELECT CAST(attname AS text) AS name, CAST(format_type(atttypid, NULL) AS text) AS type, attnum AS place "
        f"FROM pg_attribute WHERE attrelid = to_regclass({literal(_name(jdbc.table))}) AND attnum > 0 "
        "AND NOT attisdropped"
    )


def survey_query(jdbc: Jdbc, kind: str, *, after: str | None, through: str | None, lag_seconds: int) -> str:
    """One row about those above `after`, up to `through`; without it, of moments, up to now less the lag.

    `rows`, `through` (their newest watermark), `at` (the database's clock), `low` and `high` (of the column to read in
    parallel by), `is_timeless`: has the table rows without a watermark?
    """
    watermark, table, part = _name(jdbc.watermark), _name(jdbc.table), jdbc.partition_by
    bounds = _bounds(jdbc, kind, after=after, through=through)
    if through is None and kind in MOMENTS:
        now = "now()" if kind == MOMENTS[0] else "(now() AT TIME ZONE 'UTC')"
        bounds.append(f"{watermark} <= {now} - INTERVAL '{lag_seconds} seconds'")
    newest = f"max({watermark})"
    asked = {
        "rows": "count(*)",
        "through": _iso(newest, kind, zone="Z") if kind in MOMENTS else f"CAST({newest} AS text)",
        "at": _iso("now()", MOMENTS[0], zone="Z"),
        "low": f"CAST(min({_name(part)}) AS text)" if part else "CAST(NULL AS text)",
        "high": f"CAST(max({_name(part)}) AS text)" if part else "CAST(NULL AS text)",
        "is_timeless": f"EXISTS (SELECT 1 FROM {table} WHERE {watermark} IS NULL)",
    }
    columns = ", ".join(f'{expression} AS "{name}"' for name, expression in asked.items())
    return f"SELECT {columns} FROM {table} WHERE {' AND '.join(bounds) or 'true'}"


def rows_query(jdbc: Jdbc, columns: Mapping[str, str], *, after: str | None, through: str) -> str:
    """The rows of a range: the text of each column as `_0`, `_1`, …, and PART, the column to read in parallel by."""
    values = [f"{_value(name, kind)} AS _{position}" for position, (name, kind) in enumerate(columns.items())]
    if jdbc.partition_by:
        values.append(f"{_name(jdbc.partition_by)} AS {PART}")
    bounds = _bounds(jdbc, columns[jdbc.watermark], after=after, through=through)
    return f"SELECT {', '.join(values)} FROM {_name(jdbc.table)} WHERE {' AND '.join(bounds)}"


def _bounds(jdbc: Jdbc, kind: str, *, after: str | None, through: str | None) -> list[str]:
    watermark = _name(jdbc.watermark)
    above = [] if after is None else [f"{watermark} > {_literal(after, kind)}"]
    return above if through is None else [*above, f"{watermark} <= {_literal(through, kind)}"]


def _literal(bound: str, kind: str) -> str:
    """A bound of a range as a value of the watermark's type; one without a time zone is in UTC."""
    if is_moment(bound) != (kind in MOMENTS):
        raise ValueError(f"{bound} is not of type {kind}")
    if not is_moment(bound):
        return f"({bound})"
    return f"TIMESTAMPTZ {literal(bound)}" if kind == MOMENTS[0] else f"TIMESTAMP {literal(bound.removesuffix('Z'))}"


def _value(name: str, kind: str) -> str:
    """The text of a column's value, exact; a moment in ISO form, one with a time zone in UTC."""
    if kind in MOMENTS:
        return _iso(quoted(name), kind, zone="Z" if kind == MOMENTS[0] else "")
    return f"CAST({quoted(name)} AS text)"


def _iso(moment: str, kind: str, *, zone: str) -> str:
    """A moment as ISO text to its last digit; what is none (`infinity`, a year BC) as the database tells it."""
    in_utc = f"({moment} AT TIME ZONE 'UTC')" if kind == MOMENTS[0] else moment
    return rf"regexp_replace(CAST({in_utc} AS text), '^([0-9-]+) ([0-9:.]+)$', '\1T\2{zone}')"


def _name(name: str) -> str:
    """A name, of a table with its schema."""
    return ".".join(map(quoted, name.split(".")))


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
