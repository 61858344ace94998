"""Entities that are tables of a database: which range of theirs is next, and its rows into bronze."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from lib import bronze, ops
from lib.contract import Contract
from lib.database import Database
from lib.errors import LakehouseError
from lib.landing import LandedFile
from lib.ops import FileFate
from lib.pipeline.batches import Batch, appended, bronze_step, rows_in_bronze, tell_unknown
from lib.pipeline.context import Run
from lib.ranges import Range, is_moment, micros_of, range_of

_READ = ("planned", "loaded", "empty", "withdrawn")
_ORDERS = ("CASE WHEN endswith(through, 'Z') THEN try_cast(through AS TIMESTAMP) END", "try_cast(through AS BIGINT)")


def read_through(run: Run, tables: Mapping[str, str]) -> dict[str, list[str]]:
    """How far a database's table was read or is planned to be: the greatest moment and the greatest number, if any.

    Takes the names of the tables by entity, and gives bounds of ranges by entity.
    """
    if not tables or run.tables.snapshot(ops.FILES) is None:
        return {}
    is_of_one = [
        (F.col("table_name") == name) & F.startswith("path", F.lit(Range(table, None, "").path.removesuffix("..")))
        for name, table in tables.items()
    ]
    known = run.tables.read(ops.FILES).filter(F.col("status").isin(*_READ)).filter(reduce(Column.__or__, is_of_one))
    bounds = known.select("table_name", F.substring_index("path", "..", -1).alias("through"))
    greatest = bounds.groupBy("table_name").agg(*[F.max_by("through", F.expr(order)) for order in _ORDERS])
    return {row[0]: [each for each in row[1:] if each is not None] for row in greatest.collect()}


def range_batches(
    run: Run, contract: Contract, left_over: list[Batch], *, known: list[str], next_number: Callable[[], int]
) -> list[Batch]:
    """The ranges that a dead run planned, and one of all that is new since; `known` are bounds of `read_through`.

    Raises:
        LakehouseError: if the database cannot be asked, or the table lacks what the contract needs of it.
    """
    database = Database(run.tables.spark, contract)
    columns = database.columns()
    batches = []
    for batch in left_over:
        wanted = range_of(batch.files[0].path)
        is_known = wanted is not None and database.knows(wanted, columns)
        survey = database.survey(columns, wanted.after, wanted.through) if wanted and is_known else None
        batches.append(replace(batch, survey=survey))
    after = next((bound for bound in known if database.knows(Range(_table(contract), None, bound), columns)), None)
    survey = database.survey(columns, after)
    if survey.is_timeless:
        run.warn(f"{contract.table}: {_table(contract)} has rows without {_watermark(contract)}; they are never read")
    if survey.rows and survey.through is not None:
        wanted = Range(_table(contract), after, survey.through)
        if range_of(wanted.path) != wanted:
            raise LakehouseError(f"{contract.table}: {_watermark(contract)}: {survey.through} is no watermark")
        # as old as its newest row; a number does not tell
        moment = survey.through if is_moment(survey.through) else survey.at
        batches.append(Batch(next_number(), [LandedFile(micros_of(moment), wanted.path, 0)], survey=survey))
    return batches


def load_range(run: Run, contract: Contract, batch: Batch) -> list[FileFate]:
    """A range into bronze with one append, or the finding that it is there already."""
    started = run.begin("bronze", contract.table)
    there = rows_in_bronze(run, contract.table, batch.number) if batch.is_left_over else {}
    if there or batch.survey is None:
        if there:
            run.done(bronze_step(contract, batch, started, files=0, rows=sum(there.values())))
        return [_fate(contract, batch, file, rows=there.get(file.path)) for file in batch.files]
    [file] = batch.files
    wanted, survey = range_of(file.path), batch.survey
    if wanted is None or not survey.rows:
        # what was there was changed once more: it is above the range now
        return [replace(_fate(contract, batch, file, rows=0), status="empty", reason="no row is there any more")]
    tell_unknown(run, contract, list(survey.columns), file.path)
    database = Database(run.tables.spark, contract)
    found = database.rows(wanted, survey).withColumns(
        {"_source_file": F.lit(file.path), "_source_modified_at": F.lit(file.modified_at)}
    )
    with database.reading():
        rows = appended(run, contract, batch, bronze.of_table(found, list(survey.columns), contract))
    run.done(bronze_step(contract, batch, started, files=0, rows=rows))
    return [_fate(contract, batch, file, rows=rows)]


def in_words(batch: Batch) -> str:
    """A batch of a range as a plan says it."""
    again = ", which a run that died had begun" if batch.is_left_over else ""
    wanted = range_of(batch.files[0].path)
    if wanted is None or batch.survey is None:
        return f"{batch.files[0].path}{again}: is not of the table and watermark that the contract names"
    return f"{wanted.in_words}{again}: {batch.survey.rows:,} rows"


def _fate(contract: Contract, batch: Batch, file: LandedFile, *, rows: int | None) -> FileFate:
    """Loaded with so many rows; without a number it is not of what the contract names, and free again."""
    if rows is None:
        return FileFate(
            contract.table, file, batch.number, "unclaimed", "its contract names another table or watermark"
        )
    return FileFate(contract.table, file, batch.number, "loaded", rows=rows)


def _table(contract: Contract) -> str:
    return contract.jdbc.table if contract.jdbc else ""


def _watermark(contract: Contract) -> str:
    return contract.jdbc.watermark if contract.jdbc else ""
