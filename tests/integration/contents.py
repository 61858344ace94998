"""What a lake holds, to compare two of them: read without Spark, in a fraction of the time."""

from collections.abc import Collection, Sequence
from typing import Any

from deltalake import DeltaTable

from tests.builders import Lake

_OF_A_RUN = {
    "_run_id", "_ingested_at", "run_id", "started_at", "judged_at", "changed_at", "seconds", "mode", "changed", "keys",
    "why", "made_from",
}  # fmt: skip
"""Columns that say which run wrote a row, when and how: two runs may differ in them and be equal in what they did."""


def table_rows(
    lake: Lake, layers: Sequence[str] = ("bronze", "silver", "gold", "ops"), *, without: Collection[str] = ()
) -> dict[str, list[str]]:
    """All rows of the layers' tables as sorted texts, without the numbers and times of the runs that wrote them.

    `without` are more columns to leave out.
    """
    found: dict[str, list[str]] = {}
    for log in sorted(lake.root.glob("*/*/_delta_log")):
        layer, table = log.parts[-3:-1]
        # what a run writes of itself differs in nearly everything
        if layer in layers and (layer, table) != ("ops", "runs"):
            stored = DeltaTable(str(log.parent)).to_pyarrow_table()
            rows = stored.drop_columns([name for name in stored.column_names if name in without]).to_pylist()
            found[f"{layer}.{table}"] = sorted({*map(_comparable_step, rows)} if table == "steps" else map(_text, rows))
    return found


def files(lake: Lake) -> dict[str, list[str]]:
    """Where the landed files are."""
    return {
        folder: sorted(str(file.relative_to(lake.root)) for file in (lake.root / folder).rglob("*") if file.is_file())
        for folder in ("landing", "processed", "rejected")
    }


def _text(row: dict[str, Any]) -> str:
    kept = {name: value for name, value in row.items() if name not in _OF_A_RUN}
    if "history" in kept:
        kept["history"] = [each["status"] for each in kept["history"]]
    return str(sorted(kept.items()))


def _comparable_step(row: dict[str, Any]) -> str:
    # a gold table's batch is the number of the run
    return _text({**row, "batch_id": None} if row["layer"] == "gold" else row)
