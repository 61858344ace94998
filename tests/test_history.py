"""History: every version once, one interval for each stretch of time, and the values that held at a moment."""

from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib import history, quality
from lib.contract import Contract
from lib.session import local_frame
from tests.builders import assert_rows, bronze_rows
from tests.test_silver import SNAPSHOT, WITH_DELETES

SCHEMA = (
    "id INT, price INT, name STRING, _source_file STRING, _source_modified_at TIMESTAMP, _batch_id BIGINT, "
    "_row_id BIGINT, _content_hash BIGINT"
)
ALWAYS = "1900-01-01"


def at(day: str) -> str:
    """A day of 2017, or a whole date, as a moment."""
    return f"{day if len(day) > 5 else f'2017-{day}'}T00:00:00Z"


def version(day: str, price: int | None, *, key: int = 1, **more: Any) -> dict[str, Any]:
    """A version; its place in its moment is by `file`, then by hash."""
    file = more.pop("file", "f.csv")
    return {"id": key, "price": price, "_source_modified_at": at(day), "_source_file": file, "_content_hash": 1, **more}


def held(spark: SparkSession, *versions: dict[str, Any], with_deletes: bool = False, **said: Any) -> DataFrame:
    """The intervals of versions; with deletes, a version lives unless it says otherwise."""
    rows = [{"_is_live": True, **row} for row in versions] if with_deletes else versions
    known = local_frame(spark, rows, SCHEMA + (", _is_live BOOLEAN" if with_deletes else ""))
    return history.intervals(known, ["id"], **said)


def assert_held(found: DataFrame, *expected: tuple[Any, ...]) -> None:
    """Price, from, to (None: until further notice) of each interval of key 1."""
    columns = ["price", "CAST(CAST(valid_from AS DATE) AS STRING)", "date_format(valid_to, 'MM-dd')", "is_current"]
    rows = [(price, start if start == ALWAYS else f"2017-{start}", end, end is None) for price, start, end in expected]
    assert_rows(found, columns, rows)


def test_each_version_holds_until_the_next_and_the_first_since_ever(spark: SparkSession) -> None:
    found = held(spark, version("01-01", 10), version("02-01", 11), version("03-01", 12), version("05-01", 7, key=2))
    assert found.columns == ["id", "price", "name", "valid_from", "valid_to", "is_current"]
    assert_held(found.filter("id = 1"), (10, ALWAYS, "02-01"), (11, "02-01", "03-01"), (12, "03-01", None))
    assert_held(found.filter("id = 2"), (7, ALWAYS, None))


def test_a_late_version_falls_into_its_place(spark: SparkSession) -> None:
    found = held(spark, version("01-01", 10), version("03-01", 12), version("02-01", 11, _batch_id=9))
    assert_held(found, (10, ALWAYS, "02-01"), (11, "02-01", "03-01"), (12, "03-01", None))
    found = held(spark, version("03-01", 12), version("01-01", 10, _batch_id=9))
    assert_held(found, (10, ALWAYS, "03-01"), (12, "03-01", None))


def test_of_one_moment_the_last_in_the_order_of_versions_counts(spark: SparkSession) -> None:
    by_file = held(spark, version("01-01", 1), version("02-01", 3, file="b"), version("02-01", 2, file="a"))
    assert_held(by_file, (1, ALWAYS, "02-01"), (3, "02-01", None))
    by_hash = held(spark, version("01-01", 2, _content_hash=-5), version("01-01", 3, _content_hash=-9))
    assert_held(by_hash, (2, ALWAYS, None))


def test_a_version_that_changes_nothing_is_no_interval(spark: SparkSession) -> None:
    same = [version(f"01-0{day}", 10, file=f"{day}.csv", _content_hash=day) for day in range(1, 5)]
    found = held(spark, *same, version("02-01", 11), version("03-01", 10), version("04-01", 10))
    assert_held(found, (10, ALWAYS, "02-01"), (11, "02-01", "03-01"), (10, "03-01", None))


def test_what_lost_its_moment_does_not_part_two_equal_versions(spark: SparkSession) -> None:
    lost, wins = version("02-01", 99, file="a"), version("02-01", 10, file="b")
    assert_held(held(spark, version("01-01", 10), lost, wins, version("03-01", 10)), (10, ALWAYS, None))


def test_from_nothing_to_a_value_is_a_change_and_back_again(spark: SparkSession) -> None:
    found = held(spark, version("01-01", None), version("02-01", 5), version("03-01", None), version("04-01", None))
    assert_held(found, (None, ALWAYS, "02-01"), (5, "02-01", "03-01"), (None, "03-01", None))


def test_only_the_columns_that_are_asked_for_make_a_change(spark: SparkSession) -> None:
    versions = [version("01-01", 10, name="a"), version("02-01", 10, name="b"), version("03-01", 11, name="b")]
    found = held(spark, *versions, columns=["price"])
    assert found.columns == ["id", "price", "valid_from", "valid_to", "is_current"]
    assert_held(found, (10, ALWAYS, "03-01"), (11, "03-01", None))


def test_the_moment_is_what_the_contract_orders_versions_by(spark: SparkSession) -> None:
    schema = SCHEMA + ", updated_on DATE, number INT"
    landed = {"_source_modified_at": at("06-01")}
    rows = [
        version("01-01", 1, updated_on="2017-02-01", number=1), version("01-01", 3, updated_on="2017-03-01", number=2),
        version("01-01", 2, updated_on="2017-03-01", number=1),
    ]  # fmt: skip
    known = local_frame(spark, [{**row, **landed} for row in rows], schema)
    found = history.intervals(known, ["id"], latest_by=["updated_on", "number"])
    assert found.columns == ["id", "price", "name", "valid_from", "valid_to", "is_current"]
    assert_held(found, (1, ALWAYS, "03-01"), (3, "03-01", None))


def test_a_delete_closes_what_held_and_a_later_insert_opens_a_new_interval(spark: SparkSession) -> None:
    gone = {"_is_live": False}
    rows = [version("01-01", 10), version("02-01", 10, **gone), version("02-05", None, **gone), version("03-01", 10)]
    found = held(spark, *rows, with_deletes=True)
    assert_held(found, (10, ALWAYS, "02-01"), (10, "03-01", None))
    found = held(spark, *rows[:3], with_deletes=True)
    assert_rows(found, ["price", "CAST(valid_to AS STRING)", "is_current"], [(10, "2017-02-01 00:00:00", False)])


def test_of_a_delete_and_an_update_of_one_moment_the_update_counts(spark: SparkSession) -> None:
    rows = [version("01-01", 10), version("02-01", 11, _content_hash=0), version("02-01", 10, _is_live=False)]
    found = held(spark, *[{**row, "_source_file": "f"} for row in rows], with_deletes=True)
    assert_held(found, (10, ALWAYS, "02-01"), (11, "02-01", None))


def test_what_was_deleted_before_it_was_ever_there_begins_with_its_first_version(spark: SparkSession) -> None:
    found = held(spark, version("01-01", 10, _is_live=False), version("02-01", 11), with_deletes=True)
    assert_held(found, (11, "02-01", None))


def test_versions_from_before_the_beginning_count_as_of_it(spark: SparkSession) -> None:
    found = held(spark, version("1850-01-01", 1), version("1899-12-31", 2), version("02-01", 3))
    assert_held(found, (2, ALWAYS, "02-01"), (3, "02-01", None))


def test_as_of_a_moment_there_is_at_most_one_interval_per_key(spark: SparkSession) -> None:
    rows = [version("01-01", 1), version("02-01", 2), version("03-01", 2, _is_live=False), version("04-01", 3)]
    found = held(spark, *rows, with_deletes=True)

    def prices(day: str) -> list[int]:
        moment = datetime.fromisoformat(f"{day}+00:00")
        return [row.price for row in history.as_of(found, moment).collect()]

    assert prices("1800-01-01") == prices("2017-01-31T23:59:59.999999") == [1]
    assert prices("2017-02-01") == prices("2017-02-28T23:59:59.999999") == [2]
    assert prices("2017-03-01") == []
    assert prices("2017-04-01") == prices("2099-01-01") == [3]


def test_a_fact_has_the_values_of_its_day_and_there_are_as_many_facts_as_before(spark: SparkSession) -> None:
    found = held(spark, version("01-01", 1), version("02-01", 2), version("02-01", 8, key=2), columns=["price"])
    days = ["1850-01-01", "2016-06-01", "2017-01-31", "2017-02-01", "2017-02-01", "2017-02-02", None]
    facts = [{"n": n, "id": 1, "day": day} for n, day in enumerate(days)]
    facts += [{"n": 7, "id": 404, "day": "2017-02-01"}, {"n": 8, "id": None, "day": "2017-02-01"}]
    joined = history.valid_at(local_frame(spark, facts, "n INT, id INT, day DATE"), found, ["id"], moment=F.col("day"))
    assert joined.columns == ["n", "id", "day", "price"]
    expected = [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (5, 2), (6, None), (7, None), (8, None)]
    assert_rows(joined, ["n", "price"], expected)


def test_facts_and_intervals_are_brought_together_by_their_key(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    found = held(spark, version("01-01", 1))
    facts = local_frame(spark, [{"id": 1, "day": "2017-01-01"}], "id INT, day DATE")
    for how, said in (("merge", "SortMergeJoin [id"), ("broadcast", "BroadcastHashJoin [id")):
        history.valid_at(facts, found.hint(how), ["id"], moment=F.col("day")).explain()
        assert said in capsys.readouterr().out


def judged(spark: SparkSession, contract: Contract, *rows: dict[str, str | None]) -> DataFrame:
    return quality.judge(bronze_rows(spark, contract, *rows), contract)


def test_every_passing_row_is_a_version_once_and_a_delete_is_one(spark: SparkSession) -> None:
    rows: list[dict[str, str | None]] = [
        {"id": "1", "a": "x", "version": "2"},
        {"id": "1", "a": "older", "version": "1"},
        {"id": "1", "a": "x", "version": "2", "_at": "2017-01-05"},
        {"id": "1", "a": "same version", "version": "2"},
        {"id": "1", "a": "bad", "version": "3"},
        {"id": "1", "b": "D", "version": "4"},
    ]
    found = history.versions(judged(spark, WITH_DELETES, *rows), WITH_DELETES)
    expected = [(2, "x", True, 0), (1, "older", True, 1), (2, "same version", True, 3), (4, None, False, 5)]
    assert_rows(found, ["version", "a", "_is_live", "_row_id"], expected)
    assert history.version_grain(WITH_DELETES) == ["id", "version", "_is_live", "_content_hash"]


def test_a_key_is_buried_by_the_first_whole_delivery_that_lacks_it(spark: SparkSession) -> None:
    def delivery(day: int, *rows: tuple[str, str]) -> list[dict[str, str | None]]:
        return [{"id": key, "a": a, "_at": f"2017-01-0{day}"} for key, a in rows]

    landed = judged(
        spark,
        SNAPSHOT,
        *delivery(1, ("1", "x"), ("2", "y"), ("3", "z"), ("4", "w")),
        # a key that cannot be read could be anyone's
        *delivery(2, ("1", "x"), ("who?", "y")),
        # 3 is there, though its row fails
        *delivery(3, ("1", "x"), ("3", "bad")),
        *delivery(4, ("1", "x"), ("2", "again")),
        *delivery(5, ("1", "x")),
    )
    known = history.versions(landed, SNAPSHOT)
    present = landed.select("id", "_source_modified_at", "_source_file")
    found = history.buried(known, present, SNAPSHOT)
    assert found.columns == known.columns
    expected = [(2, "y", 3, False), (2, "again", 5, False), (3, "z", 4, False), (4, "w", 3, False)]
    assert_rows(found, ["id", "a", "day(_source_modified_at)", "_is_live"], expected)


N_KEYS = 150
START = datetime(2017, 1, 1, tzinfo=timezone.utc)
scripts = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["a", "b"]), st.none() | st.integers(1, 2), st.booleans()),
    min_size=1,
    max_size=6,
)


def expected_of(script: list[tuple[int, str, int | None, bool]]) -> list[tuple[int | None, int, int | None]]:
    """Price, first and last day of each interval, by a look at the days one after the other (-1: since ever)."""
    last = {day: max((v for v in script if v[0] == day), key=lambda v: (v[1], v[3], _hash(v))) for day, *_ in script}
    found: list[tuple[int | None, int, int | None]] = []
    is_open = False
    for day in sorted(last):
        _, _, price, is_live = last[day]
        if is_open and is_live and found[-1][0] == price:
            continue
        if is_open:
            found[-1] = (*found[-1][:2], day)
        if is_live:
            found.append((price, day if day != min(last) else -1, None))
        is_open = is_live
    return found


def _hash(version: tuple[int, str, int | None, bool]) -> int:
    return -1 if version[2] is None else version[2]


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(scripts, min_size=N_KEYS, max_size=N_KEYS), st.integers(0, 99))
def test_intervals_leave_no_gap_do_not_overlap_and_do_not_depend_on_arrival(
    spark: SparkSession, keys: list[list[tuple[int, str, int | None, bool]]], seed: int
) -> None:
    rows = [
        version(
            str((START + timedelta(day)).date()), price, key=key, file=file, _is_live=is_live,
            _content_hash=_hash((day, file, price, is_live)),
        )
        for key, script in enumerate(keys)
        for day, file, price, is_live in script
    ]  # fmt: skip
    Random(seed).shuffle(rows)
    day = "CASE WHEN {0} < '2017' THEN -1 ELSE datediff({0}, '2017-01-01') END"
    columns = ["id", "price", day.format("valid_from"), day.format("valid_to")]
    found = held(spark, *rows, with_deletes=True).selectExpr(*columns).collect()
    expected = [(key, *each) for key, script in enumerate(keys) for each in expected_of(script)]
    assert sorted(map(tuple, found), key=str) == sorted(expected, key=str)
