"""Ids are minted once and stay: whatever joins, comes or goes."""

from itertools import pairwise
from random import Random

import pytest
from pyspark.sql import SparkSession

from lib.identity.clusters import components
from lib.identity.ids import Member, assigned, former, new_id, number_of
from lib.identity.tables import EVENTS, SCHEMAS
from lib.session import local_frame
from tests.builders import assert_rows

Row = tuple[str, str, str | None, int]


def ids(*members: Row, minted: int = 9) -> set[tuple[str, str, str]]:
    """What happened to the records of `key`, `component`, id before and the run they came in."""
    found = assigned([Member(*member) for member in members], minted=minted)
    return {(given.key, given.customer_id, given.event) for given in found}


def test_a_new_record_of_nobody_known_gets_a_new_id_and_one_of_a_known_person_that_ones() -> None:
    assert ids(("a", "a", "K000000003", 1), ("b", "a", None, 2), ("c", "c", None, 2), ("d", "d", None, 2)) == {
        ("b", "K000000003", "joined"), ("c", "K000000010", "created"), ("d", "K000000011", "created"),
    }  # fmt: skip


def test_of_two_ids_that_are_one_person_the_older_survives() -> None:
    found = ids(
        ("a", "a", "K000000007", 1), ("b", "a", "K000000002", 5), ("c", "a", "K000000007", 6), ("d", "a", None, 7)
    )
    assert found == {("a", "K000000002", "merged"), ("c", "K000000002", "merged"), ("d", "K000000002", "joined")}


def test_the_side_with_the_oldest_record_keeps_the_id_and_the_other_gets_a_new_one() -> None:
    found = ids(("a", "a", "K000000004", 2), ("b", "b", "K000000004", 1), ("c", "a", "K000000004", 3))
    assert found == {("a", "K000000010", "split"), ("c", "K000000010", "split")}


def test_what_parts_from_one_person_may_join_another() -> None:
    found = ids(("a", "a", "K000000004", 1), ("b", "c", "K000000004", 2), ("c", "c", "K000000005", 2))
    assert found == {("b", "K000000005", "split")}


def test_an_id_that_parts_in_two_may_end_where_it_goes_on() -> None:
    # b keeps company with an older id: K4 is merged into K1 there, and a begins anew
    found = ids(("a", "a", "K000000004", 3), ("b", "b", "K000000004", 2), ("c", "b", "K000000001", 9))
    assert found == {("a", "K000000010", "split"), ("b", "K000000001", "merged")}


def test_ids_of_one_length_sort_by_age() -> None:
    assert new_id(12) == "K000000012"
    assert number_of("K000000012") == 12
    assert number_of(None) == 0


def test_a_former_id_leads_to_where_the_oldest_record_that_ever_held_it_is_now(spark: SparkSession) -> None:
    columns = ("run_id", "key", "customer_id", "before")
    rows = [
        (1, "a", "K000000001", None), (2, "b", "K000000002", None), (2, "c", "K000000002", None),
        (3, "b", "K000000001", "K000000002"), (4, "c", "K000000003", "K000000002"), (5, "d", "K000000004", None),
    ]  # fmt: skip
    events = local_frame(spark, [dict(zip(columns, row, strict=True)) for row in rows], SCHEMAS[EVENTS])
    assert_rows(former(events), ["former_id", "customer_id", "since_run_id"], [("K000000002", "K000000001", 4)])


@pytest.mark.parametrize("seed", range(5))
def test_in_whatever_order_records_come_an_id_changes_only_for_an_older_one_of_the_same_person(seed: int) -> None:
    dice = Random(seed)
    # a person's records are a chain: those between come late as often as not, and make one person of two ids
    people = [[f"{person}{n}" for n in range(dice.randint(1, 5))] for person in "abcdefghijkl"]
    pairs = [pair for records in people for pair in pairwise(records)]
    order = dice.sample([key for records in people for key in records], sum(map(len, people)))
    cuts = [*sorted(dice.sample(range(1, len(order)), 4)), len(order)]
    now: dict[str, str] = {}
    born: dict[str, int] = {}
    happened = set()
    for night, end in enumerate(cuts):
        there = set(order[:end])
        born |= dict.fromkeys(there - born.keys(), night)
        clusters = components(there, [pair for pair in pairs if {*pair} <= there])
        members = [Member(key, clusters[key], now.get(key), born[key]) for key in dice.sample(sorted(there), end)]
        for given in assigned(members, minted=max(map(number_of, [None, *now.values()]))):
            assert given.before is None or given.customer_id < given.before
            now[given.key] = given.customer_id
            happened.add(given.event)
    assert happened <= {"created", "joined", "merged"}
    assert len({(now[key], key[0]) for key in order}) == len({*now.values()}) == len(people)


def test_what_links_lead_to_is_one_component_named_by_its_smallest_key() -> None:
    found = components("abcdefg", [("b", "c"), ("c", "d"), ("e", "f"), ("d", "e")])
    assert found == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "b", "f": "b", "g": "g"}


def test_without_links_each_is_its_own() -> None:
    assert components("ab", []) == {"a": "a", "b": "b"}


@pytest.mark.parametrize("seed", [1, 2])
def test_components_are_those_of_a_search_from_key_to_key(seed: int) -> None:
    dice = Random(seed)
    keys = [f"{n:03d}" for n in range(150)]
    pairs = [tuple(dice.sample(keys, 2)) for _ in range(90)]
    # and a long chain, its keys in no order
    pairs += pairwise(dice.sample(keys, 30))
    expected: dict[str, str] = {}
    near: dict[str, set[str]] = {key: set() for key in keys}
    for one, other in pairs:
        near[one].add(other)
        near[other].add(one)
    for key in keys:
        waiting = [key] if key not in expected else []
        while waiting:
            here = waiting.pop()
            if here not in expected:
                expected[here] = key
                waiting += near[here]
    assert components(keys, pairs) == expected
