"""The DAG in a real Airflow, in an environment of its own: a night, a mistake in the configuration, exit statuses."""

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from tests.builders import CONF
from tests.integration.processes import HOME, environment, run
from tests.integration.test_faults import sale
from tests.integration.test_jobs import BY_PYTHON

FOLDER = HOME / "schedulers" / "airflow"
REQUIREMENTS = FOLDER / "requirements.txt"
ANSWERS = Path(__file__).with_name("airflow_answers.py")


@dataclass(frozen=True)
class Ended:
    """How a program of Airflow's environment ended: the lake, the folder it ran in, its exit status and words."""

    lake: Path
    folder: Path
    status: int
    said: str


Airflow = Callable[..., Ended]

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def settings(home: Path) -> dict[str, str]:
    """Airflow in a folder, alone with its database, telling nobody."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCARF_ANALYTICS": "false",
    }


@pytest.fixture(scope="module")
def programs() -> Path:
    """Where Airflow's programs are: made once; the test skips where that cannot be done, and fails so under CI."""
    recipe = hashlib.sha256(f"{sys.version}{REQUIREMENTS.read_text('utf-8')}".encode()).hexdigest()[:12]
    place = HOME / "build" / f"airflow-{recipe}"
    place.parent.mkdir(exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "airflow.db").is_file():
            _make(place)
    return place / "bin"


def _make(place: Path) -> None:
    making = place.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    uv, python = [sys.executable, "-m", "uv"], place / "bin" / "python"
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
        [*uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "-r", str(REQUIREMENTS)],
        [str(place / "bin" / "airflow"), "db", "migrate"],
    ):
        env = {**environment(), **settings(making)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            said = f"no environment for Airflow: {' '.join(command[-3:])}: {done.stderr.strip()[-800:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    # last: with it the environment is whole
    (making / "airflow.db").rename(place / "airflow.db")
    shutil.rmtree(making)


@pytest.fixture(scope="module")
def airflow(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Runs a program of Airflow's environment in a folder, for a lake of two sales that came two hours ago."""
    lake = tmp_path_factory.mktemp("of-airflow") / "lake"
    file = lake / "landing" / "pos" / "sales" / "sales_1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"{sale(f'T{n}', n, at='2017-01-05')}\n" for n in (1, 2)))
    os.utime(file, (time.time() - 7200,) * 2)

    def start(folder: Path, program: str, *arguments: str | Path, conf: Path = CONF) -> Ended:
        shutil.copyfile(programs.parent / "airflow.db", folder / "airflow.db")
        of_lake = {"HOME": HOME, "ROOT": lake, "CONF": conf}
        variables = {f"AIRFLOW_VAR_LAKEHOUSE_{name}": str(value) for name, value in of_lake.items()}
        spark = {"PYSPARK_SUBMIT_ARGS": BY_PYTHON["PYSPARK_SUBMIT_ARGS"]}
        env = environment(**settings(folder), **variables, **spark)
        done = run(programs / program, *arguments, cwd=folder, env=env, timeout=1500)
        return Ended(lake, folder, done.returncode, done.stdout + done.stderr)

    return start


@pytest.fixture(scope="module")
def night(airflow: Airflow, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A whole run of the DAG."""
    return airflow(tmp_path_factory.mktemp("night"), "airflow", "dags", "test", "customer_360")


def states(folder: Path) -> dict[str, tuple[str, int]]:
    """How the one run and each of its tasks ended, and how often the task was tried."""
    with sqlite3.connect(folder / "airflow.db") as database:
        rows = database.execute("SELECT task_id, state, try_number FROM task_instance").fetchall()
        [(state,)] = database.execute("SELECT state FROM dag_run").fetchall()
    return {"the run": (state, 1), **{task: (ended, tries) for task, ended, tries in rows}}


def changed_conf(folder: Path, file: str, old: str, new: str) -> Path:
    """The project's configuration with a change in one of its files."""
    shutil.copytree(CONF, folder)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return folder


def test_a_night_in_airflow_takes_a_lake_from_landing_to_what_is_served(night: Ended) -> None:
    assert night.status == 0, night.said[-8000:]
    assert states(night.folder) == dict.fromkeys(
        ["the run", "bronze", "silver", "gold", "served", "fresh", "good"], ("success", 1)
    )
    runs = DeltaTable(night.lake / "ops" / "runs").to_pandas().sort_values("run_id")
    assert [(*each,) for each in zip(runs["run_id"], runs["exit_status"], strict=True)] == [
        (n, 0) for n in (1, 2, 3, 4)
    ]
    assert DeltaTable(night.lake / "gold" / "customer_360").to_pandas()["total_orders"].tolist() == [2]
    steps = DeltaTable(night.lake / "ops" / "steps").to_pandas()
    assert {*steps["layer"]} == {"bronze", "silver", "identity", "gold", "served"}


def test_a_mistake_in_the_configuration_fails_a_night_in_airflow_at_the_first_try(
    airflow: Airflow, tmp_path: Path
) -> None:
    conf = changed_conf(tmp_path / "conf", "lakehouse.yml", "batch_mib:", "batch_mob:")
    ended = airflow(tmp_path, "airflow", "dags", "test", "customer_360", conf=conf)
    assert ended.status != 0
    assert "batch_mob: unknown key" in ended.said
    assert "ingest_bronze: the configuration or an argument is wrong; nothing was done" in ended.said
    assert states(tmp_path) == {
        "the run": ("failed", 1),
        **dict.fromkeys(["bronze", "silver"], ("failed", 1)),
        **dict.fromkeys(["gold", "served", "fresh", "good"], ("upstream_failed", 0)),
    }


ANSWERED = {
    ("LakehouseJob", "0"): None,
    ("LakehouseJob", "1"): "AirflowFailException",
    ("LakehouseJob", "2"): "AirflowFailException",
    ("LakehouseJob", "3"): "AirflowException",
    ("LakehouseJob", "killed"): "AirflowException",
    ("LakehouseIsFresh", "0"): True,
    ("LakehouseIsFresh", "1"): False,
    ("LakehouseIsFresh", "2"): "AirflowFailException",
    ("LakehouseIsFresh", "killed"): "AirflowException",
}
"""What an operator makes of how a job ends; Airflow tries all but AirflowFailException again."""


def test_airflow_understands_how_a_job_ends_and_that_a_lake_is_stale(
    airflow: Airflow, night: Ended, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    for folder in (project / ".venv" / "bin", project / "jobs"):
        folder.mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (project / "jobs" / "ends.py").write_text(
        "import os, sys\n"
        "how = sys.argv[1]\n"
        "os.kill(os.getpid(), 9) if how == 'killed' else sys.exit(int(how))\n"
    )  # fmt: skip

    def case(operator: str, job: str, flag: str, home: Path, **options: str) -> dict[str, Any]:
        arguments = {"job": job, "flags": [flag]}
        return {"operator": operator, "arguments": arguments, "fields": {"home": str(home), "options": options}}

    strict = changed_conf(tmp_path / "conf", "contracts/pos/sales.yml", "{warn_after: 24h, error_after: 48h}",
                          "{error_after: 1h}")  # fmt: skip
    of_lake = {"--root": str(night.lake), "--conf": str(strict)}
    cases = [
        *[case(operator, "ends", how, project) for operator, how in ANSWERED],
        case("LakehouseJob", "ends", "0", tmp_path / "nowhere"),
        case("LakehouseIsFresh", "status", "--fresh", HOME, **of_lake),
    ]
    ended = airflow(tmp_path, "python", ANSWERS, FOLDER / "customer_360.py", json.dumps(cases))
    assert ended.status == 0, ended.said
    *answers, of_nowhere, of_stale = json.loads((tmp_path / "stdout.log").read_text().splitlines()[-1])
    assert dict(zip(ANSWERED, answers, strict=True)) == ANSWERED
    assert of_nowhere == "AirflowFailException"
    assert of_stale is False, ended.said
    assert "X pos_sales: older than 1h" in ended.said
