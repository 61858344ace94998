"""What waits in landing, read and judged as a run would do it, and what it would change in silver: without a write."""

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import bronze, landing, quality, silver
from lib.contract import Contract
from lib.drift import unknown_fields
from lib.gold.routes import CAME, netted
from lib.landing import Inspection, LandedFile
from lib.pipeline.context import Run
from lib.pipeline.reading import read_files
from lib.pipeline.refine import referred


@dataclass(frozen=True)
class Incoming:
    """An entity's waiting files: those that cannot be loaded, and of the others what their rows would come to.

    `unknown` are the fields that the contract does not know. `landed` is persisted, and `judged` what comes of it; both
    are None where no file can be loaded.
    """

    refused: list[Inspection]
    rows: int = 0
    quarantined: int = 0
    unknown: tuple[str, ...] = ()
    landed: DataFrame | None = None
    judged: DataFrame | None = None


def look_into(run: Run, contract: Contract, files: list[LandedFile]) -> Incoming:
    """Read the files to their end and judge their rows."""
    looks = [landing.inspect(run.settings.landing, file, contract) for file in files]
    refused = [look for look in looks if look.verdict != "ok"]
    rows = read_files(run, contract, looks)
    if rows is None:
        return Incoming(refused)
    # kept as it landed: Spark reads no file for what is malformed in it alone
    landed = bronze.with_lineage(rows, batch_id=0, run_id=run.run_id, ingested_at=run.started_at).persist()
    judged = quality.judge(landed, contract, referred(run, contract))
    counts = quality.tally(judged, contract).collect()[0]
    unknown = tuple(row["field"] for row in unknown_fields(landed, contract).collect())
    return Incoming(refused, counts["rows"], counts["quarantined"], unknown, landed, judged)


def net_changes(run: Run, contract: Contract, judged: DataFrame) -> DataFrame:
    """How silver would differ, as `lib.gold.routes.net_changes` gives it: columns without lineage, and `_came`."""
    new = silver.newest(judged, contract)
    after, before = new, None
    if run.tables.snapshot(f"silver.{contract.table}") is not None:
        old = run.tables.read(f"silver.{contract.table}", with_tombstones=True)
        both = (
            new.alias("s")
            .join(old.alias("t"), list(contract.key), how="left")
            .filter(f"t._content_hash IS NULL OR {silver.is_newer(contract)}")
        )
        keys = both.select(*contract.key)
        after, before = (rows.join(keys, list(contract.key), how="left_semi") for rows in (new, old))
    columns = [name for name in new.columns if name not in silver.SILVER_LINEAGE]
    changes = after.select(*columns, F.lit(1).alias(CAME))
    if before is not None:
        # a column that silver is to get has no value there yet
        changes = changes.unionByName(before.select("*", F.lit(-1).alias(CAME)), allowMissingColumns=True)
    return netted(changes.select(*columns, CAME))
