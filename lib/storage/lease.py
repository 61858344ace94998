"""One run at a time where there are no file locks: each run's number is an object that only one machine can create.

The object of a run is created on the condition that there is none of that number, which all three stores can do. Its
run writes it anew four times in `storage.lease`. A run that was silent for that long by the store's own clock, or whose
process its host does not have any more, is dead, and the next one takes the number after it. A run that could not write
for so long ends its own process: another one may have begun.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from lib.contract import seconds_of
from lib.errors import LockedError
from lib.storage.places import Remote, files_of, found_below, modified_us, told

_FOLDER, _CLOCK = ".runs", "clock"


@dataclass(frozen=True)
class Holder:
    """What the newest run's object says: its number, who it is, and whether it may still be at work."""

    run_id: int
    said: dict[str, Any]
    is_alive: bool

    @property
    def has_ended(self) -> bool:
        """Did it come to its end by itself?"""
        return bool(self.said.get("has_ended", False))


def newest(root: Remote) -> Holder | None:
    """The newest run of a lake, None where there was none."""
    files, folder = files_of(root), root / _FOLDER
    with told(folder):
        numbers = [int(name) for name in found_below(folder) if name.isdigit()]
        if not numbers:
            return None
        number = max(numbers)
        said = json.loads(files.cat_file(str(_object(root, number))))
        if not said["is_held"] or _is_gone(said):
            return Holder(number, said, is_alive=False)
        # both times are the store's: no machine's clock is asked
        files.pipe_file(str(folder / _CLOCK), b"")
        silent = modified_us(files.info(str(folder / _CLOCK))) - modified_us(files.info(str(_object(root, number))))
        return Holder(number, said, is_alive=silent <= seconds_of(root.storage.lease) * 1_000_000)


class Lease:
    """The number of a run, held until it is given back."""

    def __init__(self, root: Remote, number: int) -> None:
        self._root = root
        self._number = number
        self._seconds = seconds_of(root.storage.lease)
        self._since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._has_ended = False
        self._writing = threading.Lock()
        self._is_over = threading.Event()
        self._deadline = threading.Timer(self._seconds, self._lost)

    def take(self) -> None:
        """Create the object of the number.

        Raises:
            LockedError: if another run did.
        """
        asked_at = time.monotonic()
        files, place = files_of(self._root), _object(self._root, self._number)
        with told(place):
            try:
                files.pipe_file(str(place), self._text(), mode="create")
            except OSError as error:
                # a store that is not Amazon's may not say which condition was not met
                if isinstance(error, FileExistsError) or files.exists(str(place)):
                    raise LockedError(f"another run took {place} at this moment; nothing was changed") from None
                raise
        self._watch(asked_at)
        threading.Thread(target=self._renew, daemon=True, name="lease").start()

    def ended(self) -> None:
        """Say that the run has done all that it had to do, ledger included."""
        with self._writing:
            self._has_ended = True
            self._write()

    def give_back(self) -> None:
        """Let the next run begin."""
        with self._writing:
            self._is_over.set()
            self._deadline.cancel()
            self._write()

    def _renew(self) -> None:
        while not self._is_over.wait(self._seconds / 4):
            asked_at = time.monotonic()
            try:
                with self._writing:
                    if self._is_over.is_set():
                        return
                    if files_of(self._root).exists(str(_object(self._root, self._number + 1))):
                        self._lost()
                    self._write()
            except Exception as error:
                sys.stderr.write(f"{_object(self._root, self._number)}: cannot be renewed yet: {error}\n")
            else:
                self._watch(asked_at)

    def _watch(self, asked_at: float) -> None:
        """From the moment on at which the store was asked, the lease runs anew."""
        self._deadline.cancel()
        self._deadline = threading.Timer(asked_at + self._seconds - time.monotonic(), self._lost)
        self._deadline.daemon = True
        if not self._is_over.is_set():
            self._deadline.start()

    def _lost(self) -> None:
        """End the process at once: nothing else keeps its threads from writing on."""
        sys.stderr.write(f"run {self._number}: the lease was lost, another run may go on; this process ends\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGTERM)

    def _write(self) -> None:
        place = _object(self._root, self._number)
        with told(place):
            files_of(self._root).pipe_file(str(place), self._text())

    def _text(self) -> bytes:
        holder = {"run": self._number, "process": os.getpid(), "host": socket.gethostname(), "since": self._since}
        return json.dumps({**holder, "has_ended": self._has_ended, "is_held": not self._is_over.is_set()}).encode()


@contextmanager
def leased(root: Remote, at_least: int, local: Path) -> Iterator[tuple[int, bool, Lease]]:
    """Hold a lake: the number of this run, at least the one given; whether the run before it ended; and the lease.

    Raises:
        LockedError: if another run holds the lake.
        LakehouseError: if the store cannot be asked or written; nothing was changed.
    """
    last = newest(root)
    if last is not None and last.is_alive:
        said = last.said
        where = "this host" if said["host"] == socket.gethostname() else f"host {said['host']}"
        raise LockedError(
            f"another run holds {_object(root, last.run_id)} since {said['since']} "
            f"(process {said['process']} on {where}); nothing was changed"
        )
    local.mkdir(parents=True, exist_ok=True)
    number = max(at_least, last.run_id + 1 if last else 1)
    lease = Lease(root, number)
    lease.take()
    try:
        yield number, last is None or last.has_ended, lease
    finally:
        lease.give_back()


def _object(root: Remote, number: int) -> Remote:
    return root.joinpath(_FOLDER, f"{number:06d}")


def _is_gone(said: dict[str, Any]) -> bool:
    """Is it a process of this host that is not there any more?"""
    return said["host"] == socket.gethostname() and not psutil.pid_exists(said["process"])
