"""A plan says what a run would do, and does none of it."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.builders import CONF, RETURNS_HEADER, Lake
from tests.integration.test_incremental import Following, receipt

ONLY = ["kpi_daily"]


def planned(lake: Lake) -> list[tuple[str, ...]]:
    """Layer, table and what is to be done with it; and that the lake is as it was before somebody asked."""
    before = {file: file.stat().st_mtime_ns for file in lake.root.rglob("*")}
    outcome = lake.plan(only=ONLY)
    assert outcome.status == 0, outcome.text
    assert {file: file.stat().st_mtime_ns for file in lake.root.rglob("*")} == before
    lines = [line.split(None, 2) for line in outcome.text.splitlines() if line.startswith("  ")]
    return [tuple(line) for line in lines if "adventureworks" not in line[1]]


def land(lake: Lake, name: str, *numbers: int) -> int:
    """Drop receipts of a day; gives the file's bytes."""
    lines = [
        receipt(n, day=2, quantity=1 if n > 0 else 0).replace(
            '{"transaction_id": "T-', '{"till": 7, "transaction_id": "T-'
        )
        for n in numbers
    ]
    file = lake.land(f"pos/sales/{name}.jsonl", "".join(f"{line}\n" for line in lines), source=".")
    return file.stat().st_size


@pytest.mark.integration
def test_a_plan_says_what_a_run_would_do_and_changes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    lake = Following(spark, tmp_path / "lake", tmp_path / "conf")
    size = land(lake, "1", 1, 2, 3)
    first = planned(lake)
    assert first[:2] == [
        ("bronze", "pos_sales", f"1 file, {size:,} bytes"),
        ("silver", "pos_sales", "3 rows of the files are judged"),
    ]
    assert ("gold", "fact_sales", "full (the first time)") in first

    assert lake.run(only=ONLY).status == 0
    assert lake.plan(only=ONLY).last_line == "nothing to do · 0 warnings"
    # what is there as it is touches nothing
    land(lake, "again", 1)
    assert "gold" not in {layer for layer, *_ in planned(lake)}
    (lake.landing / "pos/sales/again.jsonl").unlink()

    # one that is there as it is, two new ones, and one that fails and has a field more
    size = land(lake, "2", 3, 4, 5, -6)
    lake.land("pos/sales/stranger.txt", "?", source=".")
    assert planned(lake) == [
        ("bronze", "pos_sales", f"1 file, {size:,} bytes"),
        ("silver", "pos_sales", "4 rows of the files are judged, 1 of them to wait in quarantine"),
        ("silver", "pos_sales", "new field till: kept, the contract does not know it"),
        ("gold", "fact_sales", "incremental of 2 keys of the files"),
        ("gold", "sales_by_day", "incremental of the keys of what fact_sales takes in"),
        ("gold", "kpi_daily", "full (for what sales_by_day takes in)"),
    ]
    text = lake.plan(only=ONLY).text
    assert "! pos/sales/stranger.txt: no contract knows this file" in text
    assert f"1 file to load, {size:,} bytes · 3 of gold's tables to compute · 1 warning" in text

    assert lake.run(only=ONLY, layers=["bronze", "silver"]).status == 0
    assert planned(lake)[0] == ("gold", "fact_sales", "incremental of 2 keys")
    assert "fact_sales" not in lake.plan(only=ONLY, layers=["bronze", "silver"]).text

    contract = lake.conf / "contracts/pos/sales.yml"
    contract.write_text(
        contract.read_text().replace("columns:\n", "columns:\n  till: {type: int, optional: true}\n", 1)
    )
    assert planned(lake)[:2] == [
        ("silver", "pos_sales", "its contract changed: all 7 rows of bronze are judged anew"),
        ("silver", "pos_sales", "new column till INT"),
    ]


@pytest.mark.integration
def test_a_plan_counts_the_files_that_would_be_copied_in_first(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from/AdventureWorks_Returns.csv").write_text(f"{RETURNS_HEADER}\n2/11/2017,1,1,1\n")
    outcome = lake.plan(only=["fact_returns"], copy_from=tmp_path / "from")
    assert "adventureworks_returns                1 file, " in outcome.text
    assert "1 file to load" in outcome.text
    assert not lake.root.exists()
