"""One run at a time per lake, and the number of each run."""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil

from lib.errors import LakehouseError, LockedError
from lib.storage.lease import leased, newest
from lib.storage.places import Place, Remote


@dataclass
class Lock:
    """A lake that this process holds: the number of the run, and whether the run before it ended by itself.

    `ended` says that this run has done all that it had to do, ledger included.
    """

    run_id: int
    last_run_ended: bool
    ended: Callable[[], None]


@contextmanager
def locked(root: Place, local: Path | None = None) -> Iterator[Lock]:
    """Hold the lake; the run's number is one above the last; the lock goes with the process.

    The lock also keeps the number of the last run, that of a run that died included. It is a locked file in the lake's
    folder, or an object of the lake's store (lib/storage/lease.py), and then `local` is where logs are.

    Raises:
        LockedError: if another process holds the lake.
        LakehouseError: if the lake's folder or store cannot be written.
    """
    if isinstance(root, Remote):
        logs = local or Path()
        with leased(root, _last_logged(logs) + 1, logs) as (run_id, last_run_ended, lease):
            yield Lock(run_id, last_run_ended, lease.ended)
        return
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
        yield Lock(run_id, last.get("has_ended", True), partial(_write, file, run_id, has_ended=True))


@dataclass(frozen=True)
class LastRun:
    """What the lock says of the last run: its number, whether it came to its end, or else still goes on."""

    run_id: int
    since: datetime
    has_ended: bool
    goes_on: bool


def last_run(root: Place) -> LastRun | None:
    """The last run of a lake, None where nothing is known of one. Nothing is held: a run that begins meanwhile may.

    Of a run on another host it is not known whether it goes on, but on an object store: then it does.
    """
    if isinstance(root, Remote):
        last = newest(root)
        since = datetime.fromisoformat(last.said["since"]) if last else datetime.now(timezone.utc)
        return LastRun(last.run_id, since, last.has_ended, last.is_alive and not last.has_ended) if last else None
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
