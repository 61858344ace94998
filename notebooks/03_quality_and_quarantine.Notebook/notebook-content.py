# Fabric notebook source

# METADATA ********************

# META {
# META   "kernel_info": {
# META     "name": "synapse_pyspark"
# META   },
# META   "dependencies": {}
# META }

# MARKDOWN ********************

# # Quality and quarantine
# What the rules say, what waits, and why. To mend rows: `jobs/quarantine.py export`, correct the file, `replay`.

# PARAMETERS CELL ********************

# parameters
home = ".."  # the project's folder
root = ""  # the lake; empty: where conf/lakehouse.yml says
environment = "local"  # of conf/lakehouse.yml
rows_shown = "20"

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# CELL ********************

import sys

sys.path.insert(0, home)
from lib.notebooks import asked, opened
from pyspark.sql import functions as F

given = asked(globals(), "home", "root", "environment", "rows_shown")
settings, tables = opened(given["home"], root=given["root"], environment=given["environment"])

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# MARKDOWN ********************

# ## Rules
# The share of rows that failed each rule, over all runs.

# CELL ********************

rules = tables.read("ops.quality").groupBy("table_name", "rule", "on_fail")
rules.agg(F.sum("evaluated").alias("evaluated"), F.sum("failed").alias("failed")).withColumn(
    "share", F.round(F.try_divide("failed", "evaluated"), 5)
).where("failed > 0").orderBy(F.desc("failed"), "table_name", "rule").toPandas()

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# MARKDOWN ********************

# ## What waits in quarantine

# CELL ********************

names = [f"silver.{name}_quarantine" for name in settings.contracts]
there = [name for name in names if tables.snapshot(name) is not None]
waiting = None
for name in there:
    rows = (
        tables.read(name)
        .where("status = 'waiting'")
        .select(F.lit(name).alias("table_name"), "_source_file", F.explode("dq_errors").alias("reason"), "raw")
    )
    waiting = rows if waiting is None else waiting.unionByName(rows)
reasons = waiting.groupBy("table_name", "reason").count() if waiting is not None else None
reasons.orderBy(F.desc("count"), "table_name", "reason").toPandas() if reasons is not None else "nothing ever did"

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# CELL ********************

waiting.orderBy("table_name", "_source_file", "raw").limit(
    int(given["rows_shown"])
).toPandas() if waiting is not None else None

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }

# MARKDOWN ********************

# ## Conservation
# Rows in and rows accounted for, of every hop that counts them; nothing may be lost.

# CELL ********************

steps = tables.read("ops.steps").where("is_conserved IS NOT NULL")
steps.groupBy("layer", "table_name").agg(
    F.max_by("is_conserved", F.struct("run_id", "started_at")).alias("is_conserved"),
    F.max("run_id").alias("last_run"),
).orderBy("layer", "table_name").toPandas()

# METADATA ********************

# META {
# META   "language": "python",
# META   "language_group": "synapse_pyspark"
# META }
