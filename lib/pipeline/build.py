"""Silver to gold: each table when its inputs are done, and of it only what their changes touch."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time, timezone
from functools import partial, reduce
from threading import Lock
from typing import Any

from pydantic_core import to_jsonable_python
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import history, silver
from lib.config import Settings
from lib.errors import LakehouseError
from lib.gold import routes
from lib.gold.registry import GoldTable, code_version, gold_tables
from lib.identity.tables import SCHEMAS
from lib.models.champions import Champions
from lib.ops import Step
from lib.pipeline.affected import NOTHING, Feeds, Made, Scope, scope_of
from lib.pipeline.context import Run, full_name, histories, maker_of, options_of, properties_for, seconds_since
from lib.pipeline.ledger import last_made
from lib.pipeline.score import record_drift, tracker_of
from lib.session import local_frame
from lib.tables import Written

_CHAMPIONS = "champions"
"""The parameter of gold functions that is the models which score."""
_MOMENTS = ("as_of", "sales_until", "held_at")
"""The parameters of gold functions that say of when a table is to be; see `_moment`."""


@dataclass
class Gold:
    """What the tables of one run share."""

    run: Run
    made: dict[str, Made]
    feeds: Feeds
    last_order_date: date | None = None
    champions: Champions | None = None
    lock: Lock = field(default_factory=Lock)


def build(run: Run) -> None:
    """Bring gold up to silver, and tell the run the day for which customer_360 is computed.

    A table whose input failed is not built, and neither is what depends on it.
    """
    tables = {name: table for name, table in gold_tables().items() if name in run.request.tables}
    gold = gold_of(run)
    after = {name: table.inputs for name, table in tables.items()}
    try:
        run.each(tables, lambda name: _build(gold, tables[name]), layer="gold", after=after)
    finally:
        gold.feeds.close()
    run.as_of = run.settings.as_of or _last_order_date(gold)
    if gold.champions:
        run.attempted("ops model_drift", partial(record_drift, run, gold.champions))
    _tell_inferred(run)


def gold_of(run: Run) -> Gold:
    """Gold as the last run left it."""
    return Gold(run, {name: Made(**facts) for name, facts in last_made(run.tables).items()}, Feeds(run))


def input_mistakes(settings: Settings) -> list[str]:
    """The parameters of gold functions that are neither a table nor a setting, a line each."""
    of_people = {name.removeprefix("silver.") for name in SCHEMAS}
    known = {
        *settings.contracts,
        *histories(settings),
        *of_people,
        *gold_tables(),
        *settings.measures,
        *_MOMENTS,
        _CHAMPIONS,
    }
    return [
        f"gold.{table.name}: its parameter '{each}' is no contract's table or history, gold table or measure"
        for table in gold_tables().values()
        for each in table.inputs
        if each not in known
    ]


def _last_order_date(gold: Gold) -> date | None:
    """The day of the latest order, None without one; asked once, by what reads fact_sales, when that is built."""
    tables = gold.run.tables
    with gold.lock:
        if gold.last_order_date is None and tables.snapshot("gold.fact_sales") is not None:
            gold.last_order_date = tables.read("gold.fact_sales").agg(F.max("order_date")).collect()[0][0]
    return gold.last_order_date


def _build(gold: Gold, table: GoldTable) -> None:
    run = gold.run
    started = run.begin("gold", table.name)
    failed = [each for each in table.inputs if maker_of(run.settings, each) in run.failures]
    if failed:
        run.fail(table.name, f"gold.{table.name}: not built: {', '.join(failed)} failed")
        return
    inputs, values, made = _arguments(gold, table)
    found = _scope(gold, table, inputs, made)
    if found is NOTHING:
        run.done(Step("gold", table.name, run.run_id, "unchanged", started))
        return
    written = _write(run, table, found, inputs, values)
    rows_in = sum(_count(run, each) for each in table.rows_of)
    is_conserved = None
    if table.rows_of:
        hop = f"{' and '.join(table.rows_of)} to gold.{table.name}"
        is_conserved = run.conserve("gold", table.name, hop, rows_in=rows_in, rows_out=written.offered)
    made = replace(made, version=_described(run, table))
    run.done(
        Step(
            "gold", table.name, run.run_id, "full" if found.keys is None else "incremental", started,
            seconds_since(started), rows_in=rows_in or written.offered, accepted=written.offered,
            changed=written.changed, is_conserved=is_conserved,
            keys=found.keys.count if found.keys else 0, why=found.why,
            # of a table that failed it is not on record what it was made from: it is made whole the next time
            made_from=json.dumps(asdict(made), sort_keys=True) if is_conserved is not False else None,
        )
    )  # fmt: skip


def scope(gold: Gold, table: GoldTable) -> Scope:
    """What there is to compute of a table, its inputs being what they are now.

    Raises:
        LakehouseError: if one of them was never built.
    """
    inputs, _, made = _arguments(gold, table)
    return _scope(gold, table, inputs, made)


def inputs_of(gold: Gold, table: GoldTable) -> dict[str, DataFrame]:
    """The tables that a table is made from, as they are now."""
    return _arguments(gold, table)[0]


def _scope(gold: Gold, table: GoldTable, inputs: Mapping[str, DataFrame], made: Made) -> Scope:
    full_names = {each: full_name(each) for each in inputs}
    before = gold.made.get(table.name)
    return scope_of(gold.run, table, made, before, inputs=inputs, full_names=full_names, feeds=gold.feeds)


def _write(run: Run, table: GoldTable, scope: Scope, inputs: dict[str, DataFrame], values: dict[str, Any]) -> Written:
    kept: list[DataFrame] = []

    def keep(rows: DataFrame) -> DataFrame:
        kept.append(rows.persist())
        return kept[-1]

    try:
        return _written(run, table, scope, inputs, {**values, "keep": keep} if table.keeps else values)
    finally:
        for rows in kept:
            rows.unpersist()


def _written(run: Run, table: GoldTable, scope: Scope, inputs: dict[str, DataFrame], values: dict[str, Any]) -> Written:
    name, keys = f"gold.{table.name}", scope.keys
    if keys is None:
        rows = _clustered(run, table, _commented(table.function(**inputs, **values), table), inputs)
        if scope.is_other:
            return run.tables.overwrite(name, rows)
        return run.tables.write_diff(name, rows, table.grain, options=options_of(table))
    try:
        if not keys.count:
            return Written(offered=run.tables.count(name))
        rows = table.function(**routes.restricted(inputs, keys, table.routes), **values)
        return run.tables.write_diff(
            name,
            # an input that is not cut down brings rows of other keys too
            _commented(routes.of_keys(rows, keys, table.key), table),
            table.grain,
            within=lambda old: routes.of_keys(old, keys, table.key),
            bounds=keys.between(table.columns, table.key, alias="t."),
        )
    finally:
        keys.rows.unpersist()


def _clustered(run: Run, table: GoldTable, rows: DataFrame, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The rows of a whole table, those that are alike in what it is clustered by together."""
    largest = max((run.tables.count(full_name(each)) for each in inputs), default=0) if table.clustered_by else 0
    files = largest // run.settings.file_rows
    return rows.repartitionByRange(files, table.clustered_by) if files > 1 else rows


def _described(run: Run, table: GoldTable) -> int:
    """See that the table says what it is, and keeps its changes; gives its version."""
    name = f"gold.{table.name}"
    snapshot = run.tables.snapshot(name)
    wanted = {"comment": table.description, **properties_for(run, name)}
    if snapshot is None or {"comment": snapshot.description, **snapshot.properties}.items() >= wanted.items():
        return snapshot.version if snapshot else -1
    run.tables.set_properties(name, wanted)
    return snapshot.version + 1


def _tell_inferred(run: Run) -> None:
    """A warning for each table that changed and has members which nothing but a fact names; one query for all."""
    changed = [step.table for step in run.steps if step.layer == "gold" and step.changed]
    counted = [
        run.tables.read(f"gold.{name}").filter("is_inferred").select(F.lit(name).alias("name"))
        for name in changed
        if "is_inferred" in gold_tables()[name].columns
    ]
    if counted:
        for row in reduce(DataFrame.union, counted).groupBy("name").count().orderBy("name").collect():
            count = f"{row['count']:,} of its rows are inferred"
            run.warn(f"{row['name']}: {count}: facts name them, no record of them has landed")


def _arguments(gold: Gold, table: GoldTable) -> tuple[dict[str, DataFrame], dict[str, Any], Made]:
    """The tables and the values that a gold function asks for, and for the record which ones those are."""
    run = gold.run
    inputs: dict[str, DataFrame] = {}
    values: dict[str, Any] = {}
    versions: dict[str, int] = {}
    for each in table.inputs:
        if each in _MOMENTS:
            values[each] = _moment(gold, each)
        elif each == _CHAMPIONS:
            values[each] = _champions(gold)
        elif each in run.settings.measures:
            values[each] = run.settings.measures[each]
        else:
            inputs[each], versions[each] = _input(run, each)
    facts = {
        name: str(value) if isinstance(value, date | Champions) else to_jsonable_python(value)
        for name, value in values.items()
    }
    return inputs, values, Made(code_version(), versions, facts)


def _champions(gold: Gold) -> Champions:
    """The models that score, asked of the registry once."""
    with gold.lock:
        if gold.champions is None:
            gold.champions = tracker_of(gold.run).champions()
        return gold.champions


def _moment(gold: Gold, name: str) -> date | None:
    """`as_of`, and what follows from it.

    `sales_until` is the day after which sales do not count, None where there are none after it; `held_at` is when the
    day that was asked for ended, None where none was: then what is known now counts, also what became known later.
    """
    if name == "held_at":
        return _held_at(gold.run)
    # before the first order there is nothing to look back on: any day will do
    last = _last_order_date(gold) or gold.run.started_at.date()
    as_of = gold.run.settings.as_of or last
    return as_of if name == "as_of" or as_of < last else None


def _held_at(run: Run) -> datetime | None:
    asked = run.settings.as_of
    return datetime.combine(asked, time.max, timezone.utc) if asked else None


def _input(run: Run, table: str) -> tuple[DataFrame, int]:
    """A table at its newest version, and the version; an entity of which nothing has landed yet is empty.

    A history has its tombstones: they say when a key went.
    """
    snapshot = run.tables.snapshot(full_name(table))
    if snapshot is None and table in gold_tables():
        raise LakehouseError(f"gold.{table}: was never built; a run that leaves it out cannot build what reads it")
    past = histories(run.settings).get(table)
    if snapshot is None:
        return local_frame(run.tables.spark, [], _schema_of(run.settings, table)), -1
    rows = run.tables.read(full_name(table), version=snapshot.version, with_tombstones=past is not None)
    return rows, snapshot.version


def _schema_of(settings: Settings, table: str) -> str:
    """The columns, as DDL, of a table of silver as gold's functions name it."""
    past = histories(settings).get(table)
    if past is not None:
        return history.schema_of(past)
    of_people = SCHEMAS.get(full_name(table))
    return of_people or silver.schema_of(settings.contracts[table])


def _count(run: Run, table: str) -> int:
    """The rows of a table; of a dimension with a history those that hold."""
    if table in gold_tables() and "is_current" in gold_tables()[table].columns:
        return history.as_of(run.tables.read(full_name(table)), _held_at(run)).count()
    return run.tables.count(full_name(table))


def _commented(rows: DataFrame, table: GoldTable) -> DataFrame:
    """The rows with each column's definition as its comment."""
    return rows.select(
        *[F.col(name).alias(name, metadata={"comment": table.columns.get(name, "")}) for name in rows.columns]
    )
