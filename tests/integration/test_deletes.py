"""Keys that go: a row that deletes, a whole delivery that lacks a key; and what comes late changes nothing of it."""

import os
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import CONF, Lake

CONTRACT = """
source: shop
entity: things
description: A thing.
files: shop/things/*.csv
format: csv
key: [id]
{}
columns:
  id: {{type: int}}
  op: {{type: string, optional: true}}
  name: {{type: string}}
  version: {{type: int, optional: true}}
rules:
  has_name: {{expect: name IS NOT NULL, message: name is NULL}}
"""
LAYERS = ["bronze", "silver"]


def lake_of(spark: SparkSession, folder: Path, *lines: str) -> Lake:
    """A lake with one entity more, whose contract says these lines."""
    shutil.copytree(CONF, folder / "conf")
    (folder / "conf/contracts/shop").mkdir()
    (folder / "conf/contracts/shop/things.yml").write_text(CONTRACT.format("\n".join(lines)))
    return Lake(spark, folder / "lake", folder / "conf")


def land(lake: Lake, name: str, *lines: str, day: int = 1) -> None:
    file = lake.land(f"things/{name}.csv", "\n".join(["id,op,name,version", *lines]), source="shop")
    at = datetime(2017, 1, day, tzinfo=timezone.utc).timestamp()
    os.utime(file, (at, at))


def live(lake: Lake) -> list[tuple[Any, ...]]:
    """Run, and what is there then."""
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 0, outcome.text
    assert "conserved at 1 of 1 hops" in outcome.text
    return lake.rows("silver.shop_things", "id", "name", where="_is_live")


@pytest.mark.integration
def test_a_deleted_key_stays_gone_until_a_newer_row_brings_it_back(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "latest_by: [version]", "delete_when: op = 'D'")
    land(lake, "a", "1,,Ada,5", "2,,Bob,5")
    assert live(lake) == [(1, "Ada"), (2, "Bob")]
    # a delete needs no name; one that is older than the row takes nothing away
    land(lake, "b", "1,D,,6", "2,D,,4")
    assert live(lake) == [(2, "Bob")]
    # late rows: older than the tombstone, older than the row
    land(lake, "c", "1,,Late,5", "2,,Late,4")
    assert live(lake) == [(2, "Bob")]
    land(lake, "d", "1,,Ada again,7")
    assert live(lake) == [(1, "Ada again"), (2, "Bob")]
    before = lake.versions()
    assert lake.run(layers=LAYERS).status == 0
    assert lake.versions() == before


@pytest.mark.slow
@pytest.mark.integration
def test_a_key_that_the_newest_whole_delivery_lacks_is_gone(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_of(spark, tmp_path, "snapshot: true")
    land(lake, "1", "1,,Ada,", "2,,Bob,", "3,,Cid,", day=1)
    assert live(lake) == [(1, "Ada"), (2, "Bob"), (3, "Cid")]
    # 2 is not there any more; 3 is, though its row is bad and waits
    land(lake, "3", "1,,Ada,", "3,,,", "4,,Dot,", day=3)
    assert live(lake) == [(1, "Ada"), (3, "Cid"), (4, "Dot")]
    # the delivery of the day before comes late: it takes nothing away and brings nobody back
    land(lake, "2", "2,,Bob,", "5,,Eve,", day=2)
    assert live(lake) == [(1, "Ada"), (3, "Cid"), (4, "Dot")]
    # a key that cannot be read could be anyone's
    land(lake, "4", "1,,Ada,", "x,,Who,", day=4)
    assert live(lake) == [(1, "Ada"), (3, "Cid"), (4, "Dot")]
    land(lake, "5", "2,,Bob,", "5,,Eve,", day=5)
    assert live(lake) == [(2, "Bob"), (5, "Eve")]
