"""Structured logs: one JSON object a line, in a file of each run under the lake's `logs/`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from lib.errors import LakehouseError


@contextmanager
def run_log(root: Path, run_id: int) -> Iterator[FilteringBoundLogger]:
    """A logger that writes `<root>/logs/run-0001.jsonl`: `timestamp` (UTC), `level`, `event`, `run_id` in each line."""
    try:
        log_path(root, run_id).parent.mkdir(parents=True, exist_ok=True)
        opened = log_path(root, run_id).open("a", encoding="utf-8")
    except OSError as error:
        raise LakehouseError(f"{log_path(root, run_id)}: the log cannot be written: {error.strerror}") from error
    with opened as file:
        logger = structlog.wrap_logger(
            structlog.WriteLogger(file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.dict_tracebacks,
                structlog.processors.JSONRenderer(default=str),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(0),
            run_id=run_id,
        )
        yield logger


def log_path(root: Path, run_id: int) -> Path:
    """Where the log of a run is."""
    return root / "logs" / f"run-{run_id:04d}.jsonl"
