"""From what customers did to a model that was tested on what they did later, and the verdict on it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import reduce
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lib.errors import LakehouseError
from lib.models import evaluation, plots, stability
from lib.models.cards import Scorer
from lib.models.champions import YEAR, Champion
from lib.models.churn import LABEL, RECENCY, fit, is_asked, with_segments
from lib.models.evaluation import Scored
from lib.models.features import SCHEMA, features, left, spent
from lib.models.lifetime import ValueModel
from lib.models.settings import Churn, ModelsFile, Value
from lib.models.stability import Reference
from lib.models.value import DAYS_OF_A_WEEK, Purchases, Spend, fit_purchases, fit_spend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURED = tuple(name for name in SCHEMA if name != "customer_id")
"""The columns of features that drift is looked for in."""

FORETOLD = {"churn": "churn_probability", "value": "predicted_value_12_months"}
"""And of the scores, for each model."""

_PARTITIONS = 4
_OTHERS = {
    "recency": "recency alone",
    "segment": "the segments' rates",
    "rate": "what they spent before",
    "champion": "the champion",
}


@dataclass(frozen=True)
class Past:
    """What is learnt from: fact_sales, fact_interactions, fact_payments; the first and the last day of the orders."""

    sales: DataFrame
    interactions: DataFrame
    payments: DataFrame
    first: date
    last: date

    def known(self, day: date) -> DataFrame:
        """The customers as of a day: `lib.models.features`."""
        return features(self.sales, self.interactions, self.payments, day)


@dataclass(frozen=True)
class Learnt:
    """A model, how it did in the test beside what it has to beat, and whether it did beat them: `why` in words.

    `pipeline` is the model as Spark ML's, where it is one; `read` are rows of what it reads, for its signature.
    """

    model: Scorer
    reference: Mapping[str, Reference]
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    is_better: bool
    why: str
    read: DataFrame
    pipeline: PipelineModel | None = None
    plots: Mapping[str, "Figure"] = field(default_factory=dict)


def learn_churn(past: Past, wanted: ModelsFile, champion: Champion | None) -> Learnt:
    """Who leaves: learnt from several days, calibrated on the next one, tested on the newest whose outcome is known.

    Raises:
        LakehouseError: if there is too little of the past, or on one of the days hardly anyone left or stayed.
    """
    said = wanted.churn
    days = [past.last - timedelta(days=said.days * number) for number in range(1, said.periods + 2)]
    asked = is_asked(said.active_within)
    of_days = [
        left(past.known(day).filter(asked), past.sales, day, said.days).withColumn("day", F.lit(day)) for day in days
    ]
    everyone = reduce(DataFrame.unionByName, of_days).persist()
    try:
        *learning, calibrating, testing = _days_to_learn_from(everyone, past, said)
        # each step of a fit is a job of its own over all partitions: a few large ones are read the fastest
        first, second, third = (
            everyone.filter(F.col("day").isin(days)).coalesce(_PARTITIONS)
            for days in (learning, [calibrating], [testing])
        )
        options: dict[str, Any] = {"days": said.days, "active_within": said.active_within, "penalty": said.penalty}
        model, pipeline = fit(first, second, **options)
        by_recency, _ = fit(first, second, inputs=RECENCY, **options)
        rates = with_segments(second).groupBy("rfm_segment").agg(F.avg(LABEL).alias("rate"))
        of_segments = with_segments(third).join(F.broadcast(rates), "rfm_segment", how="left")
        scored = {
            "test": _scored(third, model.probability),
            "recency": _scored(third, by_recency.probability),
            "segment": _scored(of_segments, F.coalesce("rate", F.lit(0.5))),
        }
        if champion is not None:
            # asked what this one is asked, of the same customers
            scored["champion"] = _scored(third, champion.model.probability)
        found = {name: evaluation.measures(each, bins=wanted.bins) for name, each in scored.items()}
        by = said.judged_by
        reference = stability.reference_of(
            third.withColumn(FORETOLD["churn"], model.probability),
            (*MEASURED, FORETOLD["churn"]),
            bins=wanted.drift.bins,
        )
        return Learnt(
            model, reference,
            parameters={
                **said.model_dump(), "learnt_from": ", ".join(map(str, learning)), "calibrated_on": calibrating,
                "tested_on": testing,
            },
            metrics=_by_name(found),
            is_better=evaluation.beats_all(found, by),
            why=f"{by.replace('_', ' ')} {_beside(found, by, '.3f')}; "
            f"{int(found['test']['customers']):,} customers as of {testing}",
            # the rows go with the frame that they are of
            read=third.select(*MEASURED).limit(5).localCheckpoint(),
            pipeline=pipeline,
            plots={
                "calibration": plots.calibration(evaluation.calibration(scored["test"], bins=wanted.bins)),
                "weights": plots.weights(model.inputs, model.coefficients),
            },
        )  # fmt: skip
    finally:
        everyone.unpersist()


def learn_value(past: Past, wanted: ModelsFile, champion: Champion | None) -> Learnt:
    """What customers will buy: fitted to all days but the last ones, tested on what was bought on these.

    What was tested is what scores: a model that had seen the days of the test could be compared with no other one.

    Raises:
        LakehouseError: if there is too little of the past, or hardly anyone bought twice.
    """
    said = wanted.value
    cut = past.last - timedelta(days=said.held_out_days)
    if cut <= past.first:
        raise LakehouseError(
            f"value: the orders are of {past.first} to {past.last}, which is not more than the days that are held out "
            f"for the test (conf/models.yml: value.held_out_days is {said.held_out_days})"
        )
    before = past.known(cut).persist()
    today = past.known(past.last).persist()
    try:
        model = _fitted(before, said)
        seen = min(YEAR, (cut - past.first).days)
        rate = F.col("spend_last_365_days").cast("double") * said.held_out_days / seen
        foretold: dict[str, Column] = {"test": model.foretold(said.held_out_days)["value"], "rate": rate}
        if champion is not None:
            foretold["champion"] = champion.model.foretold(said.held_out_days)["value"]
        came = before.join(spent(past.sales, cut, past.last), "customer_id", how="left")
        tenths = _tenths(came, foretold)
        found = {name: _errors(tenths, name) for name in foretold}
        ratio = found["test"]["foretold"] / max(found["test"]["spent"], 1e-9)
        reference = stability.reference_of(
            today.withColumn(FORETOLD["value"], model.foretold(YEAR)["value"]), (*MEASURED, FORETOLD["value"]),
            bins=wanted.drift.bins,
        )  # fmt: skip
        return Learnt(
            model, reference,
            parameters={
                **said.model_dump(), "held_out_after": cut, **_flat(model),
            },
            metrics=_by_name(found),
            is_better=evaluation.beats_all(found, "mean_absolute_error", less=True),
            why=f"mean absolute error in US dollars {_beside(found, 'mean_absolute_error', '.2f')}; "
            f"{ratio:.2f} of what {int(found['test']['customers']):,} customers spent after {cut} was foretold",
            read=today.select(*MEASURED).limit(5).localCheckpoint(),
            plots={
                "foretold": plots.foretold(
                    [(row["test"] / row["n"], row["spent"] / row["n"], row["n"]) for row in tenths]
                )
            },
        )  # fmt: skip
    finally:
        before.unpersist()
        today.unpersist()


LEARN: Mapping[str, Callable[[Past, ModelsFile, Champion | None], Learnt]] = {
    "churn": learn_churn,
    "value": learn_value,
}
"""What learns each model, by the names of the fields of Champions."""


def _by_name(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {f"{name}_{measure}": value for name, each in found.items() for measure, value in each.items()}


def _beside(found: Mapping[str, Mapping[str, float]], by: str, form: str) -> str:
    """In words: the measure of what was tested, and beside it those of what it has to beat."""
    others = ", ".join(f"{each[by]:{form}} of {_OTHERS[name]}" for name, each in found.items() if name != "test")
    return f"{found['test'][by]:{form}} beside {others}"


def _days_to_learn_from(everyone: DataFrame, past: Past, said: Churn) -> list[date]:
    """The days, ascending, as of which enough customers were about to leave and enough about to stay."""
    rows = everyone.groupBy("day").agg(*_outcomes()).orderBy("day").collect()
    found = [row["day"] for row in rows if min(row["left"], row["stayed"]) >= said.least]
    if len(found) < 3:
        seen = "; ".join(f"{row['day']}: {row['left']:,} left, {row['stayed']:,} stayed" for row in rows) or "none"
        raise LakehouseError(
            f"churn: there is too little to learn from: it takes three days, {said.days} days apart, on which at least "
            f"{said.least} customers left and as many stayed (conf/models.yml: churn.days, churn.least); the orders "
            f"are of {past.first} to {past.last}, of which: {seen}"
        )
    return found


def _outcomes() -> tuple[Column, Column]:
    """How many left, and how many stayed."""
    return F.count_if(F.col(LABEL) == 1).alias("left"), F.count_if(F.col(LABEL) == 0).alias("stayed")


def _scored(customers: DataFrame, probability: Column) -> Scored:
    """Who left and who stayed, by probability in ten-thousandths: so many rows at most, whatever the customers."""
    counts = customers.groupBy(F.round(probability, 4).alias("said")).agg(*_outcomes())
    return Scored.of([(row["said"], row["left"], row["stayed"]) for row in counts.collect()])


def _fitted(known: DataFrame, said: Value) -> ValueModel:
    return ValueModel(_purchases(known, said.least), _spend(known), said.held_out_days)


def _purchases(known: DataFrame, least: int) -> Purchases:
    # customers of the same weeks are alike: the groups grow with the weeks, not with the customers
    age = F.round(F.col("tenure_days") / DAYS_OF_A_WEEK)
    recency = F.round((F.col("tenure_days") - F.col("days_since_last_order")) / DAYS_OF_A_WEEK)
    groups = known.groupBy((F.col("purchases") - 1).alias("x"), recency.alias("recency"), age.alias("age")).count()
    columns = pd.DataFrame(groups.toPandas()).astype("float64")
    again = int(columns.loc[columns["x"] > 0, "count"].sum())
    if again < least:
        raise LakehouseError(
            f"value: {again:,} customers bought on two days or more, too few to learn from (conf/models.yml: "
            f"value.least is {least})"
        )
    return fit_purchases(*[columns[name].to_numpy() for name in ("x", "recency", "age", "count")])


def _spend(known: DataFrame) -> Spend:
    repeats = F.col("purchases") - 1
    mean = F.try_divide("repeat_spend", repeats).cast("double")
    of_many = known.filter((F.col("purchases") > 1) & (F.col("repeat_spend") > 0))
    # means within one per cent of each other are alike
    groups = of_many.groupBy(repeats.alias("x"), F.round(F.ln(mean), 2).alias("near")).agg(
        F.exp(F.avg(F.ln(mean))).alias("mean"), F.count(F.lit(1)).alias("count")
    )
    columns = pd.DataFrame(groups.toPandas()).astype("float64")
    return fit_spend(*[columns[name].to_numpy() for name in ("x", "mean", "count")])


def _tenths(came: DataFrame, foretold: Mapping[str, Column]) -> list[dict[str, Any]]:
    """The customers in ten groups by what was foretold: sums of what each one foretold, of errors, and of spend."""
    spend = F.coalesce("spend", F.lit(0)).cast("double")
    said = came.select("customer_id", spend.alias("spent"), *[each.alias(name) for name, each in foretold.items()])
    by_test = Window.orderBy("test", "customer_id")
    of_tenths = said.withColumn("tenth", F.ntile(10).over(by_test)).groupBy("tenth")
    errors = {name: F.col(name) - F.col("spent") for name in foretold}
    rows = of_tenths.agg(
        F.count(F.lit(1)).alias("n"), F.sum("spent").alias("spent"),
        *[F.sum(name).alias(name) for name in foretold],
        *[F.sum(F.abs(error)).alias(f"{name}_absolute") for name, error in errors.items()],
        *[F.sum(error * error).alias(f"{name}_squared") for name, error in errors.items()],
    )  # fmt: skip
    return [row.asDict() for row in rows.orderBy("tenth").collect()]


def _errors(tenths: list[dict[str, Any]], name: str) -> dict[str, float]:
    customers = sum(row["n"] for row in tenths)
    return {
        "mean_absolute_error": float(sum(row[f"{name}_absolute"] for row in tenths) / customers),
        "root_mean_squared_error": sqrt(sum(row[f"{name}_squared"] for row in tenths) / customers),
        "foretold": float(np.sum([row[name] for row in tenths])),
        "spent": float(np.sum([row["spent"] for row in tenths])),
        "customers": float(customers),
    }


def _flat(model: ValueModel) -> dict[str, float]:
    return {**asdict(model.purchases), **{f"spend_{name}": each for name, each in asdict(model.spend).items()}}
