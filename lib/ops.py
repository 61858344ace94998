"""The ledger of a lake: what its rows look like and how they are written. `ops.runs`, `ops.steps`, `ops.files`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lib.landing import LandedFile
from lib.session import local_frame

RUNS, STEPS, FILES = "ops.runs", "ops.steps", "ops.files"
FILES_KEY = ("table_name", "path", "modified_at", "size")
STEPS_KEY = ("layer", "table_name", "batch_id")

_FILES = (
    "table_name STRING, path STRING, modified_at TIMESTAMP, size BIGINT, batch_id BIGINT, status STRING, "
    "reason STRING, run_id BIGINT, changed_at TIMESTAMP"
)
_STEPS = (
    "layer STRING, table_name STRING, batch_id BIGINT, run_id BIGINT, mode STRING, files BIGINT, rows_in BIGINT, "
    "accepted BIGINT, superseded BIGINT, quarantined BIGINT, warned BIGINT, changed BIGINT, "
    "started_at TIMESTAMP, seconds DOUBLE"
)
_RUNS = (
    "run_id BIGINT, environment STRING, as_of DATE, started_at TIMESTAMP, seconds DOUBLE, exit_status INT, "
    "tables_changed BIGINT, tables_unchanged BIGINT, warnings ARRAY<STRING>, failures ARRAY<STRING>"
)


@dataclass(frozen=True)
class Step:
    """One table's part of a run, keyed by (layer, table, batch); counts are rows of the batch.

    In bronze `rows_in` are the rows appended. In silver `rows_in = accepted + superseded + quarantined`. In gold
    `accepted` are the rows of the table and `changed` those that the run inserted, updated or deleted.
    """

    layer: str
    table: str
    batch_id: int
    mode: str
    started_at: datetime
    seconds: float = 0.0
    files: int = 0
    rows_in: int = 0
    accepted: int = 0
    superseded: int = 0
    quarantined: int = 0
    warned: int = 0
    changed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def is_unchanged(self) -> bool:
        """Did the step find nothing to do?"""
        return self.mode == "unchanged"


@dataclass(frozen=True)
class FileFate:
    """What became of a landed file: planned, loaded, empty, rejected or unclaimed (to be claimed again)."""

    table: str
    file: LandedFile
    batch_id: int
    status: str
    reason: str = ""


def file_rows(spark: SparkSession, fates: Iterable[FileFate], *, run_id: int, at: datetime) -> DataFrame:
    """Rows of `ops.files`; grain FILES_KEY: one version of one landed file."""
    rows = [
        {
            **{name: getattr(fate.file, name) for name in ("path", "modified_at", "size")},
            **{name: getattr(fate, name) for name in ("batch_id", "status")},
            "table_name": fate.table,
            "reason": fate.reason or None,
            "run_id": run_id,
            "changed_at": at,
        }
        for fate in fates
    ]
    return local_frame(spark, rows, _FILES)


def step_rows(spark: SparkSession, steps: Iterable[Step], *, run_id: int) -> DataFrame:
    """Rows of `ops.steps`; grain STEPS_KEY. A gold table's batch is the number of the run."""
    rows = [{**vars(step), "table_name": step.table, "run_id": run_id} for step in steps]
    return local_frame(spark, rows, _STEPS)


def run_row(spark: SparkSession, row: Mapping[str, Any]) -> DataFrame:
    """A row of `ops.runs`; grain: the run."""
    return local_frame(spark, [row], _RUNS)
