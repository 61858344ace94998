"""Control files: what a delivery says of its own files, and what to make of the difference. No IO."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from posixpath import dirname, join

from lib.contract import Control
from lib.errors import LakehouseError


@dataclass(frozen=True)
class Totals:
    """Rows of a file, and the sum of one column over them; None where no sum is asked for."""

    rows: int
    total: Decimal | None = None


def parse(path: str, text: str, control: Control) -> dict[str, Totals]:
    """What a control file announces, by the files' paths relative to landing; they lie beside it or below it.

    Raises:
        LakehouseError: if it is not CSV with the columns `file`, `rows` and, where the contract asks for it, `sum`.
    """
    wanted = ["file", "rows", *(["sum"] if control.sum_of else [])]
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in wanted if name not in (reader.fieldnames or [])]
    if missing:
        there = ", ".join(reader.fieldnames or []) or "nothing"
        raise LakehouseError(f"{path}: column {missing[0]} is missing (there are {there})")
    announced = {}
    for number, row in enumerate(reader, start=2):
        try:
            totals = Totals(int(row["rows"]), _number(row["sum"]) if control.sum_of else None)
        except (ValueError, TypeError, InvalidOperation):
            raise LakehouseError(f"{path}: line {number}: rows or sum is not a number ({row})") from None
        announced[join(dirname(path), row["file"])] = totals
    if not announced:
        raise LakehouseError(f"{path}: it announces no file")
    return announced


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"'{text}' is no number")
    return number


def offences(announced: Mapping[str, Totals], found: Mapping[str, Totals], control: Control) -> dict[str, str]:
    """In words, for each file whose content is not what was announced."""
    said = {}
    for path, expected in announced.items():
        actual = found.get(path, Totals(0, Decimal(0)))
        wrong = []
        if actual.rows != expected.rows:
            wrong.append(f"{expected.rows:,} rows were announced, it has {actual.rows:,}")
        if expected.total is not None and actual.total != expected.total:
            wrong.append(f"{control.sum_of} was to add up to {expected.total}, it adds up to {actual.total}")
        if wrong:
            said[path] = "; ".join(wrong)
    return said
