"""Landed files: list, inspect, read, move. The only code that touches them."""

import codecs
import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from lib.contract import Contract
from lib.errors import ConfigError, LakehouseError
from lib.sql import quoted, sql_text
from lib.storage import places
from lib.storage.places import Place, Remote, files_of, told

Layout = Literal["lines", "loose", "array"]
"""A record a line; JSON of which a line may hold more or less than one object; one JSON array."""

_CHUNK = 1024 * 1024
_NO_QUOTE, _NO_SEPARATOR = "\ufdd0", "\ufdd1"
"""Unicode's own words for "no character", which no text holds: the CSV reader then decodes whole lines."""

_LOOSE = [
    re.compile(pattern)
    for pattern in (
        # text after a closed object that could be another record: Spark would read one of a line and drop the rest
        r"}[ \t\r]*(?:[^ \t\r\n,}\]]|,[ \t\r]*[{\n])",
        # a line that begins like an array: Spark would make a row of each element, none of an empty one
        r"\n[ \t\r]*\[",
        r"\r[ \t]*\[",
        # a member without a name, which Spark would not see
        r'""[ \t]*:',
    )
]
"""What Spark's reader of JSON lines must not be given. Each by itself: a pattern that begins with a letter is fast."""

_BLANK = " \t\r\n,"
"""What may stand within a match of these; before it stand two other characters at most."""

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
    """What a look at a whole file says: may it be loaded, how is it laid out, and a hash of its (unpacked) content."""

    file: LandedFile
    verdict: Literal["ok", "empty", "rejected", "changed", "skipped"]
    reason: str = ""
    header: tuple[str, ...] = ()
    layout: Layout = "lines"
    content_hash: str = ""


@dataclass(frozen=True)
class _Content:
    """What reading a file to its end shows; `head` is the first line with text, of JSON its beginning."""

    head: str
    has_rows: bool
    layout: Layout
    content_hash: str


def check_folder(landing: Place) -> None:
    """Is the landing folder there? One of an object store is, empty or not, if its bucket is.

    Raises:
        ConfigError: if not.
        LakehouseError: if the store does not answer, or refuses to list it.
    """
    with told(landing):
        is_there = landing.is_dir() or (isinstance(landing, Remote) and landing.bucket.exists())
    if not is_there:
        raise ConfigError(f"{landing}: the landing folder is not there (`make landing` generates one)")


def list_files(landing: Place) -> list[LandedFile]:
    """Every landed file, oldest first. Skipped: names that start with `.` or `_`, `*.tmp`, `*.part`.

    Raises:
        ConfigError: if the landing folder is not there.
    """
    check_folder(landing)
    landed = [_landed(path, info) for path, info in places.found_below(landing).items()]
    return sorted(file for file in landed if not _is_skipped(file.path))


def one_file(path: Path) -> LandedFile:
    """A file that somebody names, as if it had landed in its own folder.

    Raises:
        LakehouseError: if there is no such file.
    """
    if not path.is_file():
        raise LakehouseError(f"{path}: there is no such file")
    return _landed(path.name, files_of(path).info(str(path)))


def assign(files: Iterable[LandedFile], contracts: Iterable[Contract]) -> tuple[dict[str, list[LandedFile]], list[str]]:
    """The files of each contract by its table name, its control files included, and the paths that no contract knows.

    Raises:
        ConfigError: if a file matches the `files` of two contracts.
    """
    known = list(contracts)
    assigned: dict[str, list[LandedFile]] = {contract.table: [] for contract in known}
    strangers = []
    for file in files:
        owners = [each.table for each in known if belongs(file.path, each) or is_control(file, each)]
        if len(owners) > 1:
            raise ConfigError(
                f"{file.path}: matches `files` of {' and '.join(owners)} (a file belongs to one contract)"
            )
        if owners:
            assigned[owners[0]].append(file)
        else:
            strangers.append(file.path)
    return assigned, strangers


def belongs(path: str, contract: Contract) -> bool:
    """Is a file at this path, relative to landing, one of the contract's?"""
    return contract.files is not None and fnmatchcase(path, contract.files)


def is_control(file: LandedFile, contract: Contract) -> bool:
    """Does the file announce others of its contract?"""
    return contract.control is not None and fnmatchcase(file.path, contract.control.files)


def in_batches(files: Iterable[LandedFile], *, max_bytes: int, max_files: int) -> list[list[LandedFile]]:
    """Files in their order, cut into batches of at most so many bytes and files (a larger file is one of its own)."""
    batches: list[list[LandedFile]] = []
    room = -1
    for file in files:
        if file.size > room or len(batches[-1]) == max_files:
            batches.append([])
            room = max_bytes
        batches[-1].append(file)
        room -= file.size
    return batches


def inspect(landing: Place, file: LandedFile, contract: Contract) -> Inspection:
    """Read a file once from end to end, in bounded memory: does it decode, and is it laid out as the contract says?"""
    is_packed = file.path.endswith(".gz")
    try:
        with files_of(landing).open(
            str(landing / file.path), "rb", compression="gzip" if is_packed else None
        ) as stream:
            content = _decode(stream, contract)
    except FileNotFoundError:
        return Inspection(file, "changed", "the file is gone")
    except EOFError:
        return Inspection(file, "changed", "its gzip stream ends early, as if it were still being written")
    except (gzip.BadGzipFile, zlib.error) as error:
        return Inspection(file, "rejected", f"is not gzip, as its name says: {error}")
    except UnicodeError as error:
        return Inspection(file, "rejected", f"does not decode as {contract.encoding}: {error}")
    if not is_unchanged(landing, file):
        return Inspection(file, "changed", "the file changed while it was looked at")
    return _laid_out(file, contract, content)


def _laid_out(file: LandedFile, contract: Contract, content: _Content) -> Inspection:
    if not content.head.strip():
        return Inspection(file, "empty", "the file is empty")
    header = _fields(content.head, contract) if contract.format == "csv" else ()
    offence = _offence_of(file, header, contract)
    if offence:
        return Inspection(file, "rejected", offence)
    if not content.has_rows:
        return Inspection(file, "empty", "there is only a header", header)
    return Inspection(file, "ok", "", header, content.layout, content.content_hash)


def is_unchanged(landing: Place, file: LandedFile) -> bool:
    """Is the file still the one that was listed?"""
    try:
        return _landed(file.path, files_of(landing).info(str(landing / file.path))) == file
    except FileNotFoundError:
        return False


def read_lines(
    spark: SparkSession, landing: Place, files: Iterable[LandedFile], contract: Contract, *, layout: Layout = "lines"
) -> DataFrame:
    """The records of files as text: `_line`, `_source_file` (relative to landing), `_source_modified_at`.

    A record is a line, below the header in CSV; of files that are one JSON array, the whole file is. Lines, and not
    Spark's columns, so that a malformed line can be kept as it landed.
    """
    paths = _spark_paths(landing, files)
    if contract.format == "json":
        lines = spark.read.schema("_line STRING").text(paths, wholetext=layout == "array")
        without_mark = F.ltrim("_line", F.lit("\ufeff"))
        lines = lines.select(without_mark.alias("_line"), "_metadata").filter(F.col("_line").rlike(r"\S"))
    else:
        reader = spark.read.schema("_line STRING").options(
            header="true", sep=_NO_SEPARATOR, quote=_NO_QUOTE, encoding=codecs.lookup(contract.encoding).name
        )
        lines = reader.csv(paths)
    return lines.select("_line", *_lineage(landing))


def infer_json(spark: SparkSession, landing: Place, files: Iterable[LandedFile]) -> StructType:
    """The members that the objects of JSON lines have, each of type STRING, STRUCT or ARRAY: one pass over the files.

    Raises:
        AnalysisException: if two members of one object differ in case only.
    """
    return spark.read.option("primitivesAsString", "true").json(_spark_paths(landing, files)).schema


def read_json(spark: SparkSession, landing: Place, files: Iterable[LandedFile], schema: StructType) -> DataFrame:
    """The objects of JSON lines as columns of `schema`, leaves as the text that stands in the file.

    A line that is not read whole is in `_line`, which is NULL for the others; `_source_file` and
    `_source_modified_at` as in `read_lines`.
    """
    options = {"columnNameOfCorruptRecord": "_line", "allowSingleQuotes": "false"}
    reader = spark.read.schema(StructType([*schema.fields, StructField("_line", StringType())])).options(**options)
    objects = reader.json(_spark_paths(landing, files))
    return objects.select(*[F.col(quoted(name)) for name in schema.names], "_line", *_lineage(landing))


def _spark_paths(landing: Place, files: Iterable[LandedFile]) -> list[str]:
    """Hadoop takes a path for a glob."""
    return [re.sub(r"([\\*?\[\]{}])", r"\\\1", f"{landing}/{file.path}") for file in files]


def _lineage(landing: Place) -> list[Column]:
    prefix = f"{landing}/"
    # `_metadata.file_path` is percent-encoded, where + is a plus
    path = "_metadata.file_path"
    decoded = f"CASE WHEN contains({path}, '%') THEN url_decode(replace({path}, '+', '%2B')) ELSE {path} END"
    relative = F.expr(f"substring_index({decoded}, {sql_text(prefix)}, -1)")
    return [relative.alias("_source_file"), F.col("_metadata.file_modification_time").alias("_source_modified_at")]


def read_text(landing: Place, file: LandedFile) -> str:
    """A small file whole.

    Raises:
        LakehouseError: if it is gone or is not UTF-8.
    """
    try:
        return str(files_of(landing).cat_file(str(landing / file.path)).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LakehouseError(f"{file.path}: cannot be read: {error}") from error


def processed_to(root: Place, source: str, batch_id: int) -> Place:
    """Where files of a batch are once they are loaded."""
    return root / "processed" / source / f"{batch_id:06d}"


def rejected_to(root: Place, source: str, batch_id: int) -> Place:
    """Where those files of a batch are that were rejected."""
    return root / "rejected" / source / f"{batch_id:06d}"


def archive(
    landing: Place,
    file: LandedFile,
    target: Place,
    *,
    reason: str = "",
    write: Callable[[Place, Place], object] | None = None,
) -> Place:
    """Move a file from landing to `target/<its path>`; with a reason, leave a `.reason.txt` beside it.

    Where it must not stay as it is, `write` writes it anew from the first place to the second.
    """
    destination = target / file.path
    try:
        if reason:
            places.write_text(target / f"{file.path}.reason.txt", f"{file.path}: {reason}\n")
        if write is None:
            places.move(landing / file.path, destination)
        else:
            write(landing / file.path, destination)
            places.remove(landing / file.path)
    except OSError as error:
        raise LakehouseError(f"{file.path}: cannot be moved to {destination}: {error}") from error
    return destination


@dataclass(frozen=True)
class PutAway:
    """A file in `processed/`: the source that it came from, the batch that it was loaded with, its path in landing."""

    source: str
    batch_id: int
    path: str

    @property
    def place(self) -> str:
        """Its path below the lake's folder."""
        return f"processed/{self.source}/{self.batch_id:06d}/{self.path}"


def list_processed(root: Place) -> list[PutAway]:
    """Every file in the `processed/` of a lake; what somebody else put there is left out."""
    parts = [PurePosixPath(path).parts for path in places.found_below(root / "processed")]
    ours = [part for part in parts if len(part) > 2 and part[1].isdigit()]
    return [PutAway(source, int(batch), "/".join(path)) for source, batch, *path in ours]


def remove(root: Place, file: PutAway) -> int:
    """Delete a processed file, and the folders that are empty then; gives its bytes.

    Raises:
        LakehouseError: if it cannot be deleted.
    """
    place = root / file.place
    try:
        size = int(files_of(root).size(str(place)))
        files_of(root).rm_file(str(place))
        # an object store has no folders
        for folder in place.parents if isinstance(place, Path) else ():
            if folder == root / "processed" or any(folder.iterdir()):
                break
            folder.rmdir()
    except OSError as error:
        raise LakehouseError(f"{place}: cannot be deleted: {error.strerror}") from error
    return size


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Write a text file whole or not at all, in bounded memory."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.part")
        with part.open("w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)
        part.replace(file)
    except OSError as error:
        raise LakehouseError(f"{file}: cannot be written: {error.strerror}") from error


def copy_in(source: Path, root: Place, landing: Place, contracts: Iterable[Contract]) -> list[Place]:
    """Copy those files of `source` that a contract's `files` names into landing, under the contract's folder.

    The originals stay as they are, and copying the same file again is not new data: a copy keeps its original's time.
    An object store gives it a time of its own, so that there, as with `aws s3 sync`, a file is left out if landing or
    `processed` has it in the same size and no older.

    Raises:
        ConfigError: if the folder is not there or holds no file of any contract.
    """
    wanted = to_copy(source, contracts)
    if isinstance(landing, Path):
        return [places.copy(source / Path(file.path).name, landing / file.path) for file in wanted]
    there = [*list_files(landing), *_processed(root)]
    newest = {(file.path, file.size): file.modified_us for file in sorted(there)}
    return [
        places.copy(source / Path(file.path).name, landing / file.path)
        for file in wanted
        if newest.get((file.path, file.size), -1) < file.modified_us
    ]


def _processed(root: Place) -> list[LandedFile]:
    """The files in `processed`, by the paths that they had in landing."""
    files = files_of(root)
    return [_landed(each.path, files.info(str(root / each.place))) for each in list_processed(root)]


def to_copy(source: Path, contracts: Iterable[Contract]) -> list[LandedFile]:
    """The files of a folder that a contract's `files` names, as they will have landed once they are copied in.

    Raises:
        ConfigError: if the folder is not there or holds no file of any contract.
    """
    if not source.is_dir():
        raise ConfigError(f"{source}: there is no such folder to take files from")
    found = []
    patterns = sorted({contract.files for contract in contracts if contract.files is not None})
    for original in sorted(path for path in source.iterdir() if path.is_file()):
        for pattern in patterns:
            folder, _, name = pattern.rpartition("/")
            if fnmatchcase(original.name, name) and not _is_skipped(original.name):
                found.append(_landed(str(PurePosixPath(folder, original.name)), files_of(original).info(str(original))))
                break
    if not found:
        names = ", ".join(pattern.rpartition("/")[2] for pattern in patterns)
        raise ConfigError(f"{source}: there is no file that a contract knows (known are {names})")
    return found


def _landed(path: str, info: dict[str, Any]) -> LandedFile:
    return LandedFile(modified_us=places.modified_us(info), path=path, size=int(info["size"]))


def _is_skipped(path: str) -> bool:
    return path.endswith((".tmp", ".part")) or any(part.startswith((".", "_")) for part in path.split("/"))


def _decode(stream: IO[bytes], contract: Contract) -> _Content:
    decoder = codecs.getincrementaldecoder(contract.encoding)(errors="strict")
    is_json = contract.format == "json"
    content_hash = hashlib.sha256()
    head, has_rows, n_lines, in_head, is_loose, carried = "", False, 1, True, False, ""
    while True:
        chunk = stream.read(_CHUNK)
        content_hash.update(chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            # the decoder counts from the chunk's beginning; a person looks for a line
            n_lines += error.object[: error.start].count(b"\n")
            raise UnicodeError(f"line {n_lines} has the byte 0x{error.object[error.start]:02x}") from error
        n_lines += text.count("\n")
        if is_json and not is_loose:
            seen = carried + (text if chunk else "\n")
            is_loose = any(pattern.search(seen) for pattern in _LOOSE)
            carried = _possible_beginning(seen[-_CHUNK:])
        if in_head:
            # as in Spark, lines without text before the header do not count
            head = _BLANK_LINES.sub("", (head + text).removeprefix("\ufeff"))
            head, *more = [head] if is_json else _LINE_END.split(head, maxsplit=1)
            in_head = not head.strip() if is_json else not more
            text = text if is_json else "".join(more)
        has_rows = has_rows or bool(text.strip())
        if not chunk:
            layout: Layout = "array" if is_json and head.lstrip().startswith("[") else "loose" if is_loose else "lines"
            return _Content(head, has_rows, layout, content_hash.hexdigest())


def _possible_beginning(text: str) -> str:
    """The end of a text with which something loose may begin that goes on in the next one."""
    return text[max(0, len(text.rstrip(_BLANK)) - 2) :]


def _fields(line: str, contract: Contract) -> tuple[str, ...]:
    row = next(csv.reader([line], delimiter=contract.csv.delimiter, quotechar=contract.csv.quote))
    return tuple(field.strip() for field in row)


def _offence_of(file: LandedFile, header: tuple[str, ...], contract: Contract) -> str:
    if ":" in file.path:
        return "Hadoop reads no file with a colon in its path (land it under another name)"
    if contract.format == "json":
        # an object names its own members: what is missing is a matter of the row
        return ""
    missing = contract.missing_among(header)
    if missing:
        return missing
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        return f"column {twice[0]!r} appears twice in the header"
    return ""
