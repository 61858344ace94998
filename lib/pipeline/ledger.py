"""What a run leaves in `ops`: its steps, its rules' counts, itself; and the steps of a run that died before that."""

import json
from dataclasses import asdict, replace
from datetime import datetime

from pyspark.sql import functions as F

from lib import ops
from lib.gold.registry import gold_tables
from lib.ops import RuleCount, Step
from lib.pipeline.context import Run, seconds_since

LAST_STEP = "lakehouse.last_step"
"""The property in which a silver or gold table keeps its last step, so that a ledger that missed it can catch up."""


def as_property(run: Run, step: Step) -> str:
    """A step as the text of a table property."""
    return json.dumps(asdict(replace(step, run_id=run.run_id)), default=str)


def catch_up(run: Run) -> None:
    """Give the ledger the steps of a run that died after it wrote tables and before it wrote the ledger."""
    missing = [*_bronze_steps(run), *_last_steps(run)]
    if missing:
        _append(run, missing)
        run.reporter.note(f"a run died before its ledger was written: {len(missing)} of its steps are in ops.steps now")


def write_ledger(run: Run) -> None:
    """One commit to each table of the ledger, whatever the number of steps; a single one where nothing changed."""
    changed = [step for step in run.steps if not step.is_unchanged]
    _append(run, changed)
    finished = {
        "run_id": run.run_id,
        "environment": run.settings.environment,
        "as_of": run.as_of,
        "started_at": run.started_at,
        "seconds": seconds_since(run.started_at),
        "exit_status": 1 if run.failures else 0,
        "tables_changed": len(changed),
        "tables_unchanged": len(run.steps) - len(changed),
        "warnings": run.warnings,
        "failures": list(run.failures.values()),
    }
    run.tables.append(ops.RUNS, ops.run_row(run.tables.spark, finished))


def _append(run: Run, steps: list[Step]) -> None:
    spark = run.tables.spark
    ledger = {}
    if steps:
        ledger[ops.STEPS] = ops.step_rows(spark, steps, run_id=run.run_id)
    if any(step.rules for step in steps):
        ledger[ops.QUALITY] = ops.quality_rows(spark, steps, run_id=run.run_id)
    run.each(ledger, lambda name: run.tables.append(name, ledger[name]))


def _known_steps(run: Run) -> set[tuple[int, str, str, int]]:
    """The steps that the ledger has of the last runs: (run, layer, table, batch)."""
    if run.tables.snapshot(ops.STEPS) is None:
        return set()
    rows = run.tables.read(ops.STEPS).filter(F.col("run_id") >= run.run_id - 1)
    return {tuple(row) for row in rows.select("run_id", "layer", "table_name", "batch_id").collect()}


def _last_steps(run: Run) -> list[Step]:
    known = _known_steps(run)
    found = []
    for name in [*(f"silver.{each}" for each in run.settings.contracts), *(f"gold.{each}" for each in gold_tables())]:
        snapshot = run.tables.snapshot(name)
        text = snapshot.properties.get(LAST_STEP) if snapshot else None
        if text:
            facts = json.loads(text)
            started = datetime.fromisoformat(facts.pop("started_at"))
            rules = tuple(RuleCount(**rule) for rule in facts.pop("rules"))
            step = Step(**facts, started_at=started, rules=rules)
            is_of_the_dead = step.run_id == run.run_id - 1
            if is_of_the_dead and (step.run_id, step.layer, step.table, step.batch_id) not in known:
                found.append(step)
    return found


def _bronze_steps(run: Run) -> list[Step]:
    """A step for each batch that `ops.files` says is loaded and `ops.steps` does not know."""
    if run.tables.snapshot(ops.FILES) is None:
        return []
    loaded = run.tables.read(ops.FILES).filter((F.col("status") == "loaded") & (F.col("run_id") == run.run_id - 1))
    batches = loaded.groupBy("table_name", "batch_id").agg(
        F.count(F.lit(1)).alias("files"), F.unix_micros(F.max("changed_at")).alias("us")
    )
    known = {(layer, table, batch) for _, layer, table, batch in _known_steps(run)}
    steps = []
    for row in batches.collect():
        if ("bronze", row.table_name, row.batch_id) not in known:
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
