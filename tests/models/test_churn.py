"""Who is about to leave: what SQL computes is what Spark ML learnt, and its reasons are those of the model."""

import pytest
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.models.churn import INPUTS, REASONS, ChurnModel, fit, with_segments
from lib.models.features import SCHEMA
from tests.builders import assert_rows

ROW = {
    "customer_id": "ada", "purchases": 3, "purchases_last_90_days": 1, "purchases_last_365_days": 2,
    "days_since_last_order": 40, "tenure_days": 400, "mean_gap_days": 20.0, "total_spend": "300", "repeat_spend": "200",
    "spend_last_90_days": "50", "spend_last_365_days": "150", "units": 4, "distinct_products": 3, "discount_share": 0.1,
    "store_share": 0.5, "contacts_last_180_days": 2, "complaints_last_365_days": 1, "mean_satisfaction": 2.0,
    "failed_payments_last_365_days": 0,
}  # fmt: skip


def customers(spark: SparkSession, *rows: dict[str, object]) -> DataFrame:
    texts = [tuple(None if value is None else str(value) for value in (ROW | row).values()) for row in rows]
    frame = spark.createDataFrame(texts, ", ".join(f"{name} STRING" for name in ROW))
    return frame.select(*[F.col(name).cast(kind).alias(name) for name, kind in SCHEMA.items()])


def some(spark: SparkSession) -> DataFrame:
    """Customers of whom those leave who were away for long, but for one in seven, who does the opposite."""
    days = F.col("id") * 37 % 200
    leaves = (days > 90) != (F.col("id") % 7 == 0)
    known = customers(spark, {}).drop("days_since_last_order", "purchases").crossJoin(spark.range(400))
    return known.withColumns(
        {"days_since_last_order": days.cast("int"), "purchases": F.col("id") % 5 + 1, "has_left": leaves.cast("int")}
    ).drop("id")


def test_what_sql_computes_is_what_spark_learnt(spark: SparkSession) -> None:
    rows = some(spark).coalesce(1).persist()
    model, pipeline = fit(rows, rows, days=90, active_within=365, penalty=0.01)
    both = pipeline.transform(rows).select(
        model.probability.alias("ours"), vector_to_array("probability")[1].alias("theirs")
    )
    [found] = both.agg(F.max(F.abs(F.col("ours") - F.col("theirs"))), F.min("ours"), F.max("ours")).collect()
    assert found[0] < 1e-9
    assert found[1] < 0.3
    assert found[2] > 0.7
    assert ChurnModel.from_json(model.as_json()) == model
    rows.unpersist()


def test_every_input_has_a_value_whatever_is_unknown(spark: SparkSession) -> None:
    bare = {
        "mean_gap_days": None,
        "mean_satisfaction": None,
        "purchases": 1,
        "total_spend": 0,
        "spend_last_365_days": 0,
    }
    row = customers(spark, bare).select(*[F.expr(each.sql).cast("double") for each in INPUTS.values()]).first()
    assert row is not None
    assert all(value is not None and abs(value) < 100 for value in row)


def test_the_strongest_reasons_come_first_in_words(spark: SparkSession) -> None:
    model = ChurnModel(
        90, 365, ("log_recency", "in_stores", "log_complaints", "discount"), (0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0),
        (0.2, -3.0, 0.1, 0.0), 0.0,
    )  # fmt: skip
    said = customers(spark, {}).select(model.reasons(3).alias("reasons")).collect()[0]["reasons"]
    assert said == [
        "less likely to leave: 50 % of the purchases in stores",
        "more likely to leave: last bought 40 days ago, every 20 days until then",
        "more likely to leave: 2 contacts in 180 days, 1 complaints in a year, satisfaction 2.0 of 5",
    ]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_words_for_a_customer_of_whom_little_is_known(spark: SparkSession, reason: str) -> None:
    bare = customers(spark, {"mean_gap_days": None, "mean_satisfaction": None, "purchases": 1})
    [row] = bare.select(F.expr(REASONS[reason])).collect()
    assert row[0]
    assert "null" not in row[0]


def test_who_is_away_for_too_long_is_not_asked_about(spark: SparkSession) -> None:
    model = ChurnModel(90, 365, (), (), (), (), 0.0)
    rows = customers(spark, {"days_since_last_order": 364}, {"days_since_last_order": 365})
    assert_rows(rows.filter(model.is_asked), ["days_since_last_order"], [(364,)])


def test_a_segment_is_that_of_customer_360(spark: SparkSession) -> None:
    rows = [
        {"customer_id": f"c{n}", "days_since_last_order": n * 10, "purchases": 10 - n, "total_spend": 1000 - n * 100}
        for n in range(10)
    ]
    found = {row["customer_id"]: row["rfm_segment"] for row in with_segments(customers(spark, *rows)).collect()}
    assert (found["c0"], found["c9"]) == ("Champions", "Lost")
