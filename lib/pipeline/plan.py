"""What a run would do, told before it does it: nothing is written, not even that somebody asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pyspark.sql import functions as F

from lib import ops
from lib.config import contract_hash
from lib.contract import IS_LIVE, Contract
from lib.gold.registry import GoldTable, gold_tables
from lib.landing import LandedFile
from lib.pipeline import build
from lib.pipeline.affected import NOTHING
from lib.pipeline.claim import planned
from lib.pipeline.context import Run, histories
from lib.pipeline.refine import progress_of, quarantine_of
from lib.silver import SILVER_LINEAGE
from lib.terminal import counted, sized


@dataclass(frozen=True)
class Planned:
    """One thing that a run would do, in words; `reads` are bytes of landed files, in so many `files`."""

    layer: str
    table: str
    what: str
    files: int = 0
    reads: int = 0


def plan(run: Run, listed: list[LandedFile]) -> list[Planned]:
    """What the run would do with the lake as it is, if these were the files in landing.

    How many rows a file has is told from those that were loaded before. The keys that gold would compute again are
    counted of what silver has already; those of files that wait are known when silver has them.
    """
    found: list[Planned] = []
    names = [name for name in run.settings.contracts if name in run.request.tables]
    if "bronze" in run.request.layers:
        found += _files(run, names, listed)
    if "silver" in run.request.layers:
        come = {each.table for each in found}
        found += [each for name in names for each in _silver(run, run.settings.contracts[name], come)]
    if "gold" in run.request.layers:
        found += _gold(run, {each.table for each in found})
    return found


def _files(run: Run, names: list[str], listed: list[LandedFile]) -> list[Planned]:
    claim = planned(run, names, listed)
    bytes_of_a_row = _bytes_of_a_row(run)
    found = []
    for name, batches in claim.batches.items():
        files = [file for batch in batches for file in batch.files]
        size = sum(file.size for file in files)
        rows = f", about {size / bytes_of_a_row[name]:,.0f} rows" if name in bytes_of_a_row else ""
        again = " that a run which died had begun" if any(batch.is_left_over for batch in batches) else ""
        what = f"{counted(len(files), 'file')}{again}, {sized(size)}{rows}"
        found.append(Planned("bronze", name, what, len(files), size))
    for fate in claim.decided:
        what = f"{fate.file.path}: {fate.status}{': ' if fate.reason else ''}{fate.reason}"
        found.append(Planned("bronze", fate.table, what))
    return found


def _bytes_of_a_row(run: Run) -> dict[str, float]:
    """How many bytes of a file made a row so far, by entity."""
    if run.tables.snapshot(ops.FILES) is None or run.tables.snapshot(ops.STEPS) is None:
        return {}
    loaded = run.tables.read(ops.FILES).filter("status = 'loaded'").groupBy("table_name").agg(F.sum("size").alias("n"))
    steps = run.tables.read(ops.STEPS).filter("layer = 'bronze'").groupBy("table_name").agg(F.sum("rows_in").alias("r"))
    rows = loaded.join(steps.filter("r > 0"), "table_name").collect()
    return {row.table_name: row.n / row.r for row in rows}


def _silver(run: Run, contract: Contract, come: Iterable[str]) -> list[Planned]:
    found = []
    progress, bronze = progress_of(run, contract), run.tables.snapshot(f"bronze.{contract.table}")
    in_bronze = run.tables.count(f"bronze.{contract.table}")
    is_anew = contract.table in run.request.refined_again
    if bronze is not None and progress is not None and progress.contract_hash != contract_hash(contract):
        found.append(f"its contract changed: all {in_bronze:,} rows of bronze are judged anew")
    elif bronze is not None and (progress is None or is_anew):
        found.append(f"all {in_bronze:,} rows of bronze are judged" + (" anew, as asked for" if is_anew else ""))
    elif bronze is not None and progress is not None and bronze.version != progress.bronze_version:
        rows = run.tables.read(f"bronze.{contract.table}").filter(F.col("_batch_id") > progress.through).count()
        found.append(f"{rows:,} rows of bronze are judged")
    if contract.table in come:
        found.append("what the files bring is judged")
    due = _due(run, contract)
    if due:
        found.append(f"{counted(due, 'row')} that somebody corrected come back from quarantine")
    found += _schema_changes(
        {name: column.type for name, column in contract.columns.items()}, _columns(run, f"silver.{contract.table}")
    )
    return [Planned("silver", contract.table, what) for what in found]


def _due(run: Run, contract: Contract) -> int:
    name = quarantine_of(contract.table)
    if run.tables.snapshot(name) is None:
        return 0
    return run.tables.read(name).filter("status = 'waiting' AND is_due").count()


def _gold(run: Run, moving: set[str]) -> list[Planned]:
    """The tables of gold that would be computed, in the order of their making; `moving` are entities that change."""
    tables = {name: table for name, table in gold_tables().items() if name in run.request.tables}
    entities = {name: contract.table for name, contract in histories(run.settings).items()}
    graph = {name: [each for each in table.inputs if each in tables] for name, table in tables.items()}
    gold = build.gold_of(run)
    found = []
    moves = {*moving}
    try:
        for name in TopologicalSorter(graph).static_order():
            table = tables[name]
            moved = [each for each in table.inputs if entities.get(each, each) in moves]
            what = _scope_in_words(gold, table, moved)
            changes = _schema_changes(
                {column: each.type for column, each in table.definitions.items()}, _columns(run, f"gold.{name}")
            )
            if what or changes:
                moves.add(name)
                found.append(Planned("gold", name, "; ".join([*([what] if what else []), *changes])))
    finally:
        gold.feeds.close()
    return found


def _scope_in_words(gold: build.Gold, table: GoldTable, moved: list[str]) -> str:
    """How far a table would be computed again; empty if it would not."""
    tables = gold.run.tables
    never = [each for each in table.inputs if each in gold_tables() and tables.snapshot(f"gold.{each}") is None]
    if never or tables.snapshot(f"gold.{table.name}") is None:
        return "full (the first time)"
    scope = build.scope(gold, table)
    keys = scope.keys
    if keys is not None:
        keys.rows.unpersist()
    is_whole = keys is None and scope is not NOTHING
    if is_whole and (scope.why or not moved):
        return f"full ({scope.why})" if scope.why else "full"
    without = [each for each in moved if each not in table.routes]
    if is_whole or (moved and not table.key):
        return f"full (for what {', '.join(moved)} takes in)"
    if without:
        return f"full (for what {', '.join(without)} takes in)"
    known = counted(keys.count, "key") if keys is not None else ""
    to_come = f"the keys of what {', '.join(moved)} takes in" if moved else ""
    both = " and ".join(part for part in (known, to_come) if part)
    return f"incremental of {both}" if both else ""


def _columns(run: Run, table: str) -> dict[str, str]:
    """The columns of a table (its full name) and their types; none where it is not there."""
    if run.tables.snapshot(table) is None:
        return {}
    schema = run.tables.read(table, with_tombstones=True).schema
    return {field.name: field.dataType.simpleString().upper() for field in schema.fields}


def _schema_changes(wanted: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    if not there:
        return []
    kept = {*wanted, *SILVER_LINEAGE, IS_LIVE}
    return [
        *[f"new column {name} {type_name.upper()}" for name, type_name in wanted.items() if name not in there],
        *[
            f"column {name} {there[name]} becomes {type_name.upper()}"
            for name, type_name in wanted.items()
            if name in there and there[name] != type_name.upper()
        ],
        *[f"column {name} goes" for name in there if name not in kept],
    ]
