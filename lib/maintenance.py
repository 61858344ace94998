"""What a lake needs from time to time: which files are worth writing anew, and which rows nobody asks for. No IO."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.config import Upkeep

MIB = 1024 * 1024


@dataclass(frozen=True)
class DataFile:
    """A file of a table: its bytes, its rows, those of them that are marked as gone (deletion vectors).

    `low` and `high` are the range of the column that the table is clustered by: dates, times, numbers or texts; None
    where the table is not, or where the log does not say.
    """

    bytes: int
    rows: int = 0
    marked: int = 0
    low: Any = None
    high: Any = None


@dataclass(frozen=True)
class Effect:
    """What an action did: files and bytes that went and that came, and rows that it changed or deleted."""

    files_removed: int = 0
    files_added: int = 0
    bytes_removed: int = 0
    bytes_added: int = 0
    rows: int = 0


def rewritings(files: Sequence[DataFile], upkeep: Upkeep, *, is_clustered: bool = False) -> list[tuple[str, str]]:
    """How to write files of a table anew, and why; none where nothing is to be gained.

    Clustering writes all of them, so that it compacts and purges as well.
    """
    if is_clustered and sum(file.bytes for file in files) > upkeep.target_bytes:
        share = overlap(files)
        if share > upkeep.recluster_above:
            return [("clustered", f"whoever reads one value opens {share:.0%} of the table in vain")]
    found = []
    marked = sum(file.marked for file in files) / max(1, sum(file.rows for file in files))
    if marked > upkeep.purge_above:
        found.append(("purged", f"{marked:.0%} of the rows are marked as gone"))
    small = sum(file.bytes < upkeep.small_bytes for file in files)
    if small > upkeep.compact_above:
        found.append(("compacted", f"{small:,} files are below {upkeep.small_bytes / MIB:g} MiB"))
    return found


def overlap(files: Sequence[DataFile]) -> float:
    """The share of a table that whoever reads the middle of a file's range opens beside that file, on average.

    0 where each file has a range of its own, and nearly 1 where each has all of it. It is the middle that counts:
    neighbours that share the value at their border are as they should be. A file without a range may hold any value.
    """
    total = sum(file.bytes for file in files) or 1
    in_vain = 0
    for position, file in enumerate(files):
        others = [other for at, other in enumerate(files) if at != position and _may_hold_middle_of(file, other)]
        in_vain += file.bytes * sum(other.bytes for other in others)
    return in_vain / total**2


def _may_hold_middle_of(file: DataFile, other: DataFile) -> bool:
    if None in (file.low, file.high, other.low, other.high):
        return True
    low, high = _place(file.low), _place(file.high)
    return bool(_place(other.low) < low + (high - low) / 2 < _place(other.high))


def _place(value: Any) -> Any:
    """A value whose distance to others can be told: of a text the number that its first characters make."""
    return int.from_bytes(value.encode()[:16].ljust(16, b"\0"), "big") if isinstance(value, str) else value


def settled(before: datetime) -> Column:
    """Does a row of a quarantine still have the text that landed, though it was accepted or discarded before a time?

    The row itself has to stay: conservation counts it, and it is what holds when all of bronze is judged again. Its
    text is in bronze as well, under the same address.
    """
    is_settled = F.col("status").isin("accepted", "discarded") & F.col("raw").isNotNull()
    return is_settled & (F.element_at("history", -1).getField("at") < F.lit(before))


def newest_runs(rows: DataFrame, per: Sequence[str]) -> DataFrame:
    """`run_id`: the newest run of each group of rows of the ledger; `per` are SQL expressions, none is one group."""
    return rows.groupBy(*map(F.expr, per)).agg(F.max("run_id").alias("run_id")).select("run_id").distinct()


def forgotten(time: str, before: datetime, kept: Sequence[int]) -> Column:
    """Is a row of the ledger older than a time, by the column `time`, and of none of the runs that are kept?"""
    return (F.col(time) < F.lit(before)) & ~F.col("run_id").isin(*kept)


def in_words(age: timedelta) -> str:
    """An age as it is written in the configuration, e.g. 7d."""
    for unit, letter in ((timedelta(days=1), "d"), (timedelta(hours=1), "h")):
        if age and not age % unit:
            return f"{age // unit}{letter}"
    return f"{age // timedelta(minutes=1)}m"
