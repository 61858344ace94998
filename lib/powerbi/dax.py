"""DAX as text: what an expression names, what compares a measure, and who sees which rows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLACE = re.compile(r"\{([a-z_]+)\}")
_TOKEN = re.compile(
    r"""(?P<skip>"(?:[^"]|"")*"|//[^\n]*|--[^\n]*|/\*.*?\*/|\d[\w.]*)
      | (?P<column>(?:'[^']+'|[A-Za-z_]\w*)\[[^\]]+\])
      | \[(?P<measure>[^\]]+)\]
      | VAR\s+(?P<variable>\w+)
      | (?P<function>[A-Za-z_][\w.]*)(?=\s*\()
      | (?P<word>'[^']+'|[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"RETURN", "IN", "NOT", "ASC", "DESC", "DAY", "MONTH", "QUARTER", "YEAR", "DENSE", "SKIP"}


@dataclass(frozen=True)
class References:
    """What an expression names: columns with their tables, measures, and tables as a whole."""

    columns: frozenset[tuple[str, str]]
    measures: frozenset[str]
    tables: frozenset[str]


def references(dax: str) -> References:
    """What an expression names; strings and comments name nothing, nor do its own variables."""
    found = list(_TOKEN.finditer(dax))
    variables = {match["variable"] for match in found if match["variable"]}
    words = {match["word"].strip("'") for match in found if match["word"]}
    columns = {match["column"].partition("[") for match in found if match["column"]}
    return References(
        frozenset((table.strip("'"), column.rstrip("]")) for table, _, column in columns),
        frozenset(match["measure"] for match in found if match["measure"]),
        frozenset(word for word in words - variables if word.upper() not in _WORDS),
    )


def places(text: str) -> set[str]:
    """The names of the settings whose numbers belong into a text."""
    return {*_PLACE.findall(text)}


def filled(text: str, numbers: Mapping[str, Any]) -> str:
    """An expression, or what is said of it, with the numbers of settings in the places that name them.

    Raises:
        KeyError: with the name, if there is no such number.
    """
    return _PLACE.sub(lambda match: str(numbers[match[1]]), text).strip()


def column(table: str, name: str) -> str:
    """A column as an expression names it; gold's names need no quotes."""
    return f"{table}[{name}]"


def year_before(measure: str, date: str) -> str:
    """A measure over the same days a year earlier."""
    return f"CALCULATE([{measure}], SAMEPERIODLASTYEAR({date}))"


def period_before(measure: str, calendar: str, date: str) -> str:
    """A measure over the days before those shown: as many months where these are whole ones, else as many days."""
    return f"""
VAR first_day = MIN({date})
VAR last_day = MAX({date})
VAR months_shown = DATEDIFF(first_day, last_day, MONTH) + 1
VAR are_whole = DAY(first_day) = 1 && last_day = EOMONTH(last_day, 0)
VAR first_before = IF(are_whole, EDATE(first_day, -months_shown), first_day - 1 - (last_day - first_day))
RETURN
    CALCULATE([{measure}], REMOVEFILTERS({calendar}), DATESBETWEEN({date}, first_before, first_day - 1))
""".strip()


def change(measure: str, before: str) -> str:
    """The growth of a measure over another: 0.5 is +50 %; blank without a value before."""
    return f"DIVIDE([{measure}] - [{before}], [{before}])"


def is_of_reader(country: str, reader: str, countries: str) -> str:
    """Is a country among those that the rows of who reads have?"""
    return f"{country} IN CALCULATETABLE(VALUES({countries}), {reader} = USERPRINCIPALNAME())"
