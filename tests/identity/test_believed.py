"""Which links are believed, and which nobody should believe."""

from lib.identity.believed import Believed, Link, believed, conflicts, evidence
from lib.identity.decisions import Decision

BORN = {
    key: {"birth_date": date} for key, date in [("a", "1971"), ("b", "1971"), ("c", None), ("d", "1971"), ("e", "1972")]
}


def link(pair: str, rule: str = "email", *, run_id: int = 2, score: float = 1.0) -> Link:
    return Link(pair[0], pair[1], rule, score, run_id)


def of(*links: Link, given: tuple[Decision, ...] = (), largest: int = 8) -> Believed:
    return believed(set("abcde"), links, BORN, given, largest=largest, run_id=2)


def persons(found: Believed) -> set[str]:
    members: dict[str, str] = {}
    for key, component in sorted(found.clusters.items()):
        members[component] = members.get(component, "") + key
    return {each for each in members.values() if len(each) > 1}


def test_a_cluster_that_is_too_large_or_says_two_things_is_nothing_to_believe() -> None:
    clusters = {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d"}
    assert conflicts(clusters, BORN, largest=3) == {"d": "2 values of birth_date"}
    assert conflicts(clusters, {}, largest=2) == {"a": "3 records are more than 2"}


def test_of_links_that_lead_to_a_conflict_the_model_s_are_doubted_first_and_only_new_ones() -> None:
    found = of(link("ab"), link("ac", "model"), link("ce"))
    assert persons(found) == {"ab", "ce"}
    assert found.doubted == {("a", "c"): "2 values of birth_date"}
    found = of(link("ab"), link("ac", run_id=1), link("ce"))
    assert persons(found) == {"ac"}
    assert {*found.doubted} == {("a", "b"), ("c", "e")}


def test_what_is_decided_to_be_the_same_is_joined_whatever_it_says_and_is_no_conflict() -> None:
    found = of(link("ab"), given=(Decision("a", "e", "same"),))
    assert (persons(found), found.doubted) == ({"abe"}, {})


def test_what_is_decided_to_be_different_is_apart_though_a_third_record_would_join_it() -> None:
    apart = (Decision("a", "b", "different"),)
    assert persons(of(link("ab"), given=apart)) == set()
    # the model's links give way first, old ones too
    found = of(link("ac", run_id=1), link("bc", "model", run_id=1), given=apart)
    assert persons(found) == {"ac"}
    assert found.doubted == {("b", "c"): "a and b are different: it was decided"}
    found = of(link("ac", run_id=1), link("bc", run_id=1), given=apart)
    assert persons(found) == set()


def test_what_is_decided_to_be_one_with_a_record_goes_with_it() -> None:
    given = (Decision("a", "b", "different"), Decision("a", "c", "same"))
    found = of(link("bc"), link("bd"), given=given)
    assert persons(found) == {"ac"}
    assert {*found.doubted} == {("b", "c"), ("b", "d")}


def test_a_decision_upon_records_that_a_run_does_not_touch_changes_nothing() -> None:
    assert persons(of(link("ab"), given=(Decision("a", "x", "different"), Decision("x", "y", "same")))) == {"ab"}


def test_of_a_record_the_best_link_is_told() -> None:
    found = evidence([link("ab", score=0.97), link("ac"), link("ad")])
    assert {key: each.key_r for key, each in found.items()} == {"a": "d", "b": "a", "c": "a", "d": "a"}
