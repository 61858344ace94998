"""One run at a time per lake, and the number of each run."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import psutil

from lib.errors import LakehouseError, LockedError


@dataclass
class Lock:
    """A lake that this process holds: the number of the run, and whether the run before it ended by itself."""

    run_id: int
    last_run_ended: bool
    _file: IO[str]

    def ended(self) -> None:
        """Say that this run has done all that it had to do, ledger included."""
        _write(self._file, self.run_id, has_ended=True)


@contextmanager
def locked(root: Path) -> Iterator[Lock]:
    """Hold the lake; the run's number is one above the last; the lock goes with the process.

    The lock file also keeps the number of the last run, that of a run that died included.

    Raises:
        LockedError: if another process holds the lake.
        LakehouseError: if the lake's folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise LakehouseError(f"{root}: the lake's folder cannot be written: {error.strerror}") from error
    with file:
        file.seek(0)
        text = file.read()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LockedError(_who_holds(root, text)) from None
        last = _read(text)
        run_id = max(last.get("run", 0), _last_logged(root)) + 1
        try:
            _write(file, run_id, has_ended=False)
        except OSError as error:
            raise LakehouseError(f"{root / '.lock'}: cannot be written: {error.strerror}") from error
        yield Lock(run_id, last.get("has_ended", True), file)


@dataclass(frozen=True)
class LastRun:
    """What the lock file says of the last run: its number, whether it came to its end, or else still goes on."""

    run_id: int
    since: datetime
    has_ended: bool
    goes_on: bool


def last_run(root: Path) -> LastRun | None:
    """The last run of a lake, None where nothing is known of one. Nothing is held: a run that begins meanwhile may.

    Of a run on another host it is not known whether it goes on: then it does.
    """
    file = root / ".lock"
    said = _read(file.read_text("utf-8")) if file.is_file() else {}
    if not {"run", "process", "host", "since"} <= said.keys():
        return None
    goes_on = said["host"] != socket.gethostname() or psutil.pid_exists(said["process"])
    has_ended = bool(said.get("has_ended", True))
    return LastRun(said["run"], datetime.fromisoformat(said["since"]), has_ended, goes_on and not has_ended)


def _write(file: IO[str], run_id: int, *, has_ended: bool) -> None:
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    holder = {"run": run_id, "process": os.getpid(), "host": socket.gethostname(), "since": since}
    file.truncate(0)
    json.dump({**holder, "has_ended": has_ended}, file)
    file.flush()


def _who_holds(root: Path, text: str) -> str:
    holder = _read(text)
    where = "this host" if holder.get("host") == socket.gethostname() else f"host {holder.get('host', '?')}"
    return (
        f"another run holds {root / '.lock'} since {holder.get('since', '?')} "
        f"(process {holder.get('process', '?')} on {where}); nothing was changed"
    )


def _read(text: str) -> dict[str, Any]:
    """What the lock file says; nothing, if a run died while it wrote it."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _last_logged(root: Path) -> int:
    """The highest number among the logs: a lost lock file must not give a number twice."""
    return max((int(log.stem.removeprefix("run-")) for log in root.glob("logs/run-*.jsonl")), default=0)
