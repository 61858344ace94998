# Databricks notebook source
# MAGIC %md
# MAGIC # Models
# MAGIC Who leaves, what customers will be worth, and how far to trust that.

# COMMAND ----------

# parameters
home = ".."  # the project's folder
root = ""  # the lake; empty: where conf/lakehouse.yml says
environment = "local"  # of conf/lakehouse.yml
learn = "no"  # yes: learn new models first; what is better scores from then on

# COMMAND ----------

import sys

sys.path.insert(0, home)
from lib.models.tracking import Tracker
from lib.notebooks import asked, opened
from matplotlib import pyplot
from pyspark.sql import functions as F

given = asked(globals(), "home", "root", "environment", "learn")
settings, tables = opened(given["home"], root=given["root"], environment=given["environment"])

# COMMAND ----------

from lib.pipeline.request import requested
from lib.pipeline.run import run_layers
from lib.pipeline.train import train

if given["learn"] == "yes":
    run_layers(settings, lambda: tables.spark, requested(settings.contracts, layers=()), work=train)
    run_layers(settings, lambda: tables.spark, requested(settings.contracts, layers=["gold"]))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The champions

# COMMAND ----------

champions = Tracker(settings.tracking, settings.root / "models").champions()
print(champions)

# COMMAND ----------

if champions.churn:
    model = champions.churn.model
    figure, axes = pyplot.subplots(figsize=(8, 5))
    weights = sorted(zip(model.coefficients, model.inputs, strict=True))
    axes.barh([name for _, name in weights], [value for value, _ in weights])
    axes.set_xlabel("Added to the log odds of leaving by one standard deviation")
    figure.set_layout_engine("tight")
    pyplot.show()
else:
    print("no model yet: run this notebook with learn = yes")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What they say
# MAGIC Customers in tenths of the probability to leave, and what they are expected to spend.

# COMMAND ----------

scores = tables.read("gold.customer_scores")
tenths = scores.where("churn_probability IS NOT NULL").groupBy(F.floor(F.col("churn_probability") * 10).alias("tenth"))
tenths.agg(
    F.count(F.lit(1)).alias("customers"),
    F.round(F.avg("churn_probability"), 3).alias("probability"),
    F.round(F.avg("predicted_value_12_months").cast("double"), 2).alias("expected_value"),
).orderBy("tenth").toPandas()

# COMMAND ----------

at_risk = scores.withColumn("at_risk", F.col("churn_probability") * F.col("predicted_value_12_months").cast("double"))
at_risk.where("at_risk IS NOT NULL").orderBy(F.desc("at_risk"), "customer_id").select(
    "customer_id", "churn_probability", "predicted_value_12_months", "churn_reasons"
).limit(10).toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Have the customers changed since the models were tested?
# MAGIC Population stability index: above 0.2 is called a shift.

# COMMAND ----------

from lib.ops import MODEL_DRIFT

if tables.snapshot(MODEL_DRIFT) is not None:
    drift = tables.read(MODEL_DRIFT)
    newest = drift.agg(F.max("run_id")).collect()[0][0]
    shown = drift.where(f"run_id = {newest}").orderBy(F.desc("psi"), "model", "measure").limit(10).toPandas()
else:
    shown = "nobody was scored yet"
shown
