"""What the benchmark is trusted for: that it sees a difference, and that it says what was measured."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
from deltalake import write_deltalake

from tests.benchmarks.compare import differences
from tests.benchmarks.deliveries import deliver
from tests.benchmarks.measure import memory_of_tree
from tests.benchmarks.report import Measured, Result, table_of, write

RESULTS = (Result("others", False, 1234.56, 2_500_000_000, 999_400_000), Result("ours", True, 0.5, 0, 12_000_000))


def measured(rows: int) -> Measured:
    return Measured(rows, 10, 5, 1_000_000_000, cpus=2, heap="3g", duckdb_memory="8GB", results=RESULTS)


def table(path: Path, **columns: Any) -> Path:
    write_deltalake(path / "t", pa.table(columns))
    return path


def test_a_table_has_a_line_for_each_pipeline_and_a_dash_for_what_is_unknown() -> None:
    assert table_of(measured(3_000_000)).splitlines() == [
        "| 3,000,000 receipts (1.0 GB), landing to gold | seconds | peak memory | written |",
        "| --- | ---: | ---: | ---: |",
        "| others | 1,234.6 | 2.5 GB | 999 MB |",
        "| ours | 0.5 | – | 12 MB |",
    ]


def test_the_report_has_all_sizes_that_were_measured_the_smallest_first(tmp_path: Path) -> None:
    write(tmp_path, measured(30_000_000))
    table = write(tmp_path, measured(3_000_000))
    assert table == (tmp_path / "results.md").read_text()
    assert [line.split()[1] for line in table.splitlines() if "receipts" in line] == ["3,000,000", "30,000,000"]
    assert json.loads((tmp_path / "rows_3000000.json").read_text())["results"][0]["seconds"] == 1234.56
    chart = ElementTree.parse(tmp_path / "results.svg").getroot()
    words = [each.text for each in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert words.count("1,234.6 s · 2.5 GB") == words.count("0.5 s · –") == 2


def test_tables_are_the_same_whatever_the_order_of_their_rows(tmp_path: Path) -> None:
    ours = table(
        tmp_path / "ours", id=[1, 2, 2], day=[date(2017, 1, 1), None, None], _batch_id=[7, 8, 9], cost=[0, 0, 0]
    )
    theirs = table(tmp_path / "theirs", id=[2, 1, 2], day=[None, date(2017, 1, 1), None])
    assert differences(ours, theirs, ["t"]) == []


def test_a_difference_is_told_with_its_table_and_rows(tmp_path: Path) -> None:
    ours, theirs = table(tmp_path / "ours", id=[1, 2, 2]), table(tmp_path / "theirs", id=[1, 1, 2])
    assert differences(ours, theirs, ["t"]) == [
        "t: 1 rows only in ours", "t:   {'id': 2}", "t: 1 rows only in theirs", "t:   {'id': 1}"
    ]  # fmt: skip


def test_another_type_and_a_column_that_is_missing_are_differences(tmp_path: Path) -> None:
    ours = table(tmp_path / "ours", id=[1, 2], day=["x", "y"])
    assert differences(ours, table(tmp_path / "typed", id=["1", "2"], day=["x", "y"]), ["t"]) == [
        "t: columns {'id': 'PrimitiveType(\"string\")'} are {'id': 'PrimitiveType(\"long\")'} here"
    ]
    assert differences(ours, table(tmp_path / "fewer", id=[1, 2]), ["t"]) == ["t: only ours has the column day"]


def test_a_night_follows_on_the_days_before(tmp_path: Path) -> None:
    deliver(tmp_path, rows=2_000, batch=100, customers=60)
    (night,) = (tmp_path / "night/pos/sales").iterdir()
    assert len(night.read_text().splitlines()) == 100
    both = {file.relative_to(tmp_path / "all") for file in (tmp_path / "all").rglob("*.json*")}
    parts = [tmp_path / "base", tmp_path / "night"]
    assert both == {file.relative_to(part) for part in parts for file in part.rglob("*.json*")}


def test_memory_is_that_of_the_whole_tree() -> None:
    assert memory_of_tree(os.getpid()) > 10_000_000 or not Path("/proc").exists()
