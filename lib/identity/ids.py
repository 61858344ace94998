"""Ids of people: minted once, derived from nothing, and kept whatever comes. Transforms only."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

DIGITS = 9
"""Of the number in an id; ids of one length sort by age."""


class Member(NamedTuple):
    """A record: its `component`, its id so far (None for a new record), and `born`, the run in which it came."""

    key: str
    component: str
    before: str | None
    born: int


class Given(NamedTuple):
    """The id that a record has now, the one that it had (None: none), and what happened to it."""

    key: str
    customer_id: str
    before: str | None
    event: str


def assigned(members: Iterable[Member], *, minted: int) -> list[Given]:
    """What happened to the records of which the id is new or another one; the rest keep theirs.

    `members` are all records of the components, and all that have one of their ids; `minted` is how many ids there are.

    An id goes on in the component that has the oldest of its records. A component keeps the oldest id that goes on in
    it; one in which none does gets a new id. `event` is `created` (a new record, a new id), `joined` (a new record of a
    known person), `merged` (the person had two ids; the older survives) or `split` (the id goes on elsewhere).
    """
    by_age = sorted(members, key=lambda member: (member.born, member.key))
    goes_on: dict[str, str] = {}
    for member in by_age:
        if member.before is not None:
            goes_on.setdefault(member.before, member.component)
    kept: dict[str, str] = {}
    for before, component in goes_on.items():
        kept[component] = min(before, kept.get(component, before))
    ids = dict(kept)
    for member in by_age:
        if member.component not in ids:
            ids[member.component] = new_id(minted + len(ids) - len(kept) + 1)
    return [
        Given(member.key, ids[member.component], member.before, _event(member, goes_on, kept))
        for member in by_age
        if member.before != ids[member.component]
    ]


def _event(member: Member, goes_on: Mapping[str, str], kept: Mapping[str, str]) -> str:
    if member.before is None:
        return "joined" if member.component in kept else "created"
    return "merged" if goes_on[member.before] == member.component else "split"


def new_id(number: int) -> str:
    """The id of a number, counted from 1: K000000001."""
    return f"K{number:0{DIGITS}d}"


def number_of(customer_id: str | None) -> int:
    """The number of an id; 0 where there is none yet."""
    return int(customer_id[1:]) if customer_id else 0


def held(events: DataFrame) -> DataFrame:
    """One row per record: `key`, its `customer_id` by its latest event, and `born`, the run of the first one."""
    return events.groupBy("key").agg(
        F.max_by("customer_id", "run_id").alias("customer_id"), F.min("run_id").alias("born")
    )


def former(events: DataFrame) -> DataFrame:
    """One row per id that no record holds any more: `former_id`, `customer_id`, `since_run_id` BIGINT.

    `customer_id` is that of the person where the oldest record that ever held the former id is now, `since_run_id` the
    run in which the last record let it go.
    """
    now = held(events)
    bearers = events.select("key", F.col("customer_id").alias("former_id")).join(
        now.select("key", "customer_id", "born"), "key"
    )
    heirs = bearers.groupBy("former_id").agg(F.min_by("customer_id", F.struct("born", "key")).alias("customer_id"))
    left = events.filter("before IS NOT NULL").groupBy(F.col("before").alias("former_id"))
    gone = left.agg(F.max("run_id").alias("since_run_id")).join(
        now.select(F.col("customer_id").alias("former_id")), "former_id", how="left_anti"
    )
    return gone.join(heirs, "former_id").select("former_id", "customer_id", "since_run_id")
