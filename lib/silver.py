"""Silver: one row per key, its newest version; what fails is parted with reasons. Transforms only."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.bronze import raw_schema
from lib.contract import IS_LIVE, LINEAGE, Contract

SILVER_LINEAGE = ("_source_file", "_source_modified_at", "_batch_id", "_row_id", "_content_hash")
"""Where a row came from, and the hash that breaks a tie between two versions."""

ADDRESS = ("_batch_id", "_row_id")
"""The grain of a quarantine table: the place of the row in bronze."""


def newest(judged: DataFrame, contract: Contract) -> DataFrame:
    """One row per key: of the rows that pass, the last in the total order of `version_order`.

    Grain: the contract's key. Columns: the contract's, then SILVER_LINEAGE, and `_is_live` where a key can go.
    """
    # a row that landed twice, equal in all, keeps its first address, as a MERGE of the second leaves the first
    first_landed = [-F.col(name) for name in ADDRESS]
    ranked = (
        passing(judged, contract)
        .groupBy(*[F.col(name).alias(f"_key_{name}") for name in contract.key])
        .agg(
            F.max_by(F.struct(*columns_of(contract)), F.struct(*version_order(contract), *first_landed)).alias(
                "_newest"
            )
        )
    )
    return ranked.select("_newest.*")


def passing(judged: DataFrame, contract: Contract) -> DataFrame:
    """The rows that no check parts, with their content's hash."""
    return judged.filter(F.size("dq_errors") == 0).withColumn("_content_hash", content_hash(contract))


def columns_of(contract: Contract) -> list[str]:
    """Silver's columns: the contract's, then SILVER_LINEAGE, and `_is_live` where a key can go."""
    return [*contract.columns, *SILVER_LINEAGE, *([IS_LIVE] if contract.has_deletes else [])]


def quarantined(judged: DataFrame, *, run_id: int, at: datetime) -> DataFrame:
    """One row per failing bronze row, under its address (`_batch_id`, `_row_id`).

    `raw` STRING: the values that landed, a JSON object of texts by the source's names; `dq_errors` ARRAY<STRING>;
    `correction` STRING: the values that a person gave instead; `status` STRING: waiting, accepted or discarded;
    `is_due` BOOLEAN: to be judged again; `history` ARRAY<STRUCT<status, at, run_id, note>>.
    """
    return judged.filter(F.size("dq_errors") > 0).select(
        "_batch_id",
        "_row_id",
        "_source_file",
        "_source_modified_at",
        F.to_json("raw").alias("raw"),
        F.lit(None).cast("string").alias("correction"),
        "dq_errors",
        F.lit("waiting").alias("status"),
        F.lit(False).alias("is_due"),
        F.array(event(F.lit("waiting"), run_id=run_id, at=at)).alias("history"),
    )


def event(status: Column, *, run_id: int, at: datetime, note: Column | None = None) -> Column:
    """An element of a quarantined row's `history`."""
    return F.struct(
        status.alias("status"),
        F.lit(at).cast("timestamp").alias("at"),
        F.lit(run_id).cast("bigint").alias("run_id"),
        (F.lit(None) if note is None else note).cast("string").alias("note"),
    )


def corrected(waiting: DataFrame, contract: Contract) -> DataFrame:
    """Quarantined rows as rows of bronze: with the values of their correction, else with those that landed."""
    landed = F.from_json(F.coalesce("correction", "raw"), raw_schema(contract))
    rows = waiting.select(landed.alias("_landed"), "_source_file", "_source_modified_at", *ADDRESS)
    absent = {"_ingested_at": F.lit(None).cast("timestamp"), "_run_id": F.lit(None).cast("bigint")}
    return rows.withColumns(absent).select("_landed.*", *LINEAGE)


def returned(due: DataFrame, judged: DataFrame, *, run_id: int, at: datetime) -> DataFrame:
    """Quarantined rows after they were judged again: accepted, or waiting with today's reasons; none is due."""
    reasons = judged.select(*ADDRESS, F.col("dq_errors").alias("_reasons"))
    status = F.when(F.size("_reasons") == 0, "accepted").otherwise("waiting")
    history = F.when(
        F.size("_reasons") == 0, F.array_append("history", event(F.lit("accepted"), run_id=run_id, at=at))
    ).otherwise(F.col("history"))
    changed = {"status": status, "history": history, "is_due": F.lit(False)}
    errors = F.when(F.size("_reasons") == 0, F.col("dq_errors")).otherwise(F.col("_reasons"))
    both = due.join(reasons, list(ADDRESS), how="inner")
    return both.withColumns({**changed, "dq_errors": errors}).select(*due.columns)


def requarantined(known: DataFrame, failing: DataFrame, *, run_id: int, at: datetime) -> DataFrame:
    """A whole quarantine table after all of bronze was judged anew; grain and columns as in `quarantined`.

    A waiting row that fails no more becomes `accepted`; one that fails (still, or again) is waiting, with today's
    reasons; a discarded one stays so. Every change of status goes into `history`.
    """
    old, new = known.alias("old"), failing.alias("new")
    both = old.join(new, [F.col(f"old.{name}") == F.col(f"new.{name}") for name in ADDRESS], how="full_outer")
    fails, was_known = F.col("new._row_id").isNotNull(), F.col("old._row_id").isNotNull()
    is_discarded = F.coalesce(F.col("old.status") == "discarded", F.lit(False))
    status = (
        F.when(is_discarded, "discarded")
        .when(fails, "waiting")
        .when(F.col("old.status") == "waiting", "accepted")
        .otherwise(F.col("old.status"))
    )
    history = (
        F.when(~was_known, F.col("new.history"))
        .when(status != F.col("old.status"), F.array_append("old.history", event(status, run_id=run_id, at=at)))
        .otherwise(F.col("old.history"))
    )
    judged_anew = ("dq_errors", "status", "is_due", "history")
    return both.select(
        *[F.coalesce(f"old.{name}", f"new.{name}").alias(name) for name in known.columns if name not in judged_anew],
        F.coalesce("new.dq_errors", "old.dq_errors").alias("dq_errors"),
        status.alias("status"),
        F.lit(False).alias("is_due"),
        history.alias("history"),
    )


def version_order(contract: Contract) -> list[str]:
    """The columns that order the versions of a key; arrival order is not among them.

    Of a delete and an update of the same moment the update is the newer one: what is in doubt is kept.
    """
    return order_of(contract.latest_by, has_deletes=contract.has_deletes)


def order_of(latest_by: Sequence[str], *, has_deletes: bool) -> list[str]:
    """The same of an entity of which only this is known. The first column is the moment from which a version holds."""
    moment = latest_by or ["_source_modified_at", "_source_file"]
    return [*moment, *([IS_LIVE] if has_deletes else []), "_content_hash"]


def gone(live: DataFrame, present: DataFrame, contract: Contract, *, at: datetime, file: str) -> DataFrame:
    """Tombstones for the live rows of silver whose key a whole delivery, `file` of the time `at`, lacks.

    `present` are the keys in that file, also those of rows that fail: a key that is there is there. A row that came
    with a newer file stays. Columns as in `live`, the version that of the file.
    """
    version = {"_source_modified_at": F.lit(at).cast("timestamp"), "_source_file": F.lit(file)}
    is_older = F.struct("_source_modified_at", "_source_file") < F.struct(*version.values())
    absent = live.filter(is_older).join(present, list(contract.key), how="left_anti")
    return absent.withColumns({**version, IS_LIVE: F.lit(False)}).select(*live.columns)


def is_newer(contract: Contract) -> str:
    """SQL for "row `s` is a later version than row `t`", in the total order of `version_order`."""
    mine, theirs = (
        f"struct({', '.join(f'{side}.`{name}`' for name in version_order(contract))})" for side in ("s", "t")
    )
    return f"{mine} > {theirs}"


def content_hash(contract: Contract) -> Column:
    """A BIGINT over all values of a row. xxhash64 skips NULLs, so that a value must not be able to change places."""
    return hash_of(contract.columns).alias("_content_hash")


def hash_of(columns: Iterable[str]) -> Column:
    """The same over some columns of any row."""
    return F.xxhash64(*[part for name in columns for part in (F.col(name), F.col(name).isNull())])


def schema_of(contract: Contract) -> str:
    """Silver's columns as DDL, for an entity of which nothing has landed yet."""
    columns = [f"`{name}` {column.type}" for name, column in contract.columns.items()]
    lineage = "_source_file STRING, _source_modified_at TIMESTAMP, _batch_id BIGINT, _row_id BIGINT"
    return f"{', '.join(columns)}, {lineage}, _content_hash BIGINT"
