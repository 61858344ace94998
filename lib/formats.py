"""The version of how this project lays out its tables; a lake of another one is taken over, or refused."""

from lib import ops
from lib.encryption import token_key_check
from lib.errors import ConfigError, LakehouseError
from lib.tables import Tables

FORMAT, ENCRYPTED = 1, 2
"""What this version of the project writes; the second one where columns are encrypted.

2: as 1, but that fields which say so (lib/encryption.py) are text in place of their values: whoever does not know that
would take it for values. A lake is of this format from before the first such field on, until the last one is plain.
1: as tables have carried a format. Before it (0), what silver and gold have is known by hashes of contracts and code: a
lake from then is taken over as it is, and the next run makes anew from bronze what is defined otherwise today.
"""

PROPERTY = "lakehouse.format"
"""Of tables: the format that they were written in."""

KEYS = "lakehouse.keys"
"""Of the ledger: the key, and what that of tokens hashes to, that all personal columns were written with."""

MARK = {PROPERTY: str(FORMAT)}


def format_of(tables: Tables) -> int | None:
    """The format of a lake, as its ledger carries it; None where no run has ended yet.

    Raises:
        LakehouseError: if it is one that this version does not know.
    """
    ledger = tables.snapshot(ops.RUNS)
    if ledger is None:
        return None
    found = int(ledger.properties.get(PROPERTY, 0))
    if found > ENCRYPTED:
        raise LakehouseError(
            f"{tables.root}: was written by a newer version of this project (format {found}; this one knows "
            f"{ENCRYPTED}): nothing was read or changed; update the project (git pull, then make setup)"
        )
    return found


def claim_format(tables: Tables, *, rotates: bool = False) -> str:
    """See that a lake may be written with these keys, and say so in it; gives a warning, or nothing.

    Raises:
        ConfigError: if its columns are encrypted and there is no key to write them with. A rotation needs none.
    """
    vault, found = tables.vault, format_of(tables)
    if found is None:
        return ""
    if found == ENCRYPTED and vault.current is None and not (rotates and vault.keys):
        remedy = "`make rotate` writes them in clear text" if vault.keys else "see `encryption` in lakehouse.yml"
        raise ConfigError(f"{tables.root}: has encrypted columns, and the environment says no current key ({remedy})")
    if vault.current is None:
        return ""
    ledger = tables.snapshot(ops.RUNS)
    if found < ENCRYPTED:
        tables.set_properties(ops.RUNS, {PROPERTY: str(ENCRYPTED)})
    if rotates or (ledger is not None and ledger.properties.get(KEYS) == _keys(tables)):
        return ""
    return "personal columns may be in clear text, or under another key than the current one: `make rotate`"


def mark(tables: Tables) -> None:
    """Write down the format of a lake, and of one that had none with which keys it was made."""
    found = format_of(tables)
    if found is not None and found < (wanted := ENCRYPTED if tables.vault.current is not None else FORMAT):
        said = {KEYS: _keys(tables)} if wanted == ENCRYPTED else {}
        tables.set_properties(ops.RUNS, {PROPERTY: str(wanted), **said})


def remember_keys(tables: Tables) -> None:
    """Write down that all personal columns are as the environment says now."""
    wanted = {PROPERTY: str(ENCRYPTED if tables.vault.current is not None else FORMAT), KEYS: _keys(tables)}
    ledger = tables.snapshot(ops.RUNS)
    if ledger is not None and not ledger.properties.items() >= wanted.items():
        tables.set_properties(ops.RUNS, wanted)


def _keys(tables: Tables) -> str:
    current = tables.vault.current
    return f"{current}/{token_key_check(tables.vault)}" if current is not None else ""
