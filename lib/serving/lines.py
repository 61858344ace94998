"""Rows of gold as the lines that PostgreSQL's COPY reads. Transforms only.

The format is "Text Format" of https://www.postgresql.org/docs/18/sql-copy.html: columns apart by tabs, `\\N` for NULL,
and a backslash before what would be taken for one of these, for a backslash or for the end of a line.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.serving.ddl import masked_name
from lib.serving.layout import COUNTRY, OF_COUNTRY, Layout
from lib.serving.settings import Mask

_TOKEN_LETTERS = 32
"""Of the 64 of a SHA-256: 128 bits, at which two values of one token are not met."""


def with_served_columns(rows: DataFrame, layout: Layout, countries: DataFrame | None, key: str) -> DataFrame:
    """The rows with what may be seen of personal columns, and with whose they are, in the loaded table's order.

    `countries` has the column that a country is found by, and `country`; without it none is known. `key` makes tokens
    that nobody can guess.
    """
    masks = {masked_name(column): _masked(column, mask, key) for column, mask in layout.masked.items()}
    columns = [*[column.name for column in layout.columns], *masks]
    complete = rows.withColumns(masks) if masks else rows
    if layout.country_of is None:
        return complete.select(*columns)
    if countries is None:
        return complete.select(*columns, F.lit(None).cast("string").alias(OF_COUNTRY))
    by = layout.country_of[0]
    known = countries.select(F.col(by).alias("_by"), F.col(COUNTRY).alias(OF_COUNTRY)).filter("_by IS NOT NULL")
    found = complete.join(known.dropDuplicates(["_by"]), F.col(by) == F.col("_by"), how="left")
    return found.select(*columns, OF_COUNTRY)


def as_lines(rows: DataFrame) -> DataFrame:
    """One column, `value` STRING: a line for each row."""
    texts = [_text(field.name, field.dataType.typeName()) for field in rows.schema.fields]
    return rows.select(F.concat_ws("\t", *[F.coalesce(text, F.lit("\\N")) for text in texts]).alias("value"))


def sums_of(columns: Sequence[str]) -> list[Column]:
    """What is compared with what PostgreSQL says after the load: the number of rows, and each column's sum."""
    return [F.count(F.lit(1)).alias("rows"), *[F.sum(column).alias(column) for column in columns]]


def _masked(column: str, mask: Mask, key: str) -> Column:
    if mask == "initials":
        words = F.split(F.trim(column), r"\s+")
        letters = F.transform(words, lambda word: F.concat(F.substring(word, 1, 1), F.lit(".")))
        return F.when(F.trim(column) != "", F.array_join(letters, " "))
    if mask == "system":
        return F.substring_index(column, ":", 1)
    if mask == "year":
        return F.trunc(column, "year")
    return F.substring(F.sha2(F.concat(F.lit(key), F.col(column)), 256), 1, _TOKEN_LETTERS)


def _text(column: str, kind: str) -> Column:
    if kind == "array":
        elements = F.transform(column, lambda each: F.coalesce(_in_quotes(each), F.lit("NULL")))
        return _escaped(F.concat(F.lit("{"), F.array_join(elements, ","), F.lit("}")))
    return _escaped(F.col(column)) if kind == "string" else F.col(column).cast("string")


def _in_quotes(text: Column) -> Column:
    return F.concat(F.lit('"'), F.regexp_replace(text, r'(["\\])', r"\\$1"), F.lit('"'))


def _escaped(text: Column) -> Column:
    # PostgreSQL's text has no U+0000: it is shown as what stands for a character that cannot be
    return F.regexp_replace(F.translate(text, "\x00", "�"), r"([\\\t\n\r])", r"\\$1")
