"""Which columns of the model refer to which: from the references that gold is published with, and conf/powerbi.yml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lib.gold.registry import GoldTable
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import Layout


@dataclass(frozen=True)
class Relationship:
    """Many rows of a table to one of another, whose column is its key; one that is not active filters nothing."""

    table: str
    column: str
    to_table: str
    to_column: str
    is_active: bool = True


def relationships_of(
    file: PowerBiFile, gold: Mapping[str, GoldTable], layouts: Mapping[str, Layout]
) -> tuple[Relationship, ...]:
    """Those between the chosen tables, facts first; active as long as there is one way from a table to another.

    A mart that has a row for every row of a dimension stands for it, where it was chosen instead.
    """
    stands_for = {
        dimension: name
        for name in file.tables
        for dimension in gold[name].rows_of
        if dimension not in file.tables and dimension.startswith("dim_") and len(gold[name].grain) == 1
    }
    found = []
    for name, said in file.tables.items():
        declared = {column: of for column, (of, _) in layouts[name].references.items()} | {**said.refers_to}
        for column, dimension in declared.items():
            target = dimension if dimension in file.tables else stands_for.get(dimension)
            if target:
                found.append(Relationship(name, column, target, keys_of(gold[target])[0]))
    return _without_second_ways(sorted(found, key=lambda each: each.table.startswith("dim_")))


def keys_of(table: GoldTable) -> tuple[str, ...]:
    """What tells the rows of a table apart that hold now."""
    return tuple(name for name in table.grain if name != "valid_from")


def _without_second_ways(found: Iterable[Relationship]) -> tuple[Relationship, ...]:
    """Power BI refuses two active ways between tables, so that the later of them is not active."""
    kept: list[Relationship] = []
    for each in found:
        above = {each.table} | {name for name in _tables(kept) if each.table in _reached(kept, name)}
        below = {each.to_table} | _reached(kept, each.to_table)
        is_second = any(_reached(kept, name) & below for name in above)
        kept.append(replace(each, is_active=not is_second))
    return tuple(kept)


def _tables(relationships: Iterable[Relationship]) -> set[str]:
    return {each.table for each in relationships}


def _reached(relationships: Iterable[Relationship], table: str) -> set[str]:
    """The tables that filter this one, directly or through others."""
    active = [each for each in relationships if each.is_active]
    found: set[str] = set()
    waiting = [table]
    while waiting:
        here = waiting.pop()
        more = {each.to_table for each in active if each.table == here} - found
        found |= more
        waiting += more
    return found
