"""Small golds to publish: a test states the rows that matter, and the database is asked what it shows of them."""

from collections.abc import Iterable
from typing import Any

from lib.gold.registry import gold_tables
from lib.serving.database import READER, serving
from tests.builders import Lake, Outcome


def give(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    """Make a table of gold, or another one in its place, of rows of which the rest is NULL."""
    definitions = gold_tables()[table].definitions
    unknown = {name for row in rows for name in row} - definitions.keys()
    assert not unknown, f"{table}: no such column: {unknown}"
    schema = ", ".join(f"{name} {column.type}" for name, column in definitions.items())
    frame = lake.spark.createDataFrame([tuple(row.get(name) for name in definitions) for row in rows], schema)
    writer = frame.coalesce(1).write.format("delta").mode("overwrite")
    writer.save(str(lake.root / "gold" / table))


def publish(lake: Lake, **options: Any) -> Outcome:
    """Publish what gold has."""
    return lake.run(layers=["served"], **options)


def ask(lake: Lake, query: str, values: Iterable[Any] = (), *, role: str = READER) -> list[tuple[Any, ...]]:
    """What a role is told."""
    with serving(lake.settings()) as server, server.reader(role) as connection:
        found = connection.execute(query, [*values] or None)
        return [tuple(row) for row in found.fetchall()] if found.description else []


def admin(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    """What the database's owner is told."""
    return ask(lake, query, role="postgres")
