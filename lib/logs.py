"""Structured logs: one JSON object a line, in a file of each run under the lake's `logs/`."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import NoReturn, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

from lib.errors import LakehouseError
from lib.secrets import hidden


@contextmanager
def run_log(root: Path, run_id: int) -> Iterator[FilteringBoundLogger]:
    """A logger that writes `<root>/logs/run-0001.jsonl`: `timestamp` (UTC), `level`, `event`, `run_id` in each line."""
    try:
        log_path(root, run_id).parent.mkdir(parents=True, exist_ok=True)
        opened = log_path(root, run_id).open("ab", buffering=0)
    except OSError as error:
        raise LakehouseError(f"{log_path(root, run_id)}: the log cannot be written: {error.strerror}") from error
    with opened as file:
        logger = structlog.wrap_logger(
            structlog.WriteLogger(cast(TextIO, _Lines(file))),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                # without the values of variables: they may say who somebody is
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                structlog.processors.JSONRenderer(default=str),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            run_id=run_id,
        )
        yield logger


def hide_secrets() -> None:
    """Have whatever a library logs go without the secrets that were looked up."""
    logging.setLogRecordFactory(_Record)


class _Record(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802 so the library calls it
        return hidden(super().getMessage())


def no_log() -> FilteringBoundLogger:
    """A logger that writes nothing: for who only looks."""
    logger: FilteringBoundLogger = structlog.wrap_logger(structlog.ReturnLogger(), processors=[_drop])
    return logger


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


class _Lines:
    """Takes lines for as long as the disk does: when it is full, the run must still be able to say so itself."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._is_told = False

    def write(self, text: str) -> None:
        """Append a text, or say once that there is no more of the log."""
        try:
            self._file.write(hidden(text).encode())
        except OSError as error:
            if not self._is_told:
                sys.stderr.write(f"{self._file.name!s}: the log ends here: {error.strerror}\n")
            self._is_told = True

    def flush(self) -> None:
        """Nothing to do: there is no buffer."""


def old_logs(root: Path, before: datetime) -> list[Path]:
    """The logs that were last written to before a time."""
    return [log for log in sorted(root.glob("logs/run-*.jsonl")) if log.stat().st_mtime < before.timestamp()]


def remove(logs: Iterable[Path]) -> int:
    """Delete logs; gives their bytes.

    Raises:
        LakehouseError: if one cannot be deleted.
    """
    size = 0
    for log in logs:
        try:
            size += log.stat().st_size
            log.unlink()
        except OSError as error:
            raise LakehouseError(f"{log}: cannot be deleted: {error.strerror}") from error
    return size


def log_path(root: Path, run_id: int) -> Path:
    """Where the log of a run is."""
    return root / "logs" / f"run-{run_id:04d}.jsonl"
