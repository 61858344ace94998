"""Files with a history: announced, kept, changed, landed twice, withdrawn."""

import os
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lib.pipeline.withdraw import withdraw
from tests.builders import CONF, Lake
from tests.integration.contents import table_rows
from tests.integration.test_faults import sale

SALES, FOLDER = "bronze.pos_sales", "pos/sales"
LAYERS = ["bronze", "silver"]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake whose contract of till sales a test may change."""
    shutil.copytree(CONF, tmp_path / "conf")
    return Lake(spark, tmp_path / "lake", tmp_path / "conf")


def say(lake: Lake, *lines: str) -> None:
    file = lake.conf / "contracts/pos/sales.yml"
    file.write_text(file.read_text() + "".join(f"{line}\n" for line in lines))


def land(lake: Lake, name: str, *lines: str) -> Path:
    return lake.land(f"{FOLDER}/{name}", "".join(f"{line}\n" for line in lines), source=".")


def test_a_delivery_is_loaded_whole_rejected_whole_or_waits_until_it_is_all_there(lake: Lake) -> None:
    say(lake, "control: {files: pos/sales/*.control.csv, sum_of: quantity, required: true}")
    good, bad = sale("T1", 2, at="2017-01-05"), sale("T2", 3, at="2017-01-05")
    land(lake, "a.jsonl", good)
    land(lake, "b.jsonl", bad)
    land(lake, "1.control.csv", "file,rows,sum", "a.jsonl,1,2", "b.jsonl,1,3")
    land(lake, "c.jsonl", sale("T3", 1, at="2017-01-05"))
    land(lake, "d.jsonl", sale("T4", 1, at="2017-01-05"))
    land(lake, "2.control.csv", "file,rows,sum", "c.jsonl,2,1", "d.jsonl,1,1")
    land(lake, "e.jsonl", sale("T5", 1, at="2017-01-05"))
    land(lake, "3.control.csv", "file,rows,sum", "e.jsonl,1,1", "f.jsonl,1,1")
    land(lake, "g.jsonl", sale("T7", 1, at="2017-01-05"))
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 1
    assert lake.rows(SALES, "transaction_id") == [("T1",), ("T2",)]
    assert "pos/sales/c.jsonl: rejected: 2 rows were announced, it has 1" in outcome.text
    assert "pos/sales/d.jsonl: rejected: its delivery (pos/sales/2.control.csv) is rejected for" in outcome.text
    assert "pos/sales/3.control.csv: waits for pos/sales/f.jsonl, which it announces" in outcome.text
    assert "pos/sales/g.jsonl: waits for a control file (pos/sales/*.control.csv) that announces it" in outcome.text
    left = sorted(file.name for file in lake.landing.rglob("*") if file.is_file())
    assert left == ["3.control.csv", "e.jsonl", "g.jsonl"]
    land(lake, "f.jsonl", sale("T6", 1, at="2017-01-05"))
    land(lake, "4.control.csv", "file,rows,sum", "g.jsonl,1,7")
    outcome = lake.run(layers=LAYERS)
    assert lake.rows(SALES, "transaction_id") == [("T1",), ("T2",), ("T5",), ("T6",)]
    assert "g.jsonl: rejected: quantity was to add up to 7, it adds up to 1" in outcome.text


def test_a_kept_file_stays_and_is_loaded_again_only_if_it_changed(lake: Lake) -> None:
    say(lake, "after_load: keep")
    file = land(lake, "a.jsonl", sale("T1", 2, at="2017-01-05"))
    assert lake.run(layers=LAYERS).status == 0
    assert file.exists()
    before = lake.versions()
    assert "0 warnings" in lake.run(layers=LAYERS).text
    assert lake.versions() == before
    os.utime(file, (1_600_000_000, 1_600_000_000))
    assert "only its time changed since it was loaded" in lake.run(layers=LAYERS).text
    assert lake.versions() == before
    land(lake, "a.jsonl", sale("T1", 5, at="2017-01-06"))
    assert "a.jsonl: changed after it was loaded; loaded again" in lake.run(layers=LAYERS).text
    assert lake.rows("silver.pos_sales", "transaction_id", "quantity") == [("T1", 5)]
    say(lake, "on_change: fail")
    land(lake, "a.jsonl", sale("T1", 6, at="2017-01-07"))
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 1
    assert "a.jsonl: changed after it was loaded (on_change: fail)" in outcome.text
    assert lake.rows("silver.pos_sales", "quantity") == [(5,)]


def test_the_content_of_another_file_is_told_and_skipped_if_the_contract_says_so(lake: Lake) -> None:
    line = sale("T1", 2, at="2017-01-05")
    land(lake, "a.jsonl", line)
    land(lake, "b.jsonl", line)
    said = lake.run(layers=LAYERS).text
    assert "pos/sales/b.jsonl: has the content of pos/sales/a.jsonl, which was loaded before; loaded again" in said
    assert lake.read(SALES).count() == 2
    say(lake, "on_duplicate: skip")
    land(lake, "c.jsonl", line)
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 0
    assert (
        "pos/sales/c.jsonl: has the content of pos/sales/a.jsonl, which was loaded before; nothing to load"
        in outcome.text
    )
    assert lake.read(SALES).count() == 2
    assert lake.rows("ops.files", "path", "status", where="path LIKE '%/c.jsonl'") == [("pos/sales/c.jsonl", "skipped")]
    # the same name and content tomorrow: a new file, and no news
    land(lake, "a.jsonl", line)
    assert "0 warnings" in lake.run(layers=LAYERS).text


@pytest.mark.slow
def test_a_withdrawn_file_leaves_every_layer_as_if_it_had_never_come(lake: Lake, tmp_path: Path) -> None:
    land(lake, "a.jsonl", sale("T1", 2, at="2017-01-05"), sale("T2", -1, at="2017-01-05"))
    assert lake.run(only=["kpi_daily"]).status == 0
    without = lake.copy(tmp_path / "without")
    bad = land(
        lake,
        "bad.jsonl",
        sale("T1", 9, at="2017-01-06"),
        sale("T3", 1, at="2017-01-06"),
        sale("T4", -1, at="2017-01-06"),
    )
    os.utime(bad, (1_700_000_000, 1_700_000_000))
    assert lake.run(only=["kpi_daily"]).status == 0
    assert lake.rows("gold.fact_sales", "order_id", "quantity") == [("T1", 9), ("T3", 1)]
    outcome = lake.run(only=["kpi_daily"], layers=["silver", "gold"], prepare=withdraw("pos/sales/bad.jsonl"))
    assert outcome.status == 0, outcome.text
    assert "pos/sales/bad.jsonl: 3 rows of batch 2 withdrawn from pos_sales" in outcome.text
    layers = ("bronze", "silver", "gold")
    found, expected = table_rows(lake, layers), table_rows(without, layers)
    assert {"bronze.pos_sales", "silver.pos_sales_quarantine", "gold.fact_sales", "gold.kpi_daily"} <= {*expected}
    assert found == expected
    assert lake.rows("ops.files", "status", where="path LIKE '%bad%'") == [("withdrawn",)]
    land(lake, "bad.jsonl", sale("T1", 3, at="2017-01-07"))
    assert lake.run(layers=LAYERS).status == 0
    assert lake.rows("silver.pos_sales", "transaction_id", "quantity") == [("T1", 3)]
