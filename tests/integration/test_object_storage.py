"""A lake in an object store, by Hadoop's own client of S3 against a real server: runs, a kill, files, maintenance."""

import json
import shutil
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from lib.config import Settings
from lib.identity.tables import RESOLUTION
from lib.pipeline.maintain import maintain, names
from lib.session import build_session
from lib.storage.places import Remote, files_of, found_below
from tests.builders import CONF, PRODUCTS_HEADER, Lake, Outcome
from tests.integration.contents import files, table_rows
from tests.integration.processes import HOME, environment, run
from tests.integration.test_incremental import product, receipt
from tests.integration.test_jobs import BY_PYTHON
from tests.s3 import KEYS, Store, s3_server

ONLY = ["dim_products"]
"""With what it is made from: web products, and what only the tills know."""

pytestmark = pytest.mark.integration


class Stored(Lake):
    """A lake whose root is a place of an object store, under a configuration that says how to speak to it."""

    def land(self, name: str, content: str | bytes, *, source: str = "adventureworks") -> Any:
        """Drop an object, `name` as of a lake in a folder."""
        at = f"{source}/AdventureWorks_{name}.csv" if source == "adventureworks" else name
        data = content if isinstance(content, bytes) else content.encode("windows-1252")
        files_of(self.root).pipe_file(str(self.landing / at), data)
        return self.landing / at

    def run(self, **asked: Any) -> Outcome:
        """Run the layers; a bucket needs no folder for what lands."""
        return super().run(make_landing=False, **asked)

    def fetched(self, to: Path) -> Lake:
        """A copy of it in a folder of this machine, for those who read without Spark."""
        for name in found_below(self.root):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(files_of(self.root).cat_file(f"{self.root}/{name}"))
        return Lake(self.spark, to, self.conf)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """An S3 server; its keys are in the environment, where the configuration looks for them."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as server:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def lake(spark: SparkSession, store: Store, tmp_path: Path) -> Stored:
    """An empty lake in a bucket of its own."""
    return stored(spark, store, tmp_path)


def stored(spark: SparkSession, store: Store, folder: Path) -> Stored:
    """An empty lake in a bucket of its own; its configuration, its logs and its alerts are in a folder."""
    root = store.bucket()
    conf = folder / "conf"
    shutil.copytree(CONF, conf)
    facts = yaml.safe_load((conf / "lakehouse.yml").read_text("utf-8"))
    facts["environments"]["local"] |= {"root": str(root), "local": str(folder / "local"), "storage": store.facts}
    (conf / "lakehouse.yml").write_text(yaml.safe_dump(facts), "utf-8")
    build_session("tests", root.storage.of_hadoop())
    return Stored(spark, root, conf)  # type: ignore[arg-type]


def first_night(lake: Lake) -> None:
    """A good file of the web shop, one of the tills, and one that will be rejected."""
    lake.land("Products", f"{PRODUCTS_HEADER}\r\n{product(1, '10.0000')}\r\n")
    lake.land("Products_broken", "ProductKey,ProductSKU\r\n1,BK-1\r\n")
    lake.land("pos/sales/1.jsonl", "\n".join(receipt(n, day=n % 20 + 1) for n in range(9)), source=".")


def second_night(lake: Lake) -> None:
    """Another price, and receipts of which one corrects an older one."""
    lake.land("Products_2", f"{PRODUCTS_HEADER}\r\n{product(1, '12.0000')}\r\n{product(2, '5.0000')}\r\n")
    lake.land(
        "pos/sales/2.jsonl", "\n".join([receipt(50, day=21), receipt(3, day=4, quantity=5, updated=21)]), source="."
    )


def contents(lake: Lake) -> dict[str, Any]:
    """All rows of all tables, and where the files are."""
    # no two lakes have files of the same time, and so not versions
    times = {"_source_modified_at", "valid_from", "valid_to"}
    return {**table_rows(lake, ["bronze", "silver", "gold"], without=times), **files(lake)}


def test_a_killed_run_on_a_store_is_simply_run_again_and_has_what_a_folder_has(
    lake: Stored, spark: SparkSession, tmp_path: Path
) -> None:
    folder = Lake(spark, tmp_path / "folder", CONF)
    first_night(folder)
    assert folder.run(only=ONLY).status == 1
    first_night(lake)
    dead = run(
        sys.executable, HOME / "tests/integration/kill_at.py", "after", "bronze pos_sales", "--conf", lake.conf,
        "--only", *ONLY, "--exclude", RESOLUTION,
        cwd=tmp_path, env=environment(**BY_PYTHON, **KEYS, PYTHONPATH=str(HOME)), timeout=300,
    )  # fmt: skip
    assert dead.returncode == -signal.SIGKILL, dead.stdout + dead.stderr
    assert all(secret not in dead.stdout + dead.stderr for secret in KEYS.values())
    assert "landing/pos/sales/1.jsonl" in found_below(lake.root)

    outcome = lake.run(only=ONLY)
    assert (outcome.status, outcome.text.count("rejected:")) == (1, 2), outcome.text
    assert contents(lake.fetched(tmp_path / "first")) == contents(folder)

    second_night(folder)
    second_night(lake)
    for each in (folder, lake):
        outcome = each.run(only=ONLY)
        assert outcome.status == 0, outcome.text
    assert contents(lake.fetched(tmp_path / "second")) == contents(folder)
    quiet = lake.run(only=ONLY)
    assert quiet.status == 0
    assert "0 tables changed" in quiet.last_line or "nothing" in quiet.text


def test_a_file_that_was_copied_and_not_deleted_is_moved_by_the_next_run(
    lake: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_night(lake)
    kept = f"{lake.landing}/pos/sales/1.jsonl"
    client = type(files_of(lake.root))
    delete = client.rm_file

    def refused(self: Any, path: str) -> None:
        if path == kept:
            raise PermissionError("Access Denied")
        delete(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(client, "rm_file", refused)
        outcome = lake.run(only=ONLY, layers=["bronze"])
    assert "pos/sales/1.jsonl: cannot be moved to" in outcome.text
    copied = "processed/pos/000001/pos/sales/1.jsonl"
    assert {copied, "landing/pos/sales/1.jsonl"} <= {*found_below(lake.root)}

    outcome = lake.run(only=ONLY, layers=["bronze"])
    assert "pos/sales/1.jsonl: was loaded before, as batch 1; moved to processed" in outcome.text
    assert [name for name in found_below(lake.root) if name.endswith("/1.jsonl")] == [copied]
    assert lake.rows("bronze.pos_sales", "count(*)") == [(9,)]


class Tended(Stored):
    """A lake that keeps nothing that it need not."""

    def settings(self, **changes: Any) -> Settings:
        """The lake's settings."""
        upkeep = super().settings().maintenance
        at_once = {"vacuum_after": timedelta(), "keep_processed": timedelta(), "keep_logs": timedelta()}
        return super().settings(maintenance=type(upkeep)(**{**vars(upkeep), "compact_above": 1, **at_once}), **changes)


def test_maintenance_of_a_store_compacts_vacuums_and_takes_old_files_away(lake: Stored, tmp_path: Path) -> None:
    tended = Tended(lake.spark, lake.root, lake.conf)
    for night in (first_night, second_night):
        night(tended)
        tended.run(only=ONLY)
    before = table_rows(tended.fetched(tmp_path / "before"), ["bronze", "silver", "gold"])
    assert any(name.startswith("processed/") for name in found_below(lake.root))
    chosen = [name for name in names(tended.settings()) if "products" in name or name.startswith("files.")]
    outcome = tended.run(layers=[], work=maintain(chosen))
    assert outcome.status == 0, outcome.text
    actions = {*tended.rows("ops.maintenance", "concat(layer, '.', table_name)", "action")}
    assert {
        ("bronze.adventureworks_products", "compacted"),
        ("bronze.adventureworks_products", "vacuumed"),
        ("files.processed", "removed"),
        ("files.logs", "removed"),
    } <= actions
    assert not any(name.startswith("processed/") for name in found_below(lake.root))
    data = [name for name in found_below(lake.root / "bronze" / "adventureworks_products") if name.endswith(".parquet")]
    assert len([name for name in data if "/" not in name]) == 1
    assert table_rows(tended.fetched(tmp_path / "after"), ["bronze", "silver", "gold"]) == before


def test_neither_a_log_nor_the_configuration_of_spark_shows_a_key(lake: Stored, tmp_path: Path) -> None:
    first_night(lake)
    outcome = lake.run(only=["adventureworks_products"], layers=["bronze"])
    said = outcome.text + "".join(file.read_text("utf-8") for file in (tmp_path / "local").rglob("*.jsonl"))
    shown = json.dumps(dict(lake.spark.sparkContext.getConf().getAll()))
    assert isinstance(lake.root, Remote)
    assert [secret for secret in KEYS.values() if secret in said + shown + repr(lake.root)] == []
