"""Silver to gold: each table when its inputs are done, and only if one of them changed."""

import json
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date
from graphlib import TopologicalSorter
from typing import Any

from pydantic_core import to_jsonable_python
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import history, silver
from lib.config import Settings
from lib.contract import Contract
from lib.gold.registry import GoldTable, code_version, gold_tables
from lib.ops import Step
from lib.pipeline.context import Run, seconds_since
from lib.pipeline.ledger import LAST_STEP, as_property
from lib.session import local_frame

_PROPERTY = "lakehouse.built_from"


def build(run: Run) -> None:
    """Bring gold up to silver. A table whose input failed is not built, and neither is what depends on it."""
    graph = TopologicalSorter(
        {name: [each for each in table.inputs if each in gold_tables()] for name, table in gold_tables().items()}
    )
    graph.prepare()
    with ThreadPoolExecutor(run.settings.threads) as pool:
        under_way: dict[Future[None], str] = {}
        while graph.is_active():
            for name in graph.get_ready():
                under_way[pool.submit(_build, run, gold_tables()[name])] = name
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                name = under_way.pop(future)
                error = future.exception()
                if isinstance(error, Exception):
                    run.fail(name, run.reporter.explain(name, error))
                elif error is not None:
                    raise error
                graph.done(name)


def input_mistakes(settings: Settings) -> list[str]:
    """The parameters of gold functions that are neither a table nor a setting, a line each."""
    known = {*settings.contracts, *_histories(settings), *gold_tables(), *settings.measures, "as_of"}
    return [
        f"gold.{table.name}: its parameter '{each}' is no contract's table or history, gold table or measure"
        for table in gold_tables().values()
        for each in table.inputs
        if each not in known
    ]


def as_of_of(run: Run) -> date | None:
    """The day that customer_360 is computed for: the one given, else that of the latest order; None without one."""
    if run.settings.as_of is not None:
        return run.settings.as_of
    if run.tables.snapshot("gold.fact_sales") is None:
        return None
    latest = run.tables.read("gold.fact_sales").agg(F.max("order_date")).collect()
    day: date | None = latest[0][0]
    return day


def _build(run: Run, table: GoldTable) -> None:
    started = run.begin("gold", table.name)
    entities = {name: contract.table for name, contract in _histories(run.settings).items()}
    failed = [each for each in table.inputs if entities.get(each, each) in run.failures]
    if failed:
        run.fail(table.name, f"gold.{table.name}: not built: {', '.join(failed)} failed")
        return
    name = f"gold.{table.name}"
    arguments, built_from = _arguments(run, table)
    snapshot = run.tables.snapshot(name)
    if snapshot is not None and snapshot.properties.get(_PROPERTY) == json.dumps(built_from, sort_keys=True):
        run.done(Step("gold", table.name, run.run_id, "unchanged", started))
        return
    rows = table.function(**arguments)
    written = run.tables.write_diff(name, _described(rows, table), table.grain)
    rows_in = sum(_count(run, each) for each in table.rows_of)
    is_conserved = None
    if table.rows_of:
        is_conserved = run.conserve(table.name, f"{' and '.join(table.rows_of)} to {name}", rows_in, written.offered)
    step = Step(
        "gold", table.name, run.run_id, "full", started, seconds_since(started),
        rows_in=rows_in or written.offered, accepted=written.offered, changed=written.changed,
        is_conserved=is_conserved,
    )  # fmt: skip
    properties = {"comment": table.description, _PROPERTY: json.dumps(built_from, sort_keys=True)}
    run.tables.set_properties(name, {**properties, LAST_STEP: as_property(run, step)})
    if written.changed:
        _tell_inferred(run, table, rows)
    run.done(step)


def _tell_inferred(run: Run, table: GoldTable, rows: DataFrame) -> None:
    if "is_inferred" in rows.columns:
        inferred = run.tables.read(f"gold.{table.name}").filter("is_inferred").count()
        if inferred:
            run.warn(
                f"{table.name}: {inferred:,} of its rows are inferred: facts name them, no record of them has landed"
            )


def _arguments(run: Run, table: GoldTable) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of a gold function, and what they are, for the record: versions of tables, values of settings."""
    arguments: dict[str, Any] = {}
    built_from: dict[str, Any] = {"code": code_version()}
    for each in table.inputs:
        if each == "as_of":
            # before the first order there is nothing to look back on: any day will do
            arguments[each] = as_of_of(run) or run.started_at.date()
            built_from[each] = str(arguments[each])
        elif each in run.settings.measures:
            arguments[each] = run.settings.measures[each]
            built_from[each] = to_jsonable_python(arguments[each])
        else:
            arguments[each], built_from[each] = _input(run, each)
    return arguments, built_from


def _input(run: Run, table: str) -> tuple[DataFrame, int]:
    """A table at its newest version, and the version; an entity of which nothing has landed yet is empty.

    A history has its tombstones: they say when a key went.
    """
    snapshot = run.tables.snapshot(_full_name(table))
    past = _histories(run.settings).get(table)
    if snapshot is None:
        schema = history.schema_of(past) if past else silver.schema_of(run.settings.contracts[table])
        return local_frame(run.tables.spark, [], schema), -1
    rows = run.tables.read(_full_name(table), version=snapshot.version, with_tombstones=past is not None)
    return rows, snapshot.version


def _histories(settings: Settings) -> dict[str, Contract]:
    """The contracts that keep every version, by the tables where they do."""
    return {each.history_table: each for each in settings.contracts.values() if each.history}


def _count(run: Run, table: str) -> int:
    """The rows of a table; of a dimension with a history those that hold now."""
    if table in gold_tables() and "is_current" in gold_tables()[table].columns:
        return run.tables.read(_full_name(table)).filter("is_current").count()
    return run.tables.count(_full_name(table))


def _full_name(table: str) -> str:
    return f"gold.{table}" if table in gold_tables() else f"silver.{table}"


def _described(rows: DataFrame, table: GoldTable) -> DataFrame:
    """The rows with each column's definition as its comment."""
    return rows.select(
        *[F.col(name).alias(name, metadata={"comment": table.columns.get(name, "")}) for name in rows.columns]
    )
