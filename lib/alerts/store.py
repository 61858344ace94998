"""What is wrong with a lake and what is still to be told, in files: they are there when Spark is not."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lib.alerts.troubles import Key, News, Trouble


@dataclass
class State:
    """The troubles that are open, and the news that each channel has yet to be told: of a trouble the last."""

    open: list[Trouble] = field(default_factory=list)
    unsent: dict[str, list[News]] = field(default_factory=dict)

    @property
    def by_key(self) -> Mapping[Key, Trouble]:
        """The open troubles by what makes them the same."""
        return {each.key: each for each in self.open}


_STATE = TypeAdapter(State)


def state_file(root: Path) -> Path:
    """Where the state of a lake is."""
    return root / "alerts" / "open.json"


def read_state(root: Path) -> State:
    """The state of a lake; nothing is wrong with one that has none.

    Raises:
        OSError: if it cannot be read.
        ValueError: if somebody else wrote it.
    """
    file = state_file(root)
    return _STATE.validate_json(file.read_bytes()) if file.is_file() else State()


def write_state(root: Path, state: State) -> None:
    """Write the state whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    file = state_file(root)
    file.parent.mkdir(exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    with part.open("wb") as out:
        out.write(_STATE.dump_json(state, indent=1))
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def put_aside(root: Path) -> Path:
    """Keep a state that cannot be read under another name."""
    return state_file(root).replace(state_file(root).with_suffix(".broken"))


def log(root: Path, at: datetime, lines: Iterable[Mapping[str, Any]]) -> None:
    """Append to the record of what was wrong and told, an object a line."""
    with (root / "alerts" / "log.jsonl").open("a", encoding="utf-8") as out:
        out.writelines(
            json.dumps({"at": at.isoformat(timespec="seconds"), **line}, default=str) + "\n" for line in lines
        )


def as_line(news: News) -> dict[str, Any]:
    """News as a line of the record."""
    return {"event": "opened" if news.cleared_at is None else "cleared", **asdict(news.trouble)}


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Nobody else compares, writes or sends meanwhile: a run and `status --alert` may end at the same time."""
    (root / "alerts").mkdir(exist_ok=True)
    with (root / "alerts" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
