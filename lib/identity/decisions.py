"""What people decided of pairs of records: final, whatever rules and model say."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lib.identity.clusters import components

COLUMNS = ("left", "right", "decision", "by", "note")
"""The columns of a file of decisions; others are not looked at."""

SAME, DIFFERENT = "same", "different"


@dataclass(frozen=True)
class Decision:
    """Two records, `left` the smaller key, are the `same` person or `different` ones; `place`: where that is said."""

    left: str
    right: str
    decision: str
    by: str | None = None
    note: str | None = None
    place: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The two records' keys, the smaller one first."""
        return self.left, self.right


def read(lines: Iterable[str], file: str) -> tuple[list[Decision], list[str]]:
    """The decisions of a CSV file, one a pair, and what is wrong in it, a line each; a row without one is skipped."""
    rows = csv.DictReader(lines, restkey="")
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        return [], [f"{file}:1: there is no column {', '.join(missing)}: expected {','.join(COLUMNS)}"]
    found: dict[tuple[str, str], Decision] = {}
    mistakes = []
    for row in rows:
        place = f"{file}:{rows.line_num}"
        left, right, word, by, note = ((row[name] or "").strip() for name in COLUMNS)
        if not word:
            continue
        given = Decision(min(left, right), max(left, right), word.lower(), by or None, note or None, place)
        before = found.setdefault(given.pair, given)
        if given.decision not in (SAME, DIFFERENT):
            mistakes.append(f"{place}: decision '{word}' is neither {SAME} nor {DIFFERENT}: write one, or nothing")
        elif left == right:
            mistakes.append(f"{place}: '{left}' is compared with itself: a decision is of two records")
        elif before.decision != given.decision:
            mistakes.append(f"{place}: {_said(given)}, but {before.decision} in {before.place}: leave one of the two")
    return list(found.values()), mistakes


def strangers(decisions: Iterable[Decision], known: set[str]) -> list[str]:
    """A line for each record that decisions name and nobody knows."""
    return [
        f"{each.place}: there is no record '{key}': expected source:key of a record of silver.identity_records"
        for each in decisions
        for key in each.pair
        if key not in known
    ]


def disputes(decisions: Sequence[Decision]) -> list[str]:
    """A line for each pair that is decided to be different, and the same by way of others."""
    group = groups(decisions)
    return [
        f"{each.place}: {_said(each)}, but other decisions lead from one to the other as the same person: decide one "
        "of those again"
        for each in decisions
        if each.decision == DIFFERENT and group[each.left] == group[each.right]
    ]


def groups(decisions: Iterable[Decision]) -> dict[str, str]:
    """Of each record that is decided upon the smallest key of those that are the same person by decisions."""
    given = list(decisions)
    return components(
        [key for each in given for key in each.pair], [each.pair for each in given if each.decision == SAME]
    )


def violated(decisions: Iterable[Decision], held: Mapping[str, str]) -> list[Decision]:
    """The decisions that what is `held`, an id or a cluster by record, does not follow."""
    return [each for each in decisions if (held[each.left] == held[each.right]) != (each.decision == SAME)]


def _said(given: Decision) -> str:
    return f"'{given.left}' and '{given.right}' are {given.decision}"
