"""The nightly run of a lake and its weekly upkeep in Airflow: a task per layer, by the project's own Python.

Link or copy this file into Airflow's DAGs folder; it imports nothing of the project. Airflow Variables (or the workers'
environment, as AIRFLOW_VAR_LAKEHOUSE_HOME) say where things are:

    lakehouse_home          the project's folder, in which `make setup` was run
    lakehouse_root, lakehouse_conf, lakehouse_environment
                            --root, --conf and --env of the jobs, which do without as they do elsewhere

Secrets stay references in the project's configuration. Jobs get the worker's environment, so that these are found, less
what is Airflow's; PYSPARK_SUBMIT_ARGS in it chooses another Spark than that of conf/spark/local.conf.
"""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, Param, TriggerRule
from airflow.sdk.exceptions import AirflowException, AirflowFailException

FINAL = {
    1: "something was rejected or failed, the rest was done; what heals by itself was tried again within the run",
    2: "the configuration or an argument is wrong; nothing was done",
}
"""Exit statuses that another try gives again."""

PASSING = {3: "another run holds the lake; nothing was done"}

NOT_FOR_JOBS = ("AIRFLOW", "PYTHONPATH", "PYTHONHOME", "SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_DRIVER_PYTHON")

RETRIED = {
    "retries": 4,
    "retry_delay": timedelta(minutes=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(hours=1),
}


class LakehouseOperator(BaseOperator):
    """What runs a program of jobs/ as a process of its own; a killed task takes the process with it."""

    template_fields = ("home", "options")

    def __init__(self, *, job: str, flags: tuple[str, ...] = (), as_of: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.flags = flags
        self.home = "{{ var.value.lakehouse_home }}"
        self.options = {
            "--root": "{{ var.value.get('lakehouse_root', '') }}",
            "--conf": "{{ var.value.get('lakehouse_conf', '') }}",
            "--env": "{{ var.value.get('lakehouse_environment', '') }}",
            "--as-of": as_of,
        }

    @cached_property
    def process(self) -> SubprocessHook:
        """The process that the job is."""
        return SubprocessHook()

    def exit_status(self) -> int:
        """Run the job to its end, its output in the task's log.

        Raises:
            AirflowFailException: if another try would not help.
        """
        python = Path(self.home, ".venv", "bin", "python")
        if not python.is_file():
            raise AirflowFailException(f"{python}: there is no such program; is lakehouse_home right, was it set up?")
        given = [word for name, value in self.options.items() if value for word in (name, value)]
        command = [str(python), f"{self.home}/jobs/{self.job}.py", *given, *self.flags]
        status = self.process.run_command(command, env=environment(self.home, python), cwd=self.home).exit_code
        if status == 2:
            raise AirflowFailException(f"{self.job}: {FINAL[2]}")
        return int(status)

    def on_kill(self) -> None:
        """End the process with the task."""
        self.process.send_sigterm()


class LakehouseJob(LakehouseOperator):
    """A job that is done once it ends with status 0."""

    def execute(self, context: Mapping[str, Any]) -> None:  # noqa: ARG002 Airflow's signature
        """Run the job.

        Raises:
            AirflowFailException: if another try would give the same.
            AirflowException: if another run holds the lake, or the process died: the task is tried again.
        """
        status = self.exit_status()
        if status in FINAL:
            raise AirflowFailException(f"{self.job}: {FINAL[status]}")
        if status:
            raise AirflowException(f"{self.job}: {PASSING.get(status, f'ended by itself with {status}')}")


class LakehouseIsFresh(LakehouseOperator, BaseSensorOperator):
    """Waits until no entity's newest file is older than its contract says."""

    def poke(self, context: Mapping[str, Any]) -> bool:  # noqa: ARG002 Airflow's signature
        """Ask once."""
        status = self.exit_status()
        if status not in {0, 1}:
            raise AirflowException(f"{self.job}: ended by itself with {status}")
        return status == 0


def environment(home: str, python: Path) -> dict[str, str]:
    """What a job finds around it: as `make` would start it, whatever Airflow itself runs in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_FOR_JOBS)}
    spark = f'--properties-file "{home}/conf/spark/local.conf" pyspark-shell'
    return {"PYSPARK_SUBMIT_ARGS": spark, **kept, "PYSPARK_PYTHON": str(python)}


SHARED: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,  # a run takes whatever is new: there is nothing to catch up with
    "max_active_runs": 1,  # a lake takes one at a time
    "default_args": RETRIED,
    "tags": ["lakehouse"],
}

with DAG(
    "customer_360",
    description="Landing to gold and to the database that serves it",
    schedule="0 2 * * *",
    params={
        "as_of": Param(None, type=["null", "string"], format="date", description="customer_360 as of this day"),
    },
    **SHARED,
):
    bronze = LakehouseJob(task_id="bronze", job="ingest_bronze")
    # a file that was rejected fails bronze, and does not stop the night
    silver = LakehouseJob(task_id="silver", job="refine_silver", trigger_rule=TriggerRule.ALL_DONE)
    gold = LakehouseJob(task_id="gold", job="build_gold", as_of="{{ params.as_of or '' }}")
    served = LakehouseJob(task_id="served", job="publish_gold")
    # a file that comes late is loaded by another run, of which this one waits to hear
    fresh = LakehouseIsFresh(
        task_id="fresh", job="status", flags=("--fresh",), mode="reschedule",
        poke_interval=timedelta(minutes=15), timeout=timedelta(hours=2),
    )  # fmt: skip
    # the run is good if all of it is: its state is that of its last task
    good = EmptyOperator(task_id="good")
    bronze >> silver >> gold >> served >> fresh
    [bronze, fresh] >> good

with DAG(
    "customer_360_upkeep",
    description="Fewer and better files, unused ones deleted",
    schedule="0 6 * * 0",
    **SHARED,
):
    LakehouseJob(task_id="maintain", job="maintain_tables")
