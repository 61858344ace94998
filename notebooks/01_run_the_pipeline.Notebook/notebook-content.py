# Fabric notebook source

# METADATA ********************

# META {
# META   "kernel_info": {
# META     "name": "synapse_pyspark"
# META   },
# META   "dependencies": {}
# META }

# MARKDOWN ********************

# # Run the pipeline
# Landing to bronze, silver and gold, and to the database that gold is served from: what the nightly job does. Run it
# again: what is done is not done twice.

# PARAMETERS CELL ********************

# parameters
home = ".."  # the project's folder
root = ""  # the lake; empty: where conf/lakehouse.yml says
environment = "local"  # of conf/lakehouse.yml
layers = "bronze silver gold served"

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# CELL ********************

import sys

sys.path.insert(0, home)
from lib.notebooks import asked, opened

given = asked(globals(), "home", "root", "environment", "layers")
settings, tables = opened(given["home"], root=given["root"], environment=given["environment"])
settings.root, settings.landing

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# CELL ********************

from lib.pipeline.request import requested
from lib.pipeline.run import run_layers

request = requested(settings.contracts, layers=given["layers"].split())
status = run_layers(settings, lambda: tables.spark, request)
print("good" if status == 0 else "something was rejected or failed: see above")

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# MARKDOWN ********************

# ## What the last runs did
# `ops.runs` has a row per run, `ops.steps` one per table that something happened to.

# CELL ********************

runs = tables.read("ops.runs").orderBy("run_id", ascending=False)
runs.select("run_id", "started_at", "seconds", "exit_status", "tables_changed", "warnings", "failures").limit(
    10
).toPandas()

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# CELL ********************

[last] = runs.select("run_id").limit(1).collect()
steps = tables.read("ops.steps").where(f"run_id = {last.run_id}")
steps.select("layer", "table_name", "mode", "rows_in", "accepted", "quarantined", "changed", "seconds").orderBy(
    "layer", "seconds", ascending=False
).toPandas()

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }
