"""The same files through four pipelines, each a process of its own: how long, how much memory, how much written.

    make bench                                            3,000,000 receipts through all four
    make bench ARGS="--rows 30000000 --only b c d"        the table and the chart show both sizes then
    make bench ARGS="--rows 20000 --batch 1000 --customers 1000"    a short look

  a  a tutorial's PySpark: every layer overwritten, Spark as it comes
  b  DuckDB and delta-rs: every layer overwritten
  c  this project on an empty lake, with the options of `make run`
  d  this project the night after, with --batch more rows (it takes c, and b of all rows to compare with)

All make the same tables, and before anything is told their rows are compared: a difference ends the benchmark. Costs
are those of whole processes, start-up included. Who is who and the served database are left out: the others have
neither.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.identity.tables import RESOLUTION
from tests.benchmarks import deliveries, report
from tests.benchmarks.compare import TABLES, differences, purge
from tests.benchmarks.measure import (
    HOME,
    SMALL_LOAD,
    bytes_below,
    cost_of,
    plain_spark,
    run_through,
    spark_of_the_project,
)
from tests.benchmarks.report import Measured, Result

LAYERS = ("bronze", "silver", "gold", "ops")


@dataclass(frozen=True)
class Bench:
    """Where the pipelines run and what memory they are given."""

    folder: Path
    heap: str
    duckdb_memory: str

    def tutorial(self, landing: str, out: str, name: str) -> Result:
        """The plain PySpark pipeline."""
        program = [sys.executable, "-m", "tests.benchmarks.tutorial", self.folder / landing, self.folder / out]
        return self._measured(name, program, self.folder / out, plain_spark(self.heap))

    def duckdb(self, landing: str, out: str, name: str) -> Result:
        """The pipeline without Spark."""
        (self.folder / out).mkdir()
        program = [sys.executable, "-m", "tests.benchmarks.duckdb_rebuild", self.folder / landing, self.folder / out]
        return self._measured(name, [*program, self.duckdb_memory], self.folder / out, {})

    def project(self, landing: str, lake: str, name: str) -> Result:
        """This project, with these files in the lake's landing folder."""
        root = self.folder / lake
        deliveries.link(self.folder / landing, root / "landing")
        environment = spark_of_the_project(self.heap, is_small=bytes_below(root / "landing") < SMALL_LOAD)
        program = [*run_through("bronze", "silver", "gold"), "--root", root, "--exclude", RESOLUTION]
        return self._measured(name, program, root, environment, is_ours=True)

    def compare(self, ours: str, theirs: str) -> None:
        """End the benchmark if two pipelines made different tables."""
        purge(self.folder / ours, TABLES, self.heap)
        different = differences(self.folder / ours, self.folder / theirs, TABLES)
        if different:
            sys.exit("\n".join([f"{theirs} is not what {ours} is:", *different]))
        say(f"{theirs}: the same rows as {ours}")

    def _measured(
        self, name: str, program: Sequence[object], out: Path, environment: dict[str, str], *, is_ours: bool = False
    ) -> Result:
        say(f"{name} ...")
        before = _tables_files(out)
        cost = cost_of(program, environment)
        written = sum(size for file, size in _tables_files(out).items() if before.get(file) != size)
        say(f"{name}: {cost.seconds:.1f} s")
        return Result(name, is_ours, round(cost.seconds, 2), cost.peak_bytes, written)


def main(argv: Sequence[str]) -> None:
    """Generate, run, compare, report."""
    wanted = _arguments().parse_args(argv)
    heap = wanted.heap or ("3g" if wanted.rows <= 3_000_000 else "4g")
    memory = wanted.duckdb_memory or ("8GB" if wanted.rows <= 3_000_000 else "13GB")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=wanted.work) as place:
        bench = Bench(Path(place), heap, memory)
        say(f"generating {wanted.rows:,} receipts, and {wanted.batch:,} more")
        deliveries.deliver(bench.folder, rows=wanted.rows, batch=wanted.batch, customers=wanted.customers)
        landed = bytes_below(bench.folder / "base")
        results = run(bench, wanted.only, batch=wanted.batch)
    measured = Measured(wanted.rows, wanted.batch, wanted.customers, landed, os.cpu_count() or 0, heap, memory, results)
    print(report.write(wanted.out, measured))
    say(f"table, chart and JSON are in {wanted.out}")


def run(bench: Bench, only: Sequence[str], *, batch: int) -> tuple[Result, ...]:
    """The pipelines one after the other; their tables are compared and, no longer needed, removed."""
    results, made = [], []
    if "a" in only:
        results.append(bench.tutorial("base", "tutorial", "tutorial in PySpark, all anew"))
        made.append("tutorial")
    if "b" in only:
        results.append(bench.duckdb("base", "duckdb", "DuckDB and delta-rs, all anew"))
        made.append("duckdb")
    if "c" in only or "d" in only:
        results.append(bench.project("base", "lake", "this project, on an empty lake"))
        made.append("lake")
    for other in made[:-1]:
        bench.compare(made[-1], other)
        shutil.rmtree(bench.folder / other)
    if "d" in only:
        results.append(bench.project("night", "lake", f"this project, {batch:,} receipts more"))
        results.append(bench.duckdb("all", "duckdb-again", f"DuckDB and delta-rs, {batch:,} more, all anew"))
        bench.compare("lake", "duckdb-again")
    return tuple(results)


def say(words: str) -> None:
    """How far the benchmark is; the results alone go to standard output."""
    print(words, file=sys.stderr, flush=True)


def _tables_files(root: Path) -> dict[Path, int]:
    files = [file for layer in LAYERS for file in (root / layer).rglob("*") if file.is_file()]
    return {file: file.stat().st_size for file in files}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=3_000_000, help="receipts of the load (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=30_000, help="receipts of the night after (default: %(default)s)")
    parser.add_argument(
        "--customers", type=int, default=150_000, help="members of the programme (default: %(default)s)"
    )
    parser.add_argument("--only", nargs="+", choices="abcd", default="abcd", help="which pipelines (default: all)")
    parser.add_argument("--heap", help="Spark's driver memory (default: 3g, above three million receipts 4g)")
    parser.add_argument(
        "--duckdb-memory", help="DuckDB's memory limit (default: 8GB, above three million receipts 13GB)"
    )
    parser.add_argument("--out", type=Path, default=HOME / "build/bench", help="for the results (default: build/bench)")
    parser.add_argument("--work", type=Path, help="for files and tables meanwhile (default: the temporary folder)")
    return parser
