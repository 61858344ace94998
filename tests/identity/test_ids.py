"""Ids are minted once and stay: whatever joins, comes or goes."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.identity.clusters import components
from lib.identity.ids import assigned, new_id, number_of
from lib.session import local_frame
from tests.builders import assert_rows

MEMBERS = "key STRING, component STRING, before STRING, born BIGINT"


def ids(spark: SparkSession, *members: tuple[str, str, str | None, int], minted: int = 9) -> DataFrame:
    names = ("key", "component", "before", "born")
    rows = [dict(zip(names, member, strict=True)) for member in members]
    return assigned(local_frame(spark, rows, MEMBERS), minted=minted)


COLUMNS = ["key", "customer_id", "event"]


def test_a_new_record_of_nobody_known_gets_a_new_id_and_one_of_a_known_person_that_ones(spark: SparkSession) -> None:
    found = ids(spark, ("a", "a", "K000000003", 1), ("b", "a", None, 2), ("c", "c", None, 2), ("d", "d", None, 2))
    assert_rows(
        found,
        COLUMNS,
        [
            ("a", "K000000003", None), ("b", "K000000003", "joined"), ("c", "K000000010", "created"),
            ("d", "K000000011", "created"),
        ],
    )  # fmt: skip


def test_of_two_ids_that_are_one_person_the_older_survives(spark: SparkSession) -> None:
    found = ids(
        spark,
        ("a", "a", "K000000007", 1),
        ("b", "a", "K000000002", 5),
        ("c", "a", "K000000007", 6),
        ("d", "a", None, 7),
    )
    assert_rows(
        found,
        COLUMNS,
        [
            ("a", "K000000002", "merged"), ("b", "K000000002", None), ("c", "K000000002", "merged"),
            ("d", "K000000002", "joined"),
        ],
    )  # fmt: skip


def test_the_side_with_the_oldest_record_keeps_the_id_and_the_other_gets_a_new_one(spark: SparkSession) -> None:
    found = ids(spark, ("a", "a", "K000000004", 2), ("b", "b", "K000000004", 1), ("c", "a", "K000000004", 3))
    assert_rows(found, COLUMNS, [("a", "K000000010", "split"), ("b", "K000000004", None), ("c", "K000000010", "split")])


def test_what_parts_from_one_person_may_join_another(spark: SparkSession) -> None:
    found = ids(spark, ("a", "a", "K000000004", 1), ("b", "c", "K000000004", 2), ("c", "c", "K000000005", 2))
    assert_rows(found, COLUMNS, [("a", "K000000004", None), ("b", "K000000005", "split"), ("c", "K000000005", None)])


def test_an_id_that_parts_in_two_may_end_where_it_goes_on(spark: SparkSession) -> None:
    # b keeps company with an older id: K4 is merged into K1 there, and a begins anew
    found = ids(spark, ("a", "a", "K000000004", 3), ("b", "b", "K000000004", 2), ("c", "b", "K000000001", 9))
    assert_rows(
        found, COLUMNS, [("a", "K000000010", "split"), ("b", "K000000001", "merged"), ("c", "K000000001", None)]
    )


def test_ids_of_one_length_sort_by_age(spark: SparkSession) -> None:
    [row] = spark.range(1).select(new_id(F.lit(12))).collect()
    assert row[0] == "K000000012"
    assert number_of(row[0]) == 12
    assert number_of(None) == 0


def linked(spark: SparkSession, keys: Sequence[str], *pairs: tuple[str, str]) -> dict[str, str]:
    nodes = local_frame(spark, [{"key": key} for key in keys], "key STRING")
    links = local_frame(spark, [{"key_l": one, "key_r": other} for one, other in pairs], "key_l STRING, key_r STRING")
    return {row["key"]: row["component"] for row in components(nodes, links).collect()}


def test_what_links_lead_to_is_one_component_named_by_its_smallest_key(spark: SparkSession) -> None:
    found = linked(spark, "abcdefg", ("b", "c"), ("c", "d"), ("e", "f"), ("d", "e"))
    assert found == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "b", "f": "b", "g": "g"}


def test_without_links_each_is_its_own(spark: SparkSession) -> None:
    assert linked(spark, "ab") == {"a": "a", "b": "b"}


@pytest.mark.parametrize("seed", [1, 2])
def test_components_are_those_of_a_search_from_key_to_key(spark: SparkSession, seed: int) -> None:
    dice = Random(seed)
    keys = [f"{n:03d}" for n in range(150)]
    pairs = [tuple(sorted(dice.sample(keys, 2))) for _ in range(90)]
    # and a long chain, its keys in no order
    chain = dice.sample(keys, 30)
    pairs += [tuple(sorted(pair)) for pair in pairwise(chain)]
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
    assert linked(spark, keys, *[(one, other) for one, other in pairs]) == expected
