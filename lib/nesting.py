"""Nested records as maps of text: the known members at their places, the unknown ones together. Transforms only."""

from collections.abc import Iterable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.contract import bronze_name
from lib.sql import sql_text

Tree = dict[str, "Tree"]
"""Names by what is below them; a leaf has nothing below it."""

_MAP = "MAP<STRING,STRING>"


def tree_of(paths: Iterable[Sequence[str]]) -> Tree:
    """The tree that has all paths."""
    root: Tree = {}
    for path in paths:
        reduce(lambda node, name: node.setdefault(name, {}), path, root)
    return root


def with_members(rows: DataFrame, record: str, tree: Tree) -> DataFrame:
    """A further column of MAP<STRING,STRING> for each object below the map `record` that the tree opens.

    Each is parsed once here, where an expression that is read twice would be parsed twice.
    """
    for name, below in tree.items():
        if below:
            member = _place(record, name)
            rows = rows.withColumn(member, without_doubles(F.from_json(_text(record, name), _MAP)))
            rows = with_members(rows, member, below)
    return rows


def without_doubles(members: Column) -> Column:
    """A map of which, of two members of one name, the last counts, as everywhere in JSON."""
    return F.map_from_entries(F.map_entries(members))


def struct_of(record: str, path: Sequence[str], below: Tree) -> Column:
    """What stands at a path: STRING for a leaf, else a STRUCT that is NULL where the record has no object there."""
    *parents, name = path
    holder = reduce(_place, parents, record)
    if not below:
        return _text(holder, name)
    members = [struct_of(record, [*path, each], below[each]).alias(bronze_name(each)) for each in below]
    return F.when(F.col(f"`{_place(holder, name)}`").isNotNull(), F.struct(*members))


def misfits(record: str, tree: Tree) -> Column:
    """Does something that is no object stand where the tree has one? Never NULL."""
    found = [F.lit(False)]
    for name, below in tree.items():
        if below:
            place = _place(record, name)
            found += [_text(record, name).isNotNull() & F.col(f"`{place}`").isNull(), misfits(place, below)]
    return reduce(Column.__or__, found)


def unknown_of(record: str, tree: Tree) -> Column:
    """The members that the tree does not know, as a JSON object of texts; NULL where there are none.

    A member that is null says nothing.
    """
    members = F.col(f"`{record}`")
    known = F.array(*[F.lit(name) for name in tree])
    is_strange = F.size(F.array_except(F.map_keys(members), known)) > 0
    unknown = F.map_filter(members, lambda name, text: ~F.array_contains(known, name) & text.isNotNull())
    strangers = F.when(is_strange, unknown)
    parts = [F.coalesce(strangers, F.expr(f"CAST(map() AS {_MAP})"))]
    for name, below in tree.items():
        if below:
            place = _place(record, name)
            inside = unknown_of(place, below)
            parts.append(F.when(inside.isNotNull(), F.create_map(F.lit(name), inside)))
    nothing = F.expr(f"CAST(map() AS {_MAP})")
    return F.nullif(F.to_json(F.map_concat(*[F.coalesce(part, nothing) for part in parts])), F.lit("{}"))


def value_at(record: Column, path: Sequence[str]) -> Column:
    """The text at a path below a map of texts, NULL where it does not lead anywhere."""
    first, *rest = path
    text = F.try_element_at(record, F.lit(first))
    return value_at(F.from_json(text, _MAP), rest) if rest else text


def _place(record: str, name: str) -> str:
    return f"{record}.{name}"


def _text(record: str, name: str) -> Column:
    return F.expr(f"try_element_at(`{record}`, {sql_text(name)})")
