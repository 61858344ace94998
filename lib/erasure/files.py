"""Texts without the records that are of somebody: landed files, logs, and whatever else has a record a line."""

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lib.contract import Contract
from lib.erasure.suppression import column_of, spelt
from lib.errors import LakehouseError
from lib.storage.places import Place, copy, files_of

_SEPARATORS = " \t\r\n,[]"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Sieve:
    """Which records go: those with a key that `is_theirs`, and of those without a readable key the ones it `tells` of.

    A record with somebody else's key stays, whatever else it says: a family may have one telephone.
    """

    contract: Contract | None
    is_theirs: Callable[[str], bool]
    tells: Callable[[str], bool] = lambda _: False

    def keeps(self, record: str, key: str | None) -> bool:
        """Does a record stay, of which `key` is the text of its key?"""
        if self.contract is not None and key is not None and key.strip():
            return not self.is_theirs(spelt(key, self.contract))
        return not self.tells(record)


def sifted(lines: Iterable[str], sieve: Sieve) -> Iterator[tuple[str, bool]]:
    """Each line of a text, and whether it stays; what stands above the records of a CSV file always does."""
    contract, header = sieve.contract, None
    for line in lines:
        if contract is None or not line.strip():
            yield line, sieve.keeps(line, None)
        elif contract.format != "csv":
            yield line, sieve.keeps(line, _member(_parsed(line), contract))
        elif header is None:
            header = [name.strip() for name in _fields(line.lstrip("\ufeff"), contract)]
            yield line, True
        else:
            yield line, sieve.keeps(line, _field(line, header, contract))


def is_by_lines(lines: Iterable[str], contract: Contract | None) -> bool:
    """Is every line of a text a record? Not where JSON is an array, or an object goes over several lines."""
    return contract is None or contract.format == "csv" or all(_is_object(line) for line in lines if line.strip())


def sifted_whole(text: str, sieve: Sieve) -> tuple[str, int]:
    """A JSON text, of one array or of objects in whatever lines, without the objects that go; and how many went."""
    spans = [*_spans(text)]
    gone = [not sieve.keeps(text[start:end], _member(found, sieve.contract)) for start, end, found in spans]
    kept = [text[start:end] for (start, end, _), goes in zip(spans, gone, strict=True) if not goes]
    is_array = text.lstrip(" \t\r\n\ufeff").startswith("[")
    return (f"[{','.join(kept)}]\n" if is_array else "".join(f"{each}\n" for each in kept)), sum(gone)


def rewrite(sieve: Sieve, path: Place, target: Place | None = None) -> int:
    """Write a file without the records that go, to `target` or in its own place; gives their number.

    It is written whole or not at all, and keeps its time. Where none goes and there is no target, it is left alone.

    Raises:
        LakehouseError: if it cannot be read or written.
    """
    name = str(path).rpartition("/")[2]
    try:
        with _read(path, sieve) as lines:
            by_lines = is_by_lines(lines, sieve.contract)
        with TemporaryDirectory() as folder:
            part, gone = Path(folder, name), 0
            with _read(path, sieve) as lines, _written(part, sieve) as out:
                if by_lines:
                    for line, stays in sifted(lines, sieve):
                        gone += not stays
                        out.write(line if stays else "")
                else:
                    text, gone = sifted_whole(lines.read(), sieve)
                    out.write(text)
            if not gone and target is None:
                return 0
            if isinstance(path, Path):
                found = path.stat()
                os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
            copy(part, target or path)
    except (OSError, EOFError, UnicodeError) as error:
        raise LakehouseError(f"{path}: cannot be rewritten without a forgotten person: {error}") from error
    return gone


def _how(sieve: Sieve) -> dict[str, Any]:
    # what does not decode is written back as it was, and so are the ends of lines
    encoding = sieve.contract.encoding if sieve.contract else "utf-8"
    return {"encoding": encoding, "errors": "surrogateescape", "newline": ""}


@contextmanager
def _read(path: Place, sieve: Sieve) -> Iterator[TextIOWrapper]:
    packing = "gzip" if str(path).endswith(".gz") else None
    with (
        files_of(path).open(str(path), "rb", compression=packing) as stream,
        TextIOWrapper(stream, **_how(sieve)) as text,
    ):
        yield text


@contextmanager
def _written(path: Path, sieve: Sieve) -> Iterator[TextIOWrapper]:
    stream: Any = gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115 closed below
    with stream, TextIOWrapper(stream, **_how(sieve)) as text:
        yield text


def _fields(line: str, contract: Contract) -> list[str]:
    return next(csv.reader([line], delimiter=contract.csv.delimiter, quotechar=contract.csv.quote), [])


def _field(line: str, header: list[str], contract: Contract) -> str | None:
    name = contract.source_columns[column_of(contract) or contract.key[0]]
    try:
        fields = _fields(line, contract)
    except csv.Error:
        return None
    return fields[header.index(name)] if name in header and header.index(name) < len(fields) else None


def _member(found: Any, contract: Contract | None) -> str | None:
    if contract is None:
        return None
    for name in contract.source_columns[column_of(contract) or contract.key[0]].split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return None if found is None or isinstance(found, dict | list) else str(found)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line.lstrip("\ufeff"))
    except ValueError:
        return None


def _is_object(line: str) -> bool:
    text = line.strip().lstrip("\ufeff")
    return text.startswith("{") and text.endswith("}")


def _spans(text: str) -> Iterator[tuple[int, int, Any]]:
    """Where each object of a JSON text begins and ends, and the object; of what cannot be read, None for the line."""
    at = len(text) - len(text.lstrip("\ufeff"))
    while True:
        while at < len(text) and text[at] in _SEPARATORS:
            at += 1
        if at == len(text):
            return
        try:
            found, end = _DECODER.raw_decode(text, at)
        except ValueError:
            found, end = None, text.find("\n", at) if "\n" in text[at:] else len(text)
        yield at, end, found
        at = end
