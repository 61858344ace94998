"""Silver: one newest row per key whatever the order of arrival, and a quarantine that remembers."""

from datetime import datetime, timezone
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib import quality, silver
from lib.contract import Contract
from tests.builders import RECEIPTS, assert_rows, bronze_rows

FACTS: dict[str, Any] = {
    "source": "shop",
    "entity": "things",
    "description": "A thing.",
    "files": "shop/*.csv",
    "format": "csv",
    "key": ["id"],
    "columns": {"id": {"type": "int"}, "a": {"type": "string"}, "b": {"type": "string"}, "version": {"type": "int"}},
    "rules": {"good": {"expect": "coalesce(a, '') <> 'bad'", "message": "a is bad"}},
}
BY_FILE = Contract.model_validate(FACTS)
BY_VERSION = Contract.model_validate({**FACTS, "latest_by": ["version"]})
AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def newest(spark: SparkSession, contract: Contract, *rows: dict[str, str | None]) -> list[tuple[Any, ...]]:
    judged = quality.judge(bronze_rows(spark, contract, *rows), contract)
    return sorted(tuple(row) for row in silver.newest(judged, contract).select("id", "a", "b").collect())


def test_the_highest_version_of_a_key_wins(spark: SparkSession) -> None:
    rows = [
        {"id": "1", "a": "new", "version": "10"},
        {"id": "1", "a": "old", "version": "9"},
        {"id": "2", "version": "1"},
    ]
    assert newest(spark, BY_VERSION, *rows) == [(1, "new", None), (2, None, None)]


def test_without_a_version_the_younger_file_wins(spark: SparkSession) -> None:
    old, new = {"id": "1", "a": "old", "_at": "2017-01-01"}, {"id": "1", "a": "new", "_at": "2017-01-02"}
    assert newest(spark, BY_FILE, new, old) == newest(spark, BY_FILE, old, new) == [(1, "new", None)]


def test_a_row_that_fails_is_no_version(spark: SparkSession) -> None:
    rows = [{"id": "1", "a": "fine", "version": "1"}, {"id": "1", "a": "bad", "version": "2"}]
    assert newest(spark, BY_VERSION, *rows) == [(1, "fine", None)]


def test_a_row_that_landed_twice_keeps_its_first_address(spark: SparkSession) -> None:
    row = {"id": "1", "a": "x", "version": "1"}
    judged = quality.judge(bronze_rows(spark, BY_VERSION, row, row), BY_VERSION)
    one, other = judged.filter("_row_id = 0"), judged.filter("_row_id = 1")
    for arrived in (one.union(other), other.union(one)):
        assert [row._row_id for row in silver.newest(arrived, BY_VERSION).collect()] == [0]


def test_newer_is_a_higher_version_and_at_the_same_version_a_higher_hash(spark: SparkSession) -> None:
    side = "STRUCT<version: INT, _content_hash: BIGINT>"
    pairs = [((2, 1), (1, 9)), ((1, 9), (2, 1)), ((1, 9), (1, 1)), ((1, 1), (1, 1))]
    frame = spark.createDataFrame(pairs, f"s {side}, t {side}")
    newer = [row[0] for row in frame.selectExpr(silver.is_newer(BY_VERSION)).collect()]
    assert newer == [True, False, True, False]


def test_a_value_that_changes_places_with_a_null_is_another_content(spark: SparkSession) -> None:
    frame = bronze_rows(spark, BY_FILE, {"id": "1", "a": "x"}, {"id": "1", "b": "x"})
    hashes = frame.select(silver.content_hash(BY_FILE.model_copy(update={"columns": {"a": None, "b": None}}))).collect()
    assert hashes[0] != hashes[1]


texts = st.sampled_from([None, "x", "y", "z"])
versions = st.tuples(st.integers(1, 3), texts, texts)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(versions, min_size=1, max_size=5), min_size=200, max_size=200), st.randoms())
def test_the_order_of_arrival_never_matters(
    spark: SparkSession, keys: list[list[tuple[int, str | None, str | None]]], random: Any
) -> None:
    rows: list[dict[str, str | None]] = [
        {"id": str(key), "version": str(version), "a": a, "b": b}
        for key, each in enumerate(keys)
        for version, a, b in each
    ]
    shuffled = random.sample(rows, len(rows))
    assert newest(spark, BY_VERSION, *rows) == newest(spark, BY_VERSION, *shuffled)


def test_a_failing_row_waits_under_its_address_with_the_values_that_landed(spark: SparkSession) -> None:
    judged = quality.judge(bronze_rows(spark, BY_FILE, {"id": "1", "a": "bad", "b": " B "}), BY_FILE)
    [row] = silver.quarantined(judged, run_id=3, at=AT).collect()
    assert (row._batch_id, row._row_id, row.status) == (1, 0, "waiting")
    assert row.raw == '{"id":"1","a":"bad","b":" B "}'
    assert list(row.dq_errors) == ["a is bad"]
    assert (row.correction, row.is_due) == (None, False)
    assert [(event.status, event.run_id, event.note) for event in row.history] == [("waiting", 3, None)]


def test_a_source_column_that_changes_its_case_keeps_what_landed_before(spark: SparkSession) -> None:
    renamed = Contract.model_validate({**FACTS, "columns": {**FACTS["columns"], "a": {"from": "A", "type": "string"}}})
    landed = bronze_rows(spark, BY_FILE, {"id": "1", "a": "old"})
    judged = quality.judge(landed, renamed)
    assert [row.a for row in silver.newest(judged, renamed).collect()] == ["old"]


def test_after_a_new_judgement_a_row_returns_waits_again_or_is_new(spark: SparkSession) -> None:
    rows = [{"id": "1", "a": "bad"}, {"id": "2", "a": "bad"}, {"id": "3", "a": "worse"}]
    before = silver.quarantined(quality.judge(bronze_rows(spark, BY_FILE, *rows), BY_FILE), run_id=1, at=AT)
    rule = {"good": {"expect": "a <> 'worse' AND id <> 1", "message": "wrong"}}
    changed = Contract.model_validate({**FACTS, "rules": rule})
    failing = silver.quarantined(quality.judge(bronze_rows(spark, changed, *rows), changed), run_id=2, at=AT)
    after = silver.requarantined(before, failing, run_id=2, at=AT).orderBy("_row_id").collect()
    assert [(row.status, list(row.dq_errors), [e.status for e in row.history]) for row in after] == [
        ("waiting", ["wrong"], ["waiting"]),
        ("accepted", ["a is bad"], ["waiting", "accepted"]),
        ("waiting", ["wrong"], ["waiting"]),
    ]
    again = silver.requarantined(before.sparkSession.createDataFrame(after, before.schema), before, run_id=3, at=AT)
    statuses = [(row.status, len(row.history)) for row in again.orderBy("_row_id").collect()]
    assert statuses == [("waiting", 1), ("waiting", 3), ("accepted", 2)]


def waiting(spark: SparkSession, contract: Contract, *rows: dict[str, Any]) -> DataFrame:
    """Those of the rows that fail, in quarantine since run 1."""
    return silver.quarantined(quality.judge(bronze_rows(spark, contract, *rows), contract), run_id=1, at=AT)


def test_a_quarantined_row_is_a_row_of_bronze_again(spark: SparkSession) -> None:
    landed = {"id": "1", "product.price": "-1", "product.maker.name": "M", "Note": "n", "_rescued": '{"tip":"2"}'}
    quarantine = waiting(spark, RECEIPTS, landed)
    again = silver.corrected(quarantine, RECEIPTS)
    assert again.columns == bronze_rows(spark, RECEIPTS).columns
    columns = ["id", "product.price", "product.maker.name", "Note", "_rescued", "_source_file", "_batch_id", "_row_id"]
    assert_rows(again, columns, [("1", "-1", "M", "n", '{"tip":"2"}', "f.csv", 1, 0)])


def test_a_correction_stands_for_what_landed(spark: SparkSession) -> None:
    quarantine = waiting(spark, RECEIPTS, {"id": "1", "product.price": "-1"}, {"id": "2", "product.price": "-2"})
    correction = """CASE WHEN _row_id = 1 THEN '{"id":"2","product":{"price":"2.50"}}' END"""
    corrected = silver.corrected(quarantine.withColumn("correction", F.expr(correction)), RECEIPTS)
    assert_rows(corrected, ["id", "product.price"], [("1", "-1"), ("2", "2.50")])
    judged = quality.judge(corrected, RECEIPTS)
    assert_rows(judged, ["id", "size(dq_errors)"], [("1", 1), ("2", 0)])


def test_a_corrected_row_is_accepted_or_waits_with_todays_reasons(spark: SparkSession) -> None:
    quarantine = waiting(spark, BY_FILE, {"id": "1", "a": "bad"}, {"id": "2", "a": "bad"}, {"id": "3", "a": "bad"})
    corrections = """CASE _row_id WHEN 0 THEN '{"id":"1","a":"fine"}' WHEN 1 THEN '{"id":"x","a":"fine"}' END"""
    due = quarantine.filter("_row_id < 2").withColumns({"correction": F.expr(corrections), "is_due": F.lit(True)})
    judged = quality.judge(silver.corrected(due, BY_FILE), BY_FILE)
    outcome = silver.returned(due, judged, run_id=2, at=AT)
    assert outcome.columns == quarantine.columns
    assert_rows(
        outcome, ["_row_id", "status", "is_due", "dq_errors", "history.status", "history.run_id"],
        [
            (0, "accepted", False, ["a is bad"], ["waiting", "accepted"], [1, 2]),
            (1, "waiting", False, ["id: 'x' is not an INT"], ["waiting"], [1]),
        ],
    )  # fmt: skip


def test_what_a_person_discarded_stays_so_whatever_the_contract_says_now(spark: SparkSession) -> None:
    known = waiting(spark, BY_FILE, {"id": "1", "a": "bad"}, {"id": "2", "a": "bad"}, {"id": "3", "a": "bad"})
    status = F.expr("CASE WHEN _row_id < 2 THEN 'discarded' ELSE 'waiting' END")
    known = known.withColumns({"status": status, "correction": F.lit('{"id":"3"}')})
    failing = known.filter("_row_id = 0").withColumn("dq_errors", F.array(F.lit("worse")))
    after = silver.requarantined(known, failing, run_id=2, at=AT)
    assert after.columns == known.columns
    assert_rows(
        after, ["_row_id", "status", "dq_errors", "correction", "is_due", "history.status"],
        [
            (0, "discarded", ["worse"], '{"id":"3"}', False, ["waiting"]),
            (1, "discarded", ["a is bad"], '{"id":"3"}', False, ["waiting"]),
            (2, "accepted", ["a is bad"], '{"id":"3"}', False, ["waiting", "accepted"]),
        ],
    )  # fmt: skip


WITH_DELETES = Contract.model_validate({**FACTS, "latest_by": ["version"], "delete_when": "b = 'D'"})
SNAPSHOT = Contract.model_validate({**FACTS, "snapshot": True})


def test_a_row_that_deletes_is_judged_by_its_key_and_version_alone(spark: SparkSession) -> None:
    rows = [
        {"id": "1", "a": "bad", "b": "D", "version": "1"},
        {"id": "x", "a": "bad", "b": "D", "version": "1"},
        {"id": "3", "b": "D", "version": None},
    ]
    judged = quality.judge(bronze_rows(spark, WITH_DELETES, *rows), WITH_DELETES)
    said = [([], False), (["id: 'x' is not an INT"], False), (["version is NULL"], False)]
    assert_rows(judged, ["dq_errors", "_is_live"], said)


def test_of_a_delete_and_an_update_the_later_one_counts_and_at_the_same_moment_the_update(spark: SparkSession) -> None:
    rows = [
        {"id": "1", "a": "x", "version": "1"}, {"id": "1", "b": "D", "version": "2"},
        {"id": "2", "b": "D", "version": "1"}, {"id": "2", "a": "x", "version": "2"},
        {"id": "3", "b": "D", "version": "2"}, {"id": "3", "a": "x", "version": "2"},
    ]  # fmt: skip
    judged = quality.judge(bronze_rows(spark, WITH_DELETES, *rows), WITH_DELETES)
    assert_rows(silver.newest(judged, WITH_DELETES), ["id", "_is_live"], [(1, False), (2, True), (3, True)])


def test_a_key_that_a_whole_delivery_lacks_is_gone_unless_it_came_later(spark: SparkSession) -> None:
    rows = [{"id": "1", "_at": "2017-01-01"}, {"id": "2", "_at": "2017-01-01"}, {"id": "3", "_at": "2017-01-03"}]
    live = silver.newest(quality.judge(bronze_rows(spark, SNAPSHOT, *rows), SNAPSHOT), SNAPSHOT)
    present = spark.createDataFrame([(1,)], "id INT")
    at = datetime(2017, 1, 2, tzinfo=timezone.utc)
    gone = silver.gone(live, present, SNAPSHOT, at=at, file="new.csv")
    assert gone.columns == live.columns
    expected = [(2, False, "new.csv", "2017-01-02 00:00:00")]
    assert_rows(gone, ["id", "_is_live", "_source_file", "CAST(_source_modified_at AS STRING)"], expected)
