"""Silver: one row per key, its newest version; what fails is parted with reasons. Transforms only."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.contract import Contract

SILVER_LINEAGE = ("_source_file", "_source_modified_at", "_batch_id", "_row_id", "_content_hash")
"""Where a row came from, and the hash that breaks a tie between two versions."""

ADDRESS = ("_batch_id", "_row_id")
"""The grain of a quarantine table: the place of the row in bronze."""


def newest(judged: DataFrame, contract: Contract) -> DataFrame:
    """One row per key: of the rows that pass, the last in the total order of `version_order`.

    Grain: the contract's key. Columns: the contract's, then SILVER_LINEAGE.
    """
    passing = judged.filter(F.size("dq_errors") == 0).withColumn("_content_hash", content_hash(contract))
    columns = [*contract.columns, *SILVER_LINEAGE]
    # a row that landed twice, equal in all, keeps its first address, as a MERGE of the second leaves the first
    first_landed = [-F.col(name) for name in ADDRESS]
    ranked = passing.groupBy(*[F.col(name).alias(f"_key_{name}") for name in contract.key]).agg(
        F.max_by(F.struct(*columns), F.struct(*version_order(contract), *first_landed)).alias("_newest")
    )
    return ranked.select("_newest.*")


def quarantined(judged: DataFrame, *, run_id: int, at: datetime) -> DataFrame:
    """One row per failing bronze row, under its address (`_batch_id`, `_row_id`).

    `raw` STRING: the values that landed, a JSON object of texts by the source's names; `dq_errors` ARRAY<STRING>;
    `status` STRING: waiting; `history` ARRAY<STRUCT<status, at, run_id>>.
    """
    now = F.lit(at).cast("timestamp")
    event = F.struct(F.lit("waiting").alias("status"), now.alias("at"), F.lit(run_id).cast("bigint").alias("run_id"))
    return judged.filter(F.size("dq_errors") > 0).select(
        "_batch_id",
        "_row_id",
        "_source_file",
        "_source_modified_at",
        F.to_json("_raw").alias("raw"),
        "dq_errors",
        F.lit("waiting").alias("status"),
        F.array(event).alias("history"),
    )


def requarantined(known: DataFrame, failing: DataFrame, *, run_id: int, at: datetime) -> DataFrame:
    """A whole quarantine table after all of bronze was judged anew; grain and columns as in `quarantined`.

    A waiting row that fails no more becomes `accepted`; one that fails (still, or again) is waiting, with today's
    reasons; every change of status goes into `history`.
    """
    old, new = known.alias("old"), failing.alias("new")
    both = old.join(new, [F.col(f"old.{name}") == F.col(f"new.{name}") for name in ADDRESS], how="full_outer")
    fails, was_known = F.col("new._row_id").isNotNull(), F.col("old._row_id").isNotNull()
    status = F.when(fails, "waiting").when(F.col("old.status") == "waiting", "accepted").otherwise(F.col("old.status"))
    event = F.struct(
        status.alias("status"), F.lit(at).cast("timestamp").alias("at"), F.lit(run_id).cast("bigint").alias("run_id")
    )
    history = (
        F.when(~was_known, F.col("new.history"))
        .when(status != F.col("old.status"), F.array_append("old.history", event))
        .otherwise(F.col("old.history"))
    )
    kept = [name for name in known.columns if name not in ("dq_errors", "status", "history")]
    return both.select(
        *[F.coalesce(f"old.{name}", f"new.{name}").alias(name) for name in kept],
        F.coalesce("new.dq_errors", "old.dq_errors").alias("dq_errors"),
        status.alias("status"),
        history.alias("history"),
    )


def version_order(contract: Contract) -> list[str]:
    """The columns that order the versions of a key; arrival order is not among them."""
    return [*(contract.latest_by or ["_source_modified_at", "_source_file"]), "_content_hash"]


def is_newer(contract: Contract) -> str:
    """SQL for "row `s` is a later version than row `t`", in the total order of `version_order`."""
    mine, theirs = (
        f"struct({', '.join(f'{side}.`{name}`' for name in version_order(contract))})" for side in ("s", "t")
    )
    return f"{mine} > {theirs}"


def content_hash(contract: Contract) -> Column:
    """A BIGINT over all values of a row. xxhash64 skips NULLs, so that a value must not be able to change places."""
    parts = [part for name in contract.columns for part in (F.col(name), F.col(name).isNull())]
    return F.xxhash64(*parts).alias("_content_hash")


def schema_of(contract: Contract) -> str:
    """Silver's columns as DDL, for an entity of which nothing has landed yet."""
    columns = [f"`{name}` {column.type}" for name, column in contract.columns.items()]
    lineage = "_source_file STRING, _source_modified_at TIMESTAMP, _batch_id BIGINT, _row_id BIGINT"
    return f"{', '.join(columns)}, {lineage}, _content_hash BIGINT"
