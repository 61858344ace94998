"""Silver's records to people: what changed is compared with what there is, and each person keeps an id."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import silver
from lib.identity import ids
from lib.identity.clusters import components
from lib.identity.links import LINK, conflicts, contradictions, exact_links
from lib.identity.names import short_forms, with_full_forms
from lib.identity.records import COLUMNS, person_records
from lib.identity.settings import ATTRIBUTES
from lib.identity.tables import EVENTS, IDENTITIES, LINKS, MODELS, RECORDS, REVIEW, SCHEMAS
from lib.ops import Step
from lib.pipeline.context import Run, seconds_since
from lib.session import local_frame, scratch

_SOURCES = ("adventureworks_customers", "crm_addresses", "crm_customers", "crm_phones", "pos_customers")


@dataclass(frozen=True)
class People:
    """What one resolution works with: all records as they are now, and those that are new or others than they were."""

    records: DataFrame
    changed: DataFrame
    n_changed: int


def identify(*, retrain: bool = False) -> Callable[[Run], None]:
    """Gives every record of a person in silver the person's id.

    The records are remembered last, so that a run that died is simply run again: the same ones are new then. The ids
    are what the events say, which are added in one commit; all other tables follow from these.
    """

    def work(run: Run) -> None:
        started = run.begin("identity", "customer_identities")
        people = _people(run, everyone=retrain)
        try:
            if not people.n_changed:
                run.done(Step("identity", "customer_identities", run.run_id, "unchanged", started))
                return
            with scratch(run.tables.spark, str(run.settings.root / ".scratch")):
                # cut off from the plan that made it: the rest reads it many times
                fresh = _links(run, people, retrain=retrain).localCheckpoint()
            n_events = _decide(run, people, fresh)
            run.tables.write_diff(RECORDS, people.records, ["key"])
        finally:
            people.changed.unpersist()
            people.records.unpersist()
        run.done(
            Step(
                "identity", "customer_identities", run.run_id, "incremental", started, seconds_since(started),
                rows_in=people.n_changed, accepted=run.tables.count(IDENTITIES), changed=n_events,
                keys=people.n_changed,
            )
        )  # fmt: skip

    return work


def _people(run: Run, *, everyone: bool) -> People:
    contracts = run.settings.contracts
    rows = {name: run.tables.read_or_empty(f"silver.{name}", silver.schema_of(contracts[name])) for name in _SOURCES}
    records = person_records(**rows).withColumn("_hash", silver.hash_of(ATTRIBUTES)).persist()
    known = _read(run, RECORDS).select("key", "_hash").filter(F.lit(not everyone))
    changed = records.join(known, ["key", "_hash"], how="left_anti").select(*COLUMNS).persist()
    return People(records, changed, changed.count())


def _read(run: Run, table: str) -> DataFrame:
    return run.tables.read_or_empty(table, SCHEMAS[table])


def _links(run: Run, people: People, *, retrain: bool) -> DataFrame:
    """The links of the changed records: by the exact rules, and by the model what these leave."""
    rules = run.settings.identity
    exact = exact_links(people.changed, people.records, rules.exact)
    parameters = _model(run, people, retrain=retrain)
    if parameters is None:
        scored = local_frame(run.tables.spark, [], "key_l STRING, key_r STRING, rule STRING, score DOUBLE")
    else:
        # imported where it is used: who has too few records to learn from needs nothing of it
        from lib.identity.model import scored as scored_by

        found = scored_by(people.changed, people.records.select(*COLUMNS), parameters, rules)
        scored = found.withColumn("rule", F.lit("model")).join(exact.select(*LINK), list(LINK), how="left_anti")
    pairs = exact.unionByName(scored).localCheckpoint()
    records = with_full_forms(people.records, short_forms(run.tables.spark))
    at_odds = contradictions(pairs.select(*LINK), records, rules.strong)
    unsure = F.when(F.col("score") < rules.join_above, "the model is not sure")
    why = F.coalesce("why", unsure).alias("why")
    return pairs.join(at_odds, list(LINK), how="left").select(
        *LINK, "rule", "score", F.when(why.isNull(), "joined").otherwise("review").alias("verdict"), why,
        F.lit(run.run_id).cast("bigint").alias("run_id"),
    )  # fmt: skip


def _model(run: Run, people: People, *, retrain: bool) -> dict[str, Any] | None:
    """The newest model under today's rules, trained now if there is none; None where there is too little to learn."""
    rules = run.settings.identity
    said = sha256(json.dumps(rules.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:16]
    models = _read(run, MODELS)
    newest = models.filter(F.col("rules") == said).orderBy(F.desc("version")).select("parameters").first()
    if newest is not None and not retrain:
        known: dict[str, Any] = json.loads(newest["parameters"])
        return known
    n_records = people.records.count()
    if n_records < rules.matching.train_from:
        return None
    from lib.identity.model import trained

    parameters = trained(people.records.select(*COLUMNS), rules)
    version = (models.agg(F.max("version")).collect()[0][0] or 0) + 1
    row = {"version": version, "rules": said, "parameters": json.dumps(parameters), "records": n_records}
    run.tables.append(MODELS, local_frame(run.tables.spark, [{**row, "run_id": run.run_id}], SCHEMAS[MODELS]))
    return parameters


def _decide(run: Run, people: People, fresh: DataFrame) -> int:
    """Cluster what the changed records touch, and give out ids; gives the number of events."""
    before, keys = _read(run, LINKS), people.changed.select("key")
    of_changed = reduce(
        DataFrame.unionByName,
        [before.join(keys.withColumnRenamed("key", end), end, how="left_semi") for end in LINK],
    ).distinct()
    links = before.join(of_changed.select(*LINK), list(LINK), how="left_anti").unionByName(fresh).localCheckpoint()
    events = _read(run, EVENTS)
    held = ids.held(events).localCheckpoint()
    touched = reduce(
        DataFrame.unionByName,
        [keys, *[rows.select(F.col(end).alias("key")) for rows in (fresh, of_changed) for end in LINK]],
    ).distinct()
    named = held.join(touched, "key", how="left_semi").select("customer_id").distinct()
    scope = (
        touched.unionByName(held.join(named, "customer_id", how="left_semi").select("key")).distinct().localCheckpoint()
    )
    within = links.join(scope.withColumnRenamed("key", "key_l"), "key_l", how="left_semi")
    clustered, doubted = _clustered(run, people, scope, within.localCheckpoint())
    final = _with_doubts(links, doubted)
    run.tables.write_diff(LINKS, final, LINK)
    members = clustered.join(held.withColumnRenamed("customer_id", "before"), "key", how="left").withColumn(
        "born", F.coalesce("born", F.lit(run.run_id).cast("bigint"))
    )
    minted = ids.number_of(events.agg(F.max("customer_id")).collect()[0][0])
    given = ids.assigned(members.localCheckpoint(), minted=minted).filter("event IS NOT NULL")
    new = _with_evidence(given, final).select(
        F.lit(run.run_id).cast("bigint").alias("run_id"), "key", "event", "customer_id", "before", "linked_to", "rule",
        "score",
    )  # fmt: skip
    written = run.tables.append(EVENTS, new, batch_id=run.run_id)
    _follow(run, people)
    return written.inserted


def _clustered(run: Run, people: People, scope: DataFrame, links: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The components of the scope, and the new links that nobody should believe: `key_l`, `key_r`, `why`.

    Of those that lead to a conflict the model's are doubted first, and the rules' where it stays.
    """
    rules = run.settings.identity
    joined = links.filter("verdict = 'joined'")
    doubted = local_frame(run.tables.spark, [], "key_l STRING, key_r STRING, why STRING")
    found = components(scope, joined)
    for doubtful in ("rule = 'model'", "true"):
        known = found.join(people.records.select("key", *rules.strong), "key", how="left")
        suspects = found.join(conflicts(known, strong=rules.strong, largest=rules.largest), "component")
        suspects = suspects.select(F.col("key").alias("key_l"), F.col("why").alias("_why"))
        new = joined.filter(F.col("run_id") == run.run_id).join(doubted, list(LINK), how="left_anti")
        doubts = (
            new.join(suspects, "key_l").filter(doubtful).select(*LINK, F.col("_why").alias("why")).localCheckpoint()
        )
        if not doubts.isEmpty():
            doubted = doubted.unionByName(doubts)
            found = components(scope, joined.join(doubted, list(LINK), how="left_anti"))
    return found, doubted


def _with_doubts(links: DataFrame, doubted: DataFrame) -> DataFrame:
    doubts = doubted.withColumnRenamed("why", "_why")
    return links.join(doubts, list(LINK), how="left").select(
        *LINK, "rule", "score",
        F.when(F.col("_why").isNotNull(), "review").otherwise(F.col("verdict")).alias("verdict"),
        F.coalesce("_why", "why").alias("why"), "run_id",
    )  # fmt: skip


def _with_evidence(given: DataFrame, links: DataFrame) -> DataFrame:
    """The events with the best link that each record has to another one of the person; NULLs where it has none."""
    joined = links.filter("verdict = 'joined'")
    ways = [
        joined.select(F.col(here).alias("key"), F.col(there).alias("linked_to"), "rule", "score")
        for here, there in (LINK, LINK[::-1])
    ]
    best = F.max_by(F.struct("linked_to", "rule", "score"), F.struct("score", "linked_to")).alias("_best")
    found = reduce(DataFrame.unionByName, ways).groupBy("key").agg(best).select("key", "_best.*")
    return given.join(found, "key", how="left")


def _follow(run: Run, people: People) -> None:
    """The tables that follow from events and links."""
    held, records = ids.held(_read(run, EVENTS)), people.records
    source = F.split("key", ":", 2)
    run.tables.write_diff(
        IDENTITIES,
        held.select(
            source[0].alias("source"), source[1].alias("source_customer_id"), "customer_id",
            F.col("born").alias("since_run_id"),
        ),
        ["source", "source_customer_id"],
    )  # fmt: skip
    waiting = _read(run, LINKS).filter("verdict = 'review'")
    for end, side in zip(LINK, ("left", "right"), strict=True):
        said = records.select("key", F.to_json(F.struct(*ATTRIBUTES)).alias(side)).join(
            held.select("key", F.col("customer_id").alias(f"_{side}")), "key", how="left"
        )
        waiting = waiting.join(said.withColumnRenamed("key", end), end, how="left")
    # what is one person already by another way is no question
    waiting = waiting.filter("NOT _left <=> _right")
    run.tables.write_diff(REVIEW, waiting.select(*LINK, "rule", "score", "why", "left", "right", "run_id"), LINK)
