"""Whose a row is: from the key that a source has for a customer to the customer's id in gold, and the routes there."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold.routes import Mapped, Via

_RECORD = "concat(source, ':', source_customer_id)"


def record() -> Column:
    """The id of a record, STRING, `{source}:{source_customer_id}`, of rows that have these two columns."""
    return F.expr(_RECORD)


def as_record(rows: DataFrame, source: str, key: str) -> DataFrame:
    """The rows with `source` and `source_customer_id` STRING instead of the source's `key` of a customer."""
    known = rows.withColumn("source_customer_id", F.col(key).cast("string")).drop(key)
    return known.withColumn("source", F.lit(source))


def with_person(rows: DataFrame, customer_identities: DataFrame) -> DataFrame:
    """The rows, which have `source` and `source_customer_id`, with `customer_id` STRING, the id of the person.

    That is the `record` as long as nobody has looked into who it is; NULL without a key.
    """
    known = customer_identities.select(
        F.col("source").alias("_of"), F.col("source_customer_id").alias("_known_as"), F.col("customer_id").alias("_is")
    )
    same = (F.col("source") == F.col("_of")) & (F.col("source_customer_id") == F.col("_known_as"))
    named = rows.join(known, same, how="left")
    return named.withColumn("customer_id", F.coalesce("_is", record())).drop("_of", "_known_as", "_is")


def with_customer(rows: DataFrame, source: str, key: str, customer_identities: DataFrame) -> DataFrame:
    """The rows of a source with their customer in gold's terms, instead of its `key`: `as_record`, `with_person`."""
    return with_person(as_record(rows, source, key), customer_identities)


def to_person(source: str, key: str = "customer_id", *, names_only: bool = False) -> Mapped:
    """The route from a row that has a source's key of a customer to the customer's id."""
    here = f"concat('{source}:', {key})"
    return Mapped("customer_identities", here=here, there=_RECORD, to="customer_id", names_only=names_only)


def by_person(entity: str, source: str, key: str = "customer_id") -> Via:
    """The route from a change of whose a record is to the rows of an entity of that source which name it."""
    here = f"CASE WHEN source = '{source}' THEN source_customer_id END"
    return Via(entity, here=here, there=f"CAST({key} AS STRING)", reads=("customer_id",))
