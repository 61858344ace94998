"""Which links to believe, and the clusters that come of them. Plain Python: only what a run touches is looked at."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from lib.identity import decisions
from lib.identity.clusters import components
from lib.identity.decisions import SAME, Decision

Pair = tuple[str, str]
Said = Mapping[str, Mapping[str, str | None]]
"""What records say that a person says one way only: values by column by record."""


class Link(NamedTuple):
    """A pair of records that a rule, the model or a decision holds for one person; `run_id`: since which run."""

    key_l: str
    key_r: str
    rule: str
    score: float
    run_id: int

    @property
    def pair(self) -> Pair:
        """The two records' keys, the smaller one first."""
        return self.key_l, self.key_r


class Believed(NamedTuple):
    """The component of each key, the links that make them, and why not to believe the others."""

    clusters: dict[str, str]
    links: list[Link]
    doubted: dict[Pair, str]


def believed(
    keys: Collection[str],
    links: Iterable[Link],
    said: Said,
    given: Sequence[Decision],
    *,
    largest: int,
    run_id: int,
) -> Believed:
    """The clusters of the keys by links and decisions; a link of a decided pair is not looked at.

    Of links that lead to a conflict only those of this run are doubted, the model's first, and the rules' where it
    stays; conflicts that come of decisions are none. What is decided to be different is kept apart whatever led from
    one to the other, since whenever.
    """
    ours = [each for each in given if each.left in keys and each.right in keys]
    is_decided = {each.pair for each in given}
    found = _without_conflicts(
        keys, [link for link in links if link.pair not in is_decided], said, largest=largest, run_id=run_id
    )
    return _as_decided(keys, found, ours) if ours else found


def _without_conflicts(keys: Collection[str], links: list[Link], said: Said, *, largest: int, run_id: int) -> Believed:
    found = _clustered(keys, links, {})
    for is_of_rules in (False, True):
        why = conflicts(found.clusters, said, largest=largest)
        doubts = {
            link.pair: why[found.clusters[link.key_l]]
            for link in found.links
            if found.clusters[link.key_l] in why and link.run_id == run_id and (is_of_rules or link.rule == "model")
        }
        if doubts:
            found = _clustered(keys, links, found.doubted | doubts)
    return found


def conflicts(clusters: Mapping[str, str], said: Said, *, largest: int) -> dict[str, str]:
    """Why nobody should believe a component, in words: it has too many records, or they say two things."""
    members = defaultdict(list)
    for key, component in clusters.items():
        members[component].append(key)
    found = {}
    for component, keys in members.items():
        why = [f"{len(keys)} records are more than {largest}"] if len(keys) > largest else []
        values: dict[str, set[str | None]] = defaultdict(set)
        for key in keys if len(keys) > 1 else ():
            for column, value in said.get(key, {}).items():
                values[column] |= {value} - {None}
        why += [f"{len(each)} values of {column}" for column, each in values.items() if len(each) > 1]
        if why:
            found[component] = ", ".join(why)
    return found


def _as_decided(keys: Collection[str], found: Believed, given: Sequence[Decision]) -> Believed:
    group = decisions.groups(given)
    same = [Link(*each.pair, "decision", 1.0, 0) for each in given if each.decision == SAME]
    links = [*found.links, *same]
    found = _clustered(keys, links, found.doubted)
    for is_of_rules in (False, True):
        torn = [each for each in decisions.violated(given, found.clusters) if each.decision != SAME]
        apart = {
            group[key]: f"{each.left} and {each.right} are different: it was decided"
            for each in torn
            for key in each.pair
        }
        doubts = {
            link.pair: apart[group[key]]
            for link in found.links
            for key in link.pair
            if group.get(key) in apart and (link.rule == "model" or (is_of_rules and link.rule != "decision"))
        }
        if doubts:
            found = _clustered(keys, links, found.doubted | doubts)
    return found


def _clustered(keys: Collection[str], links: Sequence[Link], doubted: dict[Pair, str]) -> Believed:
    kept = [link for link in links if link.pair not in doubted]
    return Believed(components(keys, [link.pair for link in kept]), kept, doubted)


def evidence(links: Iterable[Link]) -> dict[str, Link]:
    """Of each record the best link that it has to another one, `key_r` being the other."""
    found: dict[str, Link] = {}
    for link in links:
        for way in (link, link._replace(key_l=link.key_r, key_r=link.key_l)):
            best = found.get(way.key_l)
            if best is None or (way.score, way.key_r) > (best.score, best.key_r):
                found[way.key_l] = way
    return found
