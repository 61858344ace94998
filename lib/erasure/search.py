"""A search of every byte below a folder: files as they are, what gzip and Parquet have packed as it is unpacked."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lib.encryption import MARK, Vault, decoder
from lib.erasure.values import Sought, pattern_of
from lib.storage.places import Place, files_of, found_below

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


Decoded = Callable[[str, Sequence[str]], list[str]]
"""The values of those texts of a column that are encrypted (`lib.encryption.decoder`)."""

_NOTHING = decoder(Vault())
"""Of who has no key: it refuses what is encrypted."""


def search(
    folder: Place, sought: Sought, *, leave_out: frozenset[str] = frozenset(), decoded: Decoded = _NOTHING
) -> Searched:
    """Look through all files below a folder but for some, by their paths from there.

    A Parquet file is read to the last value of every column, deletion vectors or not, and encrypted ones as what they
    say; its statistics are in its bytes.

    Raises:
        OSError: if a file cannot be read: what was not looked at is not proven.
        ConfigError: if a value is encrypted with a key that is not there.
    """
    seen = Searched()
    raw = re.compile(pattern_of(sought.texts, is_packed=True).encode(), re.IGNORECASE)
    names = {text.lower(): text for text in sought.texts}
    for name, info in sorted(found_below(folder).items()):
        if name in leave_out or info.get("type") != "file":
            continue
        texts = Counter[str]()
        for chunk in _chunks(folder / name):
            texts.update(match.decode("utf-8", "replace") for match in raw.findall(chunk))
        if name.endswith(".parquet"):
            rows, more = _in_columns(folder / name, sought, decoded)
            seen.decoded_rows += rows
            texts.update(more)
        seen.files += 1
        seen.bytes += int(info["size"])
        if texts:
            seen.found[name] = {names.get(" ".join(text.split()).lower(), text) for text in texts}
    return seen


def _chunks(path: Place) -> Iterator[bytes]:
    """The bytes of a file in pieces that overlap; of a packed one those that it unpacks to."""
    with files_of(path).open(str(path), "rb") as file:
        try:
            yield from _pieces(gzip.GzipFile(fileobj=file) if str(path).endswith(".gz") else file)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            # is not gzip whatever its name says, or breaks off: its own bytes too
            file.seek(0)
            yield from _pieces(file)


def _pieces(stream: Any) -> Iterator[bytes]:
    tail = b""
    while chunk := stream.read(_CHUNK):
        yield tail + chunk
        tail = chunk[-_OVERLAP:]


def _in_columns(path: Place, sought: Sought, decoded: Decoded) -> tuple[int, set[str]]:
    rows, found = 0, set[str]()
    pattern = re.compile(pattern_of(sought.texts), re.IGNORECASE)
    keys = pa.array(sought.bare, pa.string())
    with files_of(path).open(str(path), "rb") as stream:
        try:
            file = pq.ParquetFile(stream)
        except pa.ArrowInvalid:
            # half a file, of a write that was killed: its bytes were looked at
            return 0, set()
        for batch in file.iter_batches():
            rows += batch.num_rows
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                for leaf, values in _leaves(name, column):
                    found |= _in_values(leaf, values, sought, pattern, keys)
                    said = decoded(leaf, _encrypted(values))
                    found.update(text for value in said for text in pattern.findall(value))
    return rows, found


def _in_values(leaf: str, values: pa.Array, sought: Sought, pattern: re.Pattern[str], keys: pa.Array) -> set[str]:
    found: set[str] = set()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        hits = values.filter(pc.match_substring_regex(values, f"(?i){pattern.pattern}"))
        found.update(text for value in hits.to_pylist() for text in pattern.findall(value))
    if leaf in sought.columns and len(keys):
        texts = values.cast(pa.string())
        found.update(texts.filter(pc.is_in(texts, keys)).to_pylist())
    return found


def _encrypted(values: pa.Array) -> list[str]:
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    found: list[str] = values.filter(pc.starts_with(values, MARK)).to_pylist() if is_text else []
    return found


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
