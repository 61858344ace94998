"""What a person does about rows that wait in quarantine: look, take them out, give them back, give them up."""

from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import bronze, landing, quarantine
from lib.config import Settings
from lib.contract import Contract
from lib.errors import ConfigError, LakehouseError
from lib.pipeline.context import Run
from lib.pipeline.progress import quarantine_of
from lib.pipeline.suppress import without_forgotten
from lib.silver import ADDRESS
from lib.tables import Tables


def entity_of(settings: Settings, name: str) -> Contract:
    """The contract of an entity that a user names.

    Raises:
        ConfigError: if there is none of that name.
    """
    if name not in settings.contracts:
        raise ConfigError(f"there is no entity '{name}' (there are {', '.join(settings.contracts)})")
    return settings.contracts[name]


def waiting(tables: Tables, name: str) -> DataFrame | None:
    """The rows of an entity that wait, None where nothing was ever parted."""
    table = quarantine_of(name)
    return tables.read(table).filter("status = 'waiting'") if tables.snapshot(table) else None


def export(tables: Tables, contract: Contract, folder: Path) -> Path | None:
    """Write the waiting rows to `<folder>/<source>/invalid_<entity>.…`, row by row; None where nothing waits."""
    rows = waiting(tables, contract.table)
    if rows is None or rows.isEmpty():
        return None
    target = folder / contract.source / quarantine.file_name(contract)
    values = F.coalesce("correction", "raw").alias("values")
    shown = rows.select(*ADDRESS, "dq_errors", "_source_file", values).orderBy(*ADDRESS)
    lines = quarantine.exported((row.asDict() for row in shown.toLocalIterator()), contract)
    landing.write_lines(target, lines)
    return target


def replay(contract: Contract, file: Path | None) -> Callable[[Run], None] | None:
    """Takes the corrected rows of a file: they are judged again by the refinement that follows.

    Without a file there is nothing to take: that refinement judges all rows again if the contract changed.

    Raises:
        LakehouseError: if a row of the file is malformed, has no address, has that of a row that does not wait, has
            the address of another row of the file, or names somebody who was forgotten. Nothing is taken then.
    """

    if file is None:
        return None

    def prepare(run: Run) -> None:
        rows = waiting(run.tables, contract.table)
        if rows is None:
            raise LakehouseError(f"{contract.table}: nothing waits in quarantine")
        read = _read(run, contract, file)
        _refuse_forgotten(run, contract, read, file)
        given = quarantine.corrections(read, contract).persist()
        try:
            _refuse_strangers(given, rows, file)
            note = f"corrected by {file.name}"
            due = quarantine.due(rows, given, note=note, run_id=run.run_id, at=run.started_at)
            written = run.tables.upsert(quarantine_of(contract.table), due, ADDRESS)
        finally:
            # the file may be given again under the same name, mended: what is cached must not answer for it
            given.unpersist()
        run.reporter.note(f"{contract.table}: {written.offered:,} corrected rows of {file}")

    return prepare


def discard(contract: Contract, condition: str, note: str) -> Callable[[Run], None]:
    """Gives up the waiting rows that a SQL condition names; they stay in quarantine, as discarded.

    Raises:
        LakehouseError: if the condition names no waiting row.
    """

    def prepare(run: Run) -> None:
        rows = waiting(run.tables, contract.table)
        chosen = rows.filter(condition) if rows is not None else None
        if chosen is None or chosen.isEmpty():
            raise LakehouseError(f"{contract.table}: no waiting row matches: {condition}")
        given_up = quarantine.discarded(chosen, note=note, run_id=run.run_id, at=run.started_at)
        written = run.tables.upsert(quarantine_of(contract.table), given_up, ADDRESS)
        run.reporter.note(f"{contract.table}: {written.offered:,} rows discarded: {note}")

    return prepare


def _read(run: Run, contract: Contract, file: Path) -> DataFrame:
    exported = quarantine.of_export(contract)
    place, landed = file.resolve().parent, landing.one_file(file.resolve())
    look = landing.inspect(place, landed, exported)
    if look.verdict != "ok":
        raise LakehouseError(f"{file}: cannot be read: {look.reason}")
    lines = landing.read_lines(run.tables.spark, place, [landed], exported, layout=look.layout)
    rows = bronze.of_lines(lines, exported, header=look.header, is_array=look.layout == "array")
    malformed = rows.filter("get_json_object(_rescued, '$._malformed') IS NOT NULL AND _batch IS NULL").take(1)
    if malformed:
        raise LakehouseError(f"{file}: a record cannot be read: {malformed[0]['_rescued'][:200]}; nothing was taken")
    return rows


def _refuse_forgotten(run: Run, contract: Contract, rows: DataFrame, file: Path) -> None:
    kept = without_forgotten(run, quarantine.of_export(contract), rows)
    if kept is not rows and kept.count() < rows.count():
        raise LakehouseError(
            f"{file}: a row names somebody who was forgotten, whom nothing brings back (take the row out of the file, "
            "and discard it); nothing was taken"
        )


def _refuse_strangers(given: DataFrame, rows: DataFrame, file: Path) -> None:
    unknown = given.join(rows.select(*ADDRESS), list(ADDRESS), how="left_anti").take(3)
    if unknown:
        said = ", ".join(f"_batch {row[0]} _row {row[1]}" for row in unknown)
        raise LakehouseError(
            f"{file}: {said}: no such row waits in quarantine (keep _batch and _row as they were exported; a row that "
            "was accepted or discarded is settled); nothing was taken"
        )
    twice = given.groupBy(*ADDRESS).count().filter("count > 1").take(1)
    if twice:
        raise LakehouseError(f"{file}: _batch {twice[0][0]} _row {twice[0][1]} stands there twice; nothing was taken")
