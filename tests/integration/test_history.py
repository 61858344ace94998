"""Every version that passed is kept once: late ones, returned ones, deletes; a withdrawn file leaves none."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.pipeline.quarantine import replay
from lib.pipeline.withdraw import withdraw
from lib.tables import Tables
from tests.builders import Lake
from tests.integration.contents import table_rows
from tests.integration.test_deletes import LAYERS, lake_of, land

HISTORY = "silver.shop_things_history"


def remembered(lake: Lake, **run: Any) -> list[tuple[Any, ...]]:
    """Run, and key, name, day of the file and whether it lives of every version there is then."""
    outcome = lake.run(**{"layers": LAYERS, **run})
    assert outcome.status == 0, outcome.text
    return lake.rows(HISTORY, "id", "name", "day(_source_modified_at)", "_is_live")


def loosen(lake: Lake) -> None:
    """Change the contract in a way that lets the same rows pass."""
    file = lake.conf / "contracts/shop/things.yml"
    file.write_text(file.read_text().replace("expect: name IS NOT NULL", "expect: length(name) > 0"))


@pytest.mark.integration
def test_late_versions_and_deletes_are_kept_and_nothing_is_kept_twice(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "delete_when: op = 'D'", "history: true")
    land(lake, "c", "1,,Ada,", "2,,Bob,", "1,,Ada,", day=3)
    expected = [(1, "Ada", 3, True), (2, "Bob", 3, True)]
    assert remembered(lake) == expected
    land(lake, "d", "1,D,,", "3,,,", day=4)
    land(lake, "b", "1,,Older,", "2,D,,", day=2)
    expected += [(1, "Older", 2, True), (1, None, 4, False), (2, None, 2, False)]
    assert remembered(lake) == sorted(expected, key=str)
    assert lake.rows("silver.shop_things", "id", where="_is_live") == [(2,)]
    # what came before comes again, and a run has nothing to do
    land(lake, "c", "2,,Bob,", "1,,Ada,", day=3)
    assert remembered(lake) == sorted(expected, key=str)
    before = lake.versions()
    remembered(lake)
    assert lake.versions() == before
    loosen(lake)
    assert remembered(lake) == sorted(expected, key=str)
    assert lake.versions()[HISTORY] == before[HISTORY]


@pytest.mark.integration
def test_whole_deliveries_bury_in_the_history_whatever_their_order(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "snapshot: true", "history: true")
    land(lake, "1", "1,,Ada,", "2,,Bob,", day=1)
    land(lake, "3", "2,,Bob,", day=3)
    expected = [(1, "Ada", 1, True), (1, "Ada", 3, False), (2, "Bob", 1, True), (2, "Bob", 3, True)]
    assert remembered(lake) == expected
    # late: 2 was gone on that day, and 3 was there
    land(lake, "2", "1,,Ada,", "3,,Cid,", day=2)
    expected += [(1, "Ada", 2, True), (2, "Bob", 2, False), (3, "Cid", 2, True), (3, "Cid", 3, False)]
    assert remembered(lake) == sorted(expected, key=str)
    before = lake.versions()
    remembered(lake)
    assert lake.versions() == before
    loosen(lake)
    assert remembered(lake) == sorted(expected, key=str)


@pytest.mark.integration
def test_rows_that_return_reach_the_history_and_withdrawn_ones_leave_it(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "delete_when: op = 'D'", "history: true")
    land(lake, "1", "1,,Ada,", "2,,,", day=1)
    assert remembered(lake) == [(1, "Ada", 1, True)]
    without = lake.copy(tmp_path / "without")
    land(lake, "2", "1,,Wrong,", "2,,Wrong,", "1,D,,", day=2)
    assert len(remembered(lake)) == 4
    expected = [(1, "Ada", 1, True)]
    assert remembered(lake, layers=["silver"], prepare=withdraw("shop/things/2.csv")) == expected
    layers = ("bronze", "silver")
    assert table_rows(lake, layers) == table_rows(without, layers)
    mended = tmp_path / "mended.csv"
    mended.write_text("_batch,_row,id,name\n1,1,2,Bob\n")
    given = replay(lake.settings().contracts["shop_things"], mended)
    assert remembered(lake, layers=["silver"], prepare=given) == [*expected, (2, "Bob", 1, True)]


@pytest.mark.integration
def test_a_run_that_dies_before_the_history_is_written_is_simply_run_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_of(spark, tmp_path, "history: true")
    land(lake, "1", "1,,Ada,", day=1)
    assert lake.run(layers=LAYERS).status == 0
    upsert = Tables.upsert

    def dies(tables: Tables, name: str, *arguments: Any, **options: Any) -> Any:
        if name == HISTORY:
            raise OSError("no space left on device")
        return upsert(tables, name, *arguments, **options)

    land(lake, "2", "1,,Ada L.,", day=2)
    with monkeypatch.context() as patch:
        patch.setattr(Tables, "upsert", dies)
        assert lake.run(layers=LAYERS).status == 1
    assert lake.rows("silver.shop_things", "name") == [("Ada L.",)]
    assert lake.rows(HISTORY, "name") == [("Ada",)]
    assert lake.run(layers=LAYERS).status == 0
    assert lake.rows(HISTORY, "name") == [("Ada L.",), ("Ada",)]


@pytest.mark.integration
def test_an_entity_that_is_to_have_a_history_from_now_on_has_it_from_the_start(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = lake_of(spark, tmp_path, "delete_when: op = 'D'")
    land(lake, "1", "1,,Ada,", day=1)
    land(lake, "2", "1,,Ada L.,", day=2)
    assert lake.run(layers=LAYERS).status == 0
    assert lake.rows("silver.shop_things", "name") == [("Ada L.",)]
    file = lake.conf / "contracts/shop/things.yml"
    file.write_text(file.read_text().replace("key: [id]\n", "key: [id]\nhistory: true\n"))
    assert remembered(lake) == [(1, "Ada L.", 2, True), (1, "Ada", 1, True)]
