"""Gold to the database that it is served from: load what changed, verify, publish; or leave the last one serving."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from pyspark.sql import functions as F

from lib import ops
from lib.contract import age_of
from lib.errors import ConservationError, LakehouseError
from lib.gold.registry import gold_tables
from lib.identity.tables import RESOLUTION
from lib.ops import Step
from lib.pipeline.context import Run, seconds_since
from lib.serving import ddl, publications
from lib.serving.database import Server, forget_embedded, serving
from lib.serving.layout import Layout, layouts_of
from lib.serving.load import load, roll_up
from lib.serving.publications import Load, Publication
from lib.serving.rollups import Rollup, rollups
from lib.serving.settings import EMBEDDED, NONE
from lib.serving.views import schemas_of
from lib.transient import in_words

LAYER = ops.SERVED
NAME = "publication"
"""Under which the publication itself is a step and, if it fails, a failure."""


@dataclass(frozen=True)
class _Publisher:
    """A run with the database that it publishes to; `connection` is the one that holds it."""

    run: Run
    server: Server
    connection: psycopg.Connection
    layouts: Mapping[str, Layout]
    known: Mapping[str, Load]
    key: str


def publish(run: Run, *, force: bool = False) -> None:
    """Publish gold as it is, unless a table of it failed or was left out: gold is not of one run then.

    What goes wrong is a failure of the run. A publication that was rolled back is not published again before gold has
    changed, unless by `force`.
    """
    if run.settings.database.url == NONE:
        return
    # a file that was rejected is none of these: the rest of the night is whole
    broken = sorted({*run.settings.contracts, RESOLUTION, *gold_tables()} & run.failures.keys())
    if broken:
        run.warn(f"gold is not published, for {', '.join(broken)} failed: what was published before is still served")
        return
    left_out = sorted(gold_tables().keys() - run.request.tables)
    if left_out:
        run.warn(
            f"gold is not published, for the run left out {', '.join(left_out[:3])}{' …' * (len(left_out) > 3)}: what "
            "was published before is still served (`make publish` publishes gold as it is)"
        )
        return
    run.each([NAME], lambda _: _publish(run, force=force), layer=LAYER)
    if run.failures.keys() & {*gold_tables(), *rollups()}:
        # a load failed, and the publication was left as it was
        run.looked_at.discard(f"{LAYER}.{NAME}")


def publish_anew(run: Run) -> None:
    """Publish gold as it is, and leave nothing of what was published before.

    The embedded database is made anew, for what it holds can be published again: its pages, its statistics and its
    write-ahead log had the rows too. Of another one the older publications are dropped; its log, its backups and what
    its vacuum has not reached yet are its own.
    """
    if run.settings.database.url == NONE:
        return
    if run.settings.database.url == EMBEDDED:
        forget_embedded(run.settings)
    publish(run, force=True)
    if run.settings.database.url != EMBEDDED and NAME not in run.failures:
        with _connected(run) as (_, connection):
            publications.retire(connection, keep=0, keep_seconds=0, lock_timeout=run.settings.serving.lock_timeout)


def roll_back(run: Run, to: int | None = None) -> None:
    """Make the publication live again that was live before, or the one of a number.

    Raises:
        LakehouseError: if there is none.
    """
    started = run.begin(LAYER, NAME)
    with _connected(run) as (server, connection):
        known = publications.publications(connection)
        live = next((each for each in known if each.status == "live"), None)
        others = [each for each in known if each.status in {"replaced", "withdrawn"}]
        wanted = next((each for each in others if to in {None, each.publication_id} and _may_be(each, to)), None)
        if wanted is None or live is None:
            there = ", ".join(str(each.publication_id) for each in others) or "none"
            raise LakehouseError(f"{server.place}: there is no publication to go back to (there are {there})")
        publications.make_live(connection, wanted, replaced="withdrawn")
        why = f"publication {wanted.publication_id} of run {wanted.run_id} instead of {live.publication_id}"
        run.done(Step(LAYER, NAME, run.run_id, "rolled back", started, seconds_since(started), why=why))


def _may_be(publication: Publication, to: int | None) -> bool:
    return to is not None or publication.status == "replaced"


@contextmanager
def _connected(run: Run) -> Iterator[tuple[Server, psycopg.Connection]]:
    with serving(run.settings, create=True) as server, server.publisher() as connection:
        publications.migrate(connection, server.place)
        with publications.held(connection, server.place):
            yield server, connection


def _publish(run: Run, *, force: bool) -> None:
    with _connected(run) as (server, connection):
        serving_file = run.settings.serving
        publications.drop_unfinished(connection, serving_file.lock_timeout)
        layouts = layouts_of(gold_tables(), serving_file)
        work = _Publisher(
            run, server, connection, layouts, publications.newest_loads(connection), publications.token_key(connection)
        )
        loads = run.each(_largest_first(layouts), lambda name: _loaded(work, name), layer=LAYER)
        if len(loads) < len(layouts):
            # which ones is said already; those that were loaded are there for the next time
            return
        # a rollup may read another one
        after = {name: each.tables(rollups()) for name, each in rollups().items()}
        sums = run.each(rollups(), lambda name: _rolled_up(work, rollups()[name], loads), layer=LAYER, after=after)
        if len(sums) < len(rollups()):
            return
        _publish_loads(work, loads, force=force)
        publications.retire(
            connection, keep=serving_file.keep, keep_seconds=age_of(serving_file.keep_for).total_seconds(),
            lock_timeout=serving_file.lock_timeout,
        )  # fmt: skip


def _largest_first(layouts: Mapping[str, Layout]) -> list[str]:
    return sorted(layouts, key=lambda name: (not name.startswith("fact_"), not name.startswith("customer_"), name))


def _loaded(work: _Publisher, name: str) -> Load:
    """The load of a table as it is: the last one, if nothing has changed since. One that gold lacks is empty."""
    run, layout = work.run, work.layouts[name]
    started = run.begin(LAYER, name)
    made_from = _made_from(work, layout)
    before = work.known.get(name)
    if before is not None and _is_same(run, before.made_from, made_from):
        run.done(Step(LAYER, name, run.run_id, "unchanged", started))
        return before
    versions = made_from["tables"]
    table = layout.country_of[1] if layout.country_of else ""
    countries = run.tables.read(f"gold.{table}", version=versions[table][1]) if table in versions else None
    rows = run.tables.read(f"gold.{name}", version=versions[name][1]) if name in versions else None
    with work.server.publisher() as connection:
        connection.execute("SET ROLE lakehouse_publisher")
        loaded, count = load(
            connection, layout, rows, countries=countries, key=work.key, made_from=made_from,
            folder=_folder(run) / name,
        )  # fmt: skip
    run.done(
        Step(
            LAYER, name, run.run_id, "loaded", started, seconds_since(started), rows_in=count, accepted=count,
            changed=count,
        )
    )  # fmt: skip
    return loaded


def _rolled_up(work: _Publisher, rollup: Rollup, loads: dict[str, Load]) -> None:
    """Add to the loads what is added up of them: as the last time, if they are those of the last time."""
    run = work.run
    started = run.begin(LAYER, rollup.name)
    read = {name: loads[name] for name in rollup.tables(loads)}
    layout = hashlib.sha256(repr(rollup).encode()).hexdigest()[:16]
    made_from = {"layout": layout, "loads": {name: each.load_id for name, each in read.items()}}
    before = work.known.get(rollup.name)
    if before is not None and before.made_from == made_from:
        loads[rollup.name] = before
        run.done(Step(LAYER, rollup.name, run.run_id, "unchanged", started))
        return
    with work.server.publisher() as connection:
        connection.execute("SET ROLE lakehouse_publisher")
        loads[rollup.name], count = roll_up(connection, rollup, read, made_from)
    seconds = seconds_since(started)
    run.done(Step(LAYER, rollup.name, run.run_id, "added up", started, seconds, accepted=count, changed=count))


def _made_from(work: _Publisher, layout: Layout) -> dict[str, Any]:
    """The id and version of each Delta table that a load is made from, and its layout."""
    read = [layout.name, *([layout.country_of[1]] if layout.country_of else [])]
    snapshots = {name: work.run.tables.snapshot(f"gold.{name}") for name in read}
    text = repr((layout, ddl.create_table(layout, "_"), ddl.finish_table(layout, "_")))
    return {
        "layout": hashlib.sha256(text.encode()).hexdigest()[:16],
        "tables": {name: [each.table_id, each.version] for name, each in snapshots.items() if each is not None},
    }


def _is_same(run: Run, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Is a table as it was? Compacting one, say, makes a version and changes no row."""
    if before["layout"] != now["layout"] or before["tables"].keys() != now["tables"].keys():
        return False
    return all(
        before["tables"][name][0] == table_id
        and run.tables.unchanged_until(f"gold.{name}", before["tables"][name][1], through=version) == version
        for name, (table_id, version) in now["tables"].items()
    )


def _publish_loads(work: _Publisher, loads: Mapping[str, Load], *, force: bool) -> None:
    run, connection = work.run, work.connection
    started = run.begin(LAYER, NAME)
    known = publications.publications(connection)
    live = next((each for each in known if each.status == "live"), None)
    same = next((each for each in known if _holds(connection, each, loads)), None)
    if live is not None and same == live:
        publications.confirm(connection, live, run.run_id)
        run.done(Step(LAYER, NAME, run.run_id, "unchanged", started))
        return
    if same is not None and same.status == "withdrawn" and not force:
        run.warn(
            f"gold is as it was when publication {same.publication_id} was rolled back: it is not published again "
            "(jobs/publish_gold.py --force does)"
        )
        return
    _verify(work, loads, publications.loads_of(connection, live) if live else {})
    with connection.transaction():
        made = publications.prepare(connection, run.run_id, _as_of(run), loads)
        for query, statement in schemas_of(made, work.layouts, loads, run.settings.queries.values()):
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                if not query:
                    raise
                said = " ".join(str(error).split())
                raise in_words(f"conf/queries/{query}.sql: {said}; gold is not published", error) from None
    publications.make_live(connection, made)
    why = f"publication {made.publication_id} is live in {work.server.place}"
    run.done(Step(LAYER, NAME, run.run_id, "published", started, seconds_since(started), accepted=len(loads), why=why))


def _holds(connection: psycopg.Connection, publication: Publication, loads: Mapping[str, Load]) -> bool:
    held = publications.loads_of(connection, publication)
    return {each.load_id for each in held.values()} == {each.load_id for each in loads.values()}


def _verify(work: _Publisher, loads: Mapping[str, Load], before: Mapping[str, Load]) -> None:
    """Look up what the star schema's columns refer to, where one side of that is not as it was when it was published.

    Raises:
        ConservationError: if a dimension lacks a value.
    """
    places = {name: each.place for name, each in loads.items()}
    is_new = {name for name, each in loads.items() if name not in before or before[name].load_id != each.load_id}
    for name, layout in work.layouts.items():
        for column, query in ddl.dangling(layout, places[name], places).items():
            dimension = layout.references[column][0]
            missing = [row[0] for row in work.connection.execute(query)] if is_new & {name, dimension} else []
            if missing:
                raise ConservationError(
                    f"gold.{name}: {column}: {dimension} does not have {', '.join(missing)}; gold is not published"
                )


def _as_of(run: Run) -> date | None:
    """The day for which customer_360 is."""
    if run.as_of is not None or run.tables.snapshot("gold.customer_360") is None:
        return run.as_of
    found: date | None = run.tables.read("gold.customer_360").agg(F.max("as_of")).collect()[0][0]
    return found


def _folder(run: Run) -> Path:
    return run.settings.local / "serving" / "export"
