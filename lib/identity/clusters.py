"""Connected components of records and links, which the driver holds."""

from collections.abc import Iterable


def components(keys: Iterable[str], links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of each key the smallest key that links lead to from it; both ends of a link must be among the keys.

    Union by the smaller key, with path halving (Tarjan & van Leeuwen, Worst-case analysis of set union algorithms,
    Journal of the ACM 31, 1984).
    """
    above = {key: key for key in keys}

    def root(key: str) -> str:
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    for one, other in links:
        first, second = sorted((root(one), root(other)))
        above[second] = first
    return {key: root(key) for key in above}
