"""Links to ids: what a run touches is clustered, and what follows from that is written."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.people import record
from lib.identity import ids
from lib.identity.believed import Believed, Link, believed, evidence
from lib.identity.decisions import Decision
from lib.identity.links import LINK, meant
from lib.identity.settings import ATTRIBUTES
from lib.identity.tables import EVENTS, FORMER, GRAINS, IDENTITIES, LINKS, REVIEW, SCHEMAS
from lib.pipeline.context import Run, feed_of
from lib.pipeline.people import People, identity_rows
from lib.session import frame_of


def give_ids(run: Run, found: People, fresh: DataFrame, *, given: Sequence[Decision], asked: set[str]) -> int:
    """Cluster what the changed records and the decisions touch, and give out ids; gives the number of events.

    The driver holds what is touched: some hundred bytes for each of its records and links.
    """
    spark, before = run.tables.spark, identity_rows(run, LINKS)
    touched = {row["key"] for row in _rows(found.changed.select("key"))} | asked
    new = [Link(**row) for row in _rows(fresh.filter("verdict = 'joined'").select(*Link._fields))]
    touched |= {key for link in new for key in link.pair}
    known = _known(run, touched)
    scope = touched | known.keys()
    for end in LINK:
        before = before.join(found.changed.select(F.col("key").alias(end)), end, how="left_anti")
    old = before.filter("verdict = 'joined'").join(keys_of(run, scope, name="key_l"), "key_l", how="left_semi")
    links = [*new, *(Link(**row) for row in _rows(old.select(*Link._fields)))]
    rules = run.settings.identity
    linked = {key for link in links for key in link.pair}
    said = meant(found.records.join(keys_of(run, linked), "key", how="left_semi"), rules.strong) if linked else None
    believes = believed(
        scope, links, {row.pop("key"): row for row in _rows(said)} if said else {}, given,
        largest=rules.largest, run_id=run.run_id,
    )  # fmt: skip
    if links or run.tables.snapshot(LINKS) is not None or not fresh.isEmpty():
        doubted = [{"key_l": one, "key_r": other, "_why": why} for (one, other), why in believes.doubted.items()]
        doubts = frame_of(spark, doubted, "key_l STRING, key_r STRING, _why STRING")
        near = keys_of(run, scope)
        run.tables.write_diff(
            LINKS, _touching(_with_doubts(before.unionByName(fresh), doubts), near), LINK,
            within=lambda old: _touching(old, near),
        )  # fmt: skip
    events = _events(run, believes, known)
    if events:
        run.tables.append(EVENTS, frame_of(spark, events, SCHEMAS[EVENTS]), batch_id=run.run_id)
    # a decision that changes no id takes its pair out of review
    concerned = scope | {key for each in given for key in each.pair}
    follow(run, found.records, given, is_merged=any(event["before"] for event in events), scope=concerned)
    return len(events)


def keys_of(run: Run, keys: Iterable[str], *, name: str = "key") -> DataFrame:
    """One row per key that the driver holds: the column `name`."""
    return frame_of(run.tables.spark, [{name: key} for key in sorted(keys)], f"{name} STRING")


def _rows(frame: DataFrame) -> list[dict[str, Any]]:
    """The rows that the driver is to hold."""
    found: list[dict[str, Any]] = frame.toArrow().to_pylist()
    return found


def _known(run: Run, touched: set[str]) -> dict[str, tuple[str, int]]:
    """The id, and the run in which they came, of the touched records that have one, and of those of the same people."""
    if run.tables.snapshot(EVENTS) is None:
        return {}
    held = ids.held(identity_rows(run, EVENTS)).localCheckpoint()
    named = held.join(keys_of(run, touched), "key", how="left_semi").select("customer_id").distinct()
    rows = _rows(held.join(named, "customer_id", how="left_semi"))
    return {row["key"]: (row["customer_id"], row["born"]) for row in rows}


def _events(run: Run, believes: Believed, known: Mapping[str, tuple[str, int]]) -> list[dict[str, Any]]:
    """Rows of `silver.identity_events`, each with the best link that the record has to another one of the person."""
    members = [
        ids.Member(key, component, *known.get(key, (None, run.run_id))) for key, component in believes.clusters.items()
    ]
    last = identity_rows(run, EVENTS).agg(F.max("customer_id")).collect()[0][0]
    links = evidence(believes.links)
    rows = []
    for given in ids.assigned(members, minted=ids.number_of(last)):
        link = links.get(given.key)
        found = {"linked_to": link.key_r, "rule": link.rule, "score": link.score} if link else {}
        rows.append({"run_id": run.run_id, **given._asdict(), **found})
    return rows


def _with_doubts(links: DataFrame, doubted: DataFrame) -> DataFrame:
    return links.join(doubted, list(LINK), how="left").select(
        *LINK, "rule", "score",
        F.when(F.col("_why").isNotNull(), "review").otherwise(F.col("verdict")).alias("verdict"),
        F.coalesce("_why", "why").alias("why"), "run_id",
    )  # fmt: skip


def follow(
    run: Run, records: DataFrame, given: Sequence[Decision], *, is_merged: bool, scope: Collection[str] | None = None
) -> None:
    """The tables that follow from events and links; former ids only where some `is_merged`, or split.

    Only rows of the records of the `scope` can be others than they were; without one any may be.
    """
    events = identity_rows(run, EVENTS)
    held, source = ids.held(events), F.split("key", ":", 2)
    near = None if scope is None else keys_of(run, scope)
    identities = (held if near is None else held.join(near, "key", how="left_semi")).select(
        source[0].alias("source"), source[1].alias("source_customer_id"), "customer_id",
        F.col("born").alias("since_run_id"),
    )  # fmt: skip
    tables = {IDENTITIES: identities}
    if is_merged:
        tables[FORMER] = ids.former(events)
    if run.tables.snapshot(LINKS) is not None:
        tables[REVIEW] = _review(run, records, held, given, near)
    for table, rows in tables.items():
        within = None if near is None or table == FORMER else partial(_near, near=near)
        run.tables.write_diff(table, rows, GRAINS[table], options=feed_of(table), within=within)
        _keep_feed(run, table)


def _near(rows: DataFrame, near: DataFrame) -> DataFrame:
    """The rows of a table of identities, or of pairs, of these keys."""
    if LINK[0] in rows.columns:
        return _touching(rows, near)
    named = rows.withColumn("key", record())
    return named.join(near, "key", how="left_semi").drop("key")


def _touching(pairs: DataFrame, near: DataFrame) -> DataFrame:
    """The pairs of which either end is among the keys."""
    one, other = (near.withColumnRenamed("key", end) for end in LINK)
    left = pairs.join(one, LINK[0], how="left_semi")
    right = pairs.join(other, LINK[1], how="left_semi").join(one, LINK[0], how="left_anti")
    return left.unionByName(right)


def _review(
    run: Run, records: DataFrame, held: DataFrame, given: Sequence[Decision], near: DataFrame | None
) -> DataFrame:
    """Rows of `silver.identity_review`: what is linked, not joined, and not decided."""
    pairs = [{"key_l": each.left, "key_r": each.right} for each in given]
    decided = frame_of(run.tables.spark, pairs, "key_l STRING, key_r STRING")
    waiting = identity_rows(run, LINKS).filter("verdict = 'review'").join(decided, list(LINK), how="left_anti")
    waiting = waiting if near is None else _touching(waiting, near)
    for end, side in zip(LINK, ("left", "right"), strict=True):
        said = records.select("key", F.to_json(F.struct(*ATTRIBUTES)).alias(side)).join(
            held.select("key", F.col("customer_id").alias(f"_{side}")), "key", how="left"
        )
        waiting = waiting.join(said.withColumnRenamed("key", end), end, how="left")
    # what is one person already by another way is no question
    waiting = waiting.filter("NOT _left <=> _right")
    return waiting.select(*LINK, "rule", "score", "why", "left", "right", "run_id")


def _keep_feed(run: Run, table: str) -> None:
    """See that a table of an older lake keeps its changes, as a new one does."""
    snapshot = run.tables.snapshot(table)
    if snapshot is not None and not snapshot.properties.items() >= feed_of(table).items():
        run.tables.set_properties(table, feed_of(table))
