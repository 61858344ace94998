"""One table of gold into one table of the database: written out by Spark, taken in by COPY, counted on both sides."""

import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from pyspark.sql import DataFrame, Observation

from lib.errors import ConservationError
from lib.postgresql import quoted
from lib.serving import ddl, publications
from lib.serving.layout import COUNTRY, Layout
from lib.serving.lines import as_lines, sums_of, with_served_columns
from lib.serving.publications import Load
from lib.serving.rollups import Rollup
from lib.transient import in_words

_BLOCK = 1 << 20


def load(
    connection: psycopg.Connection,
    layout: Layout,
    rows: DataFrame | None,
    *,
    countries: DataFrame | None,
    key: str,
    made_from: Mapping[str, Any],
    folder: Path,
) -> tuple[Load, int]:
    """Load the rows, in one transaction, with their key, indexes and rights; gives the load and the number of rows.

    Rows pass through files in `folder`, a line each: neither the driver nor a worker holds them. The files go again.
    Without rows the table is empty.

    Raises:
        ConservationError: if the database has other rows, or another sum of a column of money, than Spark wrote.
        LakehouseError: if a key is there twice or NULL, or a value does not fit, in the database's words.
    """
    money = [column.name for column in layout.columns if column.is_money]
    try:
        written = _written_out(rows, layout, countries, key, folder) if rows is not None else {}
        with connection.transaction():
            made = publications.begin_load(connection, layout.name, made_from)
            connection.execute(ddl.create_table(layout, made.place))
            _copy(connection, ddl.name_of(ddl.DATA, made.place), folder)
            found = _row(connection, ddl.measured(layout, made.place))
            _compare(layout.name, [written.get(name) for name in ("rows", *money)], found, ["rows", *money])
            connection.execute("; ".join(ddl.finish_table(layout, made.place)))
            publications.end_load(connection, made, found[0], dict(zip(money, found[1:], strict=True)))
        connection.execute(f"ANALYZE {ddl.name_of(ddl.DATA, made.place)}")
        return made, found[0]
    except psycopg.Error as error:
        said = ": ".join(filter(None, (error.diag.message_primary or str(error), error.diag.message_detail)))
        raise in_words(f"gold.{layout.name}: the database does not take it: {said}", error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def roll_up(
    connection: psycopg.Connection, rollup: Rollup, loads: Mapping[str, Load], made_from: Mapping[str, Any]
) -> tuple[Load, int]:
    """Make a table of loads, by their tables' names; gives its load and the number of its rows."""
    with connection.transaction():
        for name, each in loads.items():
            query = f"SELECT * FROM {ddl.name_of(ddl.DATA, each.place)}"
            connection.execute(f"CREATE TEMPORARY VIEW {quoted(name)} AS {query}")
        made = publications.begin_load(connection, rollup.name, made_from)
        place = ddl.name_of(ddl.DATA, made.place)
        rows = connection.execute(f"CREATE TABLE {place} AS {rollup.sql}").rowcount
        columns = {each.name for each in connection.execute(f"SELECT * FROM {place} LIMIT 0").description or ()}
        finish = ddl.finish_rollup(made.place, rollup.description, rollup.indexes, has_country=COUNTRY in columns)
        connection.execute("; ".join(finish))
        publications.end_load(connection, made, rows, {})
    connection.execute(f"ANALYZE {place}")
    return made, rows


def _written_out(
    rows: DataFrame, layout: Layout, countries: DataFrame | None, key: str, folder: Path
) -> dict[str, Any]:
    """What Spark counted and added up of the rows while it wrote them into the folder."""
    observation = Observation()
    money = [column.name for column in layout.columns if column.is_money]
    served = with_served_columns(rows.observe(observation, *sums_of(money)), layout, countries, key)
    as_lines(served).write.mode("overwrite").option("compression", "none").text(str(folder))
    return observation.get


def _copy(connection: psycopg.Connection, place: str, folder: Path) -> None:
    # FREEZE: readers need not look up whether the rows are committed, for nobody sees the table before they are
    with connection.cursor().copy(f"COPY {place} FROM STDIN (FREEZE)") as copy:
        for part in sorted(folder.glob("part-*")):
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    copy.write(block)


def _compare(table: str, written: list[Any], found: tuple[Any, ...], names: list[str]) -> None:
    for name, there, here in zip(names, written, found, strict=True):
        # no row has a sum of NULL; Spark tells nothing at all of a table that it knows to be empty
        if Decimal(there or 0) != Decimal(here or 0):
            raise ConservationError(f"{table}: {name}: Delta has {there}, the database {here}; it is not published")


def _row(connection: psycopg.Connection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return tuple(row) if row else ()
