"""A full disk, a lake that cannot be written, a file that is still being written: told, and mended by the next run."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.builders import CONF, Lake
from tests.integration.faults import on_effects
from tests.integration.processes import HOME, environment, run
from tests.integration.test_faults import sale
from tests.integration.test_jobs import BY_PYTHON


@contextmanager
def small_disk(folder: Path, *, kilobytes: int) -> Iterator[Path]:
    """A file system of its own, as small as that; the test skips where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_next_run_repairs(spark: SparkSession, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=900) as disk:
        lake = Lake(spark, disk / "lake", CONF)
        lines = "\n".join(sale(f"T{n}", 1, at="2017-01-05", customer=f"C{n * 7919}") for n in range(1500))
        lake.land("pos/sales/a.jsonl", lines, source=".")
        filler = disk / "filler"
        free = shutil.disk_usage(disk).free
        filler.write_bytes(b"x" * (free - 60_000))
        done = run(
            sys.executable, HOME / "jobs/run_pipeline.py", "--root", lake.root, "--only", "fact_sales",
            cwd=tmp_path, env=environment(**BY_PYTHON), timeout=300,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert "No space left on device" in said
        assert "Traceback" not in done.stderr
        filler.unlink()
        remount(disk, "size=200m")
        assert lake.run(only=["fact_sales"]).status == 0
        assert lake.read("bronze.pos_sales").count() == lake.read("gold.fact_sales").count() == 1500


def test_a_lake_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kilobytes=900) as disk:
        (disk / "lake/landing/pos/sales").mkdir(parents=True)
        (disk / "lake/landing/pos/sales/a.jsonl").write_text(sale("T1", 1, at="2017-01-05"))
        remount(disk, "ro")
        done = run(
            sys.executable, HOME / "jobs/run_pipeline.py", "--root", disk / "lake",
            cwd=tmp_path, env=environment(**BY_PYTHON, JAVA_HOME="/nowhere"), timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr == f"{disk / 'lake'}: the lake's folder cannot be written: Read-only file system\n"


def test_a_packed_file_that_is_still_being_written_waits_until_it_is_whole(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path / "lake", CONF)
    whole = gzip.compress("\n".join(sale(f"T{n}", 1, at="2017-01-05") for n in range(50)).encode())
    file = lake.land("pos/sales/a.jsonl.gz", whole[: len(whole) // 2], source=".")
    lake.land("pos/sales/b.jsonl", json.dumps({"transaction_id": "T99"}), source=".")
    outcome = lake.run(layers=["bronze"])
    assert outcome.status == 0
    assert "a.jsonl.gz: not loaded: its gzip stream ends early, as if it were still being written" in outcome.text
    assert file.exists()
    file.write_bytes(whole)
    assert lake.run(layers=["bronze"]).status == 0
    assert lake.read("bronze.pos_sales").count() == 51


class Died(BaseException):
    """What ends a run where it stands."""


def test_a_planned_file_that_is_gone_is_told_and_the_others_of_its_batch_are_loaded(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(spark, tmp_path / "lake", CONF)
    gone = lake.land("pos/sales/a.jsonl", sale("T1", 1, at="2017-01-05"), source=".")
    lake.land("pos/sales/b.jsonl", sale("T2", 1, at="2017-01-05"), source=".")

    def die(label: str, _: str) -> None:
        if label == "claim":
            raise Died

    with pytest.MonkeyPatch.context() as patch:
        on_effects(patch, before=lambda _: None, after=die)
        with pytest.raises(Died):
            lake.run(layers=["bronze"])
    assert lake.rows("ops.files", "path", "status") == [
        ("pos/sales/a.jsonl", "planned"),
        ("pos/sales/b.jsonl", "planned"),
    ]
    gone.unlink()
    outcome = lake.run(layers=["bronze", "silver"])
    assert outcome.status == 0, outcome.text
    assert "pos/sales/a.jsonl: not loaded: the file is gone" in outcome.text
    assert lake.rows("silver.pos_sales", "transaction_id") == [("T2",)]
    lake.land("pos/sales/a.jsonl", sale("T1", 1, at="2017-01-05"), source=".")
    assert lake.run(layers=["bronze", "silver"]).status == 0
    assert lake.rows("silver.pos_sales", "transaction_id") == [("T1",), ("T2",)]


@pytest.mark.slow
def test_of_two_runs_started_at_once_one_works_and_the_other_says_so(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path / "lake", CONF)
    lake.land("pos/sales/a.jsonl", sale("T1", 1, at="2017-01-05"), source=".")

    def start(name: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / name).mkdir()
        return run(
            sys.executable, HOME / "jobs/ingest_bronze.py", "--root", lake.root,
            cwd=tmp_path / name, env=environment(**BY_PYTHON), timeout=300,
        )  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        done = sorted(pool.map(start, ["one", "other"]), key=lambda each: each.returncode)
    assert [each.returncode for each in done] == [0, 3], [each.stderr for each in done]
    assert "another run holds" in done[1].stderr
    assert lake.rows("bronze.pos_sales", "transaction_id") == [("T1",)]
