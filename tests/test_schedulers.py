"""What schedulers are given: the Databricks bundle, the crontab, the units of systemd. Airflow has its own test."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job

HOME = Path(__file__).resolve().parents[1]
SCHEDULERS = HOME / "schedulers"
BUNDLE = yaml.safe_load((HOME / "databricks.yml").read_text("utf-8"))
UNITS = SCHEDULERS / "systemd"
CRONTAB = (SCHEDULERS / "cron" / "customer_360.crontab").read_text("utf-8").splitlines()

LAYERS = ["bronze", "silver", "gold", "served", "fresh"]
TARGETS = ["cluster", "serverless"]
JOBS = ["customer_360", "customer_360_upkeep"]
OF_THE_PLATFORM = {"pyspark", "delta-spark", "streamlit", "altair", "uvicorn", "starlette", "faker", "numpy"}


def job(name: str, target: str) -> dict[str, Any]:
    """A job of the bundle as the target has it: of its tasks those of one task_key are one."""
    base, more = BUNDLE["resources"]["jobs"][name], BUNDLE["targets"][target]["resources"]["jobs"][name]
    tasks = {task["task_key"]: task for task in base["tasks"]}
    joined = [{**tasks.pop(task["task_key"], {}), **task} for task in more["tasks"]]
    return {**base, **more, "tasks": [*joined, *tasks.values()]}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", JOBS)
def test_a_job_of_the_bundle_is_one_by_databricks_own_types(name: str, target: str) -> None:
    made = Job.from_dict(job(name, target))
    assert made.schedule.pause_status.value == "PAUSED"
    assert {type(task).__name__ for task in made.tasks} == {"Task"}
    for task in made.tasks:
        assert bool(task.job_cluster_key) is (target == "cluster")
        assert bool(task.environment_key) is (target == "serverless")
    keys = [each.job_cluster_key for each in made.job_clusters] + [each.environment_key for each in made.environments]
    assert {task.job_cluster_key or task.environment_key for task in made.tasks} == {*keys}


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"task_key": "a", "max_retry": 2}, "Unexpected field 'max_retry' for class Task"),
        ({"task_key": "a", "run_if": "ALL_GOOD"}, "'ALL_GOOD' is not a valid RunIf"),
        ({"task_key": "a", "max_retries": "two"}, "invalid literal for int"),
    ],
)
def test_databricks_types_refuse_a_mistake(mistake: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Job.from_dict({**job("customer_360", "cluster"), "tasks": [mistake]})


def test_the_layers_follow_one_another_in_the_bundle() -> None:
    tasks = job("customer_360", "cluster")["tasks"]
    assert [task["task_key"] for task in tasks] == LAYERS
    assert [[each["task_key"] for each in task.get("depends_on", [])] for task in tasks] == [
        [], ["bronze"], ["silver"], ["gold"], ["served"],
    ]  # fmt: skip


def test_what_the_bundle_refers_to_is_there() -> None:
    text = (HOME / "databricks.yml").read_text("utf-8")
    assert {*re.findall(r"\$\{var\.(\w+)\}", text)} == {*BUNDLE["variables"]}
    assert {*re.findall(r"\$\{([a-z]+\.\w+)\}", text)} - {f"var.{name}" for name in BUNDLE["variables"]} == {
        "workspace.file_path"
    }
    for name in JOBS:
        known = {each["name"] for each in BUNDLE["resources"]["jobs"][name]["parameters"]}
        assert {*re.findall(r"\{\{job\.parameters\.(\w+)\}\}", str(job(name, "cluster")))} == known
    for path in re.findall(r"file_path\}/([\w/.]+)|python_file: ([\w/.]+)", text):
        assert (HOME / "".join(path)).is_file()


@pytest.mark.parametrize("task", [task for name in JOBS for task in job(name, "cluster")["tasks"]])
def test_a_task_of_the_bundle_gets_to_the_configuration_where_a_script_has_no_file(
    task: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"${workspace.file_path}": str(HOME), "{{job.parameters.environment}}": "nowhere"}
    parameters = [
        re.sub(r"\$\{[^}]+\}|\{\{[^}]+\}\}", lambda found: given.get(found[0], ""), each)
        for each in task["spark_python_task"]["parameters"]
    ]
    with pytest.raises(SystemExit) as ended:
        run_task(parameters, monkeypatch)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("environments: there is no 'nowhere' (there are local)\n")


def test_a_task_that_ends_well_does_not_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    run_task([str(HOME), "status", "--help", "--root="], monkeypatch)


def run_task(parameters: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As Databricks does it: the text of the script, without a `__file__`."""
    script = SCHEDULERS / "databricks" / "task.py"
    monkeypatch.setattr(sys, "argv", [str(script), *parameters])
    monkeypatch.setattr(sys, "path", [*sys.path])
    exec(compile(script.read_text("utf-8"), "<task>", "exec"), {"__name__": "__main__"})


def test_databricks_gets_the_packages_that_it_has_not_got() -> None:
    project = (HOME / "pyproject.toml").read_text("utf-8")
    dependencies = project.partition("\ndependencies = [\n")[2].partition("\n]\n")[0]
    wanted = [
        line.replace("[pyspark]", "")
        for line in re.findall(r'^    "([^"]+)"', dependencies, re.MULTILINE)
        if re.split(r"[\[<>=]", line)[0].lower() not in OF_THE_PLATFORM
    ]
    lines = (SCHEDULERS / "databricks" / "requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == wanted


RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def cron_lines() -> list[tuple[list[str], str]]:
    found = [line for line in CRONTAB if line and not line.startswith("#") and not re.match(r"\w+=", line)]
    return [((parts := line.split(None, 5))[:5], parts[5]) for line in found]


def test_the_times_of_the_crontab_are_times() -> None:
    assert len(cron_lines()) == 3
    for fields, _ in cron_lines():
        for field, (least, most) in zip(fields, RANGES, strict=True):
            assert field == "*" or least <= int(field) <= most


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (command, said)
        for (_, command), said in zip(
            cron_lines(), ["jobs/run_pipeline.py", "jobs/status.py --alert", "jobs/maintain_tables.py"], strict=True
        )
    ],
)
def test_a_command_of_the_crontab_starts_the_job(command: str, said: str, tmp_path: Path) -> None:
    (tmp_path / ".customer-360.env").write_text("OF_CRON=1\n")
    log = tmp_path / "log"
    # what make would do
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PROJECT": str(HOME), "LOG": str(log), "MAKEFLAGS": "n"}
    assert "%" not in command  # a line's end, to cron
    done = subprocess.run(["/bin/sh", "-c", command], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f".venv/bin/python {said}" in log.read_text()


def unit_files() -> list[Path]:
    return sorted(file for file in UNITS.rglob("*") if file.is_file())


def test_the_units_of_systemd_name_what_is_there() -> None:
    text = "".join(file.read_text("utf-8") for file in unit_files())
    named = {*re.findall(r"/opt/customer-360/([\w./-]+)", text)}
    assert named == {".venv/bin/python", "conf/spark/local.conf"}
    assert (HOME / "conf/spark/local.conf").is_file()
    timers = [file.stem for file in unit_files() if file.suffix == ".timer"]
    assert sorted(timers) == [f"customer-360@{name}" for name in ("maintain_tables", "run_pipeline", "status")]
    for timer in timers:
        assert (HOME / "jobs" / f"{timer.partition('@')[2]}.py").is_file()
        assert f"{timer}.timer" in (UNITS / "customer-360@.service").read_text("utf-8")
    for line in text.splitlines():
        assert re.fullmatch(r"|#.*|\[(Unit|Service|Timer|Install)\]|[A-Z]\w+=.+", line), line


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    service = folder / "customer-360@.service"
    service.write_text(service.read_text("utf-8").replace("/opt/customer-360", str(HOME)))
    names = [file.stem for file in folder.glob("*.timer")]
    units = [f"{name}.{kind}" for name in names for kind in ("timer", "service")]
    verify = [analyze, "verify", "--man=no", "--recursive-errors=no"]

    def verified() -> tuple[int, str]:
        done = subprocess.run(
            [*verify, *units], cwd=folder, env={"SYSTEMD_UNIT_PATH": f"{folder}:"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    assert verified() == (0, "")
    service.write_text(service.read_text("utf-8").replace("RestartSec=10min", "RestartSec=often"))
    assert "Failed to parse sec value, ignoring: often" in verified()[1]
