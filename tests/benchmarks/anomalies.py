"""Anomalies: how much of the planted fraud is found, and how much of what is found was planted.

    make bench ARGS=anomalies       (ARGS="anomalies --rows 100000 --seed 11" for other data)

Generated files go through the layers as every night's do, who is who left out; `gold.sales_anomalies` is then compared
with the truth beside the files, which no step of the run reads.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lib.generate.demo import generate_landing
from lib.session import build_session
from tests.benchmarks.measure import HOME
from tests.builders import Lake

Event = tuple[str, str]
"""Source and number of a sale or a refund."""


def main(argv: Sequence[str]) -> None:
    """Generate, run, compare; print a line per kind."""
    parser = argparse.ArgumentParser(
        prog="anomalies", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, help="lines of tills (default: the demo's)")
    parser.add_argument("--seed", type=int, help="of the generator (default: the demo's)")
    wanted = parser.parse_args(argv)
    spark = build_session("benchmark")
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(spark, Path(folder) / "lake", HOME / "conf")
        generate_landing(lake.settings(), rows=wanted.rows, seed=wanted.seed)
        started = time.monotonic()
        outcome = lake.run()
        if outcome.status:
            raise SystemExit(outcome.text)
        print(f"landing to gold: {time.monotonic() - started:.0f} s\n")
        planted = dict(truth(lake.root / "truth"))
        rows = lake.read("gold.sales_anomalies").select("source", "event_id", "kinds").collect()
        print(table(planted, {(row["source"], row["event_id"]): row["kinds"] for row in rows}))
    spark.stop()


def truth(folder: Path) -> Iterator[tuple[Event, str]]:
    """Each planted event with its kind."""
    for source, key in (("pos", "transaction_id"), ("crm", "payment_id")):
        for line in (folder / f"{source}_fraud.jsonl").read_text("utf-8").splitlines():
            deed = json.loads(line)
            yield (source, deed[key]), deed["kind"]


def table(planted: dict[Event, str], flagged: dict[Event, Sequence[str]]) -> str:
    """The comparison as Markdown: by kind, and of all."""
    kinds, found = Counter(planted.values()), Counter(planted[event] for event in planted if event in flagged)
    lines = ["| kind | planted | flagged as it | of these planted | recall |", "| --- | ---: | ---: | ---: | ---: |"]
    for kind, count in sorted(kinds.items()):
        as_it = [event for event, said in flagged.items() if kind in said]
        true = sum(event in planted for event in as_it)
        lines.append(f"| {kind} | {count:,} | {len(as_it):,} | {true:,} | {found[kind] / count:.3f} |")
    true = sum(event in planted for event in flagged)
    lines.append(f"| all | {len(planted):,} | {len(flagged):,} | {true:,} | {found.total() / len(planted):.3f} |")
    lines.append(f"\nprecision {true / max(len(flagged), 1):.3f}, recall {found.total() / len(planted):.3f}")
    return "\n".join(lines)
