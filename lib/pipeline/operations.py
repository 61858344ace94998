"""What the ledger and the quarantine say of the lake, handed to the database that gold is served from."""

from collections.abc import Sequence
from datetime import datetime, timezone
from functools import reduce
from typing import Any

from psycopg import Error
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lib import ops
from lib.contract import age_of
from lib.errors import LakehouseError
from lib.pipeline.context import Run
from lib.pipeline.quarantine import waiting
from lib.quarantine import without_values
from lib.serving import publications
from lib.serving.database import serving
from lib.serving.operations import COLUMNS, CONSERVATION, RUNS, replace_all
from lib.serving.settings import NONE
from lib.tables import Tables

_NEWEST_RUNS = 50
_REASONS = 20
"""Of an entity, the most frequent ones."""


def tell_operations(run: Run) -> None:
    """Hand over how the lake is, as of the ledger of this run. What cannot be told is a warning: the run has ended."""
    if run.settings.database.url == NONE:
        return
    rows: dict[str, Sequence[Sequence[Any]]] = {
        "runs": _runs(run.tables),
        "freshness": _freshness(run),
        "quarantine": _quarantine(run),
        "conservation": _conservation(run.tables),
    }

    def hand_over() -> None:
        with serving(run.settings, create=True) as server, server.publisher() as connection:
            publications.migrate(connection, server.place)
            replace_all(connection, rows)

    try:
        run.attempted("operations", hand_over)
    except (Error, LakehouseError) as error:
        run.warn(f"the database does not know of this run: {' '.join(str(error).split())}")


def _runs(tables: Tables) -> list[Row]:
    if tables.snapshot(ops.RUNS) is None:
        return []
    runs = tables.read(ops.RUNS).orderBy(F.desc("run_id")).limit(_NEWEST_RUNS)
    return _rows(runs.select(*RUNS))


def newest_files(tables: Tables) -> dict[str, datetime]:
    """When the newest loaded file of each entity was last changed, UTC."""
    if tables.snapshot(ops.FILES) is None:
        return {}
    loaded = tables.read(ops.FILES).filter("status = 'loaded'").groupBy("table_name")
    found = _rows(loaded.agg(F.max("modified_at").alias("newest")))
    return {row["table_name"]: row["newest"] for row in found}


def _freshness(run: Run) -> list[tuple[Any, ...]]:
    newest = newest_files(run.tables)
    found = []
    for name, contract in run.settings.contracts.items():
        ages = (contract.freshness.warn_after, contract.freshness.error_after)
        at = newest.get(name)
        found.append((name, at, *ages, *[at + age_of(age) if at and age else None for age in ages]))
    return found


def _quarantine(run: Run) -> list[Row]:
    """Per entity its most frequent reasons: how many rows wait, since when, and how many for the reason."""
    parted = [
        rows.select(
            F.lit(name).alias("table_name"),
            F.element_at("history", 1).getField("at").alias("at"),
            F.transform("dq_errors", without_values).alias("reasons"),
        )
        for name in run.settings.contracts
        if (rows := waiting(run.tables, name)) is not None
    ]
    if not parted:
        return []
    every = reduce(DataFrame.unionByName, parted)
    of_entity = every.groupBy("table_name").agg(F.count(F.lit(1)).alias("waiting"), F.min("at").alias("oldest"))
    said = every.select("table_name", F.explode("reasons").alias("reason"))
    counted = said.groupBy("table_name", "reason").agg(F.count(F.lit(1)).alias("rows"))
    found = _rows(of_entity.join(counted, "table_name", how="left").select(*COLUMNS["quarantine"]))
    found.sort(key=lambda row: (row["table_name"], -(row["rows"] or 0), row["reason"] or ""))
    places = [sum(each["table_name"] == row["table_name"] for each in found[:at]) for at, row in enumerate(found)]
    return [row for row, place in zip(found, places, strict=True) if place < _REASONS]


def _conservation(tables: Tables) -> list[Row]:
    if tables.snapshot(ops.STEPS) is None:
        return []
    counted = tables.read(ops.STEPS).filter("is_conserved IS NOT NULL")
    newest = F.max_by(F.struct(*CONSERVATION[2:]), F.struct("run_id", "started_at")).alias("last")
    return _rows(counted.groupBy("layer", "table_name").agg(newest).select("layer", "table_name", "last.*"))


def _rows(frame: DataFrame) -> list[Row]:
    """The rows of a few, with times that say that they are of UTC: they arrive in the time zone of the machine."""
    moments = [field.name for field in frame.schema.fields if field.dataType.typeName() == "timestamp"]
    told = frame.withColumns({name: F.unix_micros(name) for name in moments})
    return [Row(**{**row.asDict(), **{name: _moment(row[name]) for name in moments}}) for row in told.collect()]


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(micros / 1_000_000, timezone.utc)
