"""What every step of a run works with."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from graphlib import TopologicalSorter
from threading import Lock
from typing import TypeVar

from lib.config import Settings
from lib.contract import Contract
from lib.gold.registry import GoldTable, gold_tables, is_followed
from lib.identity.tables import RESOLUTION, SCHEMAS
from lib.ops import Action, Step
from lib.pipeline.request import Request
from lib.tables import FEED, MARKS, Tables
from lib.terminal import Reporter

T = TypeVar("T")


@dataclass
class Run:
    """One run over one lake: its number, its parts, and what it has to tell at its end."""

    run_id: int
    settings: Settings
    tables: Tables
    reporter: Reporter
    started_at: datetime
    request: Request
    as_of: date | None = None
    steps: list[Step] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    conserved: list[tuple[str, bool]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, layer: str, table: str) -> datetime:
        """Show that work on a table begins; gives the time."""
        self.reporter.begin(layer, table)
        return now()

    def done(self, step: Step) -> None:
        """Take down a finished step and show it."""
        with self._lock:
            self.steps.append(step)
        self.reporter.step(step)

    def acted(self, action: Action) -> None:
        """Take down what maintenance did and show it."""
        with self._lock:
            self.actions.append(action)
        self.reporter.action(action)

    def warn(self, line: str) -> None:
        """Take down something that the user should know and that stops nothing."""
        with self._lock:
            self.warnings.append(line)
        self.reporter.warning(line)

    def fail(self, name: str, line: str) -> None:
        """Take down a failure of a table or a file; what depends on a failed table is not built."""
        with self._lock:
            self.failures[name] = line
        self.reporter.failure(name, line)

    def conserve(self, table: str, hop: str, rows_in: int, rows_out: int) -> bool:
        """Compare the rows on the two sides of a hop; a difference is a failure of the table."""
        is_equal = rows_in == rows_out
        with self._lock:
            self.conserved.append((hop, is_equal))
        if not is_equal:
            self.fail(table, f"{hop}: not conserved: {rows_in:,} rows in, {rows_out:,} accounted for")
        return is_equal

    def each(
        self, names: Iterable[str], work: Callable[[str], T], *, after: Mapping[str, Iterable[str]] | None = None
    ) -> dict[str, T]:
        """Do the work for each name, several at a time, and for none before it is done for those that it comes after.

        A failure of one is taken down and stops no other.
        """
        wanted = [*names]
        graph = TopologicalSorter({name: {*(after or {}).get(name, ())} & {*wanted} for name in wanted})
        graph.prepare()
        results: dict[str, T] = {}
        with ThreadPoolExecutor(self.settings.threads) as pool:
            under_way: dict[Future[T], str] = {}
            while graph.is_active():
                for name in graph.get_ready():
                    under_way[pool.submit(work, name)] = name
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    name, error = under_way.pop(future), future.exception()
                    if error is None:
                        results[name] = future.result()
                    elif isinstance(error, Exception):
                        self.fail(name, self.reporter.explain(name, error))
                    else:
                        raise error
                    graph.done(name)
        return results


def properties_for(run: Run, table: str) -> dict[str, str]:
    """The properties that a table of silver or gold (its full name) is to have, its size considered."""
    is_large = run.tables.count(table, with_tombstones=True) > run.settings.mark_above
    return {**feed_of(table), **(MARKS if is_large else {})}


def feed_of(table: str) -> dict[str, str]:
    """The property of a table of silver or gold (its full name) whose changes gold follows; nothing for others."""
    layer, _, name = table.partition(".")
    return FEED if layer == "silver" or is_followed(name) else {}


def options_of(table: GoldTable) -> dict[str, str]:
    """What a table of gold is created with: its feed, and of which columns Delta keeps the range of every file.

    By default it does for 32 of them, which is work for every row; files are picked by these alone.
    """
    picked_by = [*table.grain, *[part for part in table.key if part in table.columns], table.clustered_by]
    columns = ",".join(dict.fromkeys(filter(None, picked_by)))
    return {**feed_of(f"gold.{table.name}"), "delta.dataSkippingStatsColumns": columns}


def histories(settings: Settings) -> dict[str, Contract]:
    """The contracts that keep every version, by the names of the tables where they do."""
    return {each.history_table: each for each in settings.contracts.values() if each.history}


def maker_of(settings: Settings, table: str) -> str:
    """What makes a table that gold's functions name so: an entity, the work of who is who, or itself."""
    past = histories(settings).get(table)
    if past is not None:
        return past.table
    return RESOLUTION if f"silver.{table}" in SCHEMAS else table


def full_name(table: str) -> str:
    """The name with its layer, `gold.` or `silver.`, of a table as gold's functions name it."""
    return f"gold.{table}" if table in gold_tables() else f"silver.{table}"


def now() -> datetime:
    """The time of this moment, UTC: for ledgers, never for data."""
    return datetime.now(timezone.utc)


def seconds_since(moment: datetime) -> float:
    """Seconds from a moment to now."""
    return (now() - moment).total_seconds()
