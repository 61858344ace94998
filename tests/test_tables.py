"""Delta tables: what is written is what differs, and a batch is written once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.diff import difference
from lib.errors import ConservationError
from lib.maintenance import overlap
from lib.session import configured, small_frame
from lib.tables import FEED, Tables, Written
from tests.builders import assert_rows

SCHEMA = "id INT, name STRING, parts ARRAY<STRING>"


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return Tables(spark, tmp_path / "a lake")


def rows(spark: SparkSession, *values: tuple[int | None, str | None, list[str] | None]) -> DataFrame:
    return spark.createDataFrame(list(values), SCHEMA)


def test_the_difference_is_what_came_what_changed_and_what_went(spark: SparkSession) -> None:
    old = rows(spark, (1, "same", None), (2, "old", ["x"]), (3, "gone", None), (None, "no key", None))
    new = rows(spark, (1, "same", None), (2, "old", ["x", "y"]), (4, None, None), (None, "no key", None))
    assert_rows(
        difference(old, new, ["id"]),
        ["id", "name", "_action"],
        [(2, "old", "update"), (3, "gone", "delete"), (4, None, "insert")],
    )


def test_a_null_that_becomes_a_value_is_a_change_and_a_null_that_stays_is_none(spark: SparkSession) -> None:
    old, new = rows(spark, (1, None, None), (2, None, None)), rows(spark, (1, "x", None), (2, None, None))
    assert_rows(difference(old, new, ["id"]), ["id", "_action"], [(1, "update")])


@pytest.mark.parametrize("rewrite_below", [0, 100])
def test_write_diff_makes_the_table_equal_and_counts_what_it_did(
    spark: SparkSession, tables: Tables, rewrite_below: int
) -> None:
    tables.rewrite_below = rewrite_below
    old = rows(spark, (1, "same", None), (2, "old", None), (3, "gone", None))
    new = rows(spark, (1, "same", None), (2, "new", None), (4, "come", None))
    assert tables.write_diff("gold.it", old, ["id"]) == Written(offered=3, inserted=3)
    assert tables.write_diff("gold.it", new, ["id"]) == Written(offered=3, inserted=1, updated=1, deleted=1)
    assert_rows(tables.read("gold.it"), ["id", "name"], [(1, "same"), (2, "new"), (4, "come")])
    # what the commit says is what a reader of the feed goes by
    commits = tables.commits("gold.it", after=0, through=1)
    assert commits is not None
    assert [(commit.inserted_or_deleted, commit.rows_written) for commit in commits] == [(2, 3)]


def test_a_small_table_that_is_written_anew_keeps_what_the_difference_does_not_speak_of(
    spark: SparkSession, tables: Tables
) -> None:
    tables.rewrite_below = 100
    tables.append("gold.it", rows(spark, (1, "other", None), (2, "old", None), (None, "old", None), (3, "gone", None)))
    written = tables.write_diff(
        "gold.it",
        rows(spark, (2, "new", None), (None, "new", ["x"])),
        ["id"],
        within=lambda old: old.filter("NOT id <=> 1"),
    )
    assert written == Written(offered=3, inserted=0, updated=2, deleted=1)
    assert_rows(tables.read("gold.it"), ["id", "name"], [(1, "other"), (2, "new"), (None, "new")])


def test_what_somebody_else_said_of_a_commit_is_no_number_of_ours(spark: SparkSession, tables: Tables) -> None:
    writer = rows(spark, (1, "a", None)).write.format("delta").option("userMetadata", "by hand: 7")
    writer.save(tables.path("gold.it"))
    commits = tables.commits("gold.it", after=-1, through=0)
    assert commits is not None
    assert [commit.rows_written for commit in commits] == [1]


def test_no_difference_is_no_commit(spark: SparkSession, tables: Tables) -> None:
    same = rows(spark, (1, None, ["x"]), (2, "b", None))
    tables.write_diff("gold.it", same, ["id"])
    before = tables.snapshot("gold.it")
    assert tables.write_diff("gold.it", same, ["id"]).changed == 0
    assert tables.snapshot("gold.it") == before


def test_rows_that_only_come_are_appended(spark: SparkSession, tables: Tables) -> None:
    tables.write_diff("gold.it", rows(spark, (1, "a", None)), ["id"])
    written = tables.write_diff("gold.it", rows(spark, (1, "a", None), (2, "b", None)), ["id"])
    assert written == Written(offered=2, inserted=1)
    assert_rows(tables.read("gold.it"), ["id", "name"], [(1, "a"), (2, "b")])
    history = DeltaTable.forPath(spark, tables.path("gold.it")).history(1)
    assert_rows(history, ["operation"], [("WRITE",)])


def test_other_columns_overwrite_the_table(spark: SparkSession, tables: Tables) -> None:
    tables.write_diff("gold.it", rows(spark, (1, "a", None)), ["id"])
    written = tables.write_diff("gold.it", spark.createDataFrame([(1, 2)], "id INT, size INT"), ["id"])
    assert written == Written(offered=1, inserted=1)
    assert_rows(tables.read("gold.it"), ["*"], [(1, 2)])


def test_a_batch_is_appended_once(spark: SparkSession, tables: Tables) -> None:
    tables.append("bronze.it", rows(spark, (1, "a", None)), batch_id=1)
    tables.append("bronze.it", rows(spark, (2, "b", None)), batch_id=2)
    for number in (1, 2):
        with pytest.raises(ConservationError, match=f"batch {number} was not written"):
            tables.append("bronze.it", rows(spark, (3, "c", None)), batch_id=number)
    assert tables.count("bronze.it") == 2


def test_upsert_takes_over_what_is_newer_and_inserts_what_is_new(spark: SparkSession, tables: Tables) -> None:
    tables.upsert("silver.it", rows(spark, (1, "b", None), (2, "b", None)), ["id"])
    newer = rows(spark, (1, "c", None), (2, "a", None), (3, "a", None))
    written = tables.upsert("silver.it", newer, ["id"], update_if="s.name > t.name")
    assert (written.offered, written.inserted, written.updated) == (3, 1, 1)
    assert_rows(tables.read("silver.it"), ["id", "name"], [(1, "c"), (2, "b"), (3, "a")])


def test_insert_only_leaves_what_is_there(spark: SparkSession, tables: Tables) -> None:
    tables.upsert("silver.it", rows(spark, (1, "first", None)), ["id"])
    tables.upsert("silver.it", rows(spark, (1, "second", None)), ["id"], update_if="false")
    assert_rows(tables.read("silver.it"), ["id", "name"], [(1, "first")])


def test_properties_and_an_older_version_can_be_read_back(spark: SparkSession, tables: Tables) -> None:
    tables.append("gold.it", rows(spark, (1, "a", None)))
    tables.set_properties("gold.it", {"lakehouse.note": "it's \\ fine", "comment": "A thing."})
    tables.append("gold.it", rows(spark, (2, "b", None)))
    snapshot = tables.snapshot("gold.it")
    assert snapshot is not None
    assert (snapshot.version, snapshot.properties["lakehouse.note"]) == (2, "it's \\ fine")
    assert tables.read("gold.it", version=1).count() == 1
    assert tables.snapshot("gold.other") is None
    assert tables.count("gold.other") == 0


def test_a_deletion_counts_what_it_deletes(spark: SparkSession, tables: Tables) -> None:
    tables.append("silver.it", rows(spark, (1, "a", None), (2, "b", None), (3, "b", None)))
    assert tables.delete("silver.it", F.col("name") == "b") == 2
    assert_rows(tables.read("silver.it"), ["id"], [(1,)])
    before = tables.snapshot("silver.it")
    assert tables.delete("silver.it", F.col("name") == "b") == 0
    assert tables.snapshot("silver.it") == before
    assert tables.delete("silver.it", F.lit(True)) == 1


def test_an_upsert_adds_a_column_that_the_table_has_not(spark: SparkSession, tables: Tables) -> None:
    tables.upsert("silver.it", rows(spark, (1, "a", None), (2, "b", None)), ["id"])
    more = spark.createDataFrame([(2, "c", 7), (3, "d", 8)], "id INT, name STRING, size INT")
    assert tables.upsert("silver.it", more, ["id"]).changed == 2
    assert_rows(tables.read("silver.it"), ["id", "name", "size"], [(1, "a", None), (2, "c", 7), (3, "d", 8)])


def test_an_appended_batch_may_bring_a_column_or_a_member_of_a_struct(spark: SparkSession, tables: Tables) -> None:
    one = spark.createDataFrame([(1, ("a",))], "id INT, product STRUCT<name: STRING>")
    two = spark.createDataFrame([(2, ("b", 7), "n")], "id INT, product STRUCT<name: STRING, size: INT>, note STRING")
    tables.append("bronze.it", one, batch_id=1)
    tables.append("bronze.it", two, batch_id=2)
    columns = ["id", "product.name", "product.size", "note"]
    assert_rows(tables.read("bronze.it"), columns, [(1, "a", None, None), (2, "b", 7, "n")])


def test_small_files_become_one_and_their_rows_stay(spark: SparkSession, tables: Tables) -> None:
    for number in range(3):
        tables.append("silver.it", rows(spark, (number, "a", None)).coalesce(1))
    tables.set_file_sizes(small=10_000, target=20_000)
    assert [file.rows for file in tables.files("silver.it")] == [1, 1, 1]
    effect = tables.compact("silver.it")
    assert effect is not None
    assert (effect.files_removed, effect.files_added) == (3, 1)
    assert_rows(tables.read("silver.it"), ["id"], [(0,), (1,), (2,)])
    assert tables.compact("silver.it") is None
    assert tables.unchanged_until("silver.it", 2, through=3) == 3
    assert tables.unchanged_until("silver.it", 1, through=3) == 1


def test_a_purge_writes_marked_rows_away_and_a_vacuum_deletes_what_no_version_needs(
    spark: SparkSession, tables: Tables
) -> None:
    values = [(number, "a", None) for number in range(100)]
    tables.append("silver.it", rows(spark, *values).coalesce(1), options={"delta.enableDeletionVectors": "true"})
    tables.delete("silver.it", F.col("id") < 30)
    [file] = tables.files("silver.it")
    assert (file.rows, file.marked) == (100, 30)
    tables.set_file_sizes(small=10_000, target=20_000)
    assert tables.purge("silver.it") is not None
    assert [(file.rows, file.marked) for file in tables.files("silver.it")] == [(70, 0)]
    assert tables.unchanged_until("silver.it", 1, through=2) == 2
    # a week is what Delta keeps unless it is told
    assert tables.unused_files("silver.it", datetime.now(timezone.utc)) == 0
    tables.set_properties("silver.it", {"delta.deletedFileRetentionDuration": "interval 0 seconds"})
    assert tables.unused_files("silver.it", datetime.now(timezone.utc)) == 2
    effect = tables.vacuum("silver.it")
    assert effect.files_removed == 2
    assert effect.bytes_removed > 0
    assert tables.unused_files("silver.it", datetime.now(timezone.utc)) == 0
    assert tables.unchanged_until("silver.it", 1, through=5) == 5
    assert tables.count("silver.it") == 70


def test_tables_that_are_vacuumed_at_once_leave_the_settings_of_the_session_as_they_were(
    spark: SparkSession, tables: Tables
) -> None:
    names = [f"silver.it{number}" for number in range(4)]
    for name in names:
        tables.append(name, rows(spark, (1, "a", None)))
        tables.delete(name, F.lit(True))
    before = spark.conf.getAll
    with tables.vacuuming_now(), ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(tables.vacuum_now, names)) == [None] * len(names)
    assert spark.conf.getAll == before
    assert [path.name for name in names for path in Path(tables.path(name)).glob("*.parquet")] == []


BYTES_OF_A_TASK = "spark.sql.files.maxPartitionBytes"


def test_a_small_table_is_read_by_the_files_of_its_checksum_as_delta_reads_it(
    spark: SparkSession, tables: Tables
) -> None:
    marks = {"delta.enableDeletionVectors": "true"}
    tables.append("silver.it", rows(spark, *[(number, "a", None) for number in range(9)]).coalesce(1), options=marks)
    tables.append("silver.it", rows(spark, (None, None, ["x"])).withColumn("more", F.lit(1.5)))
    tables.delete("silver.it", F.col("id") < 7)
    path = tables.path("silver.it")
    small = small_frame(spark, path)
    assert small is not None
    columns = ["id", "name", "parts", "more"]
    assert_rows(small, columns, [(7, "a", None, None), (8, "a", None, None), (None, None, ["x"], 1.5)])
    assert small.schema == spark.read.format("delta").load(path).schema
    assert small_frame(spark, path, version=1) is None
    assert tables.read("silver.it", version=1).count() == 10
    with configured(spark, {BYTES_OF_A_TASK: "100b"}):
        assert small_frame(spark, path) is None
        assert_rows(tables.read("silver.it"), columns, [tuple(row) for row in small.collect()])


@pytest.mark.parametrize("bytes_of_a_task", ["128m", "100b"])
def test_rows_that_were_read_stay_those_of_that_version_whatever_is_written_later(
    spark: SparkSession, tables: Tables, bytes_of_a_task: str
) -> None:
    tables.append("silver.it", rows(spark, (1, "old", None)))
    with configured(spark, {BYTES_OF_A_TASK: bytes_of_a_task}):
        before = tables.read("silver.it")
        tables.overwrite("silver.it", rows(spark, (1, "new", None), (2, "new", None)))
        assert_rows(before, ["id", "name"], [(1, "old")])
        assert_rows(tables.read("silver.it"), ["id", "name"], [(1, "new"), (2, "new")])


def test_a_table_without_rows_and_one_that_is_not_there_are_read_like_any_other(
    spark: SparkSession, tables: Tables
) -> None:
    tables.append("silver.it", rows(spark))
    assert tables.read("silver.it").columns == ["id", "name", "parts"]
    assert tables.read("silver.it").collect() == []
    with pytest.raises(AnalysisException, match="does not exist"):
        tables.read("silver.none")


def test_clustering_gives_each_file_days_of_its_own_and_the_change_feed_nothing(
    spark: SparkSession, tables: Tables
) -> None:
    for start in range(4):
        frame = spark.range(start, 40_000, 4).selectExpr("id", "date_add(date'2017-01-01', int(id * 7 % 365)) AS day")
        tables.append("gold.it", frame.coalesce(1), options=FEED)
    files = tables.files("gold.it", clustered_by="day")
    assert overlap(files) > 0.7
    tables.set_file_sizes(small=1_000, target=sum(file.bytes for file in files) // 4)
    assert tables.cluster("gold.it", "day") is not None
    files = tables.files("gold.it", clustered_by="day")
    assert len(files) > 2
    assert overlap(files) < 0.1
    assert tables.count("gold.it") == 40_000
    assert tables.changes("gold.it", after=3, through=4).count() == 0
    tables.upsert("gold.it", spark.sql("SELECT 1L AS id, date'2017-02-02' AS day"), ["id"])
    assert_rows(tables.changes("gold.it", after=4, through=5), ["id", "_change_type"],
                [(1, "update_preimage"), (1, "update_postimage")])  # fmt: skip
