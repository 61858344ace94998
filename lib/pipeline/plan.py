"""What a run would do, told before it does it: nothing is written, not even that somebody asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.config import contract_hash
from lib.contract import IS_LIVE, Contract
from lib.gold import routes
from lib.gold.registry import GoldTable, gold_tables
from lib.identity.tables import DESCRIBED_BY, IDENTITIES, NAMED_BY, READ, RESOLUTION
from lib.landing import LandedFile
from lib.pipeline import build
from lib.pipeline.affected import NOTHING
from lib.pipeline.claim import planned
from lib.pipeline.context import Run, maker_of
from lib.pipeline.incoming import Incoming, look_into, net_changes
from lib.pipeline.progress import Progress, has_all_of_bronze, progress_of, quarantine_of
from lib.pipeline.ranges import in_words
from lib.pipeline.refine import due
from lib.silver import SILVER_LINEAGE
from lib.terminal import counted, sized


@dataclass(frozen=True)
class Planned:
    """One thing that a run would do, in words; `reads` are bytes of landed files, in so many `files`.

    `rows` are those of databases, of which nobody knows the bytes.
    """

    layer: str
    table: str
    what: str
    files: int = 0
    reads: int = 0
    rows: int = 0


def plan(run: Run, listed: list[LandedFile], *, to_copy: Sequence[LandedFile] = ()) -> list[Planned]:
    """What the run would do with the lake as it is and these files in landing, `to_copy` being yet to be copied there.

    Those that are there are read and judged. The keys that gold would compute again are counted where silver says them;
    those of a gold table made of other ones are known when these are made.
    """
    found: list[Planned] = []
    names = [name for name in run.settings.contracts if name in run.request.tables]
    incoming: dict[str, Incoming] = {}
    try:
        if "bronze" in run.request.layers:
            found += _files(run, names, listed, to_copy, incoming)
        if "silver" in run.request.layers:
            for name in names:
                found += _silver(run, run.settings.contracts[name], incoming.get(name))
        judged = {name: each.judged for name, each in incoming.items() if each.judged is not None}
        moving = {each.table for each in found if each.layer == "silver"}
        if "silver" in run.request.layers and RESOLUTION in run.request.tables:
            found += _people(run, moving, judged)
        if "gold" in run.request.layers:
            found += _gold(run, {*moving, *[each.table for each in found if each.table == RESOLUTION]}, judged)
    finally:
        for each in incoming.values():
            if each.landed is not None:
                each.landed.unpersist()
    return found


def _files(
    run: Run,
    names: list[str],
    listed: list[LandedFile],
    to_copy: Sequence[LandedFile],
    incoming: dict[str, Incoming],
) -> list[Planned]:
    copies = {file.path: file for file in to_copy}
    claim = planned(run, names, sorted([*(file for file in listed if file.path not in copies), *to_copy]))
    found = []
    for name, batches in claim.batches.items():
        if run.settings.contracts[name].jdbc is not None:
            found += [
                Planned("bronze", name, in_words(each), rows=each.survey.rows if each.survey else 0) for each in batches
            ]
            incoming[name] = Incoming([])
            continue
        files = [file for batch in batches for file in batch.files]
        size = sum(file.size for file in files)
        again = " that a run which died had begun" if any(batch.is_left_over for batch in batches) else ""
        found.append(Planned("bronze", name, f"{counted(len(files), 'file')}{again}, {sized(size)}", len(files), size))
        there = [file for file in files if file.path not in copies]
        incoming[name] = look_into(run, run.settings.contracts[name], there)
        for look in incoming[name].refused:
            reason = f": {look.reason}" if look.reason else ""
            found.append(Planned("bronze", name, f"{look.file.path}: {look.verdict}{reason}"))
    for fate in claim.decided:
        reason = f": {fate.reason}" if fate.reason else ""
        found.append(Planned("bronze", fate.table, f"{fate.file.path}: {fate.status}{reason}"))
    return found


def _silver(run: Run, contract: Contract, incoming: Incoming | None) -> list[Planned]:
    found = []
    progress, bronze = progress_of(run, contract), run.tables.snapshot(f"bronze.{contract.table}")
    in_bronze = run.tables.count(f"bronze.{contract.table}")
    is_anew = contract.table in run.request.refined_again
    if bronze is not None and progress is not None and progress.contract_hash != contract_hash(contract):
        found.append(f"its contract changed: all {in_bronze:,} rows of bronze are judged anew")
    elif bronze is not None and (progress is None or is_anew):
        found.append(f"all {in_bronze:,} rows of bronze are judged" + (" anew, as asked for" if is_anew else ""))
    elif progress is not None and not has_all_of_bronze(run, contract, progress):
        rows = run.tables.read(f"bronze.{contract.table}").filter(F.col("_batch_id") > progress.through).count()
        found.append(f"{rows:,} rows of bronze are judged")
    if incoming is not None and incoming.judged is None:
        found.append("what comes in is judged")
    if incoming is not None and incoming.rows:
        waiting = f", {incoming.quarantined:,} of them to wait in quarantine" if incoming.quarantined else ""
        found.append(
            f"{counted(incoming.rows, 'row')} of the files {'is' if incoming.rows == 1 else 'are'} judged{waiting}"
        )
        found += [f"new field {name}: kept, the contract does not know it" for name in incoming.unknown]
    n_due = _due(run, contract, progress)
    if n_due:
        found.append(f"{counted(n_due, 'row')} of quarantine {'is' if n_due == 1 else 'are'} judged again")
    found += _schema_changes(
        {name: column.type for name, column in contract.columns.items()}, _columns(run, f"silver.{contract.table}")
    )
    return [Planned("silver", contract.table, what) for what in found]


def _due(run: Run, contract: Contract, progress: Progress | None) -> int:
    if run.tables.snapshot(quarantine_of(contract.table)) is None:
        return 0
    return due(run, contract, progress).count()


def _people(run: Run, moving: set[str], judged: Mapping[str, DataFrame]) -> list[Planned]:
    """Would it be looked into who is who: for records that come in, and for customers whom a fact names first."""
    if run.tables.snapshot(IDENTITIES) is None:
        there = [name for name in READ if name in moving or run.tables.snapshot(f"silver.{name}") is not None]
        return [Planned("identity", RESOLUTION, "full (the first time)")] if there else []
    described = [name for entities in DESCRIBED_BY.values() for name in entities if name in moving]
    named = [
        name
        for source, entities in NAMED_BY.items()
        for name, key in entities.items()
        if name in moving and (name not in judged or _names_a_new_one(run, judged[name], source, key))
    ]
    came = sorted([*described, *named])
    return [Planned("identity", RESOLUTION, f"who is who in what {', '.join(came)} takes in")] if came else []


def _names_a_new_one(run: Run, rows: DataFrame, source: str, key: str) -> bool:
    known = run.tables.read(IDENTITIES).filter(F.col("source") == source).select("source_customer_id")
    passing = rows.filter(F.size("dq_errors") == 0)
    named = passing.select(F.col(key).cast("string").alias("source_customer_id")).filter(
        "source_customer_id IS NOT NULL"
    )
    return not named.join(known, "source_customer_id", how="left_anti").isEmpty()


def _gold(run: Run, moving: set[str], judged: Mapping[str, DataFrame]) -> list[Planned]:
    """The tables of gold that would be computed, in the order of their making.

    `moving` are entities that change; `judged` are the rows that wait in landing, for those of which some do.
    """
    tables = {name: table for name, table in gold_tables().items() if name in run.request.tables}
    graph = {name: [each for each in table.inputs if each in tables] for name, table in tables.items()}
    gold = build.gold_of(run)
    found = []
    moves = {*moving}
    try:
        for name in TopologicalSorter(graph).static_order():
            table = tables[name]
            moved = [each for each in table.inputs if maker_of(run.settings, each) in moves]
            what = _scope_in_words(gold, table, moved, judged)
            changes = _schema_changes(
                {column: each.type for column, each in table.definitions.items()}, _columns(run, f"gold.{name}")
            )
            if what or changes:
                moves.add(name)
                found.append(Planned("gold", name, "; ".join([*([what] if what else []), *changes])))
    finally:
        gold.feeds.close()
    return found


def _scope_in_words(gold: build.Gold, table: GoldTable, moved: list[str], judged: Mapping[str, DataFrame]) -> str:
    """How far a table would be computed again; empty if it would not."""
    tables = gold.run.tables
    never = [each for each in table.inputs if each in gold_tables() and tables.snapshot(f"gold.{each}") is None]
    if never or tables.snapshot(f"gold.{table.name}") is None:
        return "full (the first time)"
    scope = build.scope(gold, table)
    n_keys = scope.keys.count if scope.keys is not None else 0
    if scope.keys is not None:
        scope.keys.rows.unpersist()
    elif scope is not NOTHING:
        because = scope.why or (f"for what {', '.join(moved)} takes in" if moved else "")
        return f"full ({because})" if because else "full"
    without = [each for each in moved if each not in table.routes]
    if without:
        return f"full (for what {', '.join(without)} takes in)"
    # the keys of an entity's files are in the files; those of a table of gold are known when it is made
    counts = [f"{n_keys:,} keys"] if n_keys else []
    of_files = [each for each in moved if each in judged]
    n_of_files = _keys_of_files(gold, table, {each: judged[each] for each in of_files}) if of_files else 0
    if n_of_files:
        counts.append(f"{n_of_files:,} keys of the files")
    rest = [each for each in moved if each not in judged]
    if rest:
        counts.append(f"the keys of what {', '.join(rest)} takes in")
    return f"incremental of {' and '.join(counts)}" if counts else ""


def _keys_of_files(gold: build.Gold, table: GoldTable, judged: Mapping[str, DataFrame]) -> int:
    run = gold.run
    changed = {name: net_changes(run, run.settings.contracts[name], rows) for name, rows in judged.items()}
    inputs = build.inputs_of(gold, table)
    known = routes.known_keys(run.tables.read(f"gold.{table.name}"), table.key)
    return routes.keys_of(changed, inputs, table.routes, known=known).count()


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
