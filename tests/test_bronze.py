"""Bronze: the text that landed, by header name, and nothing lost of what does not fit."""

import json
from datetime import datetime, timezone

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib import bronze
from lib.contract import Contract

THINGS = Contract.model_validate(
    {
        "source": "shop",
        "entity": "things",
        "description": "A thing.",
        "files": "shop/*.csv",
        "format": "csv",
        "key": ["id"],
        "columns": {
            "id": {"from": "Thing Id", "type": "int"},
            "name": {"from": "Name", "type": "string"},
            "note": {"from": "Note", "type": "string", "optional": True},
        },
    }
)
COLUMNS = ("Thing_Id", "Name", "Note", "_rescued")


def parsed(spark: SparkSession, header: str, *lines: str) -> list[tuple[str | None, ...]]:
    schema = "_line STRING, _source_file STRING, _source_modified_at TIMESTAMP"
    frame = spark.createDataFrame([(line, "shop/a.csv", None) for line in lines], schema)
    rows = bronze.of_lines(frame, THINGS, header=header.split(",")).select(*COLUMNS).collect()
    return [tuple(row) for row in rows]


def test_columns_go_by_name_whatever_their_order(spark: SparkSession) -> None:
    assert parsed(spark, "Note,Name,Thing Id", "n,Ada,1") == [("1", "Ada", "n", None)]


def test_an_optional_column_that_is_missing_is_null(spark: SparkSession) -> None:
    assert parsed(spark, "Thing Id,Name", "1,Ada") == [("1", "Ada", None, None)]


def test_what_the_contract_does_not_know_is_kept_by_its_name(spark: SparkSession) -> None:
    rows = parsed(spark, "Thing Id,Name,Note,Colour,Size", "1,Ada,n,red,", "2,Bob,n,,")
    assert rows == [("1", "Ada", "n", '{"Colour":"red"}'), ("2", "Bob", "n", None)]


def test_text_stays_as_it_landed(spark: SparkSession) -> None:
    assert parsed(spark, "Thing Id,Name,Note", '007, Ada ,"$90,000 "', '1,"say ""hi""",x', '1,"",') == [
        ("007", " Ada ", "$90,000 ", None),
        ("1", 'say "hi"', "x", None),
        ("1", None, None, None),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "1,Ada",
        "1,Ada,n,more",
        '1,"Ada,n',
        '1,Ada,"n',
        '"1,Ada,n',
        '1,Ada,"say ""hi"", and',
    ],
)
def test_a_malformed_line_is_kept_whole_and_its_columns_are_not_trusted(spark: SparkSession, line: str) -> None:
    [row] = parsed(spark, "Thing Id,Name,Note", line)
    assert row[:3] == (None, None, None)
    assert json.loads(row[3] or "") == {"_malformed": line}


def test_a_lone_quote_within_a_field_is_text(spark: SparkSession) -> None:
    assert parsed(spark, "Thing Id,Name,Note", '1,24" wheel,n', '2,wheel,24"') == [
        ("1", '24" wheel', "n", None),
        ("2", "wheel", '24"', None),
    ]


def test_a_header_may_hold_dots_and_names_that_differ_by_case_or_are_missing(spark: SparkSession) -> None:
    [row] = parsed(spark, "Thing Id,Name,note,NOTE,a.b,", "1,Ada,x,y,z,")
    assert row == ("1", "Ada", None, '{"note":"x","NOTE":"y","a.b":"z"}')
    dotted = THINGS.model_copy(update={"columns": {"city": THINGS.columns["name"].model_copy(update={"from_": "a.b"})}})
    schema = "_line STRING, _source_file STRING, _source_modified_at TIMESTAMP"
    frame = bronze.of_lines(spark.createDataFrame([("Rome", "f", None)], schema), dotted, header=["a.b"])
    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    assert bronze.with_lineage(frame, batch_id=1, run_id=1, ingested_at=at).collect()[0]["a.b"] == "Rome"


def test_a_row_gets_its_batch_and_an_address_of_its_own(spark: SparkSession) -> None:
    rows: DataFrame = spark.createDataFrame([("a",), ("b",)], "id STRING").withColumns(
        {"_source_file": F.lit("f"), "_source_modified_at": F.lit(None).cast("timestamp")}
    )
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    addressed = bronze.with_lineage(rows, batch_id=7, run_id=3, ingested_at=at)
    assert addressed.columns[-6:] == [
        "_source_file", "_source_modified_at", "_ingested_at", "_run_id", "_batch_id", "_row_id",
    ]  # fmt: skip
    found = addressed.selectExpr("_batch_id", "_run_id", "CAST(_ingested_at AS STRING)", "_row_id").collect()
    assert [tuple(row)[:3] for row in found] == [(7, 3, "2026-01-02 03:04:05")] * 2
    assert len({row._row_id for row in found}) == 2
