"""Looks at quarantine for a person: what waits, since when and why."""

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from pyspark.sql import functions as F
from rich.console import Console

from lib.contract import Contract
from lib.pipeline.quarantine import export, waiting
from lib.silver import ADDRESS
from lib.status import waiting_rows
from lib.tables import Tables
from lib.terminal import print_rows


def print_list(tables: Tables, contracts: Sequence[Contract], console: Console) -> int:
    """Per entity the rows that wait, the age of the oldest, and how many have each reason."""
    rows = waiting_rows(tables, [contract.table for contract in contracts], datetime.now(timezone.utc))
    if not rows:
        console.print("nothing waits in quarantine")
        return 0
    print_rows(console, "waiting in quarantine", ("entity", "waiting", "oldest, days", "reason", "rows"), rows)
    console.print("a row may have several reasons; `show <entity>` shows rows, `export` writes them out")
    return 0


def print_rows_of(tables: Tables, contract: Contract, console: Console, *, limit: int) -> int:
    """Some of the waiting rows of an entity, one under another: address, file, reasons, values."""
    rows = waiting(tables, contract.table)
    values = F.coalesce("correction", "raw").alias("values")
    found = [] if rows is None else rows.orderBy(*ADDRESS).limit(limit).withColumn("values", values).collect()
    for row in found:
        console.print(f"_batch {row['_batch_id']}  _row {row['_row_id']}  {row['_source_file']}", style="bold")
        for reason in row["dq_errors"]:
            console.print(f"  {reason}", markup=False, highlight=False, soft_wrap=True)
        shown = json.dumps(json.loads(row["values"]), ensure_ascii=False)
        console.print(f"  {shown}", markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"{contract.table}: nothing waits in quarantine")
    return 0


def print_export(tables: Tables, contracts: Sequence[Contract], console: Console, *, folder: Path) -> int:
    """Write the waiting rows of entities to files, and say where they are."""
    files = [file for contract in contracts if (file := export(tables, contract, folder)) is not None]
    for file in files:
        console.print(f"wrote {file}", highlight=False, soft_wrap=True)
    console.print(
        "mend the values, keep _batch and _row, then: quarantine.py replay <entity> <file>"
        if files
        else "nothing waits in quarantine"
    )
    return 0
