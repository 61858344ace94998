"""The generated landing files of a lake, of the size that the configuration or the user says."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from lib.config import Settings
from lib.errors import ConfigError
from lib.generate import pos
from lib.generate.adventureworks import generate
from lib.terminal import open_console

SOURCES = ("adventureworks", "pos", "all")


def generate_landing(
    settings: Settings,
    *,
    source: str = "all",
    customers: int | None = None,
    rows: int | None = None,
    files: int | None = None,
    start: date | None = None,
    end: date | None = None,
    seed: int | None = None,
) -> int:
    """Write the files into the lake's landing folder and say so; what is not given is as `demo` in lakehouse.yml.

    `customers` is for each source (pos, if it is not given, has one for every twenty rows); `rows` and `files` are for
    pos, whose faults are listed in <root>/truth.
    """
    if source not in SOURCES:
        raise ConfigError(f"source must be one of {', '.join(SOURCES)}, not {source}")
    demo, number = settings.demo, settings.demo.seed if seed is None else seed
    tills: dict[str, Any] = {
        "rows": demo.pos.rows if rows is None else rows,
        "start": start or demo.pos.start,
        "end": end or demo.pos.end,
        "seed": number,
        "files": demo.pos.files if files is None else files,
        "customers": customers,
        "faults": demo.pos.faults,
    }
    if source != "adventureworks":
        pos.check(**tills)  # before the other source has written anything
    if source != "pos":
        folder = settings.landing / "adventureworks"
        size = demo.customers if customers is None else customers
        _say(generate(folder, customers=size, start=start or demo.start, end=end or demo.end, seed=number), folder)
    if source != "adventureworks":
        folder, truth = settings.landing / "pos", settings.root / "truth"
        _say(pos.generate_pos(folder, truth=truth, **tills), folder, f"; what is wrong in them is listed in {truth}")
    return 0


def _say(files: Sequence[Path], folder: Path, more: str = "") -> None:
    size = sum(file.stat().st_size for file in files) / 1_000_000
    said = f"generated {len(files)} files, {size:,.1f} MB, in {folder}{more}"
    open_console().print(said, highlight=False, soft_wrap=True)
