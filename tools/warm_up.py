"""A little of all that a run does, for `tools/setup.py`: the classes it loads go into the archive of a faster start."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from lib.session import build_session


def main(folder: Path) -> None:
    """Read text files, then write, merge and read back a Delta table in an empty folder."""
    spark = build_session("warm-up")
    table = str(folder / "table")
    rows = newest(read_landed(spark, folder))
    rows.write.format("delta").option("delta.enableChangeDataFeed", "true").save(table)
    rows.write.format("delta").mode("append").option("txnAppId", "warm-up").option("txnVersion", 1).save(table)
    merge(spark, table, rows.limit(5))
    DeltaTable.forPath(spark, table).delete("id = '3'")
    spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 1).load(table).collect()
    summarize(spark.read.format("delta").load(table)).collect()
    spark.createDataFrame([("1", 2)], "id STRING, n INT").collect()
    spark.stop()


def read_landed(spark: SparkSession, folder: Path) -> DataFrame:
    """The rows of a CSV and of a JSON lines file, as text."""
    lines = [f"{n},2017-06-{n % 28 + 1},{n}.50\n" for n in range(99)]
    (folder / "rows.csv").write_text("".join(["id,day,price\n", *lines]))
    (folder / "rows.json").write_text('{"id": "1", "price": 1.5, "product": {"id": 7}}\n')
    csv = spark.read.csv(str(folder / "rows.csv"), header=True, schema="id STRING, day STRING, price STRING")
    json = spark.read.json(str(folder / "rows.json"), primitivesAsString=True)
    return csv.unionByName(json.drop("product"), allowMissingColumns=True)


def newest(rows: DataFrame) -> DataFrame:
    """One row per id, typed."""
    by_day = Window.partitionBy("id").orderBy(F.col("day").desc_nulls_last())
    typed = rows.select(
        "id",
        F.expr("try_cast(day AS DATE)").alias("day"),
        F.expr("try_cast(price AS DECIMAL(12, 2))").alias("price"),
        F.filter(F.array(F.when(F.col("price").isNull(), "no price")), lambda error: error.isNotNull()).alias("errors"),
        F.sha2(F.concat_ws("|", "id", "day"), 256).alias("hash"),
        F.monotonically_increasing_id().alias("row_id"),
        F.input_file_name().alias("file"),
    )
    return typed.withColumn("place", F.row_number().over(by_day)).filter("place = 1").drop("place")


def merge(spark: SparkSession, table: str, rows: DataFrame) -> None:
    """An upsert of the rows."""
    target = DeltaTable.forPath(spark, table).alias("old")
    upsert = target.merge(rows.alias("new"), "old.id = new.id AND old.row_id = new.row_id")
    upsert.whenMatchedUpdateAll(condition="new.day > old.day").whenNotMatchedInsertAll().execute()


def summarize(rows: DataFrame) -> DataFrame:
    """Joins, aggregates and windows as gold has them."""
    per_day = rows.groupBy("day").agg(F.sum("price").alias("price"), F.count_distinct("id").alias("ids"))
    joined = rows.drop("price").join(per_day, "day", how="full")
    return joined.withColumn("fifth", F.ntile(5).over(Window.orderBy("price", "id")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
