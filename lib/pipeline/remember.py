"""Silver's history: the versions of an entity that says `history: true`, each written once."""

from pyspark.sql import DataFrame

from lib import history, quality
from lib.contract import Contract
from lib.pipeline.context import Run
from lib.tables import FEED


def remember(run: Run, contract: Contract, judged: DataFrame, *, is_again: bool) -> None:
    """Write the versions among judged rows, those that came late too; what is there already is not written again.

    With `is_again` the rows are all that there are: what is not among them leaves the table, and what is buried is
    buried again.
    """
    if not contract.history:
        return
    versions = history.versions(judged, contract)
    name, grain = f"silver.{contract.history_table}", history.version_grain(contract)
    if is_again:
        run.tables.write_diff(name, versions, grain, options=FEED)
    else:
        run.tables.upsert(name, versions, grain, update_if="false", options=FEED)


def remember_burials(run: Run, contract: Contract, bronze_version: int) -> None:
    """Write the tombstones of the keys that a whole delivery lacks and the one before had.

    Those of all deliveries, not of the newest alone: one that comes late takes its place among them.
    """
    if not (contract.history and contract.snapshot):
        return
    name = f"silver.{contract.history_table}"
    known = run.tables.read(name, with_tombstones=True)
    rows = run.tables.read(f"bronze.{contract.table}", version=bronze_version)
    # the key of every row that ever landed, NULL where it cannot be read
    present = quality.judge(rows, contract).select(*contract.key, "_source_modified_at", "_source_file")
    gone = history.buried(known, present, contract)
    run.tables.upsert(name, gone, history.version_grain(contract), update_if="false")
