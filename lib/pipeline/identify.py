"""Silver's records to people: what changed is compared with what there is, and each person keeps an id."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.identity import ids
from lib.identity.decisions import groups, violated
from lib.identity.links import LINK, candidates, contradictions, exact_links
from lib.identity.names import short_forms, with_full_forms
from lib.identity.normal import FORM
from lib.identity.records import COLUMNS, says_something
from lib.identity.tables import (
    DECISIONS,
    EVENTS,
    FORMER,
    GRAINS,
    IDENTITIES,
    LINKS,
    MODELS,
    READ,
    RECORDS,
    RESOLUTION,
    SCHEMAS,
)
from lib.ops import Step
from lib.pipeline.affected import Made, Span, has_changed
from lib.pipeline.context import Run, feed_of, seconds_since
from lib.pipeline.decide import decided, take
from lib.pipeline.give_ids import follow, give_ids, keys_of
from lib.pipeline.ledger import last_made
from lib.pipeline.people import People, identity_rows, people
from lib.session import is_local, local_frame, scratch

_OUTPUTS = (RESOLUTION, FORMER.removeprefix("silver."))
_READ = (*READ, DECISIONS.removeprefix("silver."), *_OUTPUTS)


def identify(*, retrain: bool = False, decisions: Path | None = None) -> Callable[[Run], None]:
    """Gives every record of a person in silver the person's id, once the decisions of a file are taken."""

    def work(run: Run) -> None:
        if decisions is not None:
            take(run, decisions)
        resolve(run, retrain=retrain)

    return work


def resolve(run: Run, *, retrain: bool = False) -> None:
    """Bring who is who up to silver; where no table that says it has other rows than the last time, do nothing.

    The records are remembered last, so that a run that died is simply run again: the same ones are new then. The ids
    are what the events say, which are added in one commit; all other tables follow from these.
    """
    failed = [name for name in READ if name in run.failures]
    if failed:
        run.fail(RESOLUTION, f"{IDENTITIES}: not resolved: {', '.join(failed)} failed")
        return
    started = run.begin("identity", RESOLUTION)
    before, now = _made(run), Made(_hash_of_rules(run), _versions(run, _READ), {})
    moved, is_other = _moved(run, before, now), before.code not in ("", now.code)
    if not (moved or is_other or retrain):
        run.done(Step("identity", RESOLUTION, run.run_id, "unchanged", started))
        return
    # under other rules what no source said anew may be in another form
    found = people(run, moved, is_anew=is_other or run.tables.snapshot(RECORDS) is None)
    try:
        n_events = _resolved(run, found, everyone=retrain or is_other, retrain=retrain)
        if n_events is None and {*_OUTPUTS} & {*moved}:
            follow(run, found.records, decided(run.tables), is_merged=True)
        if found.n_changed:
            keys = found.changed.select("key")
            run.tables.write_diff(
                RECORDS, found.changed, GRAINS[RECORDS], options=feed_of(RECORDS),
                within=lambda old: old.join(keys, "key", how="left_semi"),
            )  # fmt: skip
    finally:
        found.close()
    made = replace(now, tables=now.tables | _versions(run, _OUTPUTS))
    run.done(
        Step(
            "identity", RESOLUTION, run.run_id, "incremental", started, seconds_since(started), rows_in=found.n_changed,
            accepted=run.tables.count(IDENTITIES), changed=n_events or 0, keys=found.n_changed,
            made_from=json.dumps(asdict(made), sort_keys=True),
        )
    )  # fmt: skip


def _made(run: Run) -> Made:
    """What the ids were made from the last time: `code` is the rules', empty where it is not on record."""
    facts = last_made(run.tables, "identity").get(RESOLUTION)
    return Made(**facts) if facts else Made("", {}, {})


def _hash_of_rules(run: Run) -> str:
    # which of a person's records is believed what is no question of who is who
    rules = run.settings.identity.model_dump(mode="json", exclude={"survivorship"})
    return sha256(json.dumps([rules, FORM], sort_keys=True).encode()).hexdigest()[:16]


def _versions(run: Run, names: Sequence[str]) -> dict[str, int]:
    snapshots = {name: run.tables.snapshot(f"silver.{name}") for name in names}
    return {name: snapshot.version if snapshot else -1 for name, snapshot in snapshots.items()}


def _moved(run: Run, before: Made, now: Made) -> dict[str, Span]:
    """The tables whose rows can be others than they were, by their names without the layer."""
    spans = {}
    for name, version in now.tables.items():
        table = f"silver.{name}"
        then = run.tables.unchanged_until(table, before.tables.get(name, -1), through=version)
        if has_changed(run, table, then, version):
            spans[name] = (table, then, version)
    return spans


def _resolved(run: Run, found: People, *, everyone: bool, retrain: bool) -> int | None:
    """Link, cluster and give out ids; gives the number of events, None where nothing asks for any."""
    given, asked = decided(run.tables), set[str]()
    if given:
        of_decided = identity_rows(run, EVENTS).join(keys_of(run, groups(given)), "key", how="left_semi")
        wrong = violated(given, {row.key: row.customer_id for row in ids.held(of_decided).collect()})
        asked = {key for each in wrong for key in each.pair}
    if not (found.n_changed or everyone or asked):
        return None
    folder = run.settings.local if is_local(run.tables.spark) else run.settings.root
    with scratch(run.tables.spark, str(folder / ".scratch")):
        parameters, learnt = _model(run, found, retrain=retrain)
        # a model that nobody was compared by yet may link any two
        changed = found.records if everyone or learnt else found.changed
        fresh = _links(run, found.records, changed, parameters)
    n_events = give_ids(run, People(found.records, changed, found.n_changed), fresh, given=given, asked=asked)
    if learnt:
        # not before: a run that died has to compare all by it
        run.tables.append(MODELS, local_frame(run.tables.spark, [learnt], SCHEMAS[MODELS]))
    return n_events


def _model(run: Run, found: People, *, retrain: bool) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The newest model of these rules, None where there is too little to learn; and its row if it is learnt now."""
    rules = run.settings.identity
    if run.tables.count(RECORDS) + found.n_changed < rules.matching.train_from:
        return None, None
    described = says_something(found.records)
    counts = described.agg(F.count(F.lit(1)).alias("records"), F.count_distinct("source").alias("sources"))
    [counted] = counts.collect()
    if counted.records < rules.matching.train_from or counted.sources < 2:
        return None, None
    models = identity_rows(run, MODELS)
    said = _hash_of_rules(run)
    newest = models.filter(F.col("rules") == said).orderBy(F.desc("version")).select("parameters").first()
    if newest is not None and not retrain:
        return json.loads(newest["parameters"]), None
    # imported where it is used: who has too few records to learn from needs nothing of it
    from lib.identity.model import trained

    parameters = trained(described.select(*COLUMNS), rules)
    version = (models.agg(F.max("version")).collect()[0][0] or 0) + 1
    row = {"version": version, "rules": said, "parameters": json.dumps(parameters), "records": counted.records}
    return parameters, {**row, "run_id": run.run_id}


def _links(run: Run, records: DataFrame, changed: DataFrame, parameters: dict[str, Any] | None) -> DataFrame:
    """The links of the changed records: by the exact rules, and by the model what these leave."""
    rules = run.settings.identity
    # cut off from the plan that made them: the rest reads them many times
    pairs = exact_links(changed, records, rules.exact).localCheckpoint()
    if parameters is not None:
        from lib.identity.model import scored

        left = candidates(changed, records, rules.matching.blocking).join(pairs, list(LINK), how="left_anti")
        found = scored(left, says_something(records).select(*COLUMNS), parameters, review_above=rules.review_above)
        pairs = pairs.unionByName(found.select(*LINK, F.lit("model").alias("rule"), "score")).localCheckpoint()
    if pairs.isEmpty():
        return local_frame(run.tables.spark, [], SCHEMAS[LINKS])
    named = with_full_forms(records, short_forms(run.tables.spark))
    at_odds = contradictions(pairs.select(*LINK), named, rules.strong)
    unsure = F.when(F.col("score") < rules.join_above, "the model is not sure")
    why = F.coalesce("why", unsure).alias("why")
    return pairs.join(at_odds, list(LINK), how="left").select(
        *LINK, "rule", "score", F.when(why.isNull(), "joined").otherwise("review").alias("verdict"), why,
        F.lit(run.run_id).cast("bigint").alias("run_id"),
    ).localCheckpoint()  # fmt: skip
