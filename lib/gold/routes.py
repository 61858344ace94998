"""From what changed in a gold table's inputs to the keys to compute again, and the inputs cut down to those.

A key is computed again from its inputs and never patched, so that no sequence of changes can make a table drift
(Gupta & Mumick, Maintenance of Materialized Views, IEEE Data Engineering Bulletin 18(2), 1995, on both ways).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.contract import IS_LIVE


@dataclass(frozen=True)
class Via:
    """A changed row changes what the rows of another input give with which it is joined; their own route goes on.

    `here` is SQL over the changed input, `there` over the input `through`: the two sides of the join.
    """

    through: str
    here: str
    there: str


Direct = str | tuple[str, ...]
"""SQL over an input's columns: the key of the rows that a row of the input is part of, one for each of its columns."""

Route = Direct | Via | Sequence[Direct | Via]


def keys_of(
    changed: Mapping[str, DataFrame], inputs: Mapping[str, DataFrame], routes: Mapping[str, Route]
) -> DataFrame:
    """The keys, distinct, that changed rows (both images of an update) of some inputs lead to; columns `_key_0`, ….

    `inputs` are the whole inputs as they are now. Each changed input must have a route.
    """
    found = [_along(rows, route, inputs, routes) for name, rows in changed.items() for route in _all_of(routes[name])]
    return reduce(DataFrame.union, found).distinct()


def net_changes(feed: DataFrame) -> DataFrame:
    """The rows of a change feed that are in the table now and were not before, or the other way round.

    A row that was written again as it was, or changed and changed back, is none of them. The columns are the table's,
    without those of lineage, which begin with `_`, but with the mark of a tombstone.
    """
    columns = [name for name in feed.columns if not name.startswith("_") or name == IS_LIVE]
    came = F.when(F.col("_change_type").isin("insert", "update_postimage"), 1).otherwise(-1)
    return feed.groupBy(*columns).agg(F.sum(came).alias("_came")).filter("_came <> 0").drop("_came")


def restricted(inputs: Mapping[str, DataFrame], keys: DataFrame, routes: Mapping[str, Route]) -> dict[str, DataFrame]:
    """The inputs, without the rows that lead to other keys. One with no route, or not a single direct one, stays whole.

    So a key must be computed, of such an input, from the rows alone that lead to it.
    """
    return {
        name: of_keys(rows, keys, _direct(routes[name])) if _is_direct(routes.get(name, ())) else rows
        for name, rows in inputs.items()
    }


def of_keys(rows: DataFrame, keys: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows whose `key`, SQL over their columns, is among the keys; NULL is a value."""
    same = [F.expr(part).eqNullSafe(F.col(f"_key_{n}")) for n, part in enumerate(key)]
    return rows.join(keys, reduce(Column.__and__, same), how="left_semi")


def _along(
    rows: DataFrame, route: Direct | Via, inputs: Mapping[str, DataFrame], routes: Mapping[str, Route]
) -> DataFrame:
    if not isinstance(route, Via):
        return _keyed(rows, _direct(route))
    joined = rows.select(F.expr(route.here).alias("_here")).filter("_here IS NOT NULL").distinct()
    reached = inputs[route.through].join(joined, F.expr(route.there) == F.col("_here"), how="left_semi")
    direct = [each for each in _all_of(routes[route.through]) if not isinstance(each, Via)]
    return reduce(DataFrame.union, [_keyed(reached, _direct(each)) for each in direct])


def _keyed(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    return rows.select(*[F.expr(part).alias(f"_key_{n}") for n, part in enumerate(key)])


def _all_of(route: Route) -> list[Direct | Via]:
    return [route] if isinstance(route, (str, tuple, Via)) else list(route)


def _is_direct(route: Route) -> bool:
    return isinstance(route, (str, tuple)) and bool(route)


def _direct(route: Route) -> tuple[str, ...]:
    return (route,) if isinstance(route, str) else tuple(part for part in route if isinstance(part, str))  # type: ignore[union-attr]
