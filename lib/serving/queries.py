"""The queries of conf/queries: read, checked as far as that needs no database, with the numbers of settings in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Query:
    """A question that many ask: what it tells, and SQL over gold's tables that PostgreSQL and Spark read alike."""

    name: str
    title: str
    sql: str


def numbers_of(settings: Mapping[str, Any]) -> dict[str, int | Decimal]:
    """What of settings is a number, by its name."""
    return {name: value for name, value in settings.items() if isinstance(value, int | Decimal)}


def read_queries(
    folder: Path, tables: Mapping[str, Any], measures: Mapping[str, Any]
) -> tuple[dict[str, Query], list[str]]:
    """The queries by name, a file each, and what is wrong with others; `{name}` is a number among the measures."""
    found: dict[str, Query] = {}
    mistakes: list[str] = []
    numbers = numbers_of(measures)
    for file in sorted(folder.glob("*.sql")):
        text = file.read_text("utf-8").strip().rstrip(";")
        first, _, sql = text.partition("\n")
        unknown = sorted({*_PLACE.findall(sql)} - numbers.keys())
        offence = (
            "its name is not one of a view (lower case letters, digits and _)" if not _NAME.fullmatch(file.stem)
            else "gold has a table of this name" if file.stem in tables
            else "its first line does not say what it tells (-- Total sales by region.)" if not first.startswith("-- ")
            else f"{{{unknown[0]}}}: there is no such number (there are {', '.join(sorted(numbers))})" if unknown
            else ""
        )  # fmt: skip
        if offence:
            mistakes.append(f"{file}: {offence}")
            continue
        filled = _PLACE.sub(lambda match: str(numbers[match[1]]), sql)
        found[file.stem] = Query(file.stem, first.removeprefix("-- ").strip(), filled.strip())
    return found, mistakes
