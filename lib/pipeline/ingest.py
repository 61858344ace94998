"""Sources to bronze: claim, read, append, settle. A killed run leaves a plan that the next run carries out."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Literal

from pyspark.sql import functions as F

from lib import landing, ops
from lib.alerts import rules
from lib.contract import Contract
from lib.erasure.files import Sieve, rewrite
from lib.errors import LakehouseError
from lib.landing import Inspection
from lib.ops import FileFate
from lib.pipeline.batches import Batch, appended, bronze_step, rows_in_bronze, tell_unknown
from lib.pipeline.claim import claim, record
from lib.pipeline.context import Run
from lib.pipeline.ranges import load_range
from lib.pipeline.reading import read_files
from lib.pipeline.suppress import sieve_of
from lib.session import local_frame
from lib.storage.places import Place

_STATUS = {"ok": "loaded", "changed": "unclaimed"}


def ingest(run: Run, tables: list[str]) -> None:
    """Take all that is new of the given entities into bronze: files in bounded batches, of a table one range."""
    claimed = run.attempted("claim", lambda: claim(run, tables))
    fates = list(claimed.decided)
    contracts, batches = run.settings.contracts, claimed.batches
    loaded = run.each(batches, lambda name: _load_all(run, contracts[name], batches[name]), layer="bronze")
    for found in loaded.values():
        fates += found
    _settle(run, fates, claimed.already)
    # an entity of which nothing came was looked at as well
    run.looked_at |= {f"bronze.{name}" for name in tables if name not in run.failures}


def _load_all(run: Run, contract: Contract, batches: list[Batch]) -> list[FileFate]:
    """Load an entity's batches in order. An attempt that failed left them as a run does that died."""
    load = _load if contract.jdbc is None else load_range
    planned = [replace(batch, is_left_over=batch.is_left_over or run.is_repeated) for batch in batches]
    return [fate for batch in planned for fate in load(run, contract, batch)]


def _load(run: Run, contract: Contract, batch: Batch) -> list[FileFate]:
    """One batch into bronze with one append, or the finding that it is there already."""
    started = run.begin("bronze", contract.table)
    if batch.is_left_over:
        there = rows_in_bronze(run, contract.table, batch.number)
        if there:
            run.done(bronze_step(contract, batch, started, files=len(there), rows=sum(there.values())))
            # bronze is the truth of what was loaded; what it does not hold is free to be claimed again
            looks = [landing.inspect(run.settings.landing, file, contract) for file in batch.files]
            return [
                FileFate(
                    contract.table, look.file, batch.number, "loaded" if look.file.path in there else "unclaimed",
                    content_hash=look.content_hash,
                )
                for look in looks
            ]  # fmt: skip
    inspections = [_looked_at(run, contract, batch, file) for file in batch.files]
    inspections = _without_duplicates(run, contract, inspections)
    for inspection in inspections:
        tell_unknown(run, contract, inspection.header, inspection.file.path)
    written = 0
    rows = read_files(run, contract, inspections)
    if rows is not None:
        inspections = [_checked_again(run, inspection) for inspection in inspections]
        if any(inspection.verdict == "changed" for inspection in inspections):
            rows = read_files(run, contract, inspections)
    if rows is not None:
        written = appended(run, contract, batch, rows)
    fates = [_fate(contract.table, batch.number, inspection) for inspection in inspections]
    n_loaded = sum(fate.status == "loaded" for fate in fates)
    run.done(bronze_step(contract, batch, started, files=n_loaded, rows=written))
    return fates


def _looked_at(run: Run, contract: Contract, batch: Batch, file: landing.LandedFile) -> Inspection:
    look = landing.inspect(run.settings.landing, file, contract)
    if look.verdict != "ok" or file.path not in batch.former:
        return look
    if batch.former[file.path] == look.content_hash:
        return replace(look, verdict="skipped", reason="only its time changed since it was loaded")
    run.warn(f"{file.path}: changed after it was loaded; loaded again")
    return look


def _without_duplicates(run: Run, contract: Contract, inspections: list[Inspection]) -> list[Inspection]:
    """Sorts out files whose content was loaded under another name, where the contract does not want it again."""
    if contract.on_duplicate == "load":
        return inspections
    known = _other_names(run, [(contract.table, each) for each in inspections if each.verdict == "ok"])
    verdict: Literal["rejected", "skipped"] = "rejected" if contract.on_duplicate == "fail" else "skipped"

    def judged(look: Inspection) -> Inspection:
        other = known(contract.table, look) if look.verdict == "ok" else None
        if other is None:
            return look
        return replace(look, verdict=verdict, reason=f"has the content of {other}, which was loaded before")

    return [judged(look) for look in inspections]


def _other_names(run: Run, looks: list[tuple[str, Inspection]]) -> Callable[[str, Inspection], str | None]:
    """Tells under which other name a file's content came before, in the ledger or among those asked for so far.

    A name that lands again with what it held before is tomorrow's delivery and not a duplicate.
    """
    known = _loaded_names(run, looks)
    seen: dict[tuple[str, str], str] = {}

    def other_name(table: str, look: Inspection) -> str | None:
        name = known.get((table, look.file.path)) or seen.setdefault((table, look.content_hash), look.file.path)
        return None if name == look.file.path else name

    return other_name


def _loaded_names(run: Run, looks: list[tuple[str, Inspection]]) -> dict[tuple[str, str], str]:
    """Under which name the content of files was loaded before, their own if possible; by table and path."""
    if not looks or run.tables.snapshot(ops.FILES) is None:
        return {}
    rows = [{"table_name": name, "content_hash": each.content_hash, "asked": each.file.path} for name, each in looks]
    asked = local_frame(run.tables.spark, rows, "table_name STRING, content_hash STRING, asked STRING")
    loaded = run.tables.read(ops.FILES).filter("status = 'loaded'").select("table_name", "content_hash", "path")
    found = loaded.join(F.broadcast(asked), ["table_name", "content_hash"])
    first = found.groupBy("table_name", "asked").agg(F.min(F.struct(F.expr("path <> asked"), "path")).alias("first"))
    return {(row.table_name, row.asked): row["first"]["path"] for row in first.collect()}


def _checked_again(run: Run, inspection: Inspection) -> Inspection:
    if inspection.verdict != "ok" or landing.is_unchanged(run.settings.landing, inspection.file):
        return inspection
    return Inspection(inspection.file, "changed", "the file changed while it was read")


def _fate(table: str, batch_id: int, inspection: Inspection) -> FileFate:
    status = _STATUS.get(inspection.verdict, inspection.verdict)
    return FileFate(table, inspection.file, batch_id, status, inspection.reason, inspection.content_hash)


def _settle(run: Run, fates: list[FileFate], already: list[FileFate]) -> None:
    """Write down what became of the files, in one commit, and only then move them."""
    _tell_duplicates(run, fates)
    # asked once of an entity: there may be very many files
    sieves = cache(lambda table: sieve_of(run, run.settings.contracts[table]))
    run.attempted("settle", lambda: record(run, fates))
    for fate in fates:
        if run.settings.contracts[fate.table].jdbc is not None:
            # a range of a table: there is nothing to move
            if fate.status == "unclaimed":
                run.warn(f"{fate.file.path}: not loaded: {fate.reason}")
            continue
        if fate.status == "unclaimed":
            why = fate.reason or "it missed its batch"
            run.warn(f"{fate.file.path}: not loaded: {why}; the next run takes it")
            continue
        if not landing.is_unchanged(run.settings.landing, fate.file):
            run.warn(f"{fate.file.path}: is not what was read any more; what is in landing now is a new file")
            continue
        moved_to = _put_away(run, fate, sieves)
        if fate.status == "rejected":
            trouble = rules.of_file(fate.table, fate.file.path, fate.reason, str(moved_to))
            run.fail(fate.file.path, f"{fate.file.path}: rejected: {fate.reason}; it is now {moved_to}", trouble)
        elif fate.status in ("empty", "skipped"):
            run.warn(f"{fate.file.path}: {fate.reason}; nothing to load")
    for fate in already:
        if _is_kept(run, fate):
            continue
        _put_away(run, fate, sieves)
        run.warn(f"{fate.file.path}: was {fate.status} before, as batch {fate.batch_id}; moved to processed")


def _tell_duplicates(run: Run, fates: list[FileFate]) -> None:
    """Say which of the loaded files have the content of another one; one query for the whole run."""
    looks = [
        (fate.table, Inspection(fate.file, "ok", content_hash=fate.content_hash))
        for fate in fates
        if fate.status == "loaded" and fate.content_hash
    ]
    known = _other_names(run, looks)
    for table, look in looks:
        other = known(table, look)
        if other is not None:
            run.warn(f"{look.file.path}: has the content of {other}, which was loaded before; loaded again")


def _is_kept(run: Run, fate: FileFate) -> bool:
    return run.settings.contracts[fate.table].after_load == "keep" and fate.status != "rejected"


def _put_away(run: Run, fate: FileFate, sieves: Callable[[str], Sieve | None]) -> Place:
    """Move a file to its place; one that cannot be moved stays, is told, and is tried again by the next run."""
    here = run.settings.landing / fate.file.path
    if _is_kept(run, fate):
        # what is to stay as it is says so itself; whoever owns it has to know
        if sieves(fate.table) is not None:
            run.warn(f"{fate.file.path}: is kept, and may have records of somebody who was forgotten: look through it")
        return here
    place = landing.rejected_to if fate.status == "rejected" else landing.processed_to
    target = place(run.settings.root, run.settings.contracts[fate.table].source, fate.batch_id)
    try:
        sieve = sieves(fate.table)
        write = partial(rewrite, sieve) if sieve else None
        move = partial(landing.archive, run.settings.landing, fate.file, target, reason=fate.reason, write=write)
        return run.attempted(f"move {fate.file.path}", move)
    except LakehouseError as error:
        run.fail(fate.file.path, str(error), rules.of_error("bronze", fate.table, error, str(error)))
        return here
