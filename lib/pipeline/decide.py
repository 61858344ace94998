"""What a person decides of pairs of records: written out to be decided, and taken in."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import functions as F
from rich.console import Console

from lib.errors import LakehouseError
from lib.identity import decisions
from lib.identity.decisions import Decision
from lib.identity.tables import DECISIONS, RECORDS, REVIEW, SCHEMAS
from lib.pipeline.context import Run
from lib.session import local_frame
from lib.tables import Tables

_SHOWN = ("why", "rule", "score", "left_says", "right_says")


def decided(tables: Tables) -> list[Decision]:
    """All decisions so far: as many as people made."""
    rows = tables.read_or_empty(DECISIONS, SCHEMAS[DECISIONS]).collect()
    return [
        Decision(row.key_l, row.key_r, row.decision, row.decided_by, row.note, f"run {row.run_id}")
        for row in sorted(rows, key=lambda row: (row.key_l, row.key_r))
    ]


def take(run: Run, file: Path) -> None:
    """Take the decisions of a CSV file into `silver.identity_decisions`; of a pair decided before the new one counts.

    Raises:
        LakehouseError: if the file cannot be read, lacks a column, names a record that nobody knows or a record with
            itself, has another word than same or different, or decides a pair twice. Nothing is taken then.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            given, mistakes = decisions.read(lines, str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise LakehouseError(f"{file}: cannot be read: {error} (expected a CSV file in UTF-8)") from error
    mistakes += decisions.strangers(given, _known(run.tables, given))
    if not mistakes:
        together = {each.pair: each for each in (*decided(run.tables), *given)}
        mistakes = decisions.disputes(list(together.values()))
    if mistakes:
        raise LakehouseError("\n".join(mistakes))
    names = ("key_l", "key_r", "decision", "decided_by", "note")
    rows = [dict(zip(names, (each.left, each.right, each.decision, each.by, each.note), strict=True)) for each in given]
    frame = local_frame(run.tables.spark, [row | {"run_id": run.run_id} for row in rows], SCHEMAS[DECISIONS])
    changes = [f"NOT t.{name} <=> s.{name}" for name in names[2:]]
    run.tables.upsert(DECISIONS, frame, names[:2], update_if=" OR ".join(changes))
    run.reporter.note(f"{file}: {len(given):,} pairs are decided")


def _known(tables: Tables, given: Sequence[Decision]) -> set[str]:
    keys = {key for each in given for key in each.pair}
    named = local_frame(tables.spark, [{"key": key} for key in sorted(keys)], "key STRING")
    found = tables.read_or_empty(RECORDS, SCHEMAS[RECORDS]).join(F.broadcast(named), "key", how="left_semi")
    return {row.key for row in found.select("key").collect()}


def print_review(tables: Tables, file: Path, console: Console) -> int:
    """Write the pairs that wait for a decision and say so; gives the exit status."""
    n_pairs = export_review(tables, file)
    said = (
        f"{n_pairs:,} pairs in {file}: write same or different under decision, and take it in with --decisions {file}"
    )
    console.print(said if n_pairs else "no pair waits for a decision", highlight=False, soft_wrap=True)
    return 0


def export_review(tables: Tables, file: Path) -> int:
    """Write the pairs that wait for a decision as CSV, the likeliest first; gives their number, and no file for none.

    The columns are those of a file of decisions, `decision` empty, then why and by what the pair was found, and what
    the two records say.
    """
    rows = tables.read_or_empty(REVIEW, SCHEMAS[REVIEW]).orderBy(F.desc("score"), "key_l", "key_r").collect()
    if rows:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow([*decisions.COLUMNS, *_SHOWN])
            for row in rows:
                shown = [row.why, row.rule, f"{row.score:.3f}", _said(row.left), _said(row.right)]
                writer.writerow([row.key_l, row.key_r, "", "", "", *shown])
    return len(rows)


def _said(record: str) -> str:
    return ", ".join(json.loads(record).values())
