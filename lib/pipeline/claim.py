"""What a run is to load: what is new of each entity, planned in batches and written down before any is read."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark.sql import functions as F

from lib import landing, ops
from lib.alerts import rules
from lib.contract import Contract
from lib.landing import LandedFile
from lib.ops import FileFate
from lib.pipeline.batches import Batch
from lib.pipeline.context import Run, now
from lib.pipeline.deliveries import checked
from lib.pipeline.ranges import range_batches, read_through
from lib.session import local_frame

_IDENTITY = ("path", "modified_us", "size")
_DONE = ("loaded", "empty", "skipped", "ignored", "control", "withdrawn")


@dataclass(frozen=True)
class Claim:
    """The batches of each entity; the fates of files that are decided already; those decided in an earlier run."""

    batches: dict[str, list[Batch]]
    decided: list[FileFate]
    already: list[FileFate]


def claim(run: Run, tables: list[str]) -> Claim:
    """Plan the batches of this run and commit the plan: one commit for all entities, none where nothing is new."""
    result = planned(run, tables, landing.list_files(run.settings.landing))
    record(
        run,
        [
            FileFate(name, file, batch.number, "planned")
            for name, batches in result.batches.items()
            for batch in batches
            for file in batch.files
            if not batch.is_left_over
        ],
    )
    return result


def planned(run: Run, tables: list[str], listed: list[LandedFile]) -> Claim:
    """What is to be loaded of the landed files and of the databases; nothing is written."""
    contracts = run.settings.contracts
    assigned, strangers = landing.assign(listed, contracts.values())
    for path in strangers:
        run.warn(f"{path}: no contract knows this file; it stays in landing")
    assigned = {name: files for name, files in assigned.items() if name in tables}
    known, last = _on_record(run, assigned)
    entities = {
        name: _sorted_out(files, [fate for fate in known if fate.table == name]) for name, files in assigned.items()
    }
    result = Claim({}, [], [])
    for name, entity in entities.items():
        if contracts[name].jdbc is None:
            _claim_entity(run, contracts[name], entity, last[name] + 1, result)
    _claim_ranges(run, {name: each for name, each in entities.items() if contracts[name].jdbc}, last, result)
    return result


def _on_record(run: Run, assigned: dict[str, list[LandedFile]]) -> tuple[list[FileFate], dict[str, int]]:
    """What is known of the landed files, and the highest batch number ever used for each entity.

    Numbers only grow, also when a ledger was lost: bronze is asked too. All at once, as each question takes a while.
    """
    with ThreadPoolExecutor(run.settings.threads) as pool:
        known, in_ledger = pool.submit(_known, run, assigned), pool.submit(_last_in_ledger, run)
        landed = [name for name, files in assigned.items() if files]
        in_bronze = dict(zip(landed, pool.map(lambda name: _last_in_bronze(run, name), landed), strict=True))
        last = {name: max(in_ledger.result().get(name, 0), in_bronze.get(name, 0)) for name in assigned}
        return known.result(), last


def record(run: Run, fates: list[FileFate]) -> None:
    """Write down what became of files, in one commit."""
    if fates:
        rows = ops.file_rows(run.tables.spark, fates, run_id=run.run_id, at=now())
        run.tables.upsert(ops.FILES, rows, ops.FILES_KEY)


@dataclass(frozen=True)
class _Entity:
    """An entity's landed files, by what the ledger says of them."""

    new: list[LandedFile]
    left_over: list[Batch]
    already: list[FileFate]
    former: dict[str, str]


def _sorted_out(files: list[LandedFile], known: list[FileFate]) -> _Entity:
    planned: dict[int, list[LandedFile]] = defaultdict(list)
    settled: dict[LandedFile, FileFate] = {}
    for fate in known:
        if fate.status == "planned":
            planned[fate.batch_id].append(fate.file)
        elif fate.status in _DONE:
            settled[fate.file] = fate
    waiting = {file for these in planned.values() for file in these}
    return _Entity(
        new=[file for file in files if file not in waiting and file not in settled],
        left_over=[Batch(number, sorted(these), True) for number, these in sorted(planned.items())],
        already=[settled[file] for file in files if file in settled],
        former={fate.file.path: fate.content_hash for fate in settled.values() if fate.status == "loaded"},
    )


def _claim_entity(run: Run, contract: Contract, entity: _Entity, number: int, result: Claim) -> None:
    former = entity.former if contract.after_load == "keep" else {}
    new = _changed_ones_too(run, contract, entity.new, former, result)
    new, decided = checked(run, contract, new, number)
    result.decided.extend(decided)
    result.already.extend(entity.already)
    cut = landing.in_batches(new, max_bytes=run.settings.batch_bytes, max_files=run.settings.batch_files)
    fresh = [
        Batch(number + n, these, former={file.path: former[file.path] for file in these if file.path in former})
        for n, these in enumerate(cut)
    ]
    if entity.left_over or fresh:
        result.batches[contract.table] = entity.left_over + fresh


def _claim_ranges(run: Run, entities: dict[str, _Entity], last: dict[str, int], result: Claim) -> None:
    contracts = run.settings.contracts
    known = read_through(run, {name: jdbc.table for name in entities if (jdbc := contracts[name].jdbc)})

    def ranges(name: str) -> list[Batch]:
        return range_batches(
            run, contracts[name], entities[name].left_over, known=known.get(name, []),
            # of a table that has nothing new, bronze is not asked
            next_number=lambda: max(last[name], _last_in_bronze(run, name)) + 1,
        )  # fmt: skip

    result.batches.update(
        {name: batches for name, batches in run.each(entities, ranges, layer="bronze").items() if batches}
    )


def _changed_ones_too(
    run: Run, contract: Contract, new: list[LandedFile], former: dict[str, str], result: Claim
) -> list[LandedFile]:
    """The new files without those that changed after they were loaded, where the contract does not want them again."""
    wanted = []
    for file in new:
        if file.path not in former or contract.on_change == "reload":
            wanted.append(file)
        elif contract.on_change == "ignore":
            run.warn(f"{file.path}: changed after it was loaded; ignored, as its contract says (on_change)")
            result.decided.append(FileFate(contract.table, file, 0, "ignored", "changed after it was loaded"))
        else:
            why = (
                "changed after it was loaded (on_change: fail); put the loaded version back, or land the new one under "
            )
            why += "another name"
            trouble = rules.of_file(contract.table, file.path, why, str(run.settings.landing / file.path))
            run.fail(file.path, f"{file.path}: {why}", trouble)
    return wanted


def _known(run: Run, assigned: dict[str, list[LandedFile]]) -> list[FileFate]:
    """What `ops.files` says of these files, of earlier versions of kept ones, and every plan not carried out."""
    if run.tables.snapshot(ops.FILES) is None:
        return []
    contracts = run.settings.contracts
    ledger = run.tables.read(ops.FILES).withColumn("modified_us", F.unix_micros("modified_at"))
    relevant = ledger.filter("status = 'planned'").filter(F.col("table_name").isin([*assigned]))
    asked = [
        {**vars(file), "table_name": name, "is_kept": contracts[name].after_load == "keep"}
        for name, files in assigned.items()
        for file in files
    ]
    if asked:
        schema = "table_name STRING, path STRING, modified_us BIGINT, size BIGINT, is_kept BOOLEAN"
        frame = F.broadcast(local_frame(run.tables.spark, asked, schema)).alias("asked")
        is_asked = F.expr(
            "ledger.table_name = asked.table_name AND ledger.path = asked.path AND (asked.is_kept OR "
            "(ledger.modified_us = asked.modified_us AND ledger.size = asked.size))"
        )
        settled = ledger.filter("status <> 'planned'").alias("ledger")
        relevant = relevant.unionByName(settled.join(frame, is_asked, how="left_semi"))
    rows = relevant.select("table_name", *_IDENTITY, "batch_id", "status", "content_hash", "changed_at").collect()
    return [ops.fate_of(row) for row in sorted(rows, key=lambda row: row.changed_at)]


def _last_in_ledger(run: Run) -> dict[str, int]:
    if run.tables.snapshot(ops.FILES) is None:
        return {}
    rows = run.tables.read(ops.FILES).groupBy("table_name").agg(F.max("batch_id").alias("last")).collect()
    return {row.table_name: row.last for row in rows}


def _last_in_bronze(run: Run, table: str) -> int:
    if run.tables.snapshot(f"bronze.{table}") is None:
        return 0
    last: int | None = run.tables.read(f"bronze.{table}").agg(F.max("_batch_id")).collect()[0][0]
    return last or 0
