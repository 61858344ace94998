"""Bronze: every landed value as the text that landed, with its lineage and its address. Transforms only."""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.contract import LINEAGE, Contract, bronze_name

STATS_COLUMNS = "_batch_id,_row_id"
"""What Delta keeps file statistics for: the next layer asks for rows by their batch."""


def parse_csv(lines: DataFrame, header: Sequence[str], contract: Contract) -> DataFrame:
    """Lines of files that share one header, as columns by name.

    Takes `_line`, `_source_file`, `_source_modified_at`. Gives the contract's columns under their source names
    (STRING, NULL where the file has none), `_rescued` and the two. `_rescued` is NULL or a JSON object: what the
    contract does not know by the header's name, or a malformed line whole under `_malformed`, its columns then NULL.
    """
    fields = [f"f{position}" for position in range(len(header))]
    schema = ", ".join(f"`{field}` STRING" for field in [*fields, "_corrupt"])
    options = {
        "sep": contract.csv.delimiter,
        "quote": contract.csv.quote,
        "escape": contract.csv.quote,
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "_corrupt",
    }
    parsed = lines.withColumn("_parsed", F.from_csv("_line", schema, options))
    malformed = F.col("_parsed._corrupt").isNotNull() | _has_open_quote(contract)
    judged = parsed.withColumn("_is_malformed", malformed)
    value_of = {name: F.col(f"_parsed.{field}") for name, field in zip(header, fields, strict=True)}
    wanted = list(dict.fromkeys(contract.source_columns.values()))
    unknown = [value_of[name].alias(name) for name in header if name not in wanted]
    return judged.select(
        *[_unless_malformed(value_of.get(name)).alias(bronze_name(name)) for name in wanted],
        _rescued(unknown).alias("_rescued"),
        "_source_file",
        "_source_modified_at",
    )


def with_lineage(rows: DataFrame, *, batch_id: int, run_id: int, ingested_at: datetime) -> DataFrame:
    """Parsed rows with their full lineage and their address: `_batch_id` BIGINT and `_row_id` BIGINT.

    `_row_id` is fixed by the one append that writes the batch; nothing may compute it a second time.
    """
    return rows.withColumns(
        {
            "_ingested_at": F.lit(ingested_at).cast("timestamp"),
            "_run_id": F.lit(run_id).cast("bigint"),
            "_batch_id": F.lit(batch_id).cast("bigint"),
            "_row_id": F.monotonically_increasing_id(),
        }
    ).select(*[f"`{name}`" for name in rows.columns if name not in LINEAGE], *LINEAGE)


def schema_of(contract: Contract) -> str:
    """Bronze's columns as DDL, for an entity of which nothing has landed yet."""
    names = dict.fromkeys(bronze_name(name) for name in contract.source_columns.values())
    columns = [f"`{name}` STRING" for name in [*names, "_rescued"]]
    lineage = "_source_file STRING, _source_modified_at TIMESTAMP, _ingested_at TIMESTAMP, _run_id BIGINT"
    return f"{', '.join(columns)}, {lineage}, _batch_id BIGINT, _row_id BIGINT"


def _has_open_quote(contract: Contract) -> Column:
    """Does a field start with a quote that nothing closes? Spark's parser forgives it in the last field."""
    quote, delimiter = (f"\\x{{{ord(mark):x}}}" for mark in (contract.csv.quote, contract.csv.delimiter))
    pattern = f"(^|{delimiter}){quote}[^{quote}]*({quote}{quote}[^{quote}]*)*$"
    is_odd = F.regexp_count("_line", F.lit(quote)) % 2 == 1
    return is_odd & F.col("_line").rlike(pattern)


def _unless_malformed(value: Column | None) -> Column:
    absent = F.lit(None).cast("string")
    return absent if value is None else F.when(~F.col("_is_malformed"), value)


def _rescued(unknown: list[Column]) -> Column:
    whole = F.to_json(F.struct(F.col("_line").alias("_malformed")))
    rest = F.nullif(F.to_json(F.struct(*unknown)), F.lit("{}")) if unknown else F.lit(None).cast("string")
    return F.when(F.col("_is_malformed"), whole).otherwise(rest)
