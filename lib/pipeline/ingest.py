"""Landing to bronze: claim, read, append, settle. A killed run leaves a plan that the next run carries out."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import bronze, landing, ops
from lib.contract import Contract
from lib.errors import LakehouseError
from lib.landing import Inspection, LandedFile
from lib.ops import FileFate, Step
from lib.pipeline.context import Run, now, seconds_since
from lib.session import local_frame


@dataclass(frozen=True)
class Batch:
    """Some files of one entity that go into bronze with one append."""

    number: int
    files: list[LandedFile]
    is_left_over: bool = False


def ingest(run: Run, tables: list[str]) -> None:
    """Take all new landed files of the given entities into bronze, at most `batch_bytes` with each append."""
    claimed, already = _claim(run, tables)
    fates: list[FileFate] = []
    loaded = run.each(claimed, lambda name: _load_all(run, run.settings.contracts[name], claimed[name]))
    for found in loaded.values():
        fates += found
    _settle(run, fates, already)


def _claim(run: Run, tables: list[str]) -> tuple[dict[str, list[Batch]], list[FileFate]]:
    """Plan the batches of this run and commit the plan: one commit for all entities, none where nothing is new.

    Also gives the files that were loaded before and are still, or again, in landing.
    """
    contracts = run.settings.contracts
    listed = landing.list_files(run.settings.landing)
    assigned, strangers = landing.assign(listed, contracts.values())
    for path in strangers:
        run.warn(f"{path}: no contract knows this file; it stays in landing")
    assigned = {name: files for name, files in assigned.items() if name in tables}
    known = _known(run, [file for files in assigned.values() for file in files])
    planned: dict[str, dict[int, list[LandedFile]]] = defaultdict(lambda: defaultdict(list))
    settled: dict[tuple[str, LandedFile], FileFate] = {}
    for fate in known:
        if fate.status == "planned" and fate.table in tables:
            planned[fate.table][fate.batch_id].append(fate.file)
        elif fate.status in ("loaded", "empty"):
            settled[fate.table, fate.file] = fate
    batches: dict[str, list[Batch]] = {}
    for name, files in assigned.items():
        left_over = [Batch(number, sorted(these), True) for number, these in sorted(planned[name].items())]
        waiting = {file for batch in left_over for file in batch.files}
        new = [file for file in files if file not in waiting and (name, file) not in settled]
        first = _last_batch(run, name) + 1 if new else 0
        fresh = [Batch(first + n, these) for n, these in enumerate(landing.in_batches(new, run.settings.batch_bytes))]
        if left_over or fresh:
            batches[name] = left_over + fresh
    plan = [
        FileFate(name, file, batch.number, "planned")
        for name, these in batches.items()
        for batch in these
        for file in batch.files
        if not batch.is_left_over
    ]
    _record(run, plan)
    already = [settled[name, file] for name, files in assigned.items() for file in files if (name, file) in settled]
    return batches, already


def _known(run: Run, files: list[LandedFile]) -> list[FileFate]:
    """What `ops.files` says of these files, and every plan that was not carried out."""
    if run.tables.snapshot(ops.FILES) is None:
        return []
    spark = run.tables.spark
    ledger = run.tables.read(ops.FILES).withColumn("modified_us", F.unix_micros("modified_at"))
    wanted = [vars(file) for file in files]
    identity = ["path", "modified_us", "size"]
    relevant = ledger.filter("status = 'planned'")
    if wanted:
        asked = local_frame(spark, wanted, "path STRING, modified_us BIGINT, size BIGINT")
        relevant = relevant.unionByName(
            ledger.filter("status <> 'planned'").join(F.broadcast(asked), identity, how="left_semi")
        )
    rows = relevant.select("table_name", *identity, "batch_id", "status").collect()
    return [
        FileFate(row.table_name, LandedFile(row.modified_us, row.path, row.size), row.batch_id, row.status)
        for row in rows
    ]


def _last_batch(run: Run, name: str) -> int:
    """The highest batch number ever used for an entity: numbers only grow, also when a ledger was lost."""
    last = [0]
    for table, column, condition in (
        (ops.FILES, "batch_id", f"table_name = '{name}'"),
        (f"bronze.{name}", "_batch_id", "true"),
    ):
        if run.tables.snapshot(table) is not None:
            rows = run.tables.read(table).filter(condition).agg(F.max(column)).collect()
            last.append(rows[0][0] or 0)
    return max(last)


def _load_all(run: Run, contract: Contract, batches: list[Batch]) -> list[FileFate]:
    """Load an entity's batches in order."""
    return [fate for batch in batches for fate in _load(run, contract, batch)]


def _load(run: Run, contract: Contract, batch: Batch) -> list[FileFate]:
    """One batch into bronze with one append, or the finding that it is there already."""
    started = run.begin("bronze", contract.table)
    if batch.is_left_over:
        there = _rows_in_bronze(run, contract.table, batch.number)
        if there:
            run.done(_step(contract, batch, len(there), sum(there.values()), started))
            # bronze is the truth of what was loaded; what it does not hold is free to be claimed again
            return [
                FileFate(contract.table, file, batch.number, "loaded" if file.path in there else "unclaimed")
                for file in batch.files
            ]
    inspections = [landing.inspect(run.settings.landing, file, contract) for file in batch.files]
    _tell_unknown_columns(run, contract, inspections)
    written = 0
    rows = _read(run, contract, [i for i in inspections if i.verdict == "ok"])
    if rows is not None:
        inspections = [_checked_again(run, inspection) for inspection in inspections]
        if any(inspection.verdict == "changed" for inspection in inspections):
            rows = _read(run, contract, [i for i in inspections if i.verdict == "ok"])
    if rows is not None:
        addressed = bronze.with_lineage(rows, batch_id=batch.number, run_id=run.run_id, ingested_at=run.started_at)
        options = {"delta.dataSkippingStatsColumns": bronze.STATS_COLUMNS}
        written = run.tables.append(
            f"bronze.{contract.table}", addressed, batch_id=batch.number, options=options
        ).inserted
    fates = [_fate(contract.table, batch.number, inspection) for inspection in inspections]
    n_loaded = sum(fate.status == "loaded" for fate in fates)
    run.done(_step(contract, batch, n_loaded, written, started))
    return fates


def _step(contract: Contract, batch: Batch, files: int, rows: int, started: datetime) -> Step:
    return Step(
        "bronze", contract.table, batch.number, "append", started, seconds_since(started),
        files=files, rows_in=rows, accepted=rows, changed=rows,
    )  # fmt: skip


def _tell_unknown_columns(run: Run, contract: Contract, inspections: list[Inspection]) -> None:
    for inspection in inspections:
        unknown = [name for name in inspection.header if name not in contract.source_columns.values()]
        if unknown:
            what = f"column {unknown[0]} is" if len(unknown) == 1 else f"columns {', '.join(unknown)} are"
            run.warn(f"{inspection.file.path}: {what} not in the contract; the values are kept in _rescued")


def _rows_in_bronze(run: Run, table: str, batch_id: int) -> dict[str, int]:
    """The files of a batch that bronze holds, and how many rows of each."""
    if run.tables.snapshot(f"bronze.{table}") is None:
        return {}
    rows = run.tables.read(f"bronze.{table}").filter(F.col("_batch_id") == batch_id)
    return {row[0]: row[1] for row in rows.groupBy("_source_file").count().collect()}


def _read(run: Run, contract: Contract, inspections: list[Inspection]) -> DataFrame | None:
    """The rows of files, read in groups that share a header; None where there is no file."""
    groups: dict[tuple[str, ...], list[LandedFile]] = defaultdict(list)
    for inspection in inspections:
        groups[inspection.header].append(inspection.file)
    frames = [
        bronze.parse_csv(landing.read_lines(run.tables.spark, run.settings.landing, files, contract), header, contract)
        for header, files in groups.items()
    ]
    return reduce(DataFrame.unionByName, frames) if frames else None


def _checked_again(run: Run, inspection: Inspection) -> Inspection:
    if inspection.verdict != "ok" or landing.is_unchanged(run.settings.landing, inspection.file):
        return inspection
    return Inspection(inspection.file, "changed", "the file changed while it was read")


def _fate(table: str, batch_id: int, inspection: Inspection) -> FileFate:
    status = {"ok": "loaded", "changed": "unclaimed"}.get(inspection.verdict, inspection.verdict)
    return FileFate(table, inspection.file, batch_id, status, inspection.reason)


def _settle(run: Run, fates: list[FileFate], already: list[FileFate]) -> None:
    """Write down what became of the files, in one commit, and only then move them."""
    _record(run, fates)
    for fate in fates:
        if fate.status == "unclaimed":
            why = fate.reason or "it missed its batch"
            run.warn(f"{fate.file.path}: not loaded: {why}; the next run takes it")
            continue
        if not landing.is_unchanged(run.settings.landing, fate.file):
            run.warn(f"{fate.file.path}: is not what was read any more; what is in landing now is a new file")
            continue
        moved_to = _archive(run, fate)
        if fate.status == "rejected":
            run.fail(fate.file.path, f"{fate.file.path}: rejected: {fate.reason}; it is now {moved_to}")
        elif fate.status == "empty":
            run.warn(f"{fate.file.path}: {fate.reason}; nothing to load")
    for fate in already:
        _archive(run, fate)
        run.warn(f"{fate.file.path}: was loaded before, as batch {fate.batch_id}; moved to processed")


def _archive(run: Run, fate: FileFate) -> Path:
    """Move a file to its place; one that cannot be moved stays, is told, and is tried again by the next run."""
    kind = "rejected" if fate.status == "rejected" else "processed"
    target = run.settings.root / kind / run.settings.contracts[fate.table].source / f"{fate.batch_id:06d}"
    try:
        return landing.archive(run.settings.landing, fate.file, target, reason=fate.reason)
    except LakehouseError as error:
        run.fail(fate.file.path, str(error))
        return run.settings.landing / fate.file.path


def _record(run: Run, fates: list[FileFate]) -> None:
    if fates:
        rows = ops.file_rows(run.tables.spark, fates, run_id=run.run_id, at=now())
        run.tables.upsert(ops.FILES, rows, ops.FILES_KEY)
