"""Quarantined rows on their way out to a person and back: nothing changes but what the person changes."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lib import bronze, quality, quarantine, silver
from lib.contract import Contract
from tests.builders import RECEIPTS, assert_rows, bronze_rows

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
THINGS = Contract.model_validate(
    {
        "source": "shop",
        "entity": "things",
        "description": "A thing.",
        "files": "shop/*.csv",
        "format": "csv",
        "csv": {"encoding": "windows-1252", "delimiter": ";"},
        "key": ["id"],
        "columns": {"id": {"from": "Thing Id", "type": "int"}, "name": {"from": "Name", "type": "string"}},
    }
)
MEMBERS = RECEIPTS.model_copy(update={"entity": "members", "columns": {"id": RECEIPTS.columns["id"]}, "rules": {}})

RECEIPT = {"id": "a", "product.price": "-1.10", "product.maker.name": 'M "1"', "Note": "é, ;\\"}
THING = {"Thing Id": "x", "Name": 'say "5", é;'}


def waiting(spark: SparkSession, contract: Contract, *rows: dict[str, Any]) -> DataFrame:
    """Rows that fail, in quarantine since run 1."""
    return silver.quarantined(quality.judge(bronze_rows(spark, contract, *rows), contract), run_id=1, at=AT)


def exported(rows: DataFrame, contract: Contract) -> list[str]:
    """The lines of an export, as the pipeline makes them."""
    shown = rows.selectExpr("*", "coalesce(correction, raw) AS values").orderBy("_batch_id", "_row_id")
    return list(quarantine.exported([row.asDict() for row in shown.collect()], contract))


def corrections(spark: SparkSession, contract: Contract, lines: list[str]) -> DataFrame:
    """What the lines of an exported file give back."""
    read = quarantine.of_export(contract)
    schema = "_line STRING, _source_file STRING, _source_modified_at TIMESTAMP"
    header = () if read.format == "json" else tuple(lines[0].split(","))
    frame = spark.createDataFrame([(line, "f", None) for line in (lines if not header else lines[1:])], schema)
    return quarantine.corrections(bronze.of_lines(frame, read, header=header), contract)


def due(spark: SparkSession, contract: Contract, rows: DataFrame, lines: list[str]) -> DataFrame:
    given = corrections(spark, contract, lines)
    return quarantine.due(rows, given, note="corrected by f", run_id=2, at=AT)


def test_nested_records_go_out_as_json_and_flat_ones_as_csv() -> None:
    names = [quarantine.file_name(contract) for contract in (RECEIPTS, THINGS, MEMBERS)]
    assert names == ["invalid_receipts.json", "invalid_things.csv", "invalid_members.csv"]


def test_a_nested_row_goes_out_with_its_address_its_reasons_and_every_member(spark: SparkSession) -> None:
    [line] = exported(waiting(spark, RECEIPTS, {"id": "a", "product.price": "-1.10"}), RECEIPTS)
    assert line == (
        '{"_batch": 1, "_row": 0, "_errors": ["price must be above zero"], "_file": "f.csv", "id": "a", '
        '"product": {"price": "-1.10", "maker": {"name": null}}, "Note": null}'
    )


def test_a_flat_row_goes_out_as_a_line_of_csv(spark: SparkSession) -> None:
    assert exported(waiting(spark, THINGS, THING, {"Name": "n"}), THINGS) == [
        "_batch,_row,_errors,_file,Thing_Id,Name,_malformed",
        """1,0,id: 'x' is not an INT,f.csv,x,"say ""5"", é;",""",
        "1,1,id is NULL,f.csv,,n,",
    ]


def test_a_malformed_record_goes_out_whole_with_places_for_its_values(spark: SparkSession) -> None:
    [line] = exported(waiting(spark, RECEIPTS, {"_rescued": '{"_malformed":"{\\"id\\": "}'}), RECEIPTS)
    assert json.loads(line) == {
        "_batch": 1, "_row": 0, "_errors": ["malformed record"], "_file": "f.csv", "id": None,
        "product": {"price": None, "maker": {"name": None}}, "Note": None, "_malformed": '{"id": ',
    }  # fmt: skip
    [_, flat] = exported(waiting(spark, THINGS, {"_rescued": '{"_malformed":"1;\\"x"}'}), THINGS)
    assert flat == '1,0,malformed record,f.csv,,,"1;""x"'


@pytest.mark.parametrize(("contract", "row"), [(RECEIPTS, RECEIPT), (THINGS, THING), (MEMBERS, {"id": None})])
def test_what_goes_out_and_comes_back_untouched_is_what_landed(
    spark: SparkSession, contract: Contract, row: dict[str, Any]
) -> None:
    rows = waiting(spark, contract, row)
    back = due(spark, contract, rows, exported(rows, contract))
    [before] = silver.corrected(rows, contract).collect()
    [after] = silver.corrected(back, contract).collect()
    assert flat(after) == flat(before)


def flat(record: Any) -> dict[str, Any]:
    """A row's values by their paths, without those that are NULL."""
    found: dict[str, Any] = {}
    for name, value in (record if isinstance(record, dict) else record.asDict(recursive=True)).items():
        below = flat(value) if isinstance(value, dict) else {}
        found |= {f"{name}.{each}": text for each, text in below.items()}
        if value is not None and not isinstance(value, dict):
            found[name] = value
    return found


def test_a_corrected_row_is_due_with_its_new_values_and_a_note(spark: SparkSession) -> None:
    rows = waiting(spark, RECEIPTS, RECEIPT, {"id": "b", "product.price": "0"})
    [line, _] = exported(rows, RECEIPTS)
    back = due(spark, RECEIPTS, rows, [line.replace('"-1.10"', "12345678901234567890.50")])
    assert back.columns == rows.columns
    assert_rows(
        back, ["_row_id", "status", "is_due", "history.status", "history.note", "history.run_id"],
        [(0, "waiting", True, ["waiting", "waiting"], [None, "corrected by f"], [1, 2])],
    )  # fmt: skip
    columns = ["id", "CAST(price AS STRING)", "maker", "note", "size(dq_errors)"]
    judged = quality.judge(silver.corrected(back, RECEIPTS), RECEIPTS)
    assert_rows(judged, columns, [("a", "12345678901234567890.500000000", 'M "1"', "é, ;\\", 0)])


def test_what_the_contract_did_not_know_stays_with_the_row(spark: SparkSession) -> None:
    rescued = '{"tip":"2.50","product":"{\\"size\\":\\"L\\"}"}'
    rows = waiting(spark, RECEIPTS, {**RECEIPT, "_rescued": rescued}, {"_rescued": '{"tip":"1"}'})
    back = due(spark, RECEIPTS, rows, exported(rows, RECEIPTS))
    assert_rows(silver.corrected(back, RECEIPTS), ["id", "_rescued"], [("a", rescued), (None, '{"tip":"1"}')])


def test_a_malformed_record_that_was_filled_in_is_one_no_more(spark: SparkSession) -> None:
    rows = waiting(spark, RECEIPTS, {"_rescued": '{"_malformed":"{\\"id\\": "}'})
    [line] = exported(rows, RECEIPTS)
    back = due(spark, RECEIPTS, rows, [line.replace('"id": null', '"id": "a"').replace('"price": null', '"price": 1')])
    judged = quality.judge(silver.corrected(back, RECEIPTS), RECEIPTS)
    assert_rows(judged, ["id", "CAST(price AS INT)", "size(dq_errors)"], [("a", 1, 0)])


@pytest.mark.parametrize("contract", [RECEIPTS, THINGS], ids=["JSON", "CSV"])
def test_a_malformed_record_that_comes_back_unfilled_is_still_one(spark: SparkSession, contract: Contract) -> None:
    rows = waiting(spark, contract, {"_rescued": '{"_malformed":"x"}'})
    back = due(spark, contract, rows, exported(rows, contract))
    judged = quality.judge(silver.corrected(back, contract), contract)
    assert_rows(
        judged, ["dq_errors", "to_json(raw)"], [(["malformed record"], '{"_rescued":"{\\"_malformed\\":\\"x\\"}"}')]
    )


def test_what_is_only_shown_keeps_a_row_of_csv_on_its_line(spark: SparkSession) -> None:
    rows = waiting(spark, THINGS, {"Thing Id": "x\ny"}, {"_rescued": '{"_malformed":"[\\r\\n1"}'})
    [_, line, malformed] = exported(rows, THINGS)
    assert line == """1,0,id: 'x y' is not an INT,f.csv,"x\ny",,"""
    assert malformed == "1,1,malformed record,f.csv,,,[ 1"


def test_a_second_export_shows_the_first_correction(spark: SparkSession) -> None:
    rows = waiting(spark, THINGS, THING)
    header, line = exported(rows, THINGS)
    back = due(spark, THINGS, rows, [header, line.replace(",x,", ",y,")])
    assert exported(back, THINGS)[1].startswith("1,0,id: 'x' is not an INT,f.csv,y,")


def test_an_address_that_is_missing_or_no_number_is_null(spark: SparkSession) -> None:
    lines = ['{"_batch": 1, "_row": 2, "id": "a"}', '{"_batch": "x", "id": "b"}', '{"id": "c"}']
    expected = [(1, 2, '{"id":"a"}'), (None, None, '{"id":"b"}'), (None, None, '{"id":"c"}')]
    assert_rows(corrections(spark, RECEIPTS, lines), ["_batch_id", "_row_id", "_values"], expected)


def test_a_discarded_row_is_given_up_with_a_note(spark: SparkSession) -> None:
    rows = waiting(spark, THINGS, THING)
    given_up = quarantine.discarded(rows, note="test data", run_id=3, at=AT)
    assert given_up.columns == rows.columns
    assert_rows(
        given_up, ["status", "is_due", "history.status", "history.note", "history.run_id"],
        [("discarded", False, ["waiting", "discarded"], [None, "test data"], [1, 3])],
    )  # fmt: skip


def test_reasons_are_counted_whatever_the_values_in_them(spark: SparkSession) -> None:
    rows = waiting(spark, THINGS, {"Thing Id": "x"}, {"Thing Id": "y"}, {"Thing Id": None})
    assert_rows(quarantine.reasons(rows), ["*"], [("id: … is not an INT", 2), ("id is NULL", 1)])
