"""How a lake is: its last runs, how fresh its entities are, what waits in quarantine, which rules fail more often."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyspark.sql import functions as F
from rich.console import Console

from lib import ops
from lib.alerts.store import read_state, state_file
from lib.alerts.troubles import next_of
from lib.config import Settings
from lib.freshness import freshness_of
from lib.pipeline.operations import newest_files
from lib.pipeline.quarantine import waiting
from lib.quarantine import reasons
from lib.tables import Tables
from lib.terminal import print_rows

_LAST_RUNS = 8
_WORSE = 2.0
"""A rule fails "more often" from twice the rate of all earlier runs on."""


def status(tables: Tables, settings: Settings, *, now: datetime, console: Console) -> int:
    """Print how the lake is; 1 if the last run failed, an entity is too old, or a hop is not conserved, else 0."""
    errors = [*_print_runs(tables, console), *_print_freshness(tables, settings, now, console)]
    _print_quarantine(tables, settings, now, console)
    _print_rules(tables, console)
    _print_troubles(settings, console)
    return _told(errors, console)


def freshness(tables: Tables, settings: Settings, *, now: datetime, console: Console) -> int:
    """Print how fresh the entities are; 1 if one is older than its contract's `error_after`, else 0."""
    return _told(_print_freshness(tables, settings, now, console), console)


def _told(errors: Sequence[str], console: Console) -> int:
    for line in errors:
        console.print(f"X {line}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"{len(errors)} in error", style="red" if errors else "green")
    return 1 if errors else 0


def _print_runs(tables: Tables, console: Console) -> list[str]:
    if tables.snapshot(ops.RUNS) is None:
        console.print("no run yet")
        return []
    runs = tables.read(ops.RUNS).orderBy(F.desc("run_id")).limit(_LAST_RUNS)
    rows = runs.select(
        "run_id", F.date_format("started_at", "yyyy-MM-dd HH:mm").alias("started (UTC)"),
        F.round("seconds", 1).alias("seconds"), "exit_status", "tables_changed",
        F.size("warnings").alias("warnings"), F.array_join(F.slice("failures", 1, 1), "").alias("failure"),
    )  # fmt: skip
    found = rows.collect()
    print_rows(console, "runs", rows.columns, found)
    errors = [f"run {found[0]['run_id']}: exit status {found[0]['exit_status']}"] if found[0]["exit_status"] else []
    if tables.snapshot(ops.STEPS) is not None:
        last = tables.read(ops.STEPS).filter("is_conserved IS NOT NULL").groupBy("layer", "table_name")
        broken = last.agg(F.max_by("is_conserved", F.struct("run_id", "started_at")).alias("ok")).filter("NOT ok")
        errors += [f"{row.layer}.{row.table_name}: rows are not conserved" for row in broken.collect()]
    return errors


def _print_freshness(tables: Tables, settings: Settings, now: datetime, console: Console) -> list[str]:
    newest = newest_files(tables)
    ages = [freshness_of(each, newest.get(name), now) for name, each in settings.contracts.items()]
    rows = [
        (
            each.table, each.newest.strftime("%Y-%m-%d %H:%M") if each.newest else "",
            "" if each.hours is None else f"{each.hours:,.1f}", each.verdict,
        )
        for each in ages
    ]  # fmt: skip
    print_rows(console, "freshness", ("entity", "newest file (UTC)", "hours old", "verdict"), rows)
    return [f"{each.table}: {each.verdict.removeprefix('error: ')}" for each in ages if "error" in each.verdict]


def _print_troubles(settings: Settings, console: Console) -> None:
    """What alerts are open, since when, and what to type next."""
    try:
        state = read_state(settings.local)
    except ValueError:
        console.print(f"! {state_file(settings.local)}: is not what a run wrote", markup=False, soft_wrap=True)
        return
    still = sorted(state.open, key=lambda each: (str(each.since), each.key))
    rows = [
        (each.kind.replace("_", " "), each.subject, f"{each.since:%Y-%m-%d %H:%M}" if each.since else "",
         next_of(each, settings.watch))
        for each in still
    ]  # fmt: skip
    if rows:
        print_rows(console, "alerts", ("trouble", "of", "since (UTC)", "next"), rows)


def _print_quarantine(tables: Tables, settings: Settings, now: datetime, console: Console) -> None:
    rows = waiting_rows(tables, list(settings.contracts), now)
    if rows:
        columns = ("entity", "waiting", "oldest, days", "reason", "rows")
        print_rows(console, "waiting in quarantine", columns, rows)
    else:
        console.print("nothing waits in quarantine")


def waiting_rows(tables: Tables, entities: Sequence[str], now: datetime) -> list[tuple[Any, ...]]:
    """Per entity and reason: entity, rows waiting, age of the oldest in days, reason, rows with that reason."""
    found: list[tuple[Any, ...]] = []
    for name in entities:
        rows = waiting(tables, name)
        if rows is None:
            continue
        first = F.unix_micros(F.min(F.element_at("history", 1).getField("at"))) / 1_000_000
        total, oldest = rows.agg(F.count(F.lit(1)), first).collect()[0]
        for reason in reasons(rows).orderBy(F.desc("rows"), "reason").limit(5).collect():
            days = (now.timestamp() - oldest) / 86_400
            found.append((name, total, f"{days:,.1f}", reason["reason"], reason["rows"]))
    return found


def _print_rules(tables: Tables, console: Console) -> None:
    if tables.snapshot(ops.QUALITY) is None:
        return
    judged = tables.read(ops.QUALITY)
    newest = judged.groupBy("table_name", "rule").agg(F.max("run_id").alias("last"))
    with_last = judged.join(newest, ["table_name", "rule"])
    rates = with_last.groupBy("table_name", "rule").agg(
        F.try_divide(_sum_if("failed", "run_id = last"), _sum_if("evaluated", "run_id = last")).alias("latest"),
        F.try_divide(_sum_if("failed", "run_id < last"), _sum_if("evaluated", "run_id < last")).alias("before"),
    )
    failing = rates.filter("latest > 0 OR before > 0").orderBy(F.desc("latest"), "table_name", "rule").limit(15)
    rows = [
        (row.table_name, row.rule, _share(row.latest), _share(row.before), _trend(row.latest, row.before))
        for row in failing.collect()
    ]
    if rows:
        print_rows(console, "rules that fail", ("entity", "rule", "latest run", "earlier runs", "trend"), rows)


def _sum_if(column: str, condition: str) -> Any:
    return F.sum(F.expr(f"CASE WHEN {condition} THEN {column} ELSE 0 END"))


def _share(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.2%}"


def _trend(latest: float | None, before: float | None) -> str:
    if latest is None or before is None:
        return ""
    if latest >= _WORSE * before and latest > 0:
        return "worse"
    return "better" if before >= _WORSE * latest else "as before"
