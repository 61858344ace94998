"""Maintenance of a lake: fewer and better files, no files that nobody reads, no rows that nobody asks for.

What is to be done is decided from Delta's logs; `tasks` are asked for one after another, each when the one before it is
done, so that a run which dies leaves the rest to the next one.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from pyspark.sql import functions as F
from rich.console import Console

from lib import landing, logs, ops
from lib.config import Settings
from lib.gold.registry import gold_tables
from lib.identity.tables import SCHEMAS
from lib.landing import PutAway
from lib.maintenance import Effect, forgotten, in_words, newest_runs, rewritings, settled
from lib.ops import Action, Step
from lib.pipeline.context import Run, full_name, histories, now, seconds_since
from lib.pipeline.ledger import last_made, record_steps
from lib.pipeline.progress import is_up_to_date, quarantine_of
from lib.pipeline.refine import account_again
from lib.session import local_frame
from lib.tables import Tables
from lib.terminal import print_rows

PROCESSED, LOGS = "files.processed", "files.logs"
"""What is maintained beside tables."""

_RETENTION = "delta.deletedFileRetentionDuration"
_RETENTION_OF_DELTA = timedelta(days=7)
_MARGIN = timedelta(hours=1)
"""Between the look at what readers need and the vacuum itself."""

_LEDGER = {
    ops.STEPS: ("started_at", ("layer", "table_name", "made_from IS NULL", "is_conserved IS NULL")),
    ops.QUALITY: ("judged_at", ("table_name", "rule")),
    ops.RUNS: ("started_at", ()),
    ops.MAINTENANCE: ("started_at", ()),
    ops.MODEL_DRIFT: ("recorded_at", ("model", "measure")),
}
"""The tables of the ledger that may forget: their time, and the groups of rows of which each keeps its newest run.

Not `ops.files`: whether a file is new, or has what another one had, is asked of all that ever landed.
"""


@dataclass(frozen=True)
class Task:
    """Something to do with a table or folder, and why; what has no `do` (None: nothing came of it) is only told."""

    what: str
    why: str
    do: Callable[[Run], Effect | None] | None = None


@dataclass(frozen=True)
class Looked:
    """What is decided from. `readers`: of each table (its full name) the version that each gold table was made from."""

    tables: Tables
    settings: Settings
    at: datetime
    readers: dict[str, dict[str, int]]


def names(settings: Settings) -> list[str]:
    """All that can be maintained: tables by their full names, and the folders of files."""
    entities = [
        name
        for table in settings.contracts
        for name in (f"bronze.{table}", f"silver.{table}", quarantine_of(table))
    ]  # fmt: skip
    past = [f"silver.{name}" for name in histories(settings)]
    gold = [f"gold.{name}" for name in gold_tables()]
    return [*entities, *past, *SCHEMAS, *gold, ops.FILES, *_LEDGER, PROCESSED, LOGS]


def maintain(chosen: Iterable[str]) -> Callable[[Run], None]:
    """Maintains the tables and folders of these names; a failure of one stops no other.

    Rows first: what that writes is compacted with the rest.
    """

    def work(run: Run) -> None:
        lake = _looked_at(run.tables, run.settings, run.started_at)
        existing = [name for name in chosen if name in (PROCESSED, LOGS) or run.tables.snapshot(name)]
        done = run.each(existing, lambda name: _carry_out(run, name, _row_tasks(lake, name)), layer="maintenance")
        more = run.each(done, lambda name: _carry_out(run, name, _file_tasks(lake, name)), layer="maintenance")
        for name in [name for name in more if not done[name] + more[name]]:
            layer, table = name.split(".")
            run.done(Step(layer, table, run.run_id, "unchanged", run.started_at))
        pin(run)

    return work


def print_plan(tables: Tables, settings: Settings, chosen: Iterable[str], console: Console) -> int:
    """Print what maintenance would do with a lake as it is, and do none of it."""
    lake = _looked_at(tables, settings, now())
    rows = [
        (*name.split("."), task.what, task.why)
        for name in chosen
        if name in (PROCESSED, LOGS) or tables.snapshot(name)
        for task in (*_row_tasks(lake, name), *_file_tasks(lake, name))
    ]
    if rows:
        print_rows(console, "what maintenance would do", ("layer", "table", "action", "why"), rows)
    console.print(f"{len(rows)} actions; nothing was changed" if rows else "nothing to do")
    return 0


def _looked_at(tables: Tables, settings: Settings, at: datetime) -> Looked:
    upkeep = settings.maintenance
    tables.set_file_sizes(small=upkeep.small_bytes, target=upkeep.target_bytes)
    readers: dict[str, dict[str, int]] = {}
    for table, made in _made(tables).items():
        for name, version in made["tables"].items():
            readers.setdefault(full_name(name), {})[table] = version
    return Looked(tables, settings, at, readers)


def _carry_out(run: Run, name: str, tasks: Iterator[Task]) -> int:
    """Do the tasks of a table or folder, in their order; gives the number of those that did something."""
    layer, table = name.split(".")
    n_done = 0
    for task in tasks:
        if task.do is None:
            run.warn(f"{name}: {task.what}: {task.why}")
            continue
        started = run.begin(layer, table)
        effect = task.do(run)
        if effect is not None:
            run.acted(Action(layer, table, task.what, task.why, started, seconds_since(started), effect))
            n_done += 1
    return n_done


def _row_tasks(lake: Looked, name: str) -> Iterator[Task]:
    """What becomes of old rows, and of the files of folders."""
    if name == PROCESSED:
        yield from _processed(lake)
    elif name == LOGS:
        yield from _logs(lake)
    elif name in _LEDGER:
        yield from _old_rows(lake, name)
    elif name.endswith("_quarantine"):
        yield from _settled_rows(lake, name)


def _file_tasks(lake: Looked, name: str) -> Iterator[Task]:
    """What becomes of the files of a table."""
    if name in (PROCESSED, LOGS):
        return
    table = gold_tables().get(name.removeprefix("gold."))
    clustered_by = table.clustered_by if table else ""
    how: dict[str, Callable[[Run], Effect | None]] = {
        "clustered": lambda run: run.tables.cluster(name, clustered_by),
        "purged": lambda run: run.tables.purge(name),
        "compacted": lambda run: run.tables.compact(name),
    }
    files = lake.tables.files(name, clustered_by=clustered_by)
    for what, why in rewritings(files, lake.settings.maintenance, is_clustered=bool(clustered_by)):
        yield Task(what, why, how[what])
    yield from _vacuum(lake, name)


def _vacuum(lake: Looked, name: str) -> Iterator[Task]:
    """Delete files that no version uses any more which somebody reads or may want back.

    How long they are kept is said to Delta by a property, and not to the vacuum: after that time Delta also forgets
    when a file went, and would delete it whatever a vacuum is told. That is why a table of which a reader needs more
    than that is left alone.
    """
    after = lake.settings.maintenance.vacuum_after
    snapshot = lake.tables.snapshot(name)
    if after is None or snapshot is None:
        return
    wanted = f"interval {int(after.total_seconds())} seconds"
    if snapshot.properties.get(_RETENTION, wanted if after == _RETENTION_OF_DELTA else "") != wanted:
        why = f"unused files are kept for {in_words(after)}"
        yield Task("retention", why, lambda run: _described(run, name, {_RETENTION: wanted}))
    unused = lake.tables.unused_files(name, now() - after)
    if not unused:
        return
    reader = _reader_behind(lake, name, snapshot.version)
    if reader:
        yield Task("not vacuumed", f"{reader}; build it first")
    else:
        why = f"{unused:,} files are of no version of the last {in_words(after)}"
        yield Task("vacuumed", why, lambda run: run.tables.vacuum(name))


def _described(run: Run, name: str, properties: dict[str, str]) -> Effect:
    run.tables.set_properties(name, properties)
    return Effect()


def _reader_behind(lake: Looked, name: str, through: int) -> str:
    """The gold table that has yet to follow what changed in a table before a vacuum's reach; empty if there is none."""
    reach = now() - (lake.settings.maintenance.vacuum_after or timedelta()) + _MARGIN
    for table, version in lake.readers.get(name, {}).items():
        # -1: it was made when there was nothing to read
        same = lake.tables.unchanged_until(name, version, through=through)
        if 0 <= same < through:
            commits = lake.tables.commits(name, after=same - 1, through=same)
            if not commits or datetime.fromtimestamp(commits[0].at_ms / 1000, timezone.utc) < reach:
                return f"gold.{table} has yet to follow what changed after version {same}"
    return ""


def _settled_rows(lake: Looked, name: str) -> Iterator[Task]:
    keep = lake.settings.maintenance.keep_settled
    if keep is None:
        return
    chosen = settled(lake.at - keep)
    n_rows = lake.tables.read(name).filter(chosen).count()
    if n_rows:
        entity = name.removeprefix("silver.").removesuffix("_quarantine")
        why = f"{n_rows:,} rows were settled more than {in_words(keep)} ago; their text is in bronze"

        def strip(run: Run) -> Effect:
            contract = run.settings.contracts[entity]
            is_known = is_up_to_date(run, contract)
            rows = run.tables.strip(name, chosen, "raw")
            if is_known:
                account_again(run, contract)
            return Effect(rows=rows)

        yield Task("stripped", why, strip)


def _old_rows(lake: Looked, name: str) -> Iterator[Task]:
    keep = lake.settings.maintenance.keep_ops
    if keep is None:
        return
    time, per = _LEDGER[name]
    rows = lake.tables.read(name)
    kept = [row["run_id"] for row in newest_runs(rows, per).collect()]
    chosen = forgotten(time, lake.at - keep, kept)
    n_rows = rows.filter(chosen).count()
    if n_rows:
        why = f"{n_rows:,} rows are older than {in_words(keep)}"
        yield Task("forgotten", why, lambda run: Effect(rows=run.tables.delete(name, chosen)))


def _processed(lake: Looked) -> Iterator[Task]:
    keep = lake.settings.maintenance.keep_processed
    if keep is None:
        return
    old = _settled_files(lake, landing.list_processed(lake.settings.root), lake.at - keep)
    if old:
        why = f"{len(old):,} files were settled more than {in_words(keep)} ago"

        def remove(_: Run) -> Effect:
            return Effect(
                files_removed=len(old), bytes_removed=sum(map(partial(landing.remove, lake.settings.root), old))
            )

        yield Task("removed", why, remove)


def _settled_files(lake: Looked, files: list[PutAway], before: datetime) -> list[PutAway]:
    """Those of the processed files that were settled before a time; what the ledger does not know is not among them."""
    if not files or lake.tables.snapshot(ops.FILES) is None:
        return []
    rows = [
        {"table_name": name, "source": file.source, "batch_id": file.batch_id, "path": file.path}
        for file in files
        for name, contract in lake.settings.contracts.items()
        if contract.source == file.source
    ]
    schema = "table_name STRING, source STRING, batch_id BIGINT, path STRING"
    asked = F.broadcast(local_frame(lake.tables.spark, rows, schema))
    done = lake.tables.read(ops.FILES).filter((F.col("status") != "planned") & (F.col("changed_at") < F.lit(before)))
    found = done.join(asked, ["table_name", "batch_id", "path"], how="inner")
    return [PutAway(*row) for row in found.select("source", "batch_id", "path").distinct().collect()]


def _logs(lake: Looked) -> Iterator[Task]:
    keep = lake.settings.maintenance.keep_logs
    old = logs.old_logs(lake.settings.local, lake.at - keep) if keep is not None else []
    if keep is not None and old:
        why = f"{len(old):,} logs are older than {in_words(keep)}"
        yield Task("removed", why, lambda _: Effect(files_removed=len(old), bytes_removed=logs.remove(old)))


def pin(run: Run) -> None:
    """Say in the ledger at which versions the inputs of gold have, by now, the rows that gold was made from.

    Else what maintenance commits would age there: Delta keeps its log for 30 days, and without it nobody could tell
    that these commits changed no row.
    """
    steps = []
    for table, made in _made(run.tables).items():
        pinned = {
            **made,
            "tables": {name: _unchanged(run.tables, full_name(name), at) for name, at in made["tables"].items()},
            "version": _unchanged(run.tables, f"gold.{table}", made["version"]),
        }
        if pinned != made:
            text = json.dumps(pinned, sort_keys=True)
            steps.append(Step("gold", table, run.run_id, "pinned", now(), made_from=text))
    record_steps(run, steps)


def _unchanged(tables: Tables, name: str, version: int) -> int:
    snapshot = tables.snapshot(name)
    return tables.unchanged_until(name, version, through=snapshot.version) if snapshot else version


def _made(tables: Tables) -> dict[str, dict[str, Any]]:
    """What each gold table that there still is was made from."""
    return {table: made for table, made in last_made(tables).items() if table in gold_tables()}
