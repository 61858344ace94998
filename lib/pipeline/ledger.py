"""What a run leaves in `ops`: its steps, its rules' counts, itself; and the steps of a run that died before that."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import ops
from lib.formats import mark
from lib.ops import RuleCount, Step
from lib.pipeline.context import Run, seconds_since
from lib.ranges import PREFIX
from lib.tables import Tables

LAST_STEP = "lakehouse.last_step"
"""The property in which a silver table keeps its last step, so that a ledger that missed it can catch up."""


def as_property(run: Run, step: Step) -> str:
    """A step as the text of a table property."""
    return json.dumps(asdict(replace(step, run_id=run.run_id)), default=str)


def catch_up(run: Run) -> None:
    """Give the ledger the steps of a run that died after it wrote tables and before it wrote the ledger."""
    known = _known(run, ops.STEPS, "layer", "table_name", "batch_id")
    judged = _known(run, ops.QUALITY, "table_name", "batch_id")
    left = [*_bronze_steps(run, known), *_last_steps(run)]
    missing = [step for step in left if (step.run_id, step.layer, step.table, step.batch_id) not in known]
    # the two tables are written one after the other: a run can die between them
    uncounted = [step for step in left if step.rules and (step.run_id, step.table, step.batch_id) not in judged]
    if missing or uncounted:
        _append(run, missing, uncounted)
        run.reporter.note(f"a run died before its ledger was written: {len(missing)} of its steps are in ops.steps now")


def last_made(tables: Tables, layer: str = "gold") -> dict[str, dict[str, Any]]:
    """What each table of a layer was made from the last time, by its name.

    The ledger is the record: a run that died wrote none, and what it made is computed again.
    """
    if tables.snapshot(ops.STEPS) is None:
        return {}
    steps = tables.read(ops.STEPS)
    if "made_from" not in steps.columns:
        return {}
    newest = F.max_by("made_from", F.struct("run_id", "started_at")).alias("made_from")
    made = steps.filter(F.col("layer") == layer).groupBy("table_name").agg(newest).filter("made_from IS NOT NULL")
    return {row["table_name"]: json.loads(row["made_from"]) for row in made.collect()}


def write_ledger(run: Run) -> None:
    """One commit to each table of the ledger, whatever the number of steps; a single one where nothing changed."""
    changed = [step for step in run.steps if not step.is_unchanged]
    _append(run, changed, [step for step in changed if step.rules])
    if run.actions:
        actions = ops.action_rows(run.tables.spark, run.actions, run_id=run.run_id)
        run.attempted("ledger ops.maintenance", lambda: _add(run, ops.MAINTENANCE, actions))
    maintained = {(action.layer, action.table) for action in run.actions}
    finished = {
        "run_id": run.run_id,
        "environment": run.settings.environment,
        "as_of": run.as_of,
        "started_at": run.started_at,
        "seconds": seconds_since(run.started_at),
        "exit_status": 1 if run.failures else 0,
        "tables_changed": len(changed) + len(maintained),
        "tables_unchanged": len(run.steps) - len(changed),
        "warnings": run.warnings,
        "failures": list(run.failures.values()),
    }
    run.attempted("ledger ops.runs", lambda: _add(run, ops.RUNS, ops.run_row(run.tables.spark, finished)))
    mark(run.tables)


def record_steps(run: Run, steps: list[Step]) -> None:
    """Write down steps that are no work of the run itself."""
    if steps:
        run.tables.append(ops.STEPS, ops.step_rows(run.tables.spark, steps, run_id=run.run_id))


def _append(run: Run, steps: list[Step], judged: list[Step]) -> None:
    spark = run.tables.spark
    ledger = {}
    if steps:
        ledger[ops.STEPS] = ops.step_rows(spark, steps, run_id=run.run_id)
    if judged:
        ledger[ops.QUALITY] = ops.quality_rows(spark, judged, run_id=run.run_id)
    run.each(ledger, lambda name: _add(run, name, ledger[name]), layer="ledger")


def _add(run: Run, name: str, rows: DataFrame) -> None:
    """Add rows of this run; once, though an attempt that failed may have added them."""
    if run.is_repeated:
        run.tables.upsert(name, rows, ops.KEYS[name], update_if="false")
    else:
        run.tables.append(name, rows)


def _known(run: Run, table: str, *columns: str) -> set[tuple[Any, ...]]:
    """What a table of the ledger has of the last runs: (run, …the columns)."""
    if run.tables.snapshot(table) is None:
        return set()
    rows = run.tables.read(table).filter(F.col("run_id") >= run.run_id - 1)
    return {tuple(row) for row in rows.select("run_id", *columns).distinct().collect()}


def _last_steps(run: Run) -> list[Step]:
    """The last step of each silver table that the dead run wrote."""
    found = []
    for name in run.settings.contracts:
        snapshot = run.tables.snapshot(f"silver.{name}")
        text = snapshot.properties.get(LAST_STEP) if snapshot else None
        if text:
            facts = json.loads(text)
            started = datetime.fromisoformat(facts.pop("started_at"))
            rules = tuple(RuleCount(**rule) for rule in facts.pop("rules"))
            step = Step(**facts, started_at=started, rules=rules)
            if step.run_id == run.run_id - 1:
                found.append(step)
    return found


def _bronze_steps(run: Run, known: set[tuple[Any, ...]]) -> list[Step]:
    """A step for each batch that `ops.files` says is loaded and `ops.steps` does not know."""
    if run.tables.snapshot(ops.FILES) is None:
        return []
    loaded = run.tables.read(ops.FILES).filter((F.col("status") == "loaded") & (F.col("run_id") == run.run_id - 1))
    batches = loaded.groupBy("table_name", "batch_id").agg(
        F.count_if(~F.startswith("path", F.lit(PREFIX))).alias("files"), F.unix_micros(F.max("changed_at")).alias("us")
    )
    known_of_any_run = {each[1:] for each in known}
    steps = []
    for row in batches.collect():
        if ("bronze", row.table_name, row.batch_id) not in known_of_any_run:
            in_batch = run.tables.read(f"bronze.{row.table_name}").filter(F.col("_batch_id") == row.batch_id)
            rows = in_batch.count()
            at = datetime.fromtimestamp(row.us / 1_000_000, run.started_at.tzinfo)
            steps.append(
                Step(
                    "bronze", row.table_name, row.batch_id, "append", at,
                    files=row.files, rows_in=rows, accepted=rows, changed=rows, run_id=run.run_id - 1,
                )
            )  # fmt: skip
    return steps
