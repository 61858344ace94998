# Databricks notebook source
# MAGIC %md
# MAGIC # Run the pipeline
# MAGIC Landing to bronze, silver and gold, and to the database that gold is served from: what the nightly job does. Run it
# MAGIC again: what is done is not done twice.

# COMMAND ----------

# parameters
home = ".."  # the project's folder
root = ""  # the lake; empty: where conf/lakehouse.yml says
environment = "local"  # of conf/lakehouse.yml
layers = "bronze silver gold served"

# COMMAND ----------

import sys

sys.path.insert(0, home)
from lib.notebooks import asked, opened

given = asked(globals(), "home", "root", "environment", "layers")
settings, tables = opened(given["home"], root=given["root"], environment=given["environment"])
settings.root, settings.landing

# COMMAND ----------

from lib.pipeline.request import requested
from lib.pipeline.run import run_layers

request = requested(settings.contracts, layers=given["layers"].split())
status = run_layers(settings, lambda: tables.spark, request)
print("good" if status == 0 else "something was rejected or failed: see above")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What the last runs did
# MAGIC `ops.runs` has a row per run, `ops.steps` one per table that something happened to.

# COMMAND ----------

runs = tables.read("ops.runs").orderBy("run_id", ascending=False)
runs.select("run_id", "started_at", "seconds", "exit_status", "tables_changed", "warnings", "failures").limit(
    10
).toPandas()

# COMMAND ----------

[last] = runs.select("run_id").limit(1).collect()
steps = tables.read("ops.steps").where(f"run_id = {last.run_id}")
steps.select("layer", "table_name", "mode", "rows_in", "accepted", "quarantined", "changed", "seconds").orderBy(
    "layer", "seconds", ascending=False
).toPandas()
