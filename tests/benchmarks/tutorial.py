"""The tills as a tutorial would build them: PySpark, every layer read whole and overwritten, Spark as it comes.

    python -m tests.benchmarks.tutorial <folder with pos/> <out>

Bronze as it landed, silver typed and judged, a star schema and marts in gold; no ledger, no address of a row, nothing
that goes on from where the last run was. The tables have the rows that this project's have; the benchmark checks it.
"""

import sys

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from tests.benchmarks.tutorial_gold import GOLD

LANDED = {
    "sales": "transaction_id STRING, customer_id STRING, store_id STRING, sales_person_id STRING, "
    "product STRUCT<id: STRING, name: STRING, category: STRING, price: STRING>, quantity STRING, discount STRING, "
    "`date` STRING, payment_method STRING, updated_at STRING, till_version STRING",
    "customers": "customer_id STRING, name STRING, email STRING, phone STRING, birth_date STRING, region STRING, "
    "loyalty_points STRING, loyalty_tier STRING, updated_at STRING",
    "stores": "store_id STRING, name STRING, region STRING, country STRING, opened_on STRING, updated_at STRING",
    "sales_people": "sales_person_id STRING, name STRING, store_id STRING, hired_on STRING, updated_at STRING",
}
KEYS = {
    "sales": "transaction_id",
    "customers": "customer_id",
    "stores": "store_id",
    "sales_people": "sales_person_id",
}

TYPED = {
    "sales": {
        "transaction_id": "upper(trim(raw.transaction_id))",
        "customer_id": "upper(trim(raw.customer_id))",
        "store_id": "upper(trim(raw.store_id))",
        "sales_person_id": "upper(trim(raw.sales_person_id))",
        "product_id": "upper(trim(raw.product.id))",
        "product_name": "trim(raw.product.name)",
        "category": "trim(raw.product.category)",
        "price": "try_cast(raw.product.price AS DECIMAL(12,2))",
        "quantity": "try_cast(raw.quantity AS INT)",
        "discount": "try_cast(coalesce(raw.discount, '0') AS DECIMAL(5,4))",
        "payment_method": "lower(trim(raw.payment_method))",
        "sold_at": "coalesce(try_cast(raw.date AS TIMESTAMP), try_to_timestamp(raw.date, 'dd/MM/yyyy HH:mm:ss'), "
        "try_to_timestamp(raw.date, 'dd/MM/yyyy'))",
        "updated_at": "try_cast(raw.updated_at AS TIMESTAMP)",
    },
    "customers": {
        "customer_id": "upper(trim(raw.customer_id))",
        "name": r"regexp_replace(trim(raw.name), r'\s+', ' ')",
        "email": "lower(trim(raw.email))",
        "phone": "trim(raw.phone)",
        "birth_date": "coalesce(try_cast(raw.birth_date AS DATE), "
        "CAST(try_to_timestamp(raw.birth_date, 'dd/MM/yyyy') AS DATE))",
        "region": "trim(raw.region)",
        "loyalty_points": "try_cast(coalesce(raw.loyalty_points, '0') AS INT)",
        "loyalty_tier": "lower(trim(raw.loyalty_tier))",
        "updated_at": "try_cast(raw.updated_at AS TIMESTAMP)",
    },
    "stores": {
        "store_id": "upper(trim(raw.store_id))",
        "name": "trim(raw.name)",
        "region": "trim(raw.region)",
        "country": "trim(raw.country)",
        "opened_on": "try_cast(raw.opened_on AS DATE)",
        "updated_at": "try_cast(raw.updated_at AS TIMESTAMP)",
    },
    "sales_people": {
        "sales_person_id": "upper(trim(raw.sales_person_id))",
        "name": "trim(raw.name)",
        "store_id": "upper(trim(raw.store_id))",
        "hired_on": "try_cast(raw.hired_on AS DATE)",
        "updated_at": "try_cast(raw.updated_at AS TIMESTAMP)",
    },
}

# the reason, in SQL, and when a row is good
RULES = {
    "sales": {
        """format_string("quantity: '%s' is not an INT", raw.quantity)""": (
            "raw.quantity IS NULL OR quantity IS NOT NULL"
        ),
        """format_string("discount: '%s' is not a DECIMAL(5,4)", raw.discount)""": (
            "raw.discount IS NULL OR discount IS NOT NULL"
        ),
        """format_string("sold_at: '%s' is not a TIMESTAMP (dd/MM/yyyy HH:mm:ss or dd/MM/yyyy)", raw.date)""": (
            "raw.date IS NULL OR sold_at IS NOT NULL"
        ),
        "'transaction_id is NULL'": "transaction_id IS NOT NULL",
        "'updated_at is NULL'": "updated_at IS NOT NULL",
        "'customer_id is NULL'": "customer_id IS NOT NULL",
        "'price is NULL'": "price IS NOT NULL",
        "'price must not be below zero'": "price IS NULL OR price >= 0",
        "'quantity must be above zero'": "quantity > 0",
        "'discount must be from 0 to 1'": "discount BETWEEN 0 AND 1",
        "'date is NULL'": "sold_at IS NOT NULL",
    },
    "customers": {
        """format_string("birth_date: '%s' is not a DATE (dd/MM/yyyy)", raw.birth_date)""": (
            "raw.birth_date IS NULL OR birth_date IS NOT NULL"
        ),
        "'customer_id is NULL'": "customer_id IS NOT NULL",
        "'updated_at is NULL'": "updated_at IS NOT NULL",
        "'email has no @ between two texts'": "email IS NULL OR email LIKE '%_@_%'",
        "'loyalty_points must not be below zero'": "loyalty_points >= 0",
    },
    "stores": {
        "'name is NULL'": "name IS NOT NULL",
        "'region or country is NULL'": "region IS NOT NULL AND country IS NOT NULL",
    },
    "sales_people": {"'name is NULL'": "name IS NOT NULL", "'store_id is NULL'": "store_id IS NOT NULL"},
}


def main(landing: str, out: str) -> None:
    """Rebuild all layers below `out`."""
    builder = SparkSession.builder.appName("tutorial").config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    catalog = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    spark = builder.config("spark.sql.catalog.spark_catalog", catalog).getOrCreate()
    for entity in LANDED:
        write(landed(spark, landing, entity), f"{out}/bronze/pos_{entity}")
    for entity in LANDED:
        judged = judge(read(spark, f"{out}/bronze/pos_{entity}"), entity)
        write(quarantined(judged), f"{out}/silver/pos_{entity}_quarantine")
        write(newest(judged, entity), f"{out}/silver/pos_{entity}")
        read(spark, f"{out}/silver/pos_{entity}").createOrReplaceTempView(entity)
    for name, query in GOLD.items():
        write(spark.sql(query), f"{out}/gold/{name}")
        read(spark, f"{out}/gold/{name}").createOrReplaceTempView(name)
    spark.stop()


def landed(spark: SparkSession, landing: str, entity: str) -> DataFrame:
    """What landed, every value as text, and the file that it came in; a line that is no JSON is kept whole."""
    is_array = entity in ("stores", "sales_people")
    reader = spark.read.schema(f"{LANDED[entity]}, _corrupt_record STRING").option("multiLine", is_array)
    return reader.json(f"{landing}/pos/{entity}").withColumn("_source_file", F.input_file_name())


def judge(bronze: DataFrame, entity: str) -> DataFrame:
    """Typed and cleaned rows, with what landed and the list of what is wrong with them."""
    texts = [name for name in bronze.columns if not name.startswith("_")]
    typed = bronze.select(F.struct(*texts).alias("raw"), "_corrupt_record", "_source_file").select(
        "*", *[F.expr(typed).alias(name) for name, typed in TYPED[entity].items()]
    )
    failed = [F.expr(f"CASE WHEN NOT coalesce({good}, false) THEN {why} END") for why, good in RULES[entity].items()]
    malformed = F.when(F.col("_corrupt_record").isNotNull(), F.array(F.lit("malformed record")))
    return typed.withColumn("dq_errors", F.coalesce(malformed, F.array_compact(F.array(*failed))))


def quarantined(judged: DataFrame) -> DataFrame:
    """The rows that fail a rule."""
    return judged.filter(F.size("dq_errors") > 0).select("raw", "_corrupt_record", "_source_file", "dq_errors")


def newest(judged: DataFrame, entity: str) -> DataFrame:
    """Of the good rows of a key, the last one by updated_at."""
    versions = Window.partitionBy(KEYS[entity]).orderBy(F.desc("updated_at"))
    ranked = judged.filter(F.size("dq_errors") == 0).withColumn("place", F.row_number().over(versions))
    return ranked.filter("place = 1").select(*TYPED[entity], "_source_file")


def read(spark: SparkSession, path: str) -> DataFrame:
    """A Delta table."""
    return spark.read.format("delta").load(path)


def write(rows: DataFrame, path: str) -> None:
    """Overwrite a Delta table."""
    rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
