# Databricks notebook source
# MAGIC %md
# MAGIC # Explore customer_360
# MAGIC One row per customer. What every column means is in CATALOGUE.md and in the comments of the table.

# COMMAND ----------

# parameters
home = ".."  # the project's folder
root = ""  # the lake; empty: where conf/lakehouse.yml says
environment = "local"  # of conf/lakehouse.yml

# COMMAND ----------

import sys

sys.path.insert(0, home)
from lib.notebooks import asked, opened
from matplotlib import pyplot
from pyspark.sql import Window
from pyspark.sql import functions as F

given = asked(globals(), "home", "root", "environment")
settings, tables = opened(given["home"], root=given["root"], environment=given["environment"])
customers = tables.read("gold.customer_360")
customers.select("as_of").distinct().toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Segments

# COMMAND ----------

segments = (
    customers.groupBy("rfm_segment")
    .agg(
        F.count(F.lit(1)).alias("customers"),
        F.sum("total_spend").cast("double").alias("spend"),
        F.avg("days_since_last_order").alias("days_since_last_order"),
    )
    .orderBy(F.desc("spend"), "rfm_segment")
    .toPandas()
)
segments

# COMMAND ----------

figure, axes = pyplot.subplots(figsize=(8, 4))
axes.barh(segments["rfm_segment"][::-1], segments["spend"][::-1])
axes.set_xlabel("Spend, US dollars")
axes.set_title("Spend by segment")
figure.set_layout_engine("tight")
pyplot.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## The best customers of each country
# MAGIC A window per country: the first three by spend, and the share of their country's spend that they are.

# COMMAND ----------

country = Window.partitionBy("country")
best = (
    customers.where("total_orders > 0 AND country IS NOT NULL")
    .withColumn("place", F.row_number().over(country.orderBy(F.desc("total_spend"), "customer_id")))
    .withColumn("share", F.col("total_spend") / F.sum("total_spend").over(country))
    .where("place <= 3")
    .select("country", "place", "customer_id", "total_orders", "total_spend", F.round("share", 4).alias("share"))
    .orderBy("country", "place")
)
best.toPandas()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Spend month by month
# MAGIC The months, their running total within the year, and the mean of three months.

# COMMAND ----------

months = tables.read("gold.sales_by_customer_month").groupBy("sales_month").agg(F.sum("total_value").alias("spend"))
in_year = Window.partitionBy(F.substring("sales_month", 1, 4)).orderBy("sales_month")
recent = Window.orderBy("sales_month").rowsBetween(-2, 0)
trend = (
    months.withColumn("year_to_date", F.sum("spend").over(in_year))
    .withColumn("mean_of_three", F.avg("spend").over(recent))
    .orderBy("sales_month")
    .toPandas()
    .astype({"spend": float, "year_to_date": float, "mean_of_three": float})
)
figure, axes = pyplot.subplots(figsize=(8, 4))
axes.plot(trend["sales_month"], trend["spend"], label="month")
axes.plot(trend["sales_month"], trend["mean_of_three"], label="mean of three months")
axes.tick_params(axis="x", rotation=90)
axes.set_ylabel("US dollars")
axes.legend()
figure.set_layout_engine("tight")
pyplot.show()
