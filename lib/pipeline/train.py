"""Training: gold as it is into models, each on record, and the champion from now on if it is the better one."""

from itertools import pairwise

from pyspark.sql import functions as F

from lib import ops
from lib.errors import LakehouseError
from lib.models.learning import LEARN, Past
from lib.ops import Step
from lib.pipeline.context import Run, seconds_since
from lib.pipeline.score import tracker_of

_READ = ("fact_sales", "fact_interactions", "fact_payments")


def train(run: Run) -> None:
    """Learn each model; one that cannot be learnt is a failure of the run, and hinders no other one.

    A model that does not beat its baselines, or the champion, is put on record and scores nobody.
    """
    tracker = tracker_of(run)
    champions = tracker.champions()
    past, versions = _past(run)

    def learn(kind: str) -> None:
        started = run.begin(ops.MODELS, kind)
        learnt = LEARN[kind](past, run.settings.models, getattr(champions, kind))
        version = tracker.record(kind, learnt, versions)
        mode = "champion" if learnt.is_better else "no champion"
        why = f"version {version}: {learnt.why}"
        run.done(Step(ops.MODELS, kind, run.run_id, mode, started, seconds_since(started), why=why))
        if not learnt.is_better:
            run.warn(f"{kind}: version {version} does not score: {learnt.why}")

    # one after the other: each fills the machine, and MLflow has one active run
    kinds = [*LEARN]
    run.each(kinds, learn, layer=ops.MODELS, after={after: [before] for before, after in pairwise(kinds)})


def _past(run: Run) -> tuple[Past, dict[str, int]]:
    tables, versions = {}, {}
    for name in _READ:
        snapshot = run.tables.snapshot(f"gold.{name}")
        if snapshot is None:
            raise LakehouseError(f"gold.{name}: was never built: there is nothing to learn from (`make run` builds it)")
        tables[name] = run.tables.read(f"gold.{name}", version=snapshot.version)
        versions[f"gold.{name}"] = snapshot.version
    sales, interactions, payments = (tables[name] for name in _READ)
    [days] = sales.agg(F.min("order_date").alias("first"), F.max("order_date").alias("last")).collect()
    if days["first"] is None:
        raise LakehouseError("gold.fact_sales: has no order: there is nothing to learn from")
    last = min(run.settings.as_of or days["last"], days["last"])
    return Past(sales, interactions, payments, days["first"], last), versions
