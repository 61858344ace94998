"""What every step of a run works with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from graphlib import TopologicalSorter
from threading import Event, Lock, local
from typing import TypeVar

from lib.alerts import rules
from lib.alerts.troubles import Trouble
from lib.config import Settings
from lib.contract import Contract
from lib.formats import MARK
from lib.gold.registry import GoldTable, gold_tables, is_followed
from lib.identity.tables import RESOLUTION, SCHEMAS
from lib.ops import Action, Step
from lib.pipeline.request import Request
from lib.secrets import hidden
from lib.tables import FEED, MARKS, Tables
from lib.terminal import Reporter
from lib.transient import retried

T = TypeVar("T")


@dataclass(kw_only=True)
class Notes:
    """What work has to tell at its end: that of a run, or of one attempt of a part of it.

    `looked_at` are the tables, by layer (`silver.pos_sales`), of which the work came to a good end.
    """

    steps: list[Step] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    conserved: list[tuple[str, bool]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)
    attempt: int = 1

    def absorb(self, other: "Notes") -> None:
        """Take over what a part of the work has to tell."""
        self.steps += other.steps
        self.actions += other.actions
        self.warnings += other.warnings
        self.failures |= other.failures
        self.conserved += other.conserved
        self.troubles += other.troubles
        self.looked_at |= other.looked_at


@dataclass
class Run(Notes):
    """One run over one lake: its number, its parts, and what it has to tell at its end."""

    run_id: int
    settings: Settings
    tables: Tables
    reporter: Reporter
    started_at: datetime
    request: Request
    as_of: date | None = None
    _lock: Lock = field(default_factory=Lock)
    _local: local = field(default_factory=local)
    _ends: Event = field(default_factory=Event)

    @property
    def _notes(self) -> Notes:
        """Those of the attempt that this thread is about, else the run's own."""
        return getattr(self._local, "notes", self)

    @property
    def is_repeated(self) -> bool:
        """Is what this thread does done again, after an attempt that failed half way?"""
        return self._notes.attempt > 1

    def begin(self, layer: str, table: str) -> datetime:
        """Show that work on a table begins; gives the time."""
        self.reporter.begin(layer, table)
        return now()

    def done(self, step: Step) -> None:
        """Take down a finished step and show it."""
        with self._lock:
            self._notes.steps.append(step)
        self.reporter.step(step)

    def acted(self, action: Action) -> None:
        """Take down what maintenance did and show it."""
        with self._lock:
            self._notes.actions.append(action)
        self.reporter.action(action)

    def warn(self, line: str, *troubles: Trouble) -> None:
        """Take down something that the user should know and that stops nothing; and the troubles that it is."""
        line = hidden(line)
        with self._lock:
            self._notes.warnings.append(line)
            self._notes.troubles += troubles
        self.reporter.warning(line)

    def fail(self, name: str, line: str, *troubles: Trouble) -> None:
        """Take down a failure of a table or a file; what depends on a failed table is not built.

        And the trouble that it is: none where it only follows from another failure.
        """
        line = hidden(line)
        with self._lock:
            self._notes.failures[name] = line
            self._notes.troubles += troubles
        self.reporter.failure(name, line)

    def conserve(self, layer: str, table: str, hop: str, *, rows_in: int, rows_out: int) -> bool:
        """Compare the rows on the two sides of a hop; a difference is a failure of the table."""
        is_equal = rows_in == rows_out
        with self._lock:
            self._notes.conserved.append((hop, is_equal))
        if not is_equal:
            line = f"{hop}: not conserved: {rows_in:,} rows in, {rows_out:,} accounted for"
            self.fail(table, line, rules.of_conservation(layer, table, line))
        return is_equal

    def attempted(self, name: str, work: Callable[[], T]) -> T:
        """Do work that can be repeated; again, if a fault that passes by itself ended it (lib/transient.py).

        An attempt after which there is another one leaves nothing but a line in the log: what it took down is dropped.
        """
        outer, last = self._notes, Notes()

        def attempt(number: int) -> T:
            nonlocal last
            last = self._local.notes = Notes(attempt=number)
            try:
                return work()
            finally:
                self._local.notes = outer

        def tell(fault: str, error: BaseException, number: int, pause: float) -> None:
            self.reporter.retrying(name, fault, error, attempt=number, of=self.settings.retries.attempts, pause=pause)

        try:
            return retried(attempt, self.settings.retries, told=tell, stop=self._ends)
        finally:
            with self._lock:
                outer.absorb(last)

    def each(
        self,
        names: Iterable[str],
        work: Callable[[str], T],
        *,
        layer: str,
        after: Mapping[str, Iterable[str]] | None = None,
    ) -> dict[str, T]:
        """Do a layer's work for each name, several at a time, for none before it is done for those that it comes after.

        A failure of one is taken down and stops no other; what can be repeated is, see `attempted`.
        """
        wanted, outer = [*names], self._notes
        graph = TopologicalSorter({name: {*(after or {}).get(name, ())} & {*wanted} for name in wanted})
        graph.prepare()
        results: dict[str, T] = {}

        def one(name: str) -> T:
            self._local.notes = outer
            return self.attempted(f"{layer} {name}", lambda: work(name))

        with ThreadPoolExecutor(self.settings.threads) as pool, self._ending():
            under_way: dict[Future[T], str] = {}
            while graph.is_active():
                for name in graph.get_ready():
                    under_way[pool.submit(one, name)] = name
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    name, error = under_way.pop(future), future.exception()
                    if error is None:
                        results[name] = future.result()
                        self._looked_at(outer, f"{layer}.{name}", name)
                    elif isinstance(error, Exception):
                        line = self.reporter.explain(name, error)
                        self.fail(name, line, rules.of_error(layer, name, error, line))
                    else:
                        raise error
                    graph.done(name)
        return results

    def _looked_at(self, notes: Notes, place: str, name: str) -> None:
        if name not in notes.failures:
            with self._lock:
                notes.looked_at.add(place)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Nobody goes on waiting for another attempt once the run is interrupted."""
        try:
            yield
        except BaseException:
            self._ends.set()
            raise


def properties_for(run: Run, table: str) -> dict[str, str]:
    """The properties that a table of silver or gold (its full name) is to have, its size considered."""
    is_large = run.tables.count(table, with_tombstones=True) > run.settings.mark_above
    return {**feed_of(table), **(MARKS if is_large else {}), **MARK}


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
