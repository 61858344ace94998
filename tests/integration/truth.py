"""What a generator put into landing files on purpose, beside what waits in quarantine."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.builders import Lake

Landed = dict[str, list[str]]
"""The lines of every generated file, by its path below landing."""


def landed(lake: Lake, suffix: str) -> Landed:
    """The files with names of this form, before a run moves them."""
    return {str(file.relative_to(lake.landing)): _text(file).splitlines() for file in lake.landing.rglob(suffix)}


def _text(file: Path) -> str:
    return (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).decode("utf-8")


def assert_quarantine_is_the_truth(lake: Lake, files: Landed, entity: str, reasons: dict[str, str]) -> int:
    """Every injected fault of an entity waits, with its reason, and nothing else does; gives how many rows wait."""
    known = {path[0] for path in lake.settings().contracts[entity].paths.values()}
    truth = [json.loads(line) for line in (lake.root / f"truth/{entity}.jsonl").read_text().splitlines()]
    wrong = [(each["file"], _as_landed(files[each["file"]], each["line"], known)) for each in truth]
    rows = lake.rows(f"silver.{entity}_quarantine", "_source_file", "raw", "dq_errors")
    assert Counter((file, _as_quarantined(raw)) for file, raw, _ in rows) == Counter(wrong)
    said = {(file, _as_quarantined(raw)): errors for file, raw, errors in rows}
    for place, each in zip(wrong, truth, strict=True):
        for fault in each["faults"]:
            assert any(reasons[fault] in error for error in said[place]), (fault, said[place])
    return len(truth)


def _as_landed(lines: list[str], number: int, known: set[str]) -> str:
    """A line as quarantine has it: texts of what the contract knows, or the line whole if it is malformed."""
    line = lines[number - 1]
    if not line.startswith("{"):
        # no text of these files has a comma
        values = dict(zip(lines[0].split(","), line.split(","), strict=True))
        return json.dumps({name: value for name, value in values.items() if value}, sort_keys=True)
    try:
        record = json.loads(line, parse_float=str, parse_int=str)
    except ValueError:
        return line
    return json.dumps(_without_nulls({name: value for name, value in record.items() if name in known}), sort_keys=True)


def _without_nulls(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in record.items()
        if value is not None
    }


def _as_quarantined(raw: str) -> str:
    values = json.loads(raw)
    malformed = json.loads(values.pop("_rescued", "{}")).get("_malformed")
    return str(malformed) if malformed is not None else json.dumps(values, sort_keys=True)
