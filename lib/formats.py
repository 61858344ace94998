"""The version of how this project lays out its tables; a lake of another one is taken over, or refused."""

from lib import ops
from lib.errors import LakehouseError
from lib.tables import Tables

FORMAT = 1
"""What this version of the project writes.

1: as tables have carried a format. Before it (0), what silver and gold have is known by hashes of contracts and code: a
lake from then is taken over as it is, and the next run makes anew from bronze what is defined otherwise today.
"""

PROPERTY = "lakehouse.format"
"""Of tables: the format that they were written in."""

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
    if found > FORMAT:
        raise LakehouseError(
            f"{tables.root}: was written by a newer version of this project (format {found}; this one knows {FORMAT}): "
            "nothing was read or changed; update the project (git pull, then make setup)"
        )
    return found
