"""A bad delivery taken out again: its rows leave every layer as if it had never come."""

from collections.abc import Callable
from dataclasses import replace

from pyspark.sql import functions as F

from lib import ops
from lib.errors import LakehouseError
from lib.ops import FileFate
from lib.pipeline.claim import record
from lib.pipeline.context import Run
from lib.pipeline.progress import forget_progress, quarantine_of


def withdraw(path: str, batch_id: int | None = None) -> Callable[[Run], None]:
    """Takes out the rows of a loaded file; the refinement and the build that follow make silver and gold anew.

    The order makes a killed withdrawal safe to repeat: silver forgets how far it was, the rows go, and only then does
    the ledger say `withdrawn`.

    Raises:
        LakehouseError: if no such file was loaded, or several of that name were and no batch is given.
    """

    def prepare(run: Run) -> None:
        fate = _the_loaded(run, path, batch_id)
        contract = run.settings.contracts[fate.table]
        forget_progress(run, contract)
        condition = (F.col("_source_file") == path) & (F.col("_batch_id") == fate.batch_id)
        deleted = 0
        for table in (f"bronze.{fate.table}", quarantine_of(fate.table)):
            if run.tables.snapshot(table) is not None:
                deleted = max(deleted, run.tables.delete(table, condition))
        record(run, [replace(fate, status="withdrawn")])
        run.reporter.note(f"{path}: {deleted:,} rows of batch {fate.batch_id} withdrawn from {fate.table}")

    return prepare


def _the_loaded(run: Run, path: str, batch_id: int | None) -> FileFate:
    if run.tables.snapshot(ops.FILES) is None:
        raise LakehouseError("nothing was ever loaded into this lake")
    ledger = run.tables.read(ops.FILES).withColumn("modified_us", F.unix_micros("modified_at"))
    rows = ledger.filter((F.col("path") == path) & (F.col("status") == "loaded")).collect()
    found = [fate for fate in map(ops.fate_of, rows) if batch_id in (None, fate.batch_id)]
    if not found:
        raise LakehouseError(
            f"{path}: no such file was loaded (give its path below landing, as ops.files and _source_file have it)"
        )
    if len(found) > 1:
        batches = ", ".join(str(fate.batch_id) for fate in found)
        raise LakehouseError(f"{path}: was loaded more than once; say which with --batch (there are {batches})")
    return found[0]
