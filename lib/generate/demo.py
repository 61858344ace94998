"""The generated landing files of a lake, of the size that the configuration or the user says."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from lib.config import Settings
from lib.contract import ConfigModel
from lib.errors import ConfigError
from lib.generate import adventureworks, crm, pos
from lib.generate.overlap import draw_census
from lib.generate.people import WebPeople
from lib.storage.places import Place, written_here
from lib.terminal import open_console

SOURCES = ("adventureworks", "pos", "crm", "all")

Arguments = dict[str, Any]


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
    pos. <root>/truth (of an object store, <local>/truth) lists faults and fraud of pos and crm. With all sources some
    people are in several of them, and truth/people.jsonl says who is who; crm alone has the people, and the truth, that
    it has beside the other two.
    """
    if source not in SOURCES:
        raise ConfigError(f"source must be one of {', '.join(SOURCES)}, not {source}")
    demo = settings.demo
    days: Arguments = {"start": start, "end": end}
    number: Arguments = {"seed": demo.seed if seed is None else seed}
    shop = _filled(demo, customers=customers, **days) | number
    tills = (
        _filled(demo.pos, rows=rows, files=files, faults=None, fraud=None, **days) | number | {"customers": customers}
    )
    centre = _filled(demo.crm, customers=customers, faults=None, fraud=None, **days) | number
    # all that may be wrong, before anything is written
    if source != "adventureworks":
        pos.check(**tills)
    if source in {"crm", "all"}:
        crm.check(**centre)
    web, overlap, truth, place = None, demo.overlap.model_dump(), settings.local / "truth", settings.landing
    if source in {"crm", "all"}:
        web = adventureworks.draw_web_people(customers=shop["customers"], start=shop["start"], **number)
    with written_here(settings.landing) as landing:
        if source in {"adventureworks", "all"}:
            _say(adventureworks.generate(landing / "adventureworks", **shop), place / "adventureworks")
        if source in {"pos", "all"}:
            written = pos.generate_pos(landing / "pos", truth=truth, web=web, overlap=overlap, **tills)
            _say(written, place / "pos", truth)
        if web is not None:
            _say(_generate_crm(settings, landing, web, tills=tills, centre=centre), place / "crm", truth)
    return 0


def _filled(defaults: ConfigModel, **asked: object) -> Arguments:
    """What was asked for, and the defaults of the rest."""
    return {name: getattr(defaults, name) if value is None else value for name, value in asked.items()}


def _generate_crm(
    settings: Settings, landing: Path, web: WebPeople, *, tills: Arguments, centre: Arguments
) -> list[Path]:
    members = pos.members_of(tills["rows"], tills["customers"])
    census = draw_census(
        web,
        pos.member_numbers(members, start=tills["start"], seed=tills["seed"]),
        size=centre["customers"],
        starts=(tills["start"], centre["start"]),
        seed=centre["seed"],
        rates=settings.demo.overlap.model_dump(),
    )
    rest = {name: value for name, value in centre.items() if name != "customers"}
    return crm.generate_crm(landing / "crm", truth=settings.local / "truth", census=census, **rest)


def _say(files: Sequence[Path], folder: Place, truth: Path | None = None) -> None:
    size = sum(file.stat().st_size for file in files) / 1_000_000
    said = f"generated {len(files)} files, {size:,.1f} MB, in {folder}"
    more = f"; what is wrong in them is listed in {truth}" if truth else ""
    open_console().print(said + more, highlight=False, soft_wrap=True)
