"""Fields that land and that no contract knows: found in bronze, and said as the contract lines that would take them."""

import math
from collections.abc import Iterable

import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.contract import Contract

_MAP = "MAP<STRING,STRING>"
_SHAPES = (
    ("int", "try_cast(value AS INT) IS NOT NULL AND value RLIKE '^-?[0-9]+$'"),
    ("bigint", "try_cast(value AS BIGINT) IS NOT NULL AND value RLIKE '^-?[0-9]+$'"),
    ("decimal(18,6)", "try_cast(value AS DECIMAL(18,6)) = try_cast(value AS DECIMAL(38,18))"),
    ("boolean", "lower(value) IN ('true', 'false')"),
    ("date", "value RLIKE '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AND try_cast(value AS DATE) IS NOT NULL"),
    ("timestamp", "value RLIKE '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]' AND try_cast(value AS TIMESTAMP) IS NOT NULL"),
)
"""The types that a contract line may propose, the narrowest first; SQL for "this text is one"."""


def unknown_fields(bronze: DataFrame, contract: Contract) -> DataFrame:
    """One row per field that the contract does not know: `field` STRING (in JSON a path), `rows` BIGINT, `first_file`
    STRING, and `type` STRING, the narrowest that all of its values have."""
    known = contract.source_columns.values()
    paths = [source.split(".") for source in known] if contract.format == "json" else []
    inside = {".".join(path[:depth]) for path in paths for depth in range(1, len(path))}
    rescued = bronze.filter("_rescued IS NOT NULL").select(F.from_json("_rescued", _MAP).alias("m"), "_source_file")
    fields = rescued.select(F.explode("m").alias("field", "value"), "_source_file").filter("field <> '_malformed'")
    for _ in range(max(map(len, paths), default=1) - 1):
        is_object = F.col("field").isin(list(inside))
        members = F.explode(F.from_json("value", _MAP)).alias("name", "value")
        below = fields.filter(is_object).select("field", members, "_source_file")
        opened = below.select(F.concat_ws(".", "field", "name").alias("field"), "value", "_source_file")
        fields = fields.filter(~is_object).unionByName(opened)
    narrowest = F.lit("string")
    for name, is_one in reversed(_SHAPES):
        narrowest = F.when(F.bool_and(F.expr(f"value IS NULL OR coalesce({is_one}, false)")), name).otherwise(narrowest)
    found = (
        fields.filter(~F.col("field").isin(list(known)))
        .groupBy("field")
        .agg(F.count(F.lit(1)).alias("rows"), F.min("_source_file").alias("first_file"), narrowest.alias("type"))
    )
    return found.select("field", "rows", "first_file", "type").orderBy("field")


def contract_lines(fields: Iterable[tuple[str, int, str, str]]) -> list[str]:
    """The lines for `columns:` of the contract that would take the fields in."""
    lines = []
    for field, rows, first_file, type_name in fields:
        name = _name(field)
        source = "" if name == field else f"from: {_quoted(field)}, "
        lines.append(
            f"  {_quoted(name)}: {{{source}type: {_quoted(type_name)}, optional: true}}  # {rows:,} rows, {first_file}"
        )
    return lines


def _name(field: str) -> str:
    spelled = "".join(f"_{mark.lower()}" if mark.isupper() else mark for mark in field.replace(".", "_"))
    name = "".join(mark if mark.isalnum() and mark.isascii() else "_" for mark in spelled).strip("_")
    while "__" in name:
        name = name.replace("__", "_")
    return name if name[:1].isalpha() else f"field_{name}"


def _quoted(text: str) -> str:
    """A text as YAML, in quotes only where it would not be that text without them."""
    is_plain = text.replace("_", "").replace(".", "").isalnum() and yaml.safe_load(text) == text
    return text if is_plain else yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf).strip()
