"""The nightly job on a real cluster: a standalone master and two workers, each a process of its own."""

import json
import re
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.generate.adventureworks import generate
from tests.builders import CONF, Lake
from tests.integration.contents import table_rows
from tests.integration.processes import (
    FAST,
    HOME,
    SPARK_CLASS,
    SPARK_HOME,
    SPARK_SUBMIT,
    environment,
    shown,
    started,
    wait_until,
)

ENVIRONMENT = {"SPARK_HOME": str(SPARK_HOME), "PYSPARK_PYTHON": sys.executable}
ONLY = "customer_360"
"""With all that it is made from: half of gold."""
DAEMON = {
    "SPARK_DAEMON_MEMORY": "256m",
    "SPARK_DAEMON_JAVA_OPTS": f"{FAST} -Dspark.master.rest.enabled=false",
}


@dataclass(frozen=True)
class Cluster:
    """A cluster under way: where jobs go, where its state is told, and the folder of its logs."""

    master: str
    page: str
    folder: Path

    def state(self) -> dict[str, Any]:
        """What the master says of its workers and applications."""
        with urllib.request.urlopen(f"{self.page}/json/", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def executor_logs(self, worker: int) -> list[Path]:
        """The logs of the executors that ran on a worker."""
        return sorted(self.folder.glob(f"worker{worker}/app-*/*/stderr"))

    def logs(self) -> str:
        """The ends of all logs."""
        executors = [log for worker in (1, 2) for log in self.executor_logs(worker)]
        return shown(*sorted(self.folder.glob("*.log")), *executors)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A master and two workers of one core each, on this machine alone and on ports that are free."""
    folder, env = tmp_path / "cluster", environment(**ENVIRONMENT, **DAEMON)
    folder.mkdir()
    with ExitStack() as processes:

        def start(name: str, *command: str | Path) -> Path:
            log = folder / f"{name}.log"
            processes.enter_context(started(SPARK_CLASS, *command, log=log, cwd=folder, env=env))
            return log

        log = start(
            "master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"
        )
        addresses = re.compile(r"Starting Spark master at (spark://\S+)[\s\S]+MasterWebUI.* (http://\S+)")
        found = wait_until(lambda: addresses.search(log.read_text()), within=60, logs=lambda: shown(log))
        it = Cluster(found[1], found[2], folder)
        for worker in ("worker1", "worker2"):
            start(
                worker, "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0",
                "--cores", "1", "--memory", "1g", "--work-dir", folder / worker, it.master,
            )  # fmt: skip
        wait_until(lambda: it.state()["aliveworkers"] == 2, within=60, logs=it.logs)
        yield it


@pytest.mark.slow
@pytest.mark.integration
def test_a_cluster_makes_the_same_gold_as_one_process(cluster: Cluster, spark: SparkSession, tmp_path: Path) -> None:
    there, here = (Lake(spark, tmp_path / name / "lake", CONF) for name in ("cluster lake", "local"))
    for lake in (there, here):
        days = {"start": date(2016, 1, 1), "end": date(2017, 6, 30)}
        generate(lake.landing / "adventureworks", customers=300, seed=11, **days)
    submit(cluster, there.root, tmp_path / "elsewhere")
    outcome = here.run(only=[ONLY], resolved=True)
    assert outcome.status == 0, outcome.text
    expected = table_rows(here, ["gold"])
    assert {"gold.fact_sales", "gold.customer_metrics"} <= {*expected}
    assert len(expected["gold.customer_360"]) == 300
    assert table_rows(there, ["gold"]) == expected


def submit(cluster: Cluster, root: Path, cwd: Path) -> None:
    """Run the nightly job on the cluster as README says: the job and a zip of lib, nothing else of this project."""
    cwd.mkdir()
    job = cwd / "run_pipeline.py"
    job.write_bytes((HOME / "jobs" / "run_pipeline.py").read_bytes())
    with zipfile.ZipFile(cwd / "lib.zip", "w") as archive:
        for file in sorted(each for each in HOME.glob("lib/**/*") if each.suffix in {".py", ".sql"}):
            archive.write(file, file.relative_to(HOME))
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.extraJavaOptions": FAST,
        "spark.executor.extraJavaOptions": FAST,
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
    }
    command = [SPARK_SUBMIT, "--master", cluster.master, "--properties-file", CONF / "spark" / "cluster.conf"]
    for key, value in settings.items():
        command += ["--conf", f"{key}={value}"]
    command += ["--py-files", "lib.zip", "run_pipeline.py", "--root", root, "--conf", CONF, "--only", ONLY]
    log = cluster.folder / "job.log"
    with started(*command, log=log, cwd=cwd, env=environment(**ENVIRONMENT)) as process:
        wait_until(lambda: process.poll() is not None, within=300, logs=cluster.logs)
    assert process.returncode == 0, cluster.logs()
    [application] = cluster.state()["completedapps"]
    assert (application["name"], application["state"]) == ("customer-360", "FINISHED"), cluster.logs()
    for worker in (1, 2):
        # executors did the work, one on each worker
        text = "".join(executor.read_text() for executor in cluster.executor_logs(worker))
        assert "Finished task" in text, cluster.logs()
