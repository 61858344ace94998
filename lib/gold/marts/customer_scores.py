"""customer_scores: what the models foretell of a customer, and why."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table
from lib.models.champions import QUARTER, YEAR, Champions


@gold_table(grain=["customer_id"], rows_of=["customer_features"])
def customer_scores(
    customer_features: DataFrame, as_of: date, champions: Champions, reasons_of_score: int
) -> DataFrame:
    """One row per customer who bought: what the champions of the registry say of them; empty while there is none.

    customer_id: STRING. The customer's id in gold.
    churn_probability: DOUBLE. Probability of no order in the days after as_of for which the model was trained (90
      unless models.yml says otherwise); NULL for who has been away for longer than the model knows, and without
      one.
    churn_reasons: ARRAY<STRING>. What speaks for or against it the most, the strongest first; NULL where that is.
    probability_alive: DOUBLE. Probability to buy ever again; 1 for who bought once, of whom the model cannot tell.
    predicted_orders_90_days: DOUBLE. Purchases (days with an order) to be expected in the 90 days after as_of.
    predicted_value_12_months: DECIMAL(19,4). Their value to be expected in the 365 days after as_of, US dollars.
    churn_model: STRING. Name and version of the model behind churn_probability; NULL without one.
    value_model: STRING. Name and version of the model behind the three others; NULL without one.
    as_of: DATE. The day for which the row holds.
    """
    churn, value = champions.churn, champions.value
    nothing = F.lit(None)
    probability: Column = nothing.cast("double")
    reasons: Column = nothing.cast("array<string>")
    if churn is not None:
        probability = F.when(churn.model.is_asked, churn.model.probability)
        reasons = F.when(churn.model.is_asked, churn.model.reasons(reasons_of_score))
    quarter: Column = nothing.cast("struct<alive: double, purchases: double, value: double>")
    year = quarter
    if value is not None:
        quarter, year = value.model.foretold(QUARTER), value.model.foretold(YEAR)
    scored = customer_features.withColumns({"quarter": quarter, "year": year})
    return scored.select(
        "customer_id",
        probability.alias("churn_probability"),
        reasons.alias("churn_reasons"),
        F.col("quarter.alive").alias("probability_alive"),
        F.col("quarter.purchases").alias("predicted_orders_90_days"),
        F.col("year.value").cast(measures.MONEY).alias("predicted_value_12_months"),
        F.lit(str(churn) if churn else None).cast("string").alias("churn_model"),
        F.lit(str(value) if value else None).cast("string").alias("value_model"),
        F.lit(as_of).alias("as_of"),
    )
