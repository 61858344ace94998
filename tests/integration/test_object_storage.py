"""A lake in an object store, by Hadoop's own client of S3 against a real server: runs, a kill, files, maintenance."""

import json
import shutil
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from lib.config import Settings
from lib.erasure.search import search
from lib.erasure.values import sought_of
from lib.identity.tables import RESOLUTION
from lib.pipeline.forget import forget
from lib.pipeline.maintain import LOGS, PROCESSED, maintain
from lib.pipeline.prove import prove
from lib.session import build_session
from lib.storage.places import files_of, found_below
from tests.builders import CONF, PRODUCTS_HEADER, Lake, Outcome
from tests.integration.contents import files, table_rows
from tests.integration.processes import HOME, environment, run
from tests.integration.test_incremental import member, product, receipt
from tests.integration.test_jobs import BY_PYTHON
from tests.s3 import KEYS, Store

ONLY = ["dim_products"]
"""With what it is made from: web products, and what only the tills know."""

SILVER = ["bronze", "silver"]

pytestmark = [pytest.mark.integration, pytest.mark.slow]


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


def stored(spark: SparkSession, store: Store, folder: Path) -> Stored:
    """An empty lake in a bucket of its own; its configuration, its logs and its alerts are in a folder."""
    root = store.bucket()
    conf = folder / "conf"
    shutil.copytree(CONF, conf)
    facts = yaml.safe_load((conf / "lakehouse.yml").read_text("utf-8"))
    place = {"root": str(root), "local": str(folder / "local"), "storage": store.facts, "serving": {"url": "none"}}
    facts["environments"]["local"] |= place
    (conf / "lakehouse.yml").write_text(yaml.safe_dump(facts), "utf-8")
    build_session("tests", root.storage.of_hadoop())
    return Stored(spark, root, conf)  # type: ignore[arg-type]


def first_night(lake: Lake) -> None:
    """A product of the web shop, and receipts of the tills."""
    lake.land("Products", f"{PRODUCTS_HEADER}\r\n{product(1, '10.0000')}\r\n")
    lake.land("pos/sales/1.jsonl", "\n".join(receipt(n, day=n % 20 + 1) for n in range(9)), source=".")


def second_night(lake: Lake) -> None:
    """Another price, a receipt that corrects an older one, and a file that will be rejected."""
    lake.land("Products_2", f"{PRODUCTS_HEADER}\r\n{product(1, '12.0000')}\r\n{product(2, '5.0000')}\r\n")
    lake.land("Products_broken", "ProductKey,ProductSKU\r\n1,BK-1\r\n")
    corrected = [receipt(50, day=21), receipt(3, day=4, quantity=5, updated=21)]
    lake.land("pos/sales/2.jsonl", "\n".join(corrected), source=".")


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same two nights in a folder of this machine."""
    lake = Lake(spark, tmp_path_factory.mktemp("folder") / "lake", CONF)
    first_night(lake)
    assert lake.run(only=ONLY, layers=SILVER).status == 0
    second_night(lake)
    assert lake.run(only=ONLY).status == 1
    return lake


@pytest.fixture(scope="module")
def lake(spark: SparkSession, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A lake in a store after two nights, of which the first one's run was killed and run again."""
    place = tmp_path_factory.mktemp("stored")
    lake = stored(spark, store, place)
    first_night(lake)
    dead = run(
        sys.executable, HOME / "tests/integration/kill_at.py", "after", "bronze pos_sales", "--conf", lake.conf,
        "--only", *ONLY, "--exclude", RESOLUTION,
        cwd=place, env=environment(**BY_PYTHON, **KEYS, PYTHONPATH=str(HOME)), timeout=300,
    )  # fmt: skip
    said = dead.stdout + dead.stderr
    assert dead.returncode == -signal.SIGKILL, said
    assert [secret for secret in KEYS.values() if secret in said] == []
    assert "landing/pos/sales/1.jsonl" in found_below(lake.root)
    outcome = lake.run(only=ONLY, layers=SILVER)
    assert outcome.status == 0, outcome.text
    assert landed(lake) == []
    second_night(lake)
    outcome = lake.run(only=ONLY)
    assert (outcome.status, outcome.text.count("rejected: columns")) == (1, 1), outcome.text
    return lake


def landed(lake: Lake) -> list[str]:
    """What waits in landing."""
    return [name for name in found_below(lake.root) if name.startswith("landing/")]


def contents(lake: Lake) -> dict[str, Any]:
    """All rows of all tables, and where the files are."""
    # no two lakes have files of the same time, and so not versions
    times = {"_source_modified_at", "valid_from", "valid_to"}
    return {**table_rows(lake, ["bronze", "silver", "gold"], without=times), **files(lake)}


def test_a_lake_in_a_store_whose_run_was_killed_has_what_one_in_a_folder_has(
    lake: Stored, folder: Lake, tmp_path: Path
) -> None:
    assert contents(lake.fetched(tmp_path / "fetched")) == contents(folder)


def test_a_file_that_was_copied_and_not_deleted_is_moved_by_the_next_run(
    lake: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.land("pos/sales/3.jsonl", receipt(60, day=22), source=".")
    kept = f"{lake.landing}/pos/sales/3.jsonl"
    client = files_of(lake.root)
    delete = client.rm_file

    def refused(path: str) -> None:
        if path == kept:
            raise PermissionError("Access Denied")
        delete(path)

    with monkeypatch.context() as patch:
        patch.setattr(client, "rm_file", refused)
        outcome = lake.run(only=ONLY, layers=["bronze"])
    assert "pos/sales/3.jsonl: cannot be moved to" in outcome.text
    copied = "processed/pos/000003/pos/sales/3.jsonl"
    assert {copied, "landing/pos/sales/3.jsonl"} <= {*found_below(lake.root)}

    outcome = lake.run(only=ONLY, layers=["bronze"])
    assert "pos/sales/3.jsonl: was loaded before, as batch 3; moved to processed" in outcome.text
    assert [name for name in found_below(lake.root) if name.endswith("/3.jsonl")] == [copied]
    assert lake.rows("bronze.pos_sales", "count(*)") == [(12,)]


class Tended(Stored):
    """A lake that keeps nothing that it need not."""

    def settings(self, **changes: Any) -> Settings:
        """The lake's settings."""
        upkeep = super().settings().maintenance
        at_once = {"vacuum_after": timedelta(), "keep_processed": timedelta(), "keep_logs": timedelta()}
        return super().settings(maintenance=replace(upkeep, compact_above=1, **at_once), **changes)


def test_maintenance_of_a_store_compacts_vacuums_and_takes_old_files_away(lake: Stored) -> None:
    tended = Tended(lake.spark, lake.root, lake.conf)  # type: ignore[arg-type]
    products = "bronze.adventureworks_products"
    before = lake.rows(products, "*")
    assert any(name.startswith("processed/") for name in found_below(lake.root))
    outcome = tended.run(layers=[], work=maintain([products, PROCESSED, LOGS]))
    assert outcome.status == 0, outcome.text
    done = lake.rows("ops.maintenance", "concat(layer, '.', table_name)", "action", where="action <> 'retention'")
    assert done == [(products, "compacted"), (products, "vacuumed"), (LOGS, "removed"), (PROCESSED, "removed")]
    there = found_below(lake.root)
    assert not any(name.startswith("processed/") for name in there)
    assert len([name for name in there if name.startswith("bronze/adventureworks_p") and name.endswith("parquet")]) == 1
    assert lake.rows(products, "*") == before


def test_a_person_is_forgotten_in_a_store_too(
    spark: SparkSession, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_ERASURE_KEY", "0123456789abcdef0123456789abcdef")
    lake = stored(spark, store, tmp_path)
    people = [member(1, "Ada Lovelace", day=1), member(2, "Grace Hopper", day=1)]
    lake.land("pos/customers/1.jsonl", "\n".join(people) + "\n", source=".")
    assert lake.run(only=["customer_360"], resolved=True).status == 0
    sought = sought_of(["pos:C1"], ["pos:C1"], ["Ada Lovelace"], ["source_customer_id"])
    found = {path.split("/")[0] for path in search(lake.root, sought).found}
    assert found >= {"processed", "bronze", "silver", "gold"}
    asked = {"only": ["customer_360"], "layers": ["silver", "gold"], "resolved": True}
    for work in (forget("pos:C1", "a letter"), prove):
        outcome = lake.run(work=work, **asked)
        assert outcome.status == 0, outcome.text
    assert search(lake.root, sought).found == {}
    assert lake.rows("gold.dim_customers", "full_name") == [("Grace Hopper",)]
    [report] = [name for name in found_below(lake.root) if name.startswith("erasures/")]
    assert json.loads(files_of(lake.root).cat_file(f"{lake.root}/{report}"))["is_gone"]


def test_neither_a_log_nor_the_configuration_of_spark_shows_a_key(lake: Stored) -> None:
    logs = "".join(file.read_text("utf-8") for file in (lake.conf.parent / "local").rglob("*.jsonl"))
    shown = json.dumps(lake.spark.sparkContext.getConf().getAll())
    assert "run_id" in logs
    assert [secret for secret in KEYS.values() if secret in logs + shown + repr(lake.root)] == []
