"""From gold to models on record, to scores, and into customer_360."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from pyspark.sql import functions as F

from lib.models.champions import Champion
from lib.models.learning import Past
from lib.models.settings import Tracking
from lib.models.tracking import CHAMPION, Tracker
from lib.pipeline.train import train
from tests.builders import Lake

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def trained(served: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The small lake of three sources, with models learnt from it."""
    lake = served.copy(tmp_path_factory.mktemp("trained") / "lake")
    models = lake.settings().models
    few = models.model_copy(update={"churn": models.churn.model_copy(update={"least": 10})})
    settings = replace(lake.settings(), models=few)
    lake.settings = lambda **changes: replace(settings, **changes)  # type: ignore[method-assign]
    outcome = lake.run(work=train)
    assert outcome.status == 0, outcome.text
    assert "churn" in outcome.text
    return lake


def champion(lake: Lake, kind: str) -> Champion:
    found: Champion | None = getattr(Tracker(lake.settings().tracking, lake.root / "models").champions(), kind)
    assert found is not None
    return found


def test_without_a_model_nobody_is_scored_and_nothing_fails(served: Lake) -> None:
    assert served.read("gold.customer_scores").count() == 0
    assert served.read("gold.customer_360").filter("churn_probability IS NOT NULL").count() == 0
    assert not (served.root / "models").exists()


def test_a_training_is_on_record_with_all_that_it_was_judged_by(trained: Lake) -> None:
    found = champion(trained, "churn")
    client = mlflow.MlflowClient()
    version = client.get_model_version_by_alias(found.name, CHAMPION)
    run = client.get_run(version.run_id)
    assert {"test_auc", "recency_auc", "segment_auc", "test_average_precision", "test_lift_top_decile",
            "test_calibration_error", "recency_brier"} <= run.data.metrics.keys()  # fmt: skip
    assert run.data.metrics["test_auc"] > run.data.metrics["recency_auc"]
    assert run.data.params["days"] == "90"
    assert int(run.data.tags["data.gold.fact_sales"]) >= 0
    plots = [each.path for each in client.list_artifacts(version.run_id, "plots")]
    assert plots == ["plots/calibration.png", "plots/weights.png"]
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_what_the_registry_has_says_what_gold_says(trained: Lake) -> None:
    churn, value = champion(trained, "churn"), champion(trained, "value")
    sales, contacts, payments = (trained.read(f"gold.fact_{name}") for name in ("sales", "interactions", "payments"))
    last = sales.agg(F.max("order_date")).collect()[0][0]
    known = Past(sales, contacts, payments, last, last).known(last).persist()

    uri = f"models:/{churn.name}@{CHAMPION}"
    pipeline = mlflow.spark.load_model(uri, dfs_tmpdir=str(trained.root / ".scratch"))
    plain = known.select(
        *[F.col(n).cast("double") if kind.startswith("decimal") else F.col(n) for n, kind in known.dtypes]
    )
    both = pipeline.transform(plain).select(churn.model.probability.alias("ours"), "prediction")
    assert both.filter("(ours > 0.5) <> (prediction > 0.5)").count() == 0
    signature = mlflow.models.get_model_info(uri).signature
    assert "days_since_last_order" in signature.inputs.input_names()

    function = mlflow.pyfunc.load_model(f"models:/{value.name}@{CHAMPION}")
    inputs = [name for name, kind in known.dtypes if kind != "string"]
    rows = pd.DataFrame(known.orderBy("customer_id").limit(50).toPandas())
    said = function.predict(rows[inputs].astype("float64"))
    ours = known.orderBy("customer_id").limit(50).select(value.model.foretold(365)["value"].alias("v")).collect()
    assert said["value"].tolist() == pytest.approx([row["v"] for row in ours])
    known.unpersist()


def test_the_champions_score_and_customer_360_has_it(trained: Lake) -> None:
    outcome = trained.run(layers=["gold"], resolved=True)
    assert outcome.status == 0, outcome.text
    scores = trained.read("gold.customer_scores")
    assert scores.count() == trained.read("gold.customer_metrics").count()
    odd = "churn_probability NOT BETWEEN 0 AND 1 OR predicted_orders_90_days < 0 OR size(churn_reasons) <> 3"
    assert scores.filter(odd).count() == 0
    assert {tuple(row) for row in scores.select("churn_model", "value_model").distinct().collect()} == {
        (str(champion(trained, "churn")), str(champion(trained, "value")))
    }
    columns = ["customer_id", "churn_probability", "churn_reasons", "predicted_value_12_months"]
    known = trained.read("gold.customer_360").filter("predicted_value_12_months IS NOT NULL").select(*columns)
    assert known.exceptAll(scores.select(*columns)).count() == 0
    assert known.count() == scores.count()
    drift = trained.read("ops.model_drift")
    assert drift.filter("measure = 'churn_probability' AND psi >= 0").count() == 1

    again = trained.run(layers=["gold"], resolved=True)
    assert "0 failed" in again.last_line
    assert trained.read("ops.model_drift").count() == drift.count(), "nothing was scored anew"


def test_too_little_of_the_past_is_told(served: Lake, tmp_path: Path) -> None:
    lake = served.copy(tmp_path / "lake")
    outcome = lake.run(work=train, as_of=date(2015, 3, 1))
    assert outcome.status == 1
    assert "churn: there is too little to learn from" in outcome.text
    assert "value: " in outcome.text
    with pytest.raises(ValueError, match="neither embedded"):
        Tracking.model_validate({"uri": "somewhere"})
