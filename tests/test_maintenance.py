"""What maintenance decides: which files are worth writing anew, and which rows of the ledger nobody asks for."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from pyspark.sql import SparkSession

from lib.config import Upkeep
from lib.maintenance import DataFile, forgotten, in_words, newest_runs, overlap, rewritings
from tests.builders import assert_rows

UPKEEP = Upkeep(target_bytes=100, small_bytes=20, compact_above=3, recluster_above=0.2, purge_above=0.1)


def days(first: int, last: int, *, size: int = 50) -> DataFile:
    """A file with the days of a stretch of January."""
    return DataFile(size, rows=10, low=date(2017, 1, first), high=date(2017, 1, last))


def how(files: list[DataFile], *, is_clustered: bool = False) -> list[str]:
    return [what for what, _ in rewritings(files, UPKEEP, is_clustered=is_clustered)]


def test_many_small_files_are_compacted_and_a_few_are_left() -> None:
    assert how([DataFile(19)] * 4) == ["compacted"]
    assert how([DataFile(19)] * 3) == []
    assert how([DataFile(20)] * 9) == []
    assert rewritings([DataFile(1)] * 4, replace(UPKEEP, small_bytes=32 * 1024 * 1024)) == [
        ("compacted", "4 files are below 32 MiB")
    ]


def test_a_table_is_purged_when_enough_of_its_rows_are_marked_as_gone() -> None:
    assert how([DataFile(90, rows=100, marked=21), DataFile(90, rows=100)]) == ["purged"]
    assert how([DataFile(90, rows=100, marked=20), DataFile(90, rows=100)]) == []
    assert how([DataFile(1, rows=1, marked=1)] * 4) == ["purged", "compacted"]


def test_files_that_have_each_a_range_of_their_own_are_clustered() -> None:
    assert overlap([days(1, 10), days(10, 20), days(20, 31)]) == 0
    assert how([days(1, 10), days(10, 20), days(20, 31)], is_clustered=True) == []


def test_neighbours_that_share_some_days_at_their_border_are_clustered_enough() -> None:
    assert overlap([days(1, 11), days(9, 21), days(19, 31)]) == 0


def test_files_of_the_same_single_day_cannot_be_clustered_better() -> None:
    assert overlap([days(5, 5), days(5, 5)]) == 0


def test_files_that_all_have_the_same_range_are_not_clustered() -> None:
    assert overlap([days(1, 31)] * 4) == pytest.approx(0.75)
    assert rewritings([days(1, 31)] * 4, UPKEEP, is_clustered=True) == [
        ("clustered", "whoever reads one value opens 75% of the table in vain")
    ]


def test_a_small_file_across_all_ranges_weighs_what_it_has() -> None:
    assert overlap([days(1, 10), days(11, 20), days(21, 31), days(1, 31, size=2)]) == pytest.approx(0.017, abs=0.001)


def test_a_file_of_which_the_log_says_no_range_may_hold_any_value() -> None:
    assert overlap([days(1, 10), DataFile(50)]) == pytest.approx(0.5)


def test_what_fits_a_single_file_is_not_clustered() -> None:
    assert how([days(1, 31)] * 2, is_clustered=True) == []


def test_the_newest_run_of_each_group_is_kept_and_an_older_row_is_forgotten(spark: SparkSession) -> None:
    long_ago, lately = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (1, 6))
    rows = spark.createDataFrame(
        [(1, "fact", "x", long_ago), (2, "fact", "x", long_ago), (2, "dim", "x", long_ago), (3, "dim", None, long_ago),
         (4, "dim", "x", lately)],
        "run_id BIGINT, table_name STRING, made_from STRING, at TIMESTAMP",
    )  # fmt: skip
    kept = newest_runs(rows, ["table_name", "made_from IS NULL"])
    assert_rows(kept, ["run_id"], [(2,), (3,), (4,)])
    gone = rows.filter(forgotten("at", datetime(2026, 5, 1, tzinfo=timezone.utc), [2, 3, 4]))
    assert_rows(gone, ["run_id"], [(1,)])
    assert_rows(newest_runs(rows, []), ["run_id"], [(4,)])


def test_an_age_is_told_as_it_is_configured() -> None:
    ages = (timedelta(days=7), timedelta(hours=36), timedelta(minutes=90), timedelta())
    assert [in_words(age) for age in ages] == ["7d", "36h", "90m", "0m"]
