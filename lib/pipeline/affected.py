"""What of a gold table is to be computed again: nothing, the keys that changed inputs touch, or all of it, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from pyspark.sql import DataFrame

from lib.gold import routes
from lib.gold.registry import GoldTable, gold_tables
from lib.pipeline.context import Run, full_name, histories


@dataclass(frozen=True)
class Made:
    """What a gold table was made from: the code, the versions of its inputs (-1: absent), the values of its settings.

    `version` is the one of the table itself that came of it.
    """

    code: str
    tables: dict[str, int]
    values: dict[str, Any]
    version: int = -1


@dataclass(frozen=True)
class Scope:
    """`keys` (their rows persisted) to compute again; without keys all of the table, and `why`.

    `is_other`: so much of the table will be other than it was that to look for what is the same would not pay.
    """

    keys: routes.Keys | None = None
    why: str = ""
    is_other: bool = False


NOTHING = Scope(why="nothing")

Span = tuple[str, int, int]
"""A table by its full name, the version that was read the last time, and the one that is read now."""


@dataclass
class Feeds:
    """The change feeds that the tables of one run follow: each is read once, however many tables do."""

    run: Run
    _read: dict[tuple[str, int, int], DataFrame] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def rows(self, name: str, after: int, through: int) -> DataFrame:
        """The rows of a table (its full name) that are others than they were, as before and as now."""
        with self._lock:
            if (name, after, through) not in self._read:
                self._read[name, after, through] = self._changes(name, after, through).persist()
            return self._read[name, after, through]

    def _changes(self, name: str, after: int, through: int) -> DataFrame:
        tables = self.run.tables
        feed = tables.changes(name, after=after, through=through)
        contract = histories(self.run.settings).get(name.removeprefix("silver."))
        if contract is None:
            return routes.net_changes(feed)
        # a version that says what the one before it said is a row more, and changes nothing
        then, now = (tables.read(name, version=each, with_tombstones=True) for each in (after, through))
        return routes.changed_intervals(then, now, feed, contract)

    def close(self) -> None:
        """Let the rows go."""
        for rows in self._read.values():
            rows.unpersist()


def scope_of(
    run: Run,
    table: GoldTable,
    now: Made,
    before: Made | None,
    *,
    inputs: Mapping[str, DataFrame],
    full_names: Mapping[str, str],
    feeds: Feeds,
) -> Scope:
    """How far a table is from its inputs as they are `now`."""
    why = _why_whole(run, table, now, before)
    if before is None or why:
        return Scope(why=why, is_other=_has_another_day(table, now, before))
    # compacted since, it is followed from then on: a vacuum may have taken the files of the version that was read
    unchanged = run.tables.unchanged_until
    spans = {
        name: (full_names[name], unchanged(full_names[name], before.tables[name], through=version), version)
        for name, version in now.tables.items()
    }
    changed = {name: span for name, span in spans.items() if has_changed(run, *span)}
    if not changed:
        return NOTHING
    why = _why_not_followed(run, table, changed)
    if why or not table.key:
        return Scope(why=why, is_other=_is_mostly_other(run, changed))
    return _keys(run, table, changed, inputs=inputs, feeds=feeds)


def _why_not_followed(run: Run, table: GoldTable, changed: Mapping[str, Span]) -> str:
    """Why what changed in some inputs cannot, or should not, be followed to keys; empty if it can."""
    if not table.key:
        return ""
    without = [name for name in changed if name not in table.routes]
    if without:
        return f"{', '.join(without)} changed"
    for name, span in changed.items():
        if name in histories(run.settings) and span[1] >= 0:
            continue
        share = _share_changed(run, *span)
        if share is None or share > run.settings.full_above:
            return f"{'much' if share is None else format(share, '.0%')} of {name} changed"
    return ""


def _why_whole(run: Run, table: GoldTable, now: Made, before: Made | None) -> str:
    """Why the table has to be computed whole, whatever its inputs did; empty if it need not be."""
    snapshot = run.tables.snapshot(f"gold.{table.name}")
    if before is None or snapshot is None:
        return "the first time" if snapshot is None else "it is not on record what it was made from"
    if table.name in run.request.refreshed or before.code != now.code:
        return "a full refresh was asked for" if table.name in run.request.refreshed else "the code of gold changed"
    moved = sorted(name for name in now.values if now.values[name] != before.values.get(name))
    if moved:
        return f"{', '.join(moved)} changed"
    if {*now.tables} != {*before.tables}:
        return "it has other inputs"
    if has_changed(run, f"gold.{table.name}", before.version, snapshot.version):
        return "something else wrote it, or a run that died"
    return ""


def _has_another_day(table: GoldTable, now: Made, before: Made | None) -> bool:
    """Does each row say for which day it holds, and is that another day?"""
    return before is not None and "as_of" in table.columns and now.values["as_of"] != before.values.get("as_of")


def _is_mostly_other(run: Run, changed: Mapping[str, Span]) -> bool:
    """Was much of an input of gold written? Of what gold writes each row is other than it was."""
    for name, (place, before, now) in changed.items():
        commits = run.tables.commits(place, after=before, through=now) if before >= 0 else None
        if name in gold_tables() and commits is not None:
            written = sum(commit.rows_written for commit in commits)
            if written > run.settings.full_above * run.tables.count(place):
                return True
    return False


def has_changed(run: Run, name: str, before: int, now: int) -> bool:
    """Can a table's rows be others than at an earlier version? Not if it was only compacted or described."""
    if before == now:
        return False
    commits = run.tables.commits(name, after=before, through=now) if 0 <= before < now else None
    return commits is None or any(commit.changes_rows for commit in commits)


def _share_changed(run: Run, name: str, before: int, now: int) -> float | None:
    """Rows that came or went as a share of all rows, as the commits count them; None where they do not say.

    Not those that were updated: a source that delivers everything every day updates every row, to what it was.
    """
    commits = run.tables.commits(name, after=before, through=now) if before >= 0 else None
    if commits is None:
        return None
    moved, rows = sum(commit.inserted_or_deleted for commit in commits), run.tables.count(name, with_tombstones=True)
    return moved / rows if rows else None


def _keys(
    run: Run,
    table: GoldTable,
    spans: Mapping[str, Span],
    *,
    inputs: Mapping[str, DataFrame],
    feeds: Feeds,
) -> Scope:
    rows: DataFrame | None = None
    try:
        changed = {name: feeds.rows(*span) for name, span in spans.items()}
        known = routes.known_keys(run.tables.read(f"gold.{table.name}"), table.key)
        rows = routes.keys_of(changed, inputs, table.routes, known=known).persist()
        found = routes.counted(rows)
    except Exception as error:
        # vacuumed away, or from before the feed was kept; whatever else it is, computing the table whole meets it again
        if rows is not None:
            rows.unpersist()
        run.reporter.explain(table.name, error)
        return Scope(why=f"what changed in {', '.join(spans)} cannot be read any more")
    counted = [full_name(name) for name in inputs] if table.is_sparse else [f"gold.{table.name}"]
    n_rows = max(map(run.tables.count, counted))
    if found.count > run.settings.full_above * n_rows:
        rows.unpersist()
        return Scope(why=f"{found.count:,} keys of {n_rows:,} rows changed")
    return Scope(found)
