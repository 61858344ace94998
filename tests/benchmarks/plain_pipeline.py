"""The pipeline that one writes in an afternoon: till receipts to silver, every layer overwritten, no ledger.

    spark-submit --properties-file conf/spark/local.conf tests/benchmarks/plain_pipeline.py <landing>/pos/sales <out>

The yardstick for what lineage, exactly-once and conservation cost. Same settings, same rules, same rows in silver.
"""

import sys

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

LANDED = (
    "transaction_id STRING, customer_id STRING, store_id STRING, sales_person_id STRING, "
    "product STRUCT<id: STRING, name: STRING, category: STRING, price: STRING>, quantity STRING, discount STRING, "
    "`date` STRING, payment_method STRING, updated_at STRING"
)


def main(landing: str, out: str) -> None:
    """Overwrite bronze, silver and quarantine below `out`."""
    builder = SparkSession.builder.appName("plain").config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    catalog = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    spark = builder.config("spark.sql.catalog.spark_catalog", catalog).getOrCreate()
    landed = spark.read.schema(LANDED).json(landing).withColumn("_source_file", F.input_file_name())
    write(landed, f"{out}/bronze")
    judged = judge(spark.read.format("delta").load(f"{out}/bronze"))
    write(judged.filter(F.size("dq_errors") > 0), f"{out}/quarantine")
    by_version = Window.partitionBy("transaction_id").orderBy(F.desc("updated_at"), F.desc("quantity"))
    passing = judged.filter(F.size("dq_errors") == 0).withColumn("place", F.row_number().over(by_version))
    write(passing.filter("place = 1").drop("place", "dq_errors"), f"{out}/silver")
    spark.stop()


def write(rows: DataFrame, path: str) -> None:
    """Overwrite a Delta table."""
    rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(path)


def judge(landed: DataFrame) -> DataFrame:
    """Typed and cleaned rows with the list of what is wrong with them."""
    patterns = ("dd/MM/yyyy HH:mm:ss", "dd/MM/yyyy")
    sold_at = F.coalesce(
        F.expr("try_cast(date AS TIMESTAMP)"), *[F.try_to_timestamp("date", F.lit(p)) for p in patterns]
    )
    typed = landed.select(
        F.upper(F.trim("transaction_id")).alias("transaction_id"),
        F.upper(F.trim("customer_id")).alias("customer_id"),
        F.upper(F.trim("store_id")).alias("store_id"),
        F.upper(F.trim("sales_person_id")).alias("sales_person_id"),
        F.upper(F.trim("product.id")).alias("product_id"),
        F.trim("product.name").alias("product_name"),
        F.trim("product.category").alias("category"),
        F.expr("try_cast(product.price AS DECIMAL(12,2))").alias("price"),
        F.expr("try_cast(quantity AS INT)").alias("quantity"),
        F.expr("try_cast(coalesce(discount, '0') AS DECIMAL(5,4))").alias("discount"),
        F.lower(F.trim("payment_method")).alias("payment_method"),
        sold_at.alias("sold_at"),
        F.expr("try_cast(updated_at AS TIMESTAMP)").alias("updated_at"),
        "_source_file",
    )
    rules = {
        "transaction_id is NULL": "transaction_id IS NOT NULL",
        "customer_id is NULL": "customer_id IS NOT NULL",
        "price is NULL": "price IS NOT NULL AND price >= 0",
        "quantity must be above zero": "coalesce(quantity > 0, false)",
        "discount must be from 0 to 1": "coalesce(discount BETWEEN 0 AND 1, false)",
        "date is NULL": "sold_at IS NOT NULL",
        "updated_at is NULL": "updated_at IS NOT NULL",
    }
    said = [F.when(~F.expr(rule), F.lit(message)) for message, rule in rules.items()]
    return typed.withColumn("dq_errors", F.array_compact(F.array(*said)))


if __name__ == "__main__":
    main(*sys.argv[1:])
