"""Who is about to leave: a logistic regression on what a customer did, its probabilities calibrated on a later time.

A regression and no forest of trees: what each input adds to the log odds is the reason that a customer is told by, and
the whole model is a line of numbers that SQL computes, wherever the customers are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression, LogisticRegressionModel
from pyspark.ml.feature import SQLTransformer, StandardScaler, StandardScalerModel, VectorAssembler
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold import measures

LABEL = "has_left"
RECENCY = ("log_recency",)
"""The inputs of the baseline that looks at nothing but when a customer was last there."""

_LIMIT = 30.0
"""Of log odds: beyond it a probability is 0 or 1 in a DOUBLE, and e^x may be none."""


@dataclass(frozen=True)
class Input:
    """What the model reads: SQL over `lib.models.features`, DOUBLE and never NULL; and the reason it belongs to."""

    sql: str
    reason: str


INPUTS: Mapping[str, Input] = {
    "log_recency": Input("ln(1 + days_since_last_order)", "recency"),
    "recency": Input("days_since_last_order / 100", "recency"),
    # how late somebody is, by their own habits; of one who bought once there are none
    "overdue": Input(
        "CASE WHEN mean_gap_days > 0 THEN greatest(-4, least(4, ln((1 + days_since_last_order) / (1 + mean_gap_days))))"
        " ELSE 0 END",
        "recency",
    ),
    "bought_once": Input("CASE WHEN purchases = 1 THEN 1 ELSE 0 END", "frequency"),
    "log_purchases": Input("ln(purchases)", "frequency"),
    "log_purchases_90_days": Input("ln(1 + purchases_last_90_days)", "frequency"),
    "log_purchases_365_days": Input("ln(1 + purchases_last_365_days)", "frequency"),
    "log_tenure": Input("ln(1 + tenure_days)", "tenure"),
    "log_spend_365_days": Input("ln(1 + greatest(spend_last_365_days, 0))", "spend"),
    "log_value": Input("ln(1 + greatest(total_spend, 0) / purchases)", "spend"),
    "discount": Input("discount_share", "discount"),
    "in_stores": Input("store_share", "channel"),
    "log_products": Input("ln(distinct_products)", "range"),
    "log_contacts": Input("ln(1 + contacts_last_180_days)", "service"),
    "log_complaints": Input("ln(1 + complaints_last_365_days)", "service"),
    # 3 of 5 is neither good nor bad, as is silence
    "satisfaction": Input("coalesce(mean_satisfaction, 3) - 3", "service"),
    "log_failed_payments": Input("ln(1 + failed_payments_last_365_days)", "payments"),
}

REASONS: Mapping[str, str] = {
    "recency": "CASE WHEN purchases > 1 THEN printf('last bought %d days ago, every %.0f days until then',"
    " days_since_last_order, mean_gap_days) ELSE printf('bought once, %d days ago', days_since_last_order) END",
    "frequency": "printf('%d purchases in 90 days, %d in a year, %d in all', purchases_last_90_days,"
    " purchases_last_365_days, purchases)",
    "tenure": "printf('a customer for %d days', tenure_days)",
    "spend": "printf('spent %.0f US dollars in a year, %.0f at a time', CAST(spend_last_365_days AS DOUBLE),"
    " CAST(total_spend / purchases AS DOUBLE))",
    "discount": "printf('%.0f %% let off the prices', 100 * discount_share)",
    "channel": "printf('%.0f %% of the purchases in stores', 100 * store_share)",
    "range": "printf('%d different products', distinct_products)",
    "service": "concat(printf('%d contacts in 180 days, %d complaints in a year', contacts_last_180_days,"
    " complaints_last_365_days), coalesce(printf(', satisfaction %.1f of 5', mean_satisfaction), ''))",
    "payments": "printf('%d failed payments in a year', failed_payments_last_365_days)",
}
"""What a customer's row says of each reason, SQL over `lib.models.features`."""


@dataclass(frozen=True)
class ChurnModel:
    """The probability of no order in `days` days, of customers whose last one is not `active_within` days ago:
    1 / (1 + e^-z), z = intercept + the sum over the inputs of coefficient × (input − mean) / scale.
    """

    days: int
    active_within: int
    inputs: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "ChurnModel":
        """The model that `as_json` wrote."""
        values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in said.items()}
        return cls(**values)

    @property
    def is_asked(self) -> Column:
        """The customers of whom it says something."""
        return is_asked(self.active_within)

    @property
    def probability(self) -> Column:
        """What it says of a row of `lib.models.features`."""
        odds = reduce(Column.__add__, [self._adds(name) for name in self.inputs], F.lit(self.intercept))
        return 1 / (1 + F.exp(-F.greatest(F.lit(-_LIMIT), F.least(F.lit(_LIMIT), odds))))

    def reasons(self, most: int) -> Column:
        """ARRAY<STRING>: what adds the most to its log odds, or takes the most off them, against the mean customer."""
        of_reason: dict[str, list[Column]] = {}
        for name in self.inputs:
            of_reason.setdefault(INPUTS[name].reason, []).append(self._adds(name))
        told = []
        for reason, parts in of_reason.items():
            adds = reduce(Column.__add__, parts)
            verdict = F.when(adds > 0, "more likely to leave").otherwise("less likely to leave")
            text = F.concat(verdict, F.lit(": "), F.expr(REASONS[reason]))
            told.append(F.struct((-F.abs(adds)).alias("order"), F.lit(reason).alias("reason"), text.alias("text")))
        return F.transform(F.slice(F.array_sort(F.array(*told)), 1, most), lambda each: each["text"])

    def _adds(self, name: str) -> Column:
        place = self.inputs.index(name)
        value = F.expr(INPUTS[name].sql).cast("double")
        return F.lit(self.coefficients[place] / self.scales[place]) * (value - F.lit(self.means[place]))


def is_asked(active_within: int) -> Column:
    """The customers who may leave: who has been away for so many days has left already."""
    return F.col("days_since_last_order") < active_within


def fit(
    learnt_from: DataFrame,
    calibrated_on: DataFrame,
    *,
    inputs: Sequence[str] = tuple(INPUTS),
    days: int,
    active_within: int,
    penalty: float,
) -> tuple[ChurnModel, PipelineModel]:
    """The model, as what SQL computes and as Spark ML's, of customers with LABEL, columns of `lib.models.features`.

    The second frame is of a time after the first one's: on it the log odds are shifted and stretched to what came
    (Platt, Probabilistic Outputs for Support Vector Machines, 1999), which mends what a regression learnt in another
    season and leaves the order of the customers as it is. `penalty` is on the squares of the coefficients.
    """
    read = ", ".join(f"CAST({INPUTS[name].sql} AS DOUBLE) AS _{name}" for name in inputs)
    regression = LogisticRegression(
        featuresCol="scaled", labelCol=LABEL, regParam=penalty, elasticNetParam=0.0, standardization=False,
        maxIter=50, tol=1e-5, rawPredictionCol="odds", probabilityCol="uncalibrated", predictionCol="guess",
    )  # fmt: skip
    first = Pipeline(
        stages=[
            SQLTransformer(statement=f"SELECT *, {read} FROM __THIS__"),
            VectorAssembler(inputCols=[f"_{name}" for name in inputs], outputCol="inputs"),
            StandardScaler(inputCol="inputs", outputCol="scaled", withMean=True, withStd=True),
            regression,
        ]
    ).fit(learnt_from)
    platt = LogisticRegression(
        featuresCol="odds", labelCol=LABEL, rawPredictionCol="calibrated_odds", probabilityCol="probability",
        predictionCol="prediction",
    )  # fmt: skip
    last = platt.fit(first.transform(calibrated_on))
    scaler, regressed = _fitted_stages(first)
    spread = scaler.std.toArray()
    # Spark's odds of two classes are the vector (-z, z)
    stretch = float(last.coefficients[1] - last.coefficients[0])
    model = ChurnModel(
        days, active_within, tuple(inputs), tuple(map(float, scaler.mean.toArray())),
        # an input that is the same for all has no scale, and Spark sets it to 0
        tuple(float(scale) or 1.0 for scale in spread),
        tuple(
            stretch * float(each) if scale else 0.0
            for each, scale in zip(regressed.coefficients.toArray(), spread, strict=True)
        ),
        stretch * float(regressed.intercept) + float(last.intercept),
    )  # fmt: skip
    return model, PipelineModel(stages=[*first.stages, last])


def _fitted_stages(pipeline: PipelineModel) -> tuple[StandardScalerModel, LogisticRegressionModel]:
    scaler, regression = pipeline.stages[-2:]
    if not (isinstance(scaler, StandardScalerModel) and isinstance(regression, LogisticRegressionModel)):
        raise TypeError(f"the stages are {pipeline.stages}")
    return scaler, regression


def with_segments(known: DataFrame) -> DataFrame:
    """The customers with `rfm_segment`, as customer_360 would have had it on their day."""
    seen = known.withColumns(
        {
            "country": F.lit(None).cast("string"),
            "total_orders": F.col("purchases"),
            "last_order_date": F.date_sub(F.lit("2000-01-01").cast("date"), F.col("days_since_last_order")),
        }
    )
    scored = measures.standing(seen).withColumn("rfm_segment", measures.rfm_segment())
    return scored.select(*known.columns, "rfm_segment")
