"""How a landing file of all but the web shop is written: UTF-8, LF, plain or gz, and never seen half done."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# The usual level; the highest takes three times as long for a hundredth of the size.
GZ_LEVEL = 6


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write each line and a line feed, compressed if the name ends in .gz."""
    with _whole(path) as file:
        if path.suffix == ".gz":
            # neither a name nor a time in the header: the same lines are the same bytes
            with gzip.GzipFile("", "wb", GZ_LEVEL, file, mtime=0) as packed:
                packed.writelines(f"{line}\n".encode() for line in lines)
        else:
            file.writelines(f"{line}\n".encode() for line in lines)
    return path


def write_array(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    """Write all records as one array, spread over lines for people to read."""
    return write_lines(path, [json.dumps(records, ensure_ascii=False, indent=2)])


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name in one step; until then its name has no ending that a pattern *.json* would match."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name.split(".")[0] + ".part")
    try:
        with part.open("wb", buffering=1 << 20) as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
