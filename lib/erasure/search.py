"""A search of every byte below a folder: files as they are, what gzip and Parquet have packed as it is unpacked."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.erasure.values import Sought, pattern_of

_CHUNK = 16 * 1024 * 1024
_OVERLAP = 1024
"""Bytes that two chunks share: no text that is looked for is longer."""


@dataclass
class Searched:
    """What a search saw: `found` are the texts that are there, by the file's path below the folder."""

    files: int = 0
    bytes: int = 0
    decoded_rows: int = 0
    found: dict[str, set[str]] = field(default_factory=dict)

    @property
    def texts(self) -> set[str]:
        """All that was found, wherever."""
        return {text for texts in self.found.values() for text in texts}


def search(folder: Path, sought: Sought, *, leave_out: frozenset[Path] = frozenset()) -> Searched:
    """Look through all files below a folder.

    A Parquet file is read to the last value of every column, deletion vectors or not; its statistics are in its bytes.

    Raises:
        OSError: if a file cannot be read: what was not looked at is not proven.
    """
    seen = Searched()
    raw = re.compile(pattern_of(sought.texts, is_packed=True).encode(), re.IGNORECASE)
    names = {text.lower(): text for text in sought.texts}
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and each not in leave_out):
        texts = Counter[str]()
        for chunk in _chunks(path):
            texts.update(match.decode("utf-8", "replace") for match in raw.findall(chunk))
        if path.suffix == ".parquet":
            rows, more = _in_columns(path, sought)
            seen.decoded_rows += rows
            texts.update(more)
        seen.files += 1
        seen.bytes += path.stat().st_size
        if texts:
            found = {names.get(" ".join(text.split()).lower(), text) for text in texts}
            seen.found[path.relative_to(folder).as_posix()] = found
    return seen


def _chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces that overlap; of a packed one those that it unpacks to."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        tail = b""
        while True:
            try:
                chunk = stream.read(_CHUNK)
            except (EOFError, gzip.BadGzipFile, zlib.error):
                # is not gzip whatever its name says, or breaks off: its own bytes then
                yield path.read_bytes()
                return
            if not chunk:
                return
            yield tail + chunk
            tail = chunk[-_OVERLAP:]


def _in_columns(path: Path, sought: Sought) -> tuple[int, set[str]]:
    rows, found = 0, set[str]()
    pattern = re.compile(pattern_of(sought.texts), re.IGNORECASE)
    keys = pa.array(sought.bare, pa.string())
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid:
        # half a file, of a write that was killed: its bytes were looked at
        return 0, set()
    for batch in file.iter_batches():
        rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for leaf, values in _leaves(name, column):
                if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
                    hits = values.filter(pc.match_substring_regex(values, f"(?i){pattern.pattern}"))
                    found.update(text for value in hits.to_pylist() for text in pattern.findall(value))
                if leaf in sought.columns and len(keys):
                    same = values.cast(pa.string()).filter(pc.is_in(values.cast(pa.string()), keys))
                    found.update(same.to_pylist())
    return rows, found


def _leaves(name: str, values: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """The columns that a nested one is made of, by the names of their innermost members."""
    if pa.types.is_struct(values.type):
        for member, inside in zip(values.type, values.flatten(), strict=True):
            yield from _leaves(member.name, inside)
    elif pa.types.is_map(values.type):
        yield from _leaves(name, values.keys)
        yield from _leaves(name, values.items)
    elif pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        yield from _leaves(name, values.flatten())
    elif pa.types.is_dictionary(values.type):
        yield name, values.dictionary_decode()
    elif not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
        yield name, values
