"""What of a run and of its lake somebody is told: gathered at the end of a run, or by who only looks."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta, timezone
from functools import partial, reduce
from typing import TypeVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import ops
from lib.alerts import rules
from lib.alerts.settings import Watch
from lib.alerts.tell import tell
from lib.alerts.troubles import News, Trouble
from lib.config import Settings
from lib.drift import unknown_fields
from lib.errors import LakehouseError, LockedError
from lib.freshness import freshness_of
from lib.gold.registry import gold_tables
from lib.identity.tables import RESOLUTION
from lib.landing import rejected_to
from lib.lock import last_run
from lib.pipeline.context import Run
from lib.pipeline.operations import newest_files
from lib.pipeline.request import Request
from lib.storage.places import place_of
from lib.tables import Tables

T = TypeVar("T")


Found = tuple[list[Trouble], set[str]]
"""Troubles, and what was found good: what they `need` to be over."""


def tell_of(run: Run, *, is_other_work: bool = False, after_death: bool = False) -> list[News]:
    """Tell of what a run that came to its end found wrong; gives the news. It is a warning where that does not work.

    `after_death`: the run before was killed, and could not tell what it found.
    """
    settings = run.settings
    found, good = [*run.troubles], {*run.looked_at}
    good |= rules.asked_for(run.request.layers, run.request.tables, is_other_work=is_other_work)
    nothing: Found = ([], set())
    for look in (_lake, _volumes, _fields, *([_rejected_before] if after_death else [])):
        troubles, fine = _tried(run, partial(look, run), nothing)
        found += troubles
        good |= fine
    read = {step.table for step in run.steps if step.layer == "bronze" and step.rows_in}

    def known(open_ones: Sequence[Trouble]) -> set[str]:
        of_fields = rules.known_fields(open_ones, settings.contracts, read)
        of_files = _tried(run, lambda: _files(run, open_ones), set[str]())
        return good | of_fields | of_files | _gone(settings, open_ones)

    return _tried(run, lambda: tell(settings.watch, found, known, now=run.started_at, warn=run.warn), [])


def tell_of_crash(
    watch: Watch, error: Exception, request: Request | None = None, *, troubles: Sequence[Trouble] = ()
) -> list[News]:
    """Tell of a run that ended early, and of what it found before, with nothing but files: Spark may be what failed.

    A lake that another run holds is no trouble, and a folder that is no lake has none.
    """
    if isinstance(error, LockedError) or not watch.local.is_dir():
        return []
    layers, tables = (request.layers, request.tables) if request else ((), ())
    found = [*troubles, rules.of_crash(_in_a_line(error), layers, tables)]
    try:
        return tell(watch, found, lambda _: (), now=datetime.now(timezone.utc), warn=_to_stderr)
    except Exception as why:
        _to_stderr(f"alerts: {_in_a_line(why)}")
        return []


def tell_of_lake(tables: Tables, settings: Settings, *, now: datetime) -> list[News]:
    """Tell of what is wrong with a lake whether or not there are runs; gives the news."""
    found, good = of_lake(tables, settings, now)
    found += _of_runs(tables, settings, now)

    def known(open_ones: Sequence[Trouble]) -> set[str]:
        return good | _gone(settings, open_ones)

    return tell(settings.watch, found, known, now=now, warn=_to_stderr)


def of_lake(tables: Tables, settings: Settings, now: datetime) -> Found:
    """How old entities are, and how far models have drifted: what can be asked of a lake at any time."""
    found, good, kinds = list[Trouble](), set[str](), settings.alerts.kinds
    if kinds.freshness.enabled:
        newest = newest_files(tables)
        ages = [freshness_of(each, newest.get(name), now) for name, each in settings.contracts.items()]
        found += rules.of_freshness(ages, settings.contracts)
        good |= {f"fresh {name}" for name in settings.contracts} - {each.needs[0] for each in found}
    if kinds.model_drift.enabled and tables.snapshot(ops.MODEL_DRIFT) is not None:
        drifted, fine = rules.of_models(_measures(tables), kinds.model_drift.psi_above)
        found += drifted
        good |= fine
    return found, good


def daily_volumes(tables: Tables, since: date) -> dict[str, dict[date, int]]:
    """The rows that came into bronze, by entity and day (UTC), from a day on. A batch counts once."""
    if tables.snapshot(ops.STEPS) is None:
        return {}
    steps = tables.read(ops.STEPS).filter("layer = 'bronze'").filter(F.col("started_at") >= F.lit(since))
    batches = steps.groupBy("table_name", "batch_id").agg(
        F.max("rows_in").alias("rows"), F.min("started_at").alias("at")
    )
    days = batches.groupBy("table_name", F.to_date("at").alias("day")).agg(F.sum("rows").alias("rows"))
    found: dict[str, dict[date, int]] = {}
    for row in days.collect():
        found.setdefault(row["table_name"], {})[row["day"]] = row["rows"]
    return found


def _tried(run: Run, look: Callable[[], T], otherwise: T) -> T:
    """What was asked for; where that fails a warning and something else: a run has ended as it has ended."""
    try:
        return look()
    except Exception as error:
        run.warn(f"alerts: {run.reporter.explain('alerts', error)}")
        return otherwise


def _in_a_line(error: Exception) -> str:
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return str(error) if isinstance(error, LakehouseError) else f"{type(error).__name__}: {first}"


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _lake(run: Run) -> Found:
    return of_lake(run.tables, run.settings, run.started_at)


def _volumes(run: Run) -> Found:
    rule = run.settings.alerts.kinds.volume
    entities = [name for name in run.settings.contracts if f"bronze.{name}" in run.looked_at]
    if not rule.enabled or not entities:
        return [], set()
    volumes = daily_volumes(run.tables, run.started_at.date() - timedelta(weeks=rule.weeks))
    return rules.of_volumes(volumes, entities, rule, now=run.started_at)


def _fields(run: Run) -> Found:
    """Members of this run's JSON that no contract knows; columns are told of where they are read, from the header."""
    alerts = run.settings.alerts
    batches: dict[str, set[int]] = {}
    for step in run.steps:
        contract = run.settings.contracts.get(step.table)
        if step.layer == "bronze" and step.rows_in and contract is not None and contract.format == "json":
            batches.setdefault(step.table, set()).add(step.batch_id)
    if not alerts.kinds.schema_drift.enabled or not batches:
        return [], set()

    def unknown(table: str, numbers: Iterable[int]) -> DataFrame:
        rows = run.tables.read(f"bronze.{table}").filter(F.col("_batch_id").isin(*numbers))
        fields = unknown_fields(rows, run.settings.contracts[table]).limit(alerts.listed)
        return fields.select(F.lit(table).alias("table_name"), "field", "first_file")

    every = reduce(DataFrame.unionByName, [unknown(table, numbers) for table, numbers in batches.items()])
    found = [rules.of_fields(row["table_name"], [row["field"]], row["first_file"]) for row in every.collect()]
    return [trouble for each in found for trouble in each], set()


def _rejected_before(run: Run) -> Found:
    """The files that runs rejected which were killed before they told anybody."""
    if run.tables.snapshot(ops.FILES) is None:
        return [], set()
    ended = run.tables.read(ops.RUNS).filter(F.col("run_id") < run.run_id)
    last = ended.agg(F.max("run_id")).collect()[0][0] or 0
    files = (
        run.tables.read(ops.FILES).filter("status = 'rejected'").filter(F.col("run_id").between(last + 1, run.run_id))
    )
    found = []
    for row in files.select("table_name", "path", "reason", "batch_id").collect():
        if row["table_name"] in run.settings.contracts:
            source = run.settings.contracts[row["table_name"]].source
            place = rejected_to(run.settings.root, source, row["batch_id"]) / row["path"]
            found.append(rules.of_file(row["table_name"], row["path"], row["reason"], str(place)))
    return found, set()


def _files(run: Run, open_ones: Iterable[Trouble]) -> set[str]:
    """What is good of files that were rejected: one of the same path came and was not, or somebody took it away."""
    rejected = {each.subject: each for each in open_ones if each.kind == "file_rejected"}
    if not rejected or run.tables.snapshot(ops.FILES) is None:
        return set()
    asked = run.tables.read(ops.FILES).filter(F.col("path").isin(*rejected))
    newest = asked.groupBy("path").agg(F.max_by("status", F.struct("changed_at", "batch_id")).alias("status"))
    status = {row["path"]: row["status"] for row in newest.collect()}
    over = (
        path
        for path, each in rejected.items()
        if status.get(path) != "rejected" or not place_of(each.where, run.settings.storage).exists()
    )
    return {f"file {path}" for path in over}


def _gone(settings: Settings, open_ones: Sequence[Trouble]) -> set[str]:
    return rules.gone(open_ones, {*settings.contracts, *gold_tables(), RESOLUTION})


def _measures(tables: Tables) -> list[tuple[str, str, str, float]]:
    """Of each model what its newest run measured."""
    rows = tables.read(ops.MODEL_DRIFT)
    newest = rows.groupBy("model").agg(F.max("run_id").alias("run_id"))
    found = rows.join(newest, ["model", "run_id"], how="left_semi").filter("psi IS NOT NULL")
    return [tuple(row) for row in found.select("model", "version", "measure", "psi").distinct().collect()]


def _of_runs(tables: Tables, settings: Settings, now: datetime) -> list[Trouble]:
    died = last_run(settings.root)
    found = []
    if died is not None and not died.has_ended and not died.goes_on:
        found.append(rules.of_dead_run(died.run_id, died.since))
    return found + rules.of_last_run(_last_ended(tables), settings.alerts.kinds.run_failed.no_run_for, now=now)


def _last_ended(tables: Tables) -> datetime | None:
    if tables.snapshot(ops.RUNS) is None:
        return None
    micros = tables.read(ops.RUNS).agg(F.unix_micros(F.max("started_at"))).collect()[0][0]
    return None if micros is None else datetime.fromtimestamp(micros / 1_000_000, timezone.utc)
