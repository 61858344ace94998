"""The files that the pipelines get: those of the days up to a night, and what lands in that night."""

import gzip
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.measure import HOME, cost_of

SEED = 7
LINES_OF_A_FILE, FILES_AT_LEAST = 250_000, 12

# What comes in after the last day is only updates and re-sends: no till is open any more. About so many lines are left
# out, or the night of a large load would have little else.
STRAGGLERS = 2_000


def deliver(folder: Path, *, rows: int, batch: int, customers: int) -> None:
    """Make `folder`/base, the first `rows` lines, `folder`/night, the next `batch`, and `folder`/all, both of them.

    All of it is one generation, cut where its lines arrived: the night has the shops, customers and products of the
    days before, new receipts for the most part, and some later versions of earlier ones. Each is a landing folder.
    """
    total, tail = rows + batch + rows // STRAGGLERS, batch + rows // STRAGGLERS
    # the night is cut from the last file
    files = max(1, min(max(FILES_AT_LEAST, total // LINES_OF_A_FILE), total // tail))
    options = ["--rows", total, "--files", files, "--customers", customers, "--seed", SEED]
    generator = [sys.executable, HOME / "jobs/generate_landing.py", "--source", "pos"]
    cost_of([*generator, "--root", folder, *options])
    base, night = (folder / "landing").rename(folder / "base"), folder / "night"
    for entity in ("sales", "customers"):
        (night / "pos" / entity).mkdir(parents=True)
    last = max((base / "pos/sales").iterdir())
    lines = gzip.decompress(last.read_bytes()).splitlines(keepends=True)
    kept = lines[: len(lines) - tail]
    if kept:
        last.write_bytes(gzip.compress(b"".join(kept), mtime=0))
    else:
        last.unlink()
    (night / "pos/sales" / f"sales_{files + 1:04d}.jsonl").write_bytes(b"".join(lines[len(kept) : len(kept) + batch]))
    _cut_customers(base, night, since=_latest(kept or lines))
    link(base, folder / "all")
    link(night, folder / "all")


def link(landing: Path, into: Path) -> None:
    """The same files in another folder, without a copy: whoever moves them there leaves these in place."""
    shutil.copytree(landing, into, copy_function=os.link, dirs_exist_ok=True)


def _cut_customers(base: Path, night: Path, *, since: bytes) -> None:
    """The records that changed in the night; the file of changes is the last one."""
    last = max((base / "pos/customers").iterdir())
    lines = last.read_bytes().splitlines(keepends=True)
    is_late = [_latest([line]) > since for line in lines]
    last.write_bytes(b"".join(line for line, late in zip(lines, is_late, strict=True) if not late))
    changed = b"".join(line for line, late in zip(lines, is_late, strict=True) if late)
    if changed:
        (night / "pos/customers/customers_3.jsonl").write_bytes(changed)


def _latest(lines: Sequence[bytes]) -> bytes:
    """The latest version among the last lines, by the text of its time."""
    return max((time for line in lines[-100:] for time in re.findall(rb'"updated_at": "([^"]+)"', line)), default=b"")
