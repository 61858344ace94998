"""The ledger of a lake: what the rows of `ops.runs`, `steps`, `files`, `quality` and `maintenance` look like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession

from lib.landing import LandedFile
from lib.maintenance import Effect
from lib.session import local_frame

RUNS, STEPS, FILES, QUALITY = "ops.runs", "ops.steps", "ops.files", "ops.quality"
MAINTENANCE = "ops.maintenance"
SERVED = "served"
"""The layer of the steps by which gold gets into the database that it is served from."""
MODELS = "models"
"""The layer of the steps in which models are learnt."""
MODEL_DRIFT = "ops.model_drift"
FILES_KEY = ("table_name", "path", "modified_at", "size")
KEYS = {
    RUNS: ("run_id",),
    STEPS: ("run_id", "layer", "table_name", "batch_id", "mode"),
    QUALITY: ("run_id", "table_name", "batch_id", "rule"),
    MAINTENANCE: ("run_id", "layer", "table_name", "action"),
}
"""What a row of these is known by; what a run that died left is added as if by the run before."""

_FILES = (
    "table_name STRING, path STRING, modified_at TIMESTAMP, size BIGINT, batch_id BIGINT, status STRING, "
    "reason STRING, content_hash STRING, run_id BIGINT, changed_at TIMESTAMP, rows BIGINT"
)
_STEPS = (
    "layer STRING, table_name STRING, batch_id BIGINT, run_id BIGINT, mode STRING, files BIGINT, rows_in BIGINT, "
    "accepted BIGINT, superseded BIGINT, quarantined BIGINT, warned BIGINT, changed BIGINT, "
    "is_conserved BOOLEAN, started_at TIMESTAMP, seconds DOUBLE, keys BIGINT, why STRING, made_from STRING"
)
_QUALITY = (
    "run_id BIGINT, table_name STRING, batch_id BIGINT, rule STRING, on_fail STRING, evaluated BIGINT, failed BIGINT, "
    "rate DOUBLE, judged_at TIMESTAMP"
)
_RUNS = (
    "run_id BIGINT, environment STRING, as_of DATE, started_at TIMESTAMP, seconds DOUBLE, exit_status INT, "
    "tables_changed BIGINT, tables_unchanged BIGINT, warnings ARRAY<STRING>, failures ARRAY<STRING>"
)
_MODEL_DRIFT = "run_id BIGINT, model STRING, version STRING, measure STRING, psi DOUBLE, recorded_at TIMESTAMP"
_MAINTENANCE = (
    "run_id BIGINT, layer STRING, table_name STRING, action STRING, why STRING, files_removed BIGINT, "
    "files_added BIGINT, bytes_removed BIGINT, bytes_added BIGINT, rows BIGINT, started_at TIMESTAMP, seconds DOUBLE"
)


@dataclass(frozen=True)
class RuleCount:
    """How many rows of a batch a rule was asked of, and how many it failed."""

    rule: str
    on_fail: str
    evaluated: int
    failed: int


@dataclass(frozen=True)
class Step:
    """One table's part of a run, keyed by (run, layer, table, batch, mode); counts are rows of the batch.

    `run_id`: 0 for "the run that writes it down". `is_conserved`: rows in and rows accounted for agree over all batches
    so far; None where a step has no such hop.
    In bronze `rows_in` are the rows appended. In silver `rows_in = accepted + superseded + quarantined`. In gold
    `accepted` are the rows of the table and `changed` those that the run inserted, updated or deleted; `mode` is full,
    and `why`, or incremental, of `keys` keys; `made_from` is JSON: code, versions of inputs, values of settings, and
    the version of the table that came of them. A gold step that is `pinned` made nothing: maintenance gave the tables
    later versions, of the same rows.
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
    is_conserved: bool | None = None
    keys: int | None = None
    why: str | None = None
    made_from: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    rules: tuple[RuleCount, ...] = ()
    run_id: int = 0

    @property
    def is_unchanged(self) -> bool:
        """Did the step find nothing to do?"""
        return self.mode == "unchanged"


@dataclass(frozen=True)
class Action:
    """Something that maintenance did to a table, or to the files of a folder, and why.

    `what`: clustered, purged, compacted, retention (how long Delta keeps unused files), vacuumed; stripped, forgotten
    (rows); removed (files of a folder).
    """

    layer: str
    table: str
    what: str
    why: str
    started_at: datetime
    seconds: float
    effect: Effect


@dataclass(frozen=True)
class FileFate:
    """What became of a landed file, or of a range of a database's table; `rows` are told of a range alone.

    `status`: planned; loaded, empty, rejected; unclaimed (to be claimed again); skipped (its content was loaded
    before); ignored (it changed after it was loaded); control (it announced others); withdrawn (loaded, and taken
    out again).
    """

    table: str
    file: LandedFile
    batch_id: int
    status: str
    reason: str = ""
    content_hash: str = ""
    rows: int | None = None


def fate_of(row: Row) -> FileFate:
    """What a row of `ops.files` tells; it has `modified_us`, the file's time in microseconds, beside its columns."""
    file = LandedFile(row.modified_us, row.path, row.size)
    return FileFate(row.table_name, file, row.batch_id, row.status, content_hash=row.content_hash or "")


def file_rows(spark: SparkSession, fates: Iterable[FileFate], *, run_id: int, at: datetime) -> DataFrame:
    """Rows of `ops.files`; grain FILES_KEY: one version of one landed file, or one range of a table."""
    rows = [
        {
            **{name: getattr(fate.file, name) for name in ("path", "modified_at", "size")},
            **{name: getattr(fate, name) for name in ("batch_id", "status", "rows")},
            "table_name": fate.table,
            "reason": fate.reason or None,
            "content_hash": fate.content_hash or None,
            "run_id": run_id,
            "changed_at": at,
        }
        for fate in fates
    ]
    return local_frame(spark, rows, _FILES)


def step_rows(spark: SparkSession, steps: Iterable[Step], *, run_id: int) -> DataFrame:
    """Rows of `ops.steps`; grain: run, layer, table, batch, mode. A gold table's batch is the number of the run."""
    rows = [{**_plain(step), "table_name": step.table, "run_id": step.run_id or run_id} for step in steps]
    return local_frame(spark, rows, _STEPS)


def quality_rows(spark: SparkSession, steps: Iterable[Step], *, run_id: int) -> DataFrame:
    """Rows of `ops.quality`; grain: run, table, batch, rule. `rate` is failed / evaluated, 0 where nothing was."""
    rows = [
        {
            **vars(rule),
            "rate": rule.failed / rule.evaluated if rule.evaluated else 0.0,
            "run_id": step.run_id or run_id,
            "table_name": step.table,
            "batch_id": step.batch_id,
            "judged_at": step.started_at,
        }
        for step in steps
        for rule in step.rules
    ]
    return local_frame(spark, rows, _QUALITY)


def action_rows(spark: SparkSession, actions: Iterable[Action], *, run_id: int) -> DataFrame:
    """Rows of `ops.maintenance`; grain: run, layer, table, action."""
    rows = [
        {
            **{name: getattr(action, name) for name in ("layer", "why", "started_at", "seconds")},
            **vars(action.effect),
            "table_name": action.table,
            "action": action.what,
            "run_id": run_id,
        }
        for action in actions
    ]
    return local_frame(spark, rows, _MAINTENANCE)


def drift_rows(spark: SparkSession, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows of `ops.model_drift`; grain: run, model, measure. `psi` is the population stability index of the measure."""
    return local_frame(spark, [*rows], _MODEL_DRIFT)


def _plain(step: Step) -> dict[str, Any]:
    return {name: value for name, value in vars(step).items() if name not in ("rules", "reasons")}


def run_row(spark: SparkSession, row: Mapping[str, Any]) -> DataFrame:
    """A row of `ops.runs`; grain: the run."""
    return local_frame(spark, [row], _RUNS)
