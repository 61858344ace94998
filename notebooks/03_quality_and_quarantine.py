# Databricks notebook source
# MAGIC %md
# MAGIC # Quality and quarantine
# MAGIC What the rules say, what waits, and why. To mend rows: `jobs/quarantine.py export`, correct the file, `replay`.

# COMMAND ----------

# parameters
home = ".."  # the project's folder
root = ""  # the lake; empty: where conf/lakehouse.yml says
environment = "local"  # of conf/lakehouse.yml
rows_shown = "20"

# COMMAND ----------

import sys

sys.path.insert(0, home)
from lib.notebooks import asked, opened
from pyspark.sql import functions as F

given = asked(globals(), "home", "root", "environment", "rows_shown")
settings, tables = opened(given["home"], root=given["root"], environment=given["environment"])

# COMMAND ----------

# MAGIC %md
# MAGIC ## Rules
# MAGIC The share of rows that failed each rule, over all runs.

# COMMAND ----------

rules = tables.read("ops.quality").groupBy("table_name", "rule", "on_fail")
rules.agg(F.sum("evaluated").alias("evaluated"), F.sum("failed").alias("failed")).withColumn(
    "share", F.round(F.try_divide("failed", "evaluated"), 5)
).where("failed > 0").orderBy(F.desc("failed"), "table_name", "rule").toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## What waits in quarantine

# COMMAND ----------

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

# COMMAND ----------

waiting.orderBy("table_name", "_source_file", "raw").limit(
    int(given["rows_shown"])
).toPandas() if waiting is not None else None

# COMMAND ----------

# MAGIC %md
# MAGIC ## Conservation
# MAGIC Rows in and rows accounted for, of every hop that counts them; nothing may be lost.

# COMMAND ----------

steps = tables.read("ops.steps").where("is_conserved IS NOT NULL")
steps.groupBy("layer", "table_name").agg(
    F.max_by("is_conserved", F.struct("run_id", "started_at")).alias("is_conserved"),
    F.max("run_id").alias("last_run"),
).orderBy("layer", "table_name").toPandas()
