"""Maintenance changes no row, leaves what gold has yet to follow, and is nothing to do again."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from lib.config import Settings, Upkeep
from lib.pipeline import maintain as maintenance
from lib.pipeline.maintain import maintain, names, print_plan
from lib.pipeline.quarantine import discard
from lib.tables import Tables
from tests.builders import CONF, Lake, Outcome
from tests.integration.contents import files, table_rows
from tests.integration.test_incremental import PRODUCTS_HEADER, product, receipt

ONLY = ["sales_by_day"]
SILVER = ["bronze", "silver"]
NOW = timedelta()

pytestmark = pytest.mark.integration


class Tended(Lake):
    """A lake in which three files are many and that keeps nothing that it need not."""

    upkeep = Upkeep(
        target_bytes=64 * 1024 * 1024, small_bytes=1024 * 1024, compact_above=2, recluster_above=0.2, purge_above=0.1,
        vacuum_after=NOW, keep_processed=NOW, keep_settled=NOW, keep_logs=NOW, keep_ops=NOW,
    )  # fmt: skip

    def settings(self, **changes: Any) -> Settings:
        """The lake's settings; what changed is followed however much it is."""
        return super().settings(full_above=1.0, maintenance=self.upkeep, **changes)

    def copy(self, root: Path) -> "Tended":
        """The same lake in another folder."""
        return Tended(self.spark, super().copy(root).root, self.conf)

    def night(self, number: int, *lines: str, **asked: Any) -> Outcome:
        """A night with some receipts."""
        self.land(f"pos/sales/{number}.jsonl", "\n".join(lines), source=".")
        outcome = self.run(only=ONLY, **asked)
        assert outcome.status == 0, outcome.text
        return outcome

    def maintain(self, **changes: Any) -> Outcome:
        """Maintain what the receipts go through, the ledger and the folders."""
        self.upkeep = replace(self.upkeep, **changes)
        outcome = self.run(layers=[], work=maintain([name for name in names(self.settings()) if is_tended(name)]))
        assert outcome.status == 0, outcome.text
        return outcome

    def actions(self) -> set[tuple[Any, ...]]:
        """What maintenance did: table and action."""
        return set(self.rows("ops.maintenance", "concat(layer, '.', table_name)", "action"))


def is_tended(name: str) -> bool:
    return (
        "pos_sales" in name
        or "products_history" in name
        or name.startswith(("ops.", "files.", "gold.fact", "gold.sales_by_day"))
    )


@pytest.fixture(scope="module")
def nightly(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tended:
    """A lake of three nights, the last one not in gold yet; a receipt of the first was discarded."""
    lake = Tended(spark, tmp_path_factory.mktemp("maintenance") / "lake", CONF)
    lake.land_lines("Products", PRODUCTS_HEADER, product(1, "10.0000"))
    lake.night(1, *[receipt(n, day=n % 20 + 1) for n in range(40)], receipt(90, day=1, quantity=-1),
               receipt(91, day=1, quantity=-2))  # fmt: skip
    contract = lake.settings().contracts["pos_sales"]
    lake.run(only=ONLY, layers=SILVER, prepare=discard(contract, "raw LIKE '%T90%'", "a test receipt"))
    lake.night(2, receipt(50, day=21), receipt(3, day=4, quantity=5, updated=21))
    lake.night(3, receipt(51, day=22), receipt(4, day=5, quantity=7, updated=22), layers=SILVER)
    return lake


@pytest.fixture
def lake(nightly: Tended, tmp_path: Path) -> Tended:
    return nightly.copy(tmp_path / "lake")


def n_files(lake: Lake, table: str) -> int:
    return len(Tables(lake.spark, lake.root).files(table))


def followed(lake: Lake, *, run_id: int) -> set[str]:
    """The gold tables that a run computed by key; it computed none whole."""
    steps = lake.rows("ops.steps", "table_name", "mode", where=f"layer = 'gold' AND run_id = {run_id}")
    assert {mode for _, mode in steps} == {"incremental"}
    return {table for table, _ in steps}


def assert_as_computed_whole(lake: Lake) -> None:
    found = table_rows(lake, ["gold"])
    assert lake.run(layers=["gold"], only=ONLY, full_refresh=[]).status == 0
    assert table_rows(lake, ["gold"]) == found


@pytest.mark.slow
def test_maintenance_changes_no_row_and_gold_follows_after_it_what_it_had_yet_to_follow(lake: Tended) -> None:
    before = table_rows(lake, ["bronze", "silver", "gold"])
    assert n_files(lake, "bronze.pos_sales") == 3
    outcome = lake.maintain(keep_settled=None)
    assert n_files(lake, "bronze.pos_sales") == 1
    assert table_rows(lake, ["bronze", "silver", "gold"]) == before
    assert ("bronze.pos_sales", "compacted") in lake.actions()
    assert ("bronze.pos_sales", "vacuumed") in lake.actions()
    # the feed of the third night is in files that no version needs any more
    assert ("silver.pos_sales", "vacuumed") not in lake.actions()
    assert re.search(
        r"! silver.pos_sales: not vacuumed: gold.\w+ has yet to follow what changed after version \d", outcome.text
    )

    outcome = lake.run(layers=["gold"], only=ONLY)
    assert outcome.status == 0, outcome.text
    assert followed(lake, run_id=6) == {"fact_sales", "sales_by_day"}
    assert_as_computed_whole(lake)


@pytest.mark.slow
def test_the_second_time_there_is_nothing_to_do_and_a_night_with_nothing_new_changes_nothing(lake: Tended) -> None:
    assert lake.run(layers=["gold"], only=ONLY).status == 0
    outcome = lake.maintain()
    assert ("silver.pos_sales", "vacuumed") in lake.actions()
    assert "not vacuumed" not in outcome.text
    assert "conserved at 1 of 1 hops" in outcome.text
    before = lake.versions()
    assert lake.plan(only=ONLY).last_line == "nothing to do · 0 warnings"
    assert lake.run(only=ONLY).status == 0
    assert lake.versions() == before
    outcome = lake.maintain()
    assert lake.versions() == before
    assert lake.rows("ops.steps", "mode", where="run_id = 8") == []
    # the ledger has got rows since, and the folder a log
    assert {layer for [layer] in lake.rows("ops.maintenance", "layer", where="run_id = 8")} <= {"ops", "files"}

    # what comes then is followed, though every older file is gone
    outcome = lake.night(4, receipt(52, day=23), receipt(5, day=6, quantity=8, updated=23))
    assert "cannot be read" not in outcome.text
    assert followed(lake, run_id=9) == {"fact_sales", "sales_by_day"}
    assert "conserved at 2 of 2 hops" in outcome.text
    assert_as_computed_whole(lake)


@pytest.mark.slow
def test_what_is_old_goes_and_what_waits_stays(lake: Tended) -> None:
    waiting, discarded = "silver.pos_sales_quarantine", "status = 'discarded'"
    assert lake.rows(waiting, "raw IS NULL", where=discarded) == [(False,)]
    rejected = lake.land("x.jsonl", "", source="../rejected/pos/000001")
    assert files(lake)["processed"]
    lake.maintain()
    assert files(lake)["processed"] == []
    assert rejected.exists()
    assert lake.rows(waiting, "raw IS NULL", "status") == [(False, "waiting"), (True, "discarded")]
    assert [log.name for log in sorted((lake.root / "logs").iterdir())] == ["run-0005.jsonl"]
    assert lake.rows("ops.runs", "run_id") == [(4,), (5,)]
    # the newest step of each table, and of gold what it was made from
    assert {"fact_sales", "sales_by_day"} <= {
        name for [name] in lake.rows("ops.steps", "table_name", where="made_from IS NOT NULL")
    }
    # the files of the ledger are what tells an old file from a new one
    assert len(lake.rows("ops.files", "path")) == 4
    lake.land("pos/sales/9.jsonl", receipt(52, day=23), source=".")
    outcome = lake.run(only=ONLY, from_bronze=["pos_sales"])
    assert outcome.status == 0, outcome.text
    assert lake.rows(waiting, "raw IS NULL", "status") == [(False, "waiting"), (True, "discarded")]


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(lake: Tended, capsys: pytest.CaptureFixture[str]) -> None:
    def stats() -> dict[str, tuple[int, int]]:
        found = [file for file in lake.root.rglob("*") if file.is_file()]
        return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in found}

    before = stats()
    chosen = ["bronze.pos_sales", "silver.pos_sales_quarantine", "ops.steps", "files.processed", "files.logs"]
    assert print_plan(Tables(lake.spark, lake.root), lake.settings(), chosen, Console(width=200)) == 0
    assert stats() == before
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if line.startswith(("bronze", "silver", "ops", "files"))]
    assert [line.split()[:3] for line in lines] == [
        ["bronze", "pos_sales", "compacted"], ["bronze", "pos_sales", "retention"],
        ["silver", "pos_sales_quarantine", "stripped"], ["silver", "pos_sales_quarantine", "retention"],
        ["ops", "steps", "compacted"], ["ops", "steps", "retention"],
        ["files", "processed", "removed"], ["files", "logs", "removed"],
    ]  # fmt: skip
    assert said.splitlines()[-1].endswith("actions; nothing was changed")


@pytest.mark.slow
def test_what_a_dead_maintenance_left_the_next_one_does_and_the_nights_between_go_on(
    lake: Tended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: Any) -> None:
        raise KeyboardInterrupt

    assert lake.run(layers=["gold"], only=ONLY).status == 0
    with monkeypatch.context() as dead:
        dead.setattr(maintenance, "pin", die)
        with pytest.raises(KeyboardInterrupt):
            lake.maintain()
    lake.land_lines("Products", PRODUCTS_HEADER, product(1, "11.0000"))
    lake.night(4, receipt(52, day=23))
    assert followed(lake, run_id=7) == {"fact_sales", "sales_by_day"}
    before = table_rows(lake, ["bronze", "silver", "gold"])
    lake.maintain()
    assert table_rows(lake, ["bronze", "silver", "gold"]) == before


def test_a_table_that_fails_stops_no_other(lake: Tended, monkeypatch: pytest.MonkeyPatch) -> None:
    compact = Tables.compact

    def fail(self: Tables, name: str) -> Any:
        if name == "bronze.pos_sales":
            raise OSError("the disk is full")
        return compact(self, name)

    monkeypatch.setattr(Tables, "compact", fail)
    chosen = ["bronze.pos_sales", "ops.steps"]
    outcome = lake.run(layers=[], work=maintain(chosen))
    assert outcome.status == 1
    assert "X bronze.pos_sales: OSError: the disk is full" in outcome.text
    assert ("ops.steps", "compacted") in lake.actions()
