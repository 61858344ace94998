"""Beside the scores: where the models come from, and how far today's customers are from those they were tested on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame

from lib import ops
from lib.models.champions import Champion, Champions
from lib.models.stability import shares_of
from lib.models.tracking import Tracker
from lib.pipeline.context import Run, now


def tracker_of(run: Run) -> Tracker:
    """MLflow as the run's environment has it."""
    return Tracker(run.settings.tracking, run.settings.local / "models")


def record_drift(run: Run, champions: Champions) -> None:
    """Write down the population stability index of what each champion reads and says, if this run scored anew.

    Of a champion that was not asked about some customers, these are left out, as they were when it was tested.
    """
    scored = {step.table for step in run.steps if step.layer == "gold" and step.changed}
    if "customer_scores" not in scored or "customer_scores" in run.failures:
        return
    both = run.tables.read("gold.customer_features").join(
        run.tables.read("gold.customer_scores").drop("as_of"), "customer_id"
    )
    rows: list[Mapping[str, Any]] = []
    at = now()
    for champion in (champions.churn, champions.value):
        if champion is not None:
            said = champion.model.is_asked if champion is champions.churn else "true"
            rows += _drift(run.run_id, champion, both.filter(said), at)
    run.tables.append(ops.MODEL_DRIFT, ops.drift_rows(run.tables.spark, rows))


def _drift(run_id: int, champion: Champion, customers: DataFrame, at: datetime) -> list[Mapping[str, Any]]:
    shares = shares_of(customers, {name: each.ends for name, each in champion.reference.items()})
    return [
        {
            "run_id": run_id, "model": champion.name, "version": champion.version, "measure": name,
            "psi": each.index(shares[name]), "recorded_at": at,
        }
        for name, each in champion.reference.items()
    ]  # fmt: skip
