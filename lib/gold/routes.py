"""From what changed in a gold table's inputs to the keys to compute again, and the inputs cut down to those.

A key is computed again from its inputs and never patched, so that no sequence of changes can make a table drift
(Gupta & Mumick, Maintenance of Materialized Views, IEEE Data Engineering Bulletin 18(2), 1995, on both ways).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.bounds import Ends, between, count_and_ends
from lib.contract import IS_LIVE, Contract
from lib.history import intervals

_MAPPED = "_mapped"

CAME = "_came"
"""In changes: how many times more a row is there than before, below zero for one that was there before."""


@dataclass(frozen=True)
class By:
    """`key` is SQL over an input's columns: the key of the rows that a row of it is part of, one for each column.

    With `reads`, the columns that the function reads of the input beside it, a change of any other one is none. With
    `names_only` the function asks whether a row names the key at all: one more row of a known key is no change.
    """

    key: tuple[str, ...]
    reads: tuple[str, ...] = ()
    names_only: bool = False


@dataclass(frozen=True)
class Via:
    """A changed row changes what the rows of another input give with which it is joined; their own route goes on.

    `here` is SQL over the changed input, NULL for rows that are not joined, and `there` over the input `through`: the
    two sides of the join. `reads` is as in By.
    """

    through: str
    here: str
    there: str
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapped:
    """The key of a row is what another input says for it: `to` of the row of `mapping` whose `there` is `here`.

    Where that has none the key is `here` itself. `here` is SQL over the changed input, `there` and `to` over the
    mapping, which has each `there` once. `names_only` is as in By.
    """

    mapping: str
    here: str
    there: str
    to: str
    names_only: bool = False


@dataclass(frozen=True)
class Keys:
    """Keys to compute again: `rows`, distinct, columns `_key_0`, …; and how many they are.

    `ends` are those of their columns, as far as they are known.
    """

    rows: DataFrame
    count: int = 0
    ends: Ends = field(default_factory=dict)

    def between(self, columns: Collection[str], key: Sequence[str], *, alias: str = "") -> list[Column]:
        """What holds for all rows of these keys, as far as a part of the key is one of their columns itself."""
        parts = zip(_names(key), key, strict=True)
        return between(self.ends, {name: f"{alias}{part}" for name, part in parts if part in columns})


Step = str | By | Via | Mapped
"""A text is SQL over an input's columns, the whole key."""

Route = Step | list[Step]
"""How a changed row of an input leads to the keys of the rows that it can change; there may be several ways."""


def keys_of(
    changed: Mapping[str, DataFrame],
    inputs: Mapping[str, DataFrame],
    routes: Mapping[str, Route],
    *,
    known: DataFrame,
) -> DataFrame:
    """The keys, distinct, that changed rows of some inputs lead to; columns `_key_0`, ….

    `changed` are net changes; `inputs` are the whole inputs as they are now; `known` are the `known_keys` of the table.
    Each changed input must have a route.
    """
    found = [
        _along(rows, step, inputs, routes, known) for name, rows in changed.items() for step in _steps(routes[name])
    ]
    return reduce(DataFrame.union, found).distinct()


def known_keys(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """The keys that a table has; of one with a history those that have a row which holds now. Columns `_key_0`, …."""
    return rows.filter("is_current" if "is_current" in rows.columns else "true").select(*_keys(key)).distinct()


def net_changes(feed: DataFrame) -> DataFrame:
    """The rows of a change feed that are in the table now and were not before, or the other way round.

    A row that was written again as it was, or changed and changed back, is none of them. The columns are the table's,
    without those of lineage, which begin with `_`, but with the mark of a tombstone; and `_came` BIGINT: how many
    times more the row is there now, below zero for one that was there before.
    """
    columns = [name for name in feed.columns if not name.startswith("_") or name == IS_LIVE]
    is_after = F.col("_change_type").isin("insert", "update_postimage")
    return netted(feed.select(*columns, F.when(is_after, 1).otherwise(-1).alias(CAME)))


def netted(changes: DataFrame) -> DataFrame:
    """Changes (rows with `_came`), each row once and without those that cancel each other."""
    columns = [name for name in changes.columns if name != CAME]
    return changes.groupBy(*columns).agg(F.sum(CAME).alias(CAME)).filter(F.col(CAME) != 0)


def changed_intervals(then: DataFrame, now: DataFrame, touched: DataFrame, contract: Contract) -> DataFrame:
    """The net changes of a history's intervals: columns as in `intervals`, and `_came`.

    `touched` has the keys, among them, of all versions that came or went in between.
    """
    keys = touched.select(*contract.key).distinct()

    def held(versions: DataFrame, came: int) -> DataFrame:
        of_keys = versions.join(keys, list(contract.key), how="left_semi")
        return intervals(of_keys, contract.key, latest_by=contract.latest_by).withColumn(CAME, F.lit(came))

    return netted(held(now, 1).unionAll(held(then, -1)))


def counted(rows: DataFrame) -> Keys:
    """The keys that rows are, columns `_key_0`, …; one pass over them."""
    return Keys(rows, *count_and_ends(rows, rows.columns))


def restricted(inputs: Mapping[str, DataFrame], keys: Keys, routes: Mapping[str, Route]) -> dict[str, DataFrame]:
    """The inputs, without the rows that lead to other keys. One with no route, or not a single direct one, stays whole.

    So a key must be computed, of such an input, from the rows alone that lead to it.
    """
    whole = dict(inputs)
    for name, route in routes.items():
        step = _steps(route)[0]
        if len(_steps(route)) > 1 or isinstance(step, Via):
            continue
        if isinstance(step, Mapped):
            whole[name] = of_keys(_mapped(inputs[name], step, inputs), keys, (_MAPPED,)).drop(_MAPPED)
        else:
            whole[name] = of_keys(inputs[name], keys, _by(step).key)
    return whole


def of_keys(rows: DataFrame, keys: Keys, key: Sequence[str]) -> DataFrame:
    """The rows whose `key`, SQL over their columns, is among the keys; NULL is a value."""
    near = reduce(DataFrame.filter, keys.between(rows.columns, key), rows)
    same = [F.expr(part).eqNullSafe(F.col(f"_key_{n}")) for n, part in enumerate(key)]
    return near.join(keys.rows, reduce(Column.__and__, same), how="left_semi")


def _along(
    changed: DataFrame,
    step: Step,
    inputs: Mapping[str, DataFrame],
    routes: Mapping[str, Route],
    known: DataFrame,
) -> DataFrame:
    if isinstance(step, Mapped):
        changed, step = _mapped(changed, step, inputs), By((_MAPPED,), names_only=step.names_only)
    if not isinstance(step, Via):
        by = _by(step)
        return _named_anew(changed, by.key, known) if by.names_only else _read(changed, by)
    joined = _read(changed, By((step.here,), step.reads)).filter("_key_0 IS NOT NULL").distinct()
    here = joined.select(F.col("_key_0").alias("_here"))
    reached = inputs[step.through].join(here, F.expr(step.there) == F.col("_here"), how="left_semi")
    direct = [_by(each) for each in _steps(routes[step.through]) if isinstance(each, str | By)]
    return reduce(DataFrame.union, [reached.select(*_keys(each.key)) for each in direct])


def _mapped(rows: DataFrame, step: Mapped, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The rows with the key to which their mapping leads, `_MAPPED`."""
    mapping = inputs[step.mapping].select(F.expr(step.there).alias("_there"), F.expr(step.to).alias("_to"))
    here = rows.withColumn("_here", F.expr(step.here))
    both = here.join(mapping, F.col("_here") == F.col("_there"), how="left")
    return both.withColumn(_MAPPED, F.coalesce("_to", "_here")).drop("_here", "_there", "_to")


def _read(rows: DataFrame, by: By) -> DataFrame:
    if not by.reads:
        return rows.select(*_keys(by.key))
    return netted(rows.select(*_keys(by.key), *by.reads, CAME)).select(*_names(by.key))


def _named_anew(rows: DataFrame, key: Sequence[str], known: DataFrame) -> DataFrame:
    """The keys that fewer rows name than before, and those that rows name and the table has not."""
    named = netted(rows.select(*_keys(key), CAME))
    same = reduce(Column.__and__, [F.col(f"named.{name}").eqNullSafe(F.col(f"known.{name}")) for name in _names(key)])
    marked = known.withColumn("_is_known", F.lit(True))
    both = named.alias("named").join(marked.alias("known"), same, how="left")
    return both.filter(f"{CAME} < 0 OR _is_known IS NULL").select(*[f"named.{name}" for name in _names(key)])


def _keys(key: Sequence[str]) -> list[Column]:
    return [F.expr(part).alias(name) for part, name in zip(key, _names(key), strict=True)]


def _names(key: Sequence[str]) -> list[str]:
    return [f"_key_{n}" for n in range(len(key))]


def _steps(route: Route) -> list[Step]:
    return route if isinstance(route, list) else [route]


def _by(step: str | By) -> By:
    return By((step,)) if isinstance(step, str) else step
