"""Landed files: list, inspect, read, move. The only code that touches them."""

import codecs
import csv
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Literal

import fsspec
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.contract import Contract
from lib.errors import ConfigError, LakehouseError
from lib.sql import sql_text

_CHUNK = 1024 * 1024
_NO_QUOTE, _NO_SEPARATOR = "\ufdd0", "\ufdd1"
"""Unicode's own words for "no character", which no text holds: the CSV reader then decodes whole lines."""

_BLANK_LINES, _LINE_END = re.compile(r"\A\s*[\r\n]+"), re.compile(r"[\r\n]")


@dataclass(frozen=True, order=True)
class LandedFile:
    """One file in the landing folder: path relative to it, time of its last change (microseconds, UTC), bytes."""

    modified_us: int
    path: str
    size: int

    @property
    def modified_at(self) -> datetime:
        """The time of the file's last change, UTC."""
        return datetime.fromtimestamp(self.modified_us // 1_000_000, timezone.utc).replace(
            microsecond=self.modified_us % 1_000_000
        )


@dataclass(frozen=True)
class Inspection:
    """What a look at a whole file says: may it be loaded, and under which header."""

    file: LandedFile
    verdict: Literal["ok", "empty", "rejected", "changed"]
    reason: str = ""
    header: tuple[str, ...] = ()


def check_folder(landing: Path) -> None:
    """Is the landing folder there?

    Raises:
        ConfigError: if not.
    """
    if not _filesystem().isdir(str(landing)):
        raise ConfigError(f"{landing}: the landing folder is not there (`make landing` generates one)")


def list_files(landing: Path) -> list[LandedFile]:
    """Every landed file, oldest first. Skipped: names that start with `.` or `_`, `*.tmp`, `*.part`.

    Raises:
        ConfigError: if the landing folder is not there.
    """
    check_folder(landing)
    found = _filesystem().find(str(landing), detail=True)
    landed = [_landed(Path(path).relative_to(landing), info) for path, info in found.items()]
    return sorted(file for file in landed if not _is_skipped(file.path))


def assign(files: Iterable[LandedFile], contracts: Iterable[Contract]) -> tuple[dict[str, list[LandedFile]], list[str]]:
    """The files of each contract by its table name, and the paths that no contract knows.

    Raises:
        ConfigError: if a file matches the `files` of two contracts.
    """
    known = list(contracts)
    assigned: dict[str, list[LandedFile]] = {contract.table: [] for contract in known}
    strangers = []
    for file in files:
        owners = [contract.table for contract in known if fnmatchcase(file.path, contract.files)]
        if len(owners) > 1:
            raise ConfigError(
                f"{file.path}: matches `files` of {' and '.join(owners)} (a file belongs to one contract)"
            )
        if owners:
            assigned[owners[0]].append(file)
        else:
            strangers.append(file.path)
    return assigned, strangers


def in_batches(files: Iterable[LandedFile], max_bytes: int) -> list[list[LandedFile]]:
    """Files in their order, cut into batches of at most `max_bytes` (a larger file is a batch of its own)."""
    batches: list[list[LandedFile]] = []
    room = -1
    for file in files:
        if file.size > room:
            batches.append([])
            room = max_bytes
        batches[-1].append(file)
        room -= file.size
    return batches


def inspect(landing: Path, file: LandedFile, contract: Contract) -> Inspection:
    """Read a file once from end to end, in bounded memory: does it decode, and is its header the contract's?"""
    try:
        with _filesystem().open(str(landing / file.path), "rb") as stream:
            header_line, has_rows, size = _decode(stream, contract.csv.encoding)
    except FileNotFoundError:
        return Inspection(file, "changed", "the file is gone")
    except UnicodeError as error:
        return Inspection(file, "rejected", f"does not decode as {contract.csv.encoding}: {error}")
    if size != file.size:
        return Inspection(file, "changed", f"the file had {file.size} bytes and now has {size}")
    if not header_line.strip():
        return Inspection(file, "empty", "the file is empty")
    header = _fields(header_line, contract)
    offence = _offence_of(file, header, contract)
    if offence:
        return Inspection(file, "rejected", offence)
    return Inspection(file, "ok" if has_rows else "empty", "" if has_rows else "there is only a header", header)


def is_unchanged(landing: Path, file: LandedFile) -> bool:
    """Is the file still the one that was listed?"""
    files = _filesystem()
    path = landing / file.path
    return bool(files.isfile(str(path))) and _landed(Path(file.path), files.info(str(path))) == file


def read_lines(spark: SparkSession, landing: Path, files: Iterable[LandedFile], contract: Contract) -> DataFrame:
    """The lines of CSV files below their header: `_line`, `_source_file` (relative to landing), `_source_modified_at`.

    Lines, and not Spark's columns, so that a malformed line can be kept as it landed and its quotes be counted.
    """
    prefix = f"{landing.as_posix()}/"
    # Hadoop takes a path for a glob; and `_metadata.file_path` is percent-encoded, where + is a plus
    paths = [re.sub(r"([\\*?\[\]{}])", r"\\\1", prefix + file.path) for file in files]
    decoded = "url_decode(replace(_metadata.file_path, '+', '%2B'))"
    reader = spark.read.schema("_line STRING").options(
        header="true", sep=_NO_SEPARATOR, quote=_NO_QUOTE, encoding=codecs.lookup(contract.csv.encoding).name
    )
    return reader.csv(paths).select(
        "_line",
        F.expr(f"substring({decoded}, locate({sql_text(prefix)}, {decoded}) + {len(prefix)})").alias("_source_file"),
        F.col("_metadata.file_modification_time").alias("_source_modified_at"),
    )


def archive(landing: Path, file: LandedFile, target: Path, *, reason: str = "") -> Path:
    """Move a file from landing to `target/<its path>`; with a reason, leave a `.reason.txt` beside it."""
    files = _filesystem()
    destination = target / file.path
    try:
        files.makedirs(str(destination.parent), exist_ok=True)
        if reason:
            files.pipe_file(f"{destination}.reason.txt", f"{file.path}: {reason}\n".encode())
        files.mv(str(landing / file.path), str(destination))
    except OSError as error:
        raise LakehouseError(f"{file.path}: cannot be moved to {destination}: {error}") from error
    return destination


def copy_in(source: Path, landing: Path, contracts: Iterable[Contract]) -> list[Path]:
    """Copy those files of `source` that a contract's `files` names into landing, under the contract's folder.

    The originals stay as they are, and a copy keeps its original's time: copying the same file again is not new data.

    Raises:
        ConfigError: if the folder is not there or holds no file of any contract.
    """
    if not source.is_dir():
        raise ConfigError(f"{source}: there is no such folder to take files from")
    copies = []
    patterns = sorted({contract.files for contract in contracts})
    for original in sorted(path for path in source.iterdir() if path.is_file()):
        for pattern in patterns:
            folder, _, name = pattern.rpartition("/")
            if fnmatchcase(original.name, name) and not _is_skipped(original.name):
                copies.append(_copy(original, landing / folder / original.name))
                break
    if not copies:
        names = ", ".join(pattern.rpartition("/")[2] for pattern in patterns)
        raise ConfigError(f"{source}: there is no file that a contract knows (known are {names})")
    return copies


def _copy(original: Path, copy: Path) -> Path:
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(copy.name + ".part")
    shutil.copy2(original, part)
    return part.replace(copy)


def _filesystem() -> Any:
    return fsspec.filesystem("file")


def _landed(path: Path, info: dict[str, Any]) -> LandedFile:
    return LandedFile(modified_us=round(info["mtime"] * 1_000_000), path=path.as_posix(), size=int(info["size"]))


def _is_skipped(path: str) -> bool:
    return path.endswith((".tmp", ".part")) or any(part.startswith((".", "_")) for part in path.split("/"))


def _decode(stream: IO[bytes], encoding: str) -> tuple[str, bool, int]:
    """The first line with text, whether another one follows it, and the number of bytes read."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    head, has_rows, size, n_lines, in_head = "", False, 0, 1, True
    while True:
        chunk = stream.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            # the decoder counts from the chunk's beginning; a person looks for a line
            n_lines += error.object[: error.start].count(b"\n")
            raise UnicodeError(f"line {n_lines} has the byte 0x{error.object[error.start]:02x}") from error
        size += len(chunk)
        n_lines += text.count("\n")
        if in_head:
            # as in Spark, lines without text before the header do not count
            head = _BLANK_LINES.sub("", (head + text).removeprefix("\ufeff"))
            head, *more = _LINE_END.split(head, maxsplit=1)
            in_head, text = not more, "".join(more)
        has_rows = has_rows or bool(text.strip())
        if not chunk:
            return head, has_rows, size


def _fields(line: str, contract: Contract) -> tuple[str, ...]:
    row = next(csv.reader([line], delimiter=contract.csv.delimiter, quotechar=contract.csv.quote))
    return tuple(field.strip() for field in row)


def _offence_of(file: LandedFile, header: tuple[str, ...], contract: Contract) -> str:
    if ":" in file.path:
        return "Hadoop reads no file with a colon in its path (land it under another name)"
    missing = [name for name in contract.required_source_columns if name not in header]
    if missing:
        what = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
        return f"{what} missing (there are {', '.join(header)})"
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        return f"column {twice[0]!r} appears twice in the header"
    return ""
