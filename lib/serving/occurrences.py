"""Texts in a database: in how many rows of which table something stands."""

from collections.abc import Collection

import psycopg
from psycopg import sql

_TABLES = """
    SELECT n.nspname, c.relname, array_agg(a.attname) FILTER (WHERE a.attname = ANY(%s))
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    GROUP BY n.nspname, c.relname
    ORDER BY n.nspname, c.relname
"""


def occurrences(
    connection: psycopg.Connection, pattern: str, *, keys: Collection[str], columns: Collection[str]
) -> dict[str, int]:
    """Rows, by `schema.table`, in which a pattern of `lib.erasure.values` matches, or one of `columns` is a key.

    All tables of the database, those without such a row too; whatever its settings are, case does not count.
    """
    # a word ends at \\y in PostgreSQL's language, where \\b is a character
    wanted = pattern.replace(r"\b", r"\y")
    found = {}
    for schema, table, named in connection.execute(_TABLES, [[*columns]]).fetchall():
        is_key = [sql.SQL("{}::text = ANY(%(keys)s)").format(sql.Identifier(name)) for name in named or ()]
        query = sql.SQL("SELECT count(*) FROM {} AS each WHERE {}").format(
            sql.Identifier(schema, table), sql.SQL(" OR ").join([sql.SQL("each::text ~* %(pattern)s"), *is_key])
        )
        row = connection.execute(query, {"pattern": wanted, "keys": [*keys]}).fetchone()
        found[f"{schema}.{table}"] = row[0] if row else 0
    return found
