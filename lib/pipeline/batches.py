"""A batch: what of an entity goes into bronze with one append, whether it is files or a range of a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import bronze
from lib.alerts import rules
from lib.contract import Contract
from lib.database import Survey
from lib.formats import MARK
from lib.landing import LandedFile
from lib.ops import Step
from lib.pipeline.context import Run, seconds_since
from lib.pipeline.suppress import without_forgotten


@dataclass(frozen=True)
class Batch:
    """Some files of one entity that go into bronze with one append; `is_left_over`: a dead run planned it.

    `former` has the content hash of an earlier loaded version of a kept file, by path. A range of a table is one file,
    of no bytes, and `survey` what the database says of it.
    """

    number: int
    files: list[LandedFile]
    is_left_over: bool = False
    former: dict[str, str] = field(default_factory=dict)
    survey: Survey | None = None


def appended(run: Run, contract: Contract, batch: Batch, rows: DataFrame) -> int:
    """Write a batch's rows to bronze with their lineage, but for those of the forgotten; gives how many they are."""
    kept = without_forgotten(run, contract, rows)
    addressed = bronze.with_lineage(kept, batch_id=batch.number, run_id=run.run_id, ingested_at=run.started_at)
    options = {"delta.dataSkippingStatsColumns": bronze.STATS_COLUMNS}
    name = f"bronze.{contract.table}"
    is_new = run.tables.snapshot(name) is None
    written = run.tables.append(name, addressed, batch_id=batch.number, options=options).inserted
    if is_new:
        run.tables.set_properties(name, MARK)
    return written


def tell_unknown(run: Run, contract: Contract, columns: Sequence[str], path: str) -> None:
    """Warn of the columns of a file, or of a table's range, that the contract does not know."""
    unknown = contract.unknown_among(columns)
    if unknown:
        run.warn(f"{path}: {unknown}", *rules.of_fields(contract.table, contract.strangers_among(columns), path))


def rows_in_bronze(run: Run, table: str, batch_id: int) -> dict[str, int]:
    """The files of a batch that bronze holds, and how many rows of each."""
    if run.tables.snapshot(f"bronze.{table}") is None:
        return {}
    rows = run.tables.read(f"bronze.{table}").filter(F.col("_batch_id") == batch_id)
    return {row[0]: row[1] for row in rows.groupBy("_source_file").count().collect()}


def bronze_step(contract: Contract, batch: Batch, started: datetime, *, files: int, rows: int) -> Step:
    """A batch that is in bronze, as a step of the run."""
    return Step(
        "bronze", contract.table, batch.number, "append", started, seconds_since(started),
        files=files, rows_in=rows, accepted=rows, changed=rows,
    )  # fmt: skip
