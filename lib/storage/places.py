"""Places: folders and files of this machine or of an object store. The only module that knows in what they differ."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import fsspec

from lib.errors import ConfigError, LakehouseError
from lib.storage.settings import Storage

_CLIENTS = {"s3a": "s3fs", "abfss": "adlfs", "gs": "gcsfs"}
"""The schemes by which both Hadoop and fsspec know a store, and the package that fsspec needs for it."""

_CHUNK = 1024 * 1024
_URL = re.compile(r"([A-Za-z][\w.+-]*)://(.*)")
_TIMES = ("mtime", "LastModified", "last_modified", "updated")
"""What the clients call the time of a file's last change: the file system's, S3's, Azure's, Google's."""


@dataclass(frozen=True)
class Remote:
    """A folder or an object of a store: what of pathlib's interface a lake needs.

    Not a UPath: that forgets the account in abfss://container@account.dfs.core.windows.net/path, which Spark needs.
    """

    url: str
    storage: Storage = field(repr=False)

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.url}/{name}", self.storage)

    def joinpath(self, *names: str) -> "Remote":
        """The place of that name below this one."""
        return Remote("/".join([self.url, *names]), self.storage)

    @property
    def scheme(self) -> str:
        """How the store is spoken to: s3a, abfss or gs."""
        return self.url.partition("://")[0]

    @property
    def parent(self) -> "Remote":
        """The folder that it is in."""
        return Remote(self.url.rpartition("/")[0], self.storage)

    @property
    def bucket(self) -> "Remote":
        """The bucket, or container, that it is in."""
        return Remote("/".join(self.url.split("/")[:3]), self.storage)

    def is_dir(self) -> bool:
        """Is there something below it?"""
        with told(self):
            return bool(files_of(self).isdir(str(self)))

    def exists(self) -> bool:
        """Is there such an object, or something below it?"""
        with told(self):
            return bool(files_of(self).exists(str(self)))


Place = Path | Remote


def mistake_of(text: str) -> str:
    """What is wrong with the text of a place; empty if nothing is."""
    match = _URL.match(text)
    if match and match[1] not in _CLIENTS:
        hint = "; did you mean s3a://?" if match[1] in {"s3", "s3n"} else ""
        return (
            f"'{match[1]}://' is no store that is known (a folder, or {', '.join(f'{s}://' for s in _CLIENTS)}{hint})"
        )
    if match and not match[2].strip("/"):
        return f"'{text}' names no bucket"
    return ""


def is_remote(text: str) -> bool:
    """Does a text name a place of an object store?"""
    return _URL.match(text) is not None


def remote(text: str, storage: Storage) -> Remote:
    """The place of an object store that a URL names.

    Raises:
        ConfigError: if it is of none that is known.
    """
    mistake = mistake_of(text)
    if mistake:
        raise ConfigError(mistake)
    return Remote(text.rstrip("/"), storage)


def place_of(text: str, storage: Storage) -> Place:
    """The place that a text names, of whichever kind."""
    return remote(text, storage) if is_remote(text) else Path(text)


def storage_of(place: Place) -> Storage:
    """How the store of a place is spoken to."""
    return place.storage if isinstance(place, Remote) else Storage.model_validate({})


def files_of(place: Place) -> Any:
    """The file system of a place, as fsspec has it.

    Raises:
        ConfigError: if the client of such a store is not installed.
        LakehouseError: if a credential cannot be looked up.
    """
    if isinstance(place, Path):
        return fsspec.filesystem("file")
    options = place.storage.of_python(place.scheme)
    try:
        return fsspec.core.url_to_fs(place.url, **options)[0]
    except ImportError as error:
        package = _CLIENTS[place.scheme]
        raise ConfigError(f"{place}: the package {package} is not installed (pip install {package})") from error


@contextmanager
def told(place: Place) -> Iterator[None]:
    """What a store's client says of a question that it cannot answer, as an error of ours that names the place.

    Raises:
        LakehouseError: instead of an error of the client; one that may pass by itself is still known as such.
    """
    try:
        yield
    except LakehouseError:
        raise
    except Exception as error:
        if isinstance(place, Path):
            raise
        # imported here: what is transient is known in terms of the settings, which have places
        from lib.transient import in_words

        words = " ".join(str(error).split())
        raise in_words(f"{place}: the store says: {type(error).__name__}: {words}", error) from error


def found_below(place: Place) -> dict[str, dict[str, Any]]:
    """Every file below a place by its path from there, and what the file system says of it."""
    files = files_of(place)
    begin = len(str(files._strip_protocol(str(place))).rstrip("/")) + 1
    return {path[begin:]: info for path, info in files.find(str(place), detail=True).items()}


def modified_us(info: dict[str, Any]) -> int:
    """The time of a file's last change, microseconds since 1970, in what a file system says of it."""
    found = next(info[name] for name in _TIMES if info.get(name) is not None)
    if isinstance(found, str):
        found = datetime.fromisoformat(found.replace("Z", "+00:00"))
    return round((found.timestamp() if isinstance(found, datetime) else found) * 1_000_000)


@contextmanager
def written_here(there: Place) -> Iterator[Path]:
    """A folder of this machine to write files into: the place itself, or one that is copied to it at the end."""
    if isinstance(there, Path):
        yield there
        return
    with TemporaryDirectory() as temporary:
        yield Path(temporary)
        for name in found_below(Path(temporary)):
            copy(Path(temporary, name), there / name)


def move(here: Place, there: Place) -> None:
    """Move a file. On an object store that is a copy and a delete: a death between the two leaves both."""
    files = files_of(here)
    if isinstance(here, Path) and isinstance(there, Path):
        files.makedirs(str(there.parent), exist_ok=True)
        files.mv(str(here), str(there))
        return
    if isinstance(here, Remote) and isinstance(there, Remote) and here.scheme == there.scheme:
        files.cp_file(str(here), str(there))
    else:
        copy(here, there)
    files.rm_file(str(here))


def remove(there: Place) -> None:
    """Delete a file."""
    files_of(there).rm_file(str(there))


def copy(here: Place, there: Place) -> Place:
    """Copy a file, never seen half done; on this machine with its time."""
    if isinstance(here, Path) and isinstance(there, Path):
        there.parent.mkdir(parents=True, exist_ok=True)
        part = there.with_name(there.name + ".part")
        shutil.copy2(here, part)
        return part.replace(there)
    # an object is there when all of it is; from a store, into a folder that nobody lists
    if isinstance(there, Path):
        there.parent.mkdir(parents=True, exist_ok=True)
    with files_of(here).open(str(here), "rb") as source, files_of(there).open(str(there), "wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
    return there


def write_text(there: Place, text: str) -> None:
    """Write a small file whole."""
    if isinstance(there, Path):
        there.parent.mkdir(parents=True, exist_ok=True)
    files_of(there).pipe_file(str(there), text.encode())


def local_folder(base: Path, place: Remote) -> Path:
    """Where below a folder of this machine is kept what cannot be in a lake's store: by the store's name and path."""
    return base / place.scheme / PurePosixPath(place.url.partition("://")[2])
