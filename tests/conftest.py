"""What all tests share: one Spark session for the whole run, and lakes in temporary folders."""

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from xdist.scheduler.loadfile import LoadFileScheduling

from lib.session import build_session
from tests.builders import CONF, Lake
from tests.s3 import KEYS, Store, s3_server

# PySpark takes a process without a main file, as a worker of pytest-xdist is, for its own doctests, and ends it when
# somebody (MLflow) looks whether there is Spark Connect
sys.modules["__main__"].__dict__.setdefault("__file__", __file__)

HERE = Path(__file__).resolve().parent
REAL_DATA = HERE.parents[1] / "shared" / "data"


class ByLake(LoadFileScheduling):
    """The tests of a file run in one process, as they share fixtures; so do all that share the lake that is served.

    The marks of `--dist=loadgroup` would say so, but pytest-xdist 3.8 loses them under pytest 9.2 (its issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "served" if _uses_served(file) else file


@cache
def _uses_served(file: str) -> bool:
    # the process that deals tests out has collected none, and knows no fixtures
    return "served: Lake" in (HERE.parent / file).read_text("utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByLake:
    """Deal the tests out by the lakes that they share."""
    return ByLake(config, log)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one session of the run."""
    session = build_session("tests")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """An S3 server; its keys are in the environment, where the configuration looks for them."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as server:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """An empty lake under the project's own configuration."""
    return Lake(spark, tmp_path / "lake", CONF)


@pytest.fixture(scope="session")
def adventureworks() -> Path:
    """The folder of the real AdventureWorks files; the test skips where it is absent, and fails so under CI."""
    folder = REAL_DATA / "adventureworks"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is absent")
        pytest.skip(f"{folder} is absent: the real files are not part of the repository")
    return folder
