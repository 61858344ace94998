"""The records of people as the sources have them now, and which of them are others than they were."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame

from lib import silver
from lib.contract import IS_LIVE
from lib.identity.normal import FORM, normalised
from lib.identity.records import COLUMNS, named_only, person_records, with_hash
from lib.identity.tables import DESCRIBED_BY, NAMED_BY, RECORDS, SCHEMAS
from lib.pipeline.affected import Span
from lib.pipeline.context import Run
from lib.session import local_frame

_DESCRIBING = [name for entities in DESCRIBED_BY.values() for name in entities]
_NAMING = {name: (source, key) for source, entities in NAMED_BY.items() for name, key in entities.items()}

KNOWN = SCHEMAS[RECORDS]
_SAID = KNOWN.replace("_hash BIGINT", "country STRING")


@dataclass(frozen=True)
class People:
    """What one resolution works with: all records there ever were, and those that are new or others than they were.

    In the columns of `silver.identity_records`; what a source no longer has stays as it was.
    """

    records: DataFrame
    changed: DataFrame
    n_changed: int

    def close(self) -> None:
        """Let the rows go."""
        self.records.unpersist()


def identity_rows(run: Run, table: str) -> DataFrame:
    """The rows of a table of `lib.identity.tables`, none where it was never written."""
    return run.tables.read_or_empty(table, SCHEMAS[table])


def people(run: Run, moved: Mapping[str, Span], *, is_anew: bool) -> People:
    """The records, after what `moved` since they were last looked at, by table; `is_anew`: whatever moved."""
    spark, region = run.tables.spark, run.settings.identity.region
    known = identity_rows(run, RECORDS)
    form = f"{FORM} {region}"
    said = with_hash(_said(run) if is_anew or {*_DESCRIBING} & {*moved} else local_frame(spark, [], _SAID), form=form)
    changed = said.join(known.select("key", "_hash"), ["key", "_hash"], how="left_anti")
    named = with_hash(_named(run, known, moved), form=form).join(said, "key", how="left_anti")
    found = changed.unionByName(named).select(*COLUMNS, "country", "_hash").persist()
    try:
        n_changed = found.count()
        # of nothing no worker need be started
        fresh = normalised(found, region=region).localCheckpoint() if n_changed else local_frame(spark, [], KNOWN)
    finally:
        found.unpersist()
    records = known.join(fresh.select("key"), "key", how="left_anti").unionByName(fresh) if n_changed else known
    return People(records.persist(), fresh, n_changed)


def _said(run: Run) -> DataFrame:
    contracts = run.settings.contracts
    return person_records(
        **{name: run.tables.read_or_empty(f"silver.{name}", silver.schema_of(contracts[name])) for name in _DESCRIBING}
    )


def _named(run: Run, known: DataFrame, moved: Mapping[str, Span]) -> DataFrame:
    """Records, empty but for their keys, of customers that are not known and that facts name."""
    spans = {name: span for name, span in moved.items() if name in _NAMING}
    if not spans:
        return local_frame(run.tables.spark, [], _SAID)
    try:
        return _of_facts(run, known, spans).localCheckpoint()
    except Exception as error:
        # vacuumed away, or from before the feed was kept; whatever else it is, reading the tables meets it again
        run.reporter.explain("customer_identities", error)
        return _of_facts(run, known, {name: (span[0], -1, span[2]) for name, span in spans.items()})


def _of_facts(run: Run, known: DataFrame, spans: Mapping[str, Span]) -> DataFrame:
    found = [named_only(_NAMING[name][0], _rows(run, *span), _NAMING[name][1]) for name, span in spans.items()]
    return reduce(DataFrame.unionByName, found).dropDuplicates(["key"]).join(known, "key", how="left_anti")


def _rows(run: Run, name: str, before: int, now: int) -> DataFrame:
    """The rows of a table that came or changed since a version of it; all of them where there is none."""
    if before < 0:
        return run.tables.read(name, version=now)
    feed = run.tables.changes(name, after=before, through=now).filter("_change_type IN ('insert', 'update_postimage')")
    return feed.filter(IS_LIVE) if IS_LIVE in feed.columns else feed
