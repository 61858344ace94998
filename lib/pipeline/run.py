"""One run from end to end: lock, session, layers, ledger, summary."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from lib import landing
from lib.config import Settings
from lib.errors import CrashError, LakehouseError
from lib.formats import claim_format, format_of
from lib.identity.tables import RESOLUTION
from lib.lock import locked
from lib.logs import log_path, no_log, run_log
from lib.ops import SERVED
from lib.pipeline.alert import tell_of, tell_of_crash
from lib.pipeline.build import build
from lib.pipeline.context import Run, now, seconds_since
from lib.pipeline.identify import resolve
from lib.pipeline.ingest import ingest
from lib.pipeline.ledger import catch_up, write_ledger
from lib.pipeline.operations import tell_operations
from lib.pipeline.plan import plan
from lib.pipeline.progress import forget_progress
from lib.pipeline.publish import publish
from lib.pipeline.refine import refine
from lib.pipeline.request import Request
from lib.session import master_of
from lib.terminal import Reporter, counted, open_console, print_rows, sized
from lib.validate import check
from lib.vault import tables_of, vault_of


def run_layers(
    settings: Settings,
    session: Callable[[], SparkSession],
    request: Request,
    *,
    copy_from: Path | None = None,
    prepare: Callable[[Run], None] | None = None,
    work: Callable[[Run], None] | None = None,
    show: bool = False,
    console: Console | None = None,
) -> int:
    """Do what is asked with a lake and give the exit status: 0 good, 1 something was rejected or failed.

    `copy_from` is a folder whose files are copied into landing first; `prepare` does something to the lake before the
    layers, `work` is done instead of them; `show` prints a first look at customer_360.

    Raises:
        ConfigError: if a contract does not compile, or the landing folder is not there. Nothing was changed.
        LockedError: if another run holds the lake.
    """
    started_at = now()
    with _told(settings, request, is_answer=prepare is not None or work is not None) as under_way:
        if "bronze" in request.layers and copy_from is None:
            landing.check_folder(settings.landing)
        vault = vault_of(settings)
        with locked(settings.root, settings.local) as lock, run_log(settings.local, lock.run_id) as log:
            run_id = lock.run_id
            reporter = Reporter(console or open_console(), log, log_path(settings.local, run_id))
            spark = session()
            tables = tables_of(spark, settings, vault=vault)
            run = Run(run_id, settings, tables, reporter, started_at, request)
            under_way.append(run)
            check(spark, settings)
            _look_at_format(run)
            if copy_from is not None:
                landing.copy_in(copy_from, settings.root, settings.landing, settings.contracts.values())
            reporter.heading(
                f"run {run_id:04d}  {settings.environment}  {master_of(spark)}  {settings.root}",
                environment=settings.environment, master=master_of(spark), root=str(settings.root),
                layers=list(request.layers),
            )  # fmt: skip
            try:
                if not lock.last_run_ended:
                    catch_up(run)
                if prepare is not None:
                    prepare(run)
                with reporter.live():
                    (work or _work)(run)
                write_ledger(run)
                if SERVED in request.layers:
                    tell_operations(run)
            except LakehouseError:
                raise
            except Exception as error:
                raise CrashError(f"the run could not go on: {reporter.explain('run', error)}") from error
            lock.ended()
            news = tell_of(run, is_other_work=work is not None, after_death=not lock.last_run_ended)
            reporter.news(news)
            reporter.summary(
                run.steps, run.actions, warnings=run.warnings, failures=run.failures.values(), conserved=run.conserved,
                as_of=run.as_of, seconds=seconds_since(started_at),
            )  # fmt: skip
            if show:
                first_look(run)
            return 1 if run.failures else 0


def _look_at_format(run: Run) -> None:
    if format_of(run.tables) == 0:
        run.reporter.note("the lake is of an older format: what is defined otherwise today is made anew")
    said = claim_format(run.tables, rotates=not run.request.layers)
    if said:
        run.warn(said)


@contextmanager
def _told(settings: Settings, request: Request, *, is_answer: bool) -> Iterator[list[Run]]:
    """Somebody is told of an error that ends a run, and of what it found before; the run is to be put into the list.

    Not of one that answers who asked for something by hand.
    """
    under_way: list[Run] = []
    try:
        yield under_way
    except Exception as error:
        if not (is_answer and isinstance(error, LakehouseError)) or isinstance(error, CrashError):
            troubles = [trouble for run in under_way for trouble in run.troubles]
            tell_of_crash(settings.watch, error, request, troubles=troubles)
        raise


def show_plan(
    settings: Settings,
    session: Callable[[], SparkSession],
    request: Request,
    *,
    copy_from: Path | None = None,
    console: Console | None = None,
) -> int:
    """Print what `run_layers` would do, and change nothing; gives 1 if something would be refused, else 0.

    Raises:
        ConfigError: as `run_layers`.
    """
    if copy_from is None and "bronze" in request.layers:
        landing.check_folder(settings.landing)
    vault = vault_of(settings)
    spark = session()
    reporter = Reporter(console or open_console(), no_log(), log_path(settings.local, 0))
    tables = tables_of(spark, settings, vault=vault)
    run = Run(0, settings, tables, reporter, now(), request)
    check(spark, settings)
    format_of(tables)
    listed = landing.list_files(settings.landing) if settings.landing.is_dir() else []
    to_copy = landing.to_copy(copy_from, settings.contracts.values()) if copy_from is not None else []
    reporter.heading(f"plan  {settings.environment}  {settings.root}: nothing is changed")
    steps = plan(run, listed, to_copy=to_copy)
    n_files, size = sum(step.files for step in steps), sum(step.reads for step in steps)
    rows = sum(step.rows for step in steps)
    n_gold = len({step.table for step in steps if step.layer == "gold"})
    said = [*run.warnings, *run.failures.values()]
    of_tables = f" · {counted(rows, 'row')} of databases to read" if rows else ""
    total = (
        f"{counted(n_files, 'file')} to load, {sized(size)}{of_tables} · {n_gold} of gold's tables to compute"
        if steps
        else ""
    )
    reporter.planned(
        [(step.layer, step.table, step.what) for step in steps],
        warnings=said, total=f"{total or 'nothing to do'} · {counted(len(said), 'warning')}",
    )  # fmt: skip
    return 1 if run.failures else 0


def first_look(run: Run) -> None:
    """Print the segments and the best customers of customer_360."""
    if run.tables.snapshot("gold.customer_360") is None:
        return
    customers = run.tables.read("gold.customer_360")
    segments = (
        customers.groupBy("rfm_segment")
        .agg(F.count(F.lit(1)).alias("customers"), F.sum("total_spend").cast("decimal(19,2)").alias("spend"))
        .orderBy(F.desc("spend"), "rfm_segment")
    )
    best = customers.filter("spend_rank <= 10").orderBy("spend_rank")
    best = best.select(
        F.col("spend_rank").alias("rank"), "customer_id", "full_name", "country",
        F.col("total_orders").alias("orders"), F.col("total_spend").cast("decimal(19,2)").alias("spend"),
        F.col("rfm_segment").alias("segment"),
    )  # fmt: skip
    for title, frame in (("customer_360: segments", segments), ("customer_360: the ten best customers", best)):
        run.reporter.console.print()
        print_rows(run.reporter.console, title, frame.columns, frame.collect())
    where = f"all of it: {run.tables.path('gold.customer_360')}"
    is_served = any(step.layer == SERVED for step in run.steps) and not run.failures
    see = "; in a browser: make dashboard" if is_served else ""
    run.reporter.console.print(f"{where}{see}", highlight=False, soft_wrap=True)


def _work(run: Run) -> None:
    names = [name for name in run.settings.contracts if name in run.request.tables]
    for name in run.request.refined_again:
        forget_progress(run, run.settings.contracts[name])
    if "bronze" in run.request.layers:
        ingest(run, names)
    if "silver" in run.request.layers:
        refine(run, [name for name in names if name not in run.failures])
        if RESOLUTION in run.request.tables:
            run.each([RESOLUTION], lambda _: resolve(run), layer="identity")
    if "gold" in run.request.layers:
        build(run)
    if SERVED in run.request.layers:
        publish(run)
