"""What a run shows: a line per table while it works, a summary at its end, a first look at the result."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from structlog.typing import FilteringBoundLogger

from lib.alerts.troubles import News
from lib.errors import LakehouseError
from lib.ops import MODELS, SERVED, Action, Step
from lib.secrets import hidden

_LINE = "{layer:<6}  {table:<37}"


class Reporter:
    """Tells a person on the terminal and a machine in the log what a run does.

    On a terminal every table has a live line, and the summary takes their place; elsewhere a plain line is written
    when a table is done.
    """

    def __init__(self, console: Console, log: FilteringBoundLogger, log_file: Path) -> None:
        self.console = console
        self.log = log
        self.log_file = log_file
        self._lines: dict[tuple[str, str], TaskID] = {}
        self._lock = Lock()
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", table_column=None),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show the tables under way until the block ends."""
        with self._progress:
            yield

    def heading(self, line: str, **facts: Any) -> None:
        """The first line of a run."""
        self.console.print(line, highlight=False, soft_wrap=True)
        self.log.info("run started", **facts)

    def begin(self, layer: str, table: str) -> None:
        """Work on a table begins."""
        if self.console.is_terminal:
            with self._lock:
                if (layer, table) not in self._lines:
                    description = _LINE.format(layer=layer, table=table)
                    self._lines[layer, table] = self._progress.add_task(description, total=1)

    def step(self, step: Step) -> None:
        """A table is done. One to which nothing happened is not worth a line."""
        self.log.info("step done", **{**vars(step), "started_at": step.started_at.isoformat()})
        with self._lock:
            line = self._lines.pop((step.layer, step.table), None)
        if step.is_unchanged:
            if line is not None:
                self._progress.remove_task(line)
            return
        self._finish(line, step.layer, step.table, step.seconds, _done(step))

    def action(self, action: Action) -> None:
        """Maintenance did something to a table."""
        self.log.info("action done", **{**vars(action), **vars(action.effect), "effect": None})
        with self._lock:
            line = self._lines.pop((action.layer, action.table), None)
        self._finish(line, action.layer, action.table, action.seconds, _acted(action))

    def _finish(self, line: TaskID | None, layer: str, table: str, seconds: float, what: str) -> None:
        text = _LINE.format(layer=layer, table=table) + f" {seconds:6.1f} s  {what}"
        if line is not None:
            self._progress.update(line, description=text, completed=1)
        else:
            self.console.print(f"  {text}", highlight=False, soft_wrap=True)

    def warning(self, line: str) -> None:
        """Something to know that stops nothing; shown with the summary."""
        self.log.warning("warning", text=line)

    def failure(self, name: str, line: str) -> None:
        """Something failed or was rejected; shown with the summary."""
        self.log.error("failure", name=name, text=line)

    def explain(self, name: str, error: Exception) -> str:
        """One line that says why; the whole story of an unexpected error goes into the log."""
        if isinstance(error, LakehouseError):
            return hidden(str(error))
        self.log.error("unexpected error", name=name, exc_info=error)
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        return hidden(f"{name}: {type(error).__name__}: {first} (all of it: {self.log_file})")

    def summary(
        self,
        steps: Sequence[Step],
        actions: Sequence[Action],
        *,
        warnings: Sequence[str],
        failures: Iterable[str],
        conserved: Sequence[tuple[str, bool]],
        as_of: date | None,
        seconds: float,
    ) -> None:
        """Per table what came in and what became of it; then a line per warning and failure; then the totals."""
        failed = list(failures)
        done = [step for step in steps if not step.is_unchanged]
        counting = [step for step in done if step.layer not in (MODELS, SERVED)]
        if counting:
            self.console.print(_summary_table(counting))
        if actions:
            self.console.print(_actions_table(actions))
        reasons = [line for step in done for line in _reason_lines(step)]
        for line in [*reasons, *warnings]:
            self.console.print(f"! {line}", highlight=False, markup=False, soft_wrap=True)
        for line in failed:
            self.console.print(f"X {line}", highlight=False, markup=False, soft_wrap=True)
        unchanged = {(step.layer, step.table) for step in steps if step.is_unchanged}
        tables = {(step.layer, step.table) for step in steps} | {(action.layer, action.table) for action in actions}
        n_equal = sum(is_equal for _, is_equal in conserved)
        parts = [
            f"{len(tables)} tables, {len(unchanged)} unchanged",
            *([f"conserved at {n_equal} of {len(conserved)} hops"] if conserved else []),
            *([f"as of {as_of}"] if as_of else []),
            *([_freed(actions)] if actions else []),
            f"{seconds:.1f} s",
            counted(len(warnings) + len(reasons), "warning"),
            f"{len(failed)} failed",
        ]
        self.console.print(" · ".join(parts), highlight=False, soft_wrap=True, style="red" if failed else "green")
        self.log.info(
            "run finished", seconds=seconds, unchanged=len(unchanged), tables=len(tables), failures=failed,
            conserved=n_equal, hops=len(conserved),
        )  # fmt: skip

    def planned(self, steps: Sequence[tuple[str, str, str]], *, warnings: Sequence[str], total: str) -> None:
        """What a run would do: layer, table and words for each; then the warnings; then the totals."""
        for layer, table, words in steps:
            line = _LINE.format(layer=layer, table=table)
            self.console.print(f"  {line} {words}", highlight=False, markup=False, soft_wrap=True)
        for warning in warnings:
            self.console.print(f"! {warning}", highlight=False, markup=False, soft_wrap=True)
        self.console.print(total, highlight=False, markup=False, soft_wrap=True, style="green")

    def retrying(self, name: str, fault: str, error: BaseException, *, attempt: int, of: int, pause: float) -> None:
        """Work met a fault that passes by itself, and is done again after a pause. Only our own errors keep secrets."""
        said = str(error) if isinstance(error, LakehouseError) else type(error).__name__
        line = f"{name}: {fault}: attempt {attempt} of {of}, the next one in {pause:.1f} s ({said})"
        self.console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        self.log.warning("retry", name=name, fault=fault, attempt=attempt, of=of, pause=pause, error=said)

    def news(self, news: Sequence[News]) -> None:
        """What became known as wrong in this run, and what is over."""
        if news:
            n_over = sum(each.cleared_at is not None for each in news)
            said = ", ".join(f"{n} {what}" for n, what in ((len(news) - n_over, "new"), (n_over, "cleared")) if n)
            self.console.print(f"  alerts: {said} (make status)", highlight=False, markup=False, soft_wrap=True)
        for each in news:
            event = "opened" if each.cleared_at is None else "cleared"
            trouble = each.trouble
            self.log.info("alert", state=event, kind=trouble.kind, subject=trouble.subject, text=trouble.what)

    def note(self, line: str) -> None:
        """Something that was done before the layers began."""
        self.console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        self.log.info("note", text=line)


def print_rows(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Some rows of a table, numbers to the right."""
    body = [list(row) for row in rows]
    # not the title of the table: that would be wrapped to its width
    console.print(title, style="italic", highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for position, column in enumerate(columns):
        is_number = all(isinstance(row[position], int | float | Decimal) for row in body)
        table.add_column(column, justify="right" if is_number else "left", no_wrap=True)
    for row in body:
        table.add_row(*["" if value is None else escape(_shown(value)) for value in row])
    console.print(table)
    console.print()


def counted(count: int, noun: str) -> str:
    """A number and what it counts."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def sized(size: int) -> str:
    """Bytes as a person reads them, in units of a thousand."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size:,} bytes"


def open_console() -> Console:
    """A console as wide as the terminal; where there is none, wide enough that no line of ours wraps."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def _summary_table(steps: Sequence[Step]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("layer")
    table.add_column("table", no_wrap=True)
    for column in ("rows in", "accepted", "superseded", "quarantined", "seconds"):
        table.add_column(column, justify="right")
    for step in steps:
        counts = (step.rows_in, step.accepted, step.superseded, step.quarantined)
        table.add_row(step.layer, step.table, *[f"{count:,}" for count in counts], f"{step.seconds:.1f}")
    return table


def _actions_table(actions: Sequence[Action]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("layer", "table", "action"):
        table.add_column(column, no_wrap=True)
    for column in ("files before", "files after", "MiB before", "MiB after", "rows", "seconds"):
        table.add_column(column, justify="right")
    for action in actions:
        effect = action.effect
        table.add_row(
            action.layer, action.table, action.what, f"{effect.files_removed:,}", f"{effect.files_added:,}",
            _mib(effect.bytes_removed), _mib(effect.bytes_added), f"{effect.rows:,}", f"{action.seconds:.1f}",
        )  # fmt: skip
    return table


def _acted(action: Action) -> str:
    effect = action.effect
    became = f" became {effect.files_added:,}" if effect.files_added else ""
    files = f" {counted(effect.files_removed, 'file')}{became}" if effect.files_removed else ""
    rows = f" {counted(effect.rows, 'row')}" if effect.rows else ""
    return f"{action.what}{files}{rows}: {action.why}"


def _freed(actions: Sequence[Action]) -> str:
    """What is on the disk no more; what was only written anew still is, until a vacuum."""
    gone = [action.effect for action in actions if not action.effect.files_added]
    files = sum(effect.files_removed for effect in gone)
    return f"{counted(files, 'file')} deleted, {_mib(sum(effect.bytes_removed for effect in gone))} MiB"


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f}"


def _done(step: Step) -> str:
    if step.layer == "bronze":
        # a range of a database's table is no file
        files = f"{counted(step.files, 'file')}, " if step.files or not step.rows_in else ""
        return f"{files}{step.rows_in:,} rows"
    if step.layer == "silver":
        again = "refined again: " if step.mode == "again" else ""
        return f"{again}{step.accepted:,} accepted, {step.superseded:,} superseded, {step.quarantined:,} quarantined"
    if step.layer in (MODELS, SERVED):
        return f"{step.mode}: {step.why or counted(step.accepted, 'row')}"
    scope = f" of {step.keys:,} keys" if step.keys else ""
    why = f" ({step.why})" if step.why else ""
    return f"{step.mode}{scope}{why}: {step.accepted:,} rows, {step.changed:,} changed"


def _reason_lines(step: Step) -> list[str]:
    said = ", ".join(f"{count:,} {reason}" for reason, count in step.reasons.items())
    parted = f"{counted(step.quarantined, 'row')} of {step.rows_in:,} in quarantine"
    what = parted if step.quarantined else f"{counted(step.warned, 'row')} of {step.rows_in:,} kept with a warning"
    return [f"{step.table}: {what}: {said}"] if step.reasons else []


def _shown(value: Any) -> str:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return f"{value:,}" if is_number else str(value)
