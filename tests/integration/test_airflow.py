"""The DAG in a real Airflow, in an environment of its own: a night, a mistake in the configuration, exit statuses."""

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

from tests.builders import CONF
from tests.integration.processes import HOME, environment, run
from tests.integration.test_faults import sale
from tests.integration.test_jobs import BY_PYTHON

FOLDER = HOME / "schedulers" / "airflow"
REQUIREMENTS = FOLDER / "requirements.txt"
ANSWERS = Path(__file__).with_name("airflow_answers.py")

Airflow = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.integration


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
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake to be, with two sales of a till in landing."""
    root = tmp_path_factory.mktemp("of-airflow") / "lake"
    file = root / "landing" / "pos" / "sales" / "sales_1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(f"{sale(f'T{n}', n, at='2017-01-05')}\n" for n in (1, 2)))
    return root


@pytest.fixture
def airflow(programs: Path, lake: Path, tmp_path: Path) -> Airflow:
    """Runs a program of Airflow's environment, for this project and lake."""
    home = tmp_path / "airflow"
    home.mkdir()
    shutil.copyfile(programs.parent / "airflow.db", home / "airflow.db")

    def start(program: str, *arguments: str | Path, conf: Path = CONF) -> "subprocess.CompletedProcess[str]":
        of_lake = {"HOME": HOME, "ROOT": lake, "CONF": conf}
        variables = {f"AIRFLOW_VAR_LAKEHOUSE_{name}": str(value) for name, value in of_lake.items()}
        spark = {"PYSPARK_SUBMIT_ARGS": BY_PYTHON["PYSPARK_SUBMIT_ARGS"]}
        env = environment(**settings(home), **variables, **spark)
        return run(programs / program, *arguments, cwd=tmp_path, env=env, timeout=600)

    return start


def states(folder: Path) -> dict[str, tuple[str, int]]:
    """How each task of the one run ended, and how often it was tried."""
    with sqlite3.connect(folder / "airflow" / "airflow.db") as database:
        rows = database.execute("SELECT task_id, state, try_number FROM task_instance").fetchall()
        [(state,)] = database.execute("SELECT state FROM dag_run").fetchall()
    return {"the run": (state, 1), **{task: (ended, tries) for task, ended, tries in rows}}


def test_a_night_in_airflow_takes_a_lake_from_landing_to_what_is_served(
    airflow: Airflow, lake: Path, tmp_path: Path
) -> None:
    done = airflow("airflow", "dags", "test", "customer_360")
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    ended = states(tmp_path)
    assert ended == dict.fromkeys(["the run", "bronze", "silver", "gold", "served", "fresh", "good"], ("success", 1))
    runs = DeltaTable(lake / "ops" / "runs").to_pandas().sort_values("run_id")
    assert [[*layers] for layers in runs["layers"]] == [["bronze"], ["silver"], ["gold"], ["served"]]
    assert DeltaTable(lake / "gold" / "customer_360").to_pandas()["customer_id"].notna().sum() == 1
    assert (lake / "serving").is_dir()


def test_a_mistake_in_the_configuration_fails_a_night_in_airflow_at_the_first_try(
    airflow: Airflow, tmp_path: Path
) -> None:
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    (conf / "lakehouse.yml").write_text((conf / "lakehouse.yml").read_text("utf-8").replace("batch_mib:", "batch_mob:"))
    done = airflow("airflow", "dags", "test", "customer_360", conf=conf)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "batch_mob: unknown key" in said
    assert "ingest_bronze: the configuration or an argument is wrong; nothing was done" in said
    assert states(tmp_path) == {
        "the run": ("failed", 1),
        **dict.fromkeys(["bronze", "silver"], ("failed", 1)),
        **dict.fromkeys(["gold", "served", "fresh", "good"], ("upstream_failed", 0)),
    }


def test_airflow_understands_how_a_job_ended(airflow: Airflow, lake: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (project / "jobs").mkdir()
    (project / "jobs" / "ends.py").write_text("import os, sys\nos.kill(os.getpid(), 9) if sys.argv[1] == '9' else 0\n")
    with (project / "jobs" / "ends.py").open("a") as program:
        program.write("sys.exit(int(sys.argv[1]))\n")
    strict = tmp_path / "conf"
    shutil.copytree(CONF, strict)
    sales = strict / "contracts" / "pos" / "sales.yml"
    sales.write_text(sales.read_text("utf-8").replace("error_after: 48h", "error_after: 1s").replace("24h", "1s"))

    def case(operator: str, status: int, home: Path = project) -> dict[str, object]:
        fields = {"home": str(home), "options": {}}
        return {"operator": operator, "arguments": {"job": "ends", "flags": [str(status)]}, "fields": fields}

    def fresh(conf: Path) -> dict[str, object]:
        fields = {"home": str(HOME), "options": {"--root": str(lake), "--conf": str(conf)}}
        arguments = {"job": "status", "flags": ["--fresh"]}
        return {"operator": "LakehouseIsFresh", "arguments": arguments, "fields": fields}

    asked = {
        "good": (case("LakehouseJob", 0), None),
        "something was rejected": (case("LakehouseJob", 1), "AirflowFailException"),
        "configuration": (case("LakehouseJob", 2), "AirflowFailException"),
        "held": (case("LakehouseJob", 3), "AirflowException"),
        "killed": (case("LakehouseJob", 9), "AirflowException"),
        "no project": (case("LakehouseJob", 0, tmp_path / "nowhere"), "AirflowFailException"),
        "fresh": (case("LakehouseIsFresh", 0), True),
        "stale": (case("LakehouseIsFresh", 1), False),
        "not asked": (case("LakehouseIsFresh", 2), "AirflowFailException"),
        "died": (case("LakehouseIsFresh", 9), "AirflowException"),
        "an old lake": (fresh(strict), False),
    }
    done = airflow("python", ANSWERS, FOLDER / "customer_360.py", json.dumps([each for each, _ in asked.values()]))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    answers = json.loads(done.stdout.splitlines()[-1])
    assert dict(zip(asked, answers, strict=True)) == {name: expected for name, (_, expected) in asked.items()}
    assert "X pos_sales: older than 1s" in said
