"""What a run is asked to do: on which tables to work, and which of them to make anew."""

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lib.errors import ConfigError
from lib.gold.registry import gold_tables
from lib.identity.tables import READ, RESOLUTION, SCHEMAS

LAYERS = ("bronze", "silver", "gold")


@dataclass(frozen=True)
class Request:
    """Names of entities (`pos_sales`) and of gold tables, and `customer_identities` for who is who.

    `tables`: what the run works on, in these layers; `refreshed`: gold tables to compute whole; `refined_again`:
    entities of which all of bronze is judged again; `forgiving` quarantines what a rule says to fail on.
    """

    tables: frozenset[str]
    layers: tuple[str, ...] = LAYERS
    refreshed: frozenset[str] = frozenset()
    refined_again: frozenset[str] = frozenset()
    forgiving: bool = False


def requested(
    entities: Iterable[str],
    *,
    layers: Sequence[str] = LAYERS,
    forgiving: bool = False,
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: Sequence[str] | None = None,
    from_bronze: Sequence[str] = (),
) -> Request:
    """What the names and patterns (`pos_*`) given to a run pick.

    `only` picks tables and all that they are made from; `exclude` leaves tables as they are, and what reads them reads
    them so. `full_refresh` without a name is all of gold, None is nothing.

    Raises:
        ConfigError: if a name or pattern matches no table, or nothing is left to do.
    """
    silver = dict.fromkeys(entities, ())
    # a history is a table of the entity that it has the versions of, unless an entity is called so itself
    makers: dict[str, str] = {f"{name}_history": name for name in silver} | {name: name for name in silver}
    makers |= {name.removeprefix("silver."): RESOLUTION for name in SCHEMAS}
    inputs = {name: [makers.get(each, each) for each in table.inputs] for name, table in gold_tables().items()}
    known: dict[str, Sequence[str]] = {**silver, RESOLUTION: READ, **inputs}
    tables = _with_inputs(matching("--only", only, known), known) if only else {*known}
    tables -= matching("--exclude", exclude, known)
    if not tables:
        raise ConfigError("--only and --exclude leave no table to work on")
    gold = dict.fromkeys(gold_tables(), ())
    refreshed = {*gold} if full_refresh == [] else matching("--full-refresh", full_refresh or (), gold)
    again = matching("--from-bronze", from_bronze, silver)
    left_out = sorted(({*refreshed} if full_refresh else set()) - tables | again - tables)
    if left_out:
        raise ConfigError(f"{', '.join(left_out)}: to be made anew, but --only and --exclude leave it out")
    return Request(frozenset(tables), tuple(layers), frozenset(refreshed), frozenset(again), forgiving)


def matching(option: str, patterns: Iterable[str], known: Collection[str]) -> set[str]:
    """The known names that an option's patterns pick.

    Raises:
        ConfigError: if a pattern picks none.
    """
    found: set[str] = set()
    for pattern in patterns:
        picked = fnmatch.filter(known, pattern)
        if not picked:
            close = difflib.get_close_matches(pattern, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
            raise ConfigError(f"{option} {pattern}: matches no table; {hint}")
        found |= {*picked}
    return found


def _with_inputs(tables: set[str], known: Mapping[str, Sequence[str]]) -> set[str]:
    """The tables and, through any number of steps, what they read."""
    found, waiting = set[str](), [*tables]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [each for each in known[name] if each in known]
    return found
