"""What the tills cost: a large load beside a plain pipeline, a small one on top, and thousands of small files.

    make bench ARGS=tills       (ARGS="tills --rows 100000" for a short look)

Wall seconds of whole processes, one after the other, on generated files. Prints a table in Markdown.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deltalake import DeltaTable
from pyarrow.dataset import dataset

from tests.benchmarks.compare import purge
from tests.benchmarks.measure import HOME, cost_of, run_through, spark_of_the_project

HEAP = "3g"


def main(argv: Sequence[str]) -> None:
    """Generate, run, compare, print."""
    parser = argparse.ArgumentParser(
        prog="tills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=3_000_000, help="lines of the large load")
    parser.add_argument("--batch", type=int, default=30_000, help="lines of the small load on top of it")
    parser.add_argument("--files", type=int, nargs="*", default=[1_000, 20_000], help="numbers of small files")
    wanted = parser.parse_args(argv)
    found: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        generate(lake, rows=wanted.rows)
        plain = [sys.executable, HOME / "tests/benchmarks/plain_pipeline.py"]
        found.append(
            (f"plain pipeline, {wanted.rows:,} lines", took(*plain, lake / "landing/pos/sales", lake / "plain"))
        )
        found.append((f"this project, {wanted.rows:,} lines", nightly(lake)))
        purge(lake, ["silver/pos_sales"], HEAP)
        assert_equal(lake / "plain/silver", lake / "silver/pos_sales")
        generate(lake, rows=wanted.batch, seed=8)
        found.append((f"this project, {wanted.batch:,} lines more", nightly(lake, is_small=True)))
        for files in wanted.files:
            small = Path(folder) / str(files)
            generate(small, rows=200_000, files=files)
            found.append((f"this project, 200,000 lines in {files:,} files", nightly(small, is_small=True)))
            shutil.rmtree(small)
    print("| load, landing to silver | seconds |\n| --- | --- |")
    for name, seconds in found:
        print(f"| {name} | {seconds:.1f} |")


def generate(lake: Path, *, rows: int, files: int = 12, seed: int = 7) -> None:
    """Till receipts into a lake's landing folder."""
    options = ["--source", "pos", "--rows", rows, "--files", files, "--seed", seed]
    took(sys.executable, HOME / "jobs/generate_landing.py", "--root", lake, *options)


def nightly(lake: Path, *, is_small: bool = False) -> float:
    """The receipts from landing to silver, in one process; the plain pipeline takes nothing else of what landed."""
    return took(*run_through("bronze", "silver"), "--root", lake, "--only", "pos_sales", is_small=is_small)


def took(*command: object, is_small: bool = False) -> float:
    """Run a command to its end; gives its seconds."""
    return cost_of(command, spark_of_the_project(HEAP, is_small=is_small)).seconds


def assert_equal(one: Path, other: Path) -> None:
    """The two pipelines made the same rows; a speed of something else would be none."""
    columns = ["transaction_id", "customer_id", "quantity", "updated_at"]
    tables = [
        dataset(DeltaTable(str(path)).file_uris()).to_table(columns=columns).sort_by(columns[0])
        for path in (one, other)
    ]
    if not tables[0].equals(tables[1]):
        sys.exit(f"{one} and {other} differ: {tables[0].num_rows:,} and {tables[1].num_rows:,} rows")
