"""Which columns of which table say who a person is, and are encrypted where an environment asks for it. Facts alone.

Never a column that rows are found by, in a MERGE or by their order: keys stay as they are.
"""

from collections.abc import Mapping

from lib.contract import Contract
from lib.encryption import Personal
from lib.gold.registry import GoldTable
from lib.identity.tables import GRAINS, PERSONAL
from lib.serving.settings import Mask, ServingFile

_RAW = ("raw", "correction", "dq_errors")
"""What quarantine says of a row: the values that landed, those that somebody gave instead, reasons that quote them."""

_KEYS: tuple[Mask, ...] = ("system", "token")
"""Masks of columns that hold keys of the sources, which tables are joined by."""


def personal_columns(
    contracts: Mapping[str, Contract], serving: ServingFile, gold: Mapping[str, GoldTable]
) -> dict[str, Personal]:
    """What is personal, by the full names of tables; tables without such a column are left out."""
    found: dict[str, Personal] = {}
    for contract in contracts.values():
        found |= _of_entity(contract)
    found |= {name: Personal(columns - {*GRAINS[name]}) for name, columns in PERSONAL.items()}
    for name, masks in serving.personal.items():
        table = gold[name]
        # a list is one of records, by their keys
        chosen = {
            column
            for column, mask in masks.items()
            if mask not in _KEYS and table.definitions[column].type in ("STRING", "DATE")
        }
        found[f"gold.{name}"] = Personal(frozenset(chosen - {*table.grain, *table.key, table.clustered_by}))
    return {name: each for name, each in found.items() if each.columns}


def _of_entity(contract: Contract) -> dict[str, Personal]:
    marked = {name for name, column in contract.columns.items() if column.pii}
    if not marked:
        return {}
    typed = frozenset(marked - {*contract.key, *contract.latest_by})
    silver = Personal(typed, frozenset(name for name in typed if contract.columns[name].token))
    landed = frozenset(contract.paths[name][0] for name in marked) | {"_rescued"}
    found = {
        f"bronze.{contract.table}": Personal(landed),
        f"silver.{contract.table}": silver,
        f"silver.{contract.table}_quarantine": Personal(frozenset(_RAW)),
    }
    return found | ({f"silver.{contract.history_table}": silver} if contract.history else {})
