"""How far silver is: what its tables remember of bronze, of their quarantine, and of what their rows refer to."""

import json
from dataclasses import asdict, dataclass, field

from lib.contract import Contract
from lib.pipeline.context import Run

_PROPERTY = "lakehouse.refined"


@dataclass(frozen=True)
class Progress:
    """How far a silver table is, kept in its own properties so that no second record can disagree with it.

    `through`: the highest batch refined; `bronze_version`, `quarantine_version`: those tables' versions then; the
    counts are rows of all batches up to it, as they were first judged under `contract_hash`. `returned_before` of the
    quarantine's accepted rows are among them: they returned when all of bronze was judged anew. `references` are the
    versions that the silver tables had to which rows refer, by entity.
    """

    contract_hash: str
    through: int = 0
    bronze_version: int = -1
    quarantine_version: int = -1
    rows_in: int = 0
    accepted: int = 0
    superseded: int = 0
    quarantined: int = 0
    returned_before: int = 0
    references: dict[str, int] = field(default_factory=dict)

    @property
    def as_properties(self) -> dict[str, str]:
        """What the silver table keeps of it."""
        return {_PROPERTY: json.dumps(asdict(self))}


def quarantine_of(table: str) -> str:
    """The name of an entity's quarantine."""
    return f"silver.{table}_quarantine"


def referred_by(contract: Contract) -> set[str]:
    """The entities that an entity's rows refer to."""
    return {each.entity for each in contract.references.values()}


def progress_of(run: Run, contract: Contract) -> Progress | None:
    """What the silver table says of itself, None where it was never refined to an end."""
    snapshot = run.tables.snapshot(f"silver.{contract.table}")
    text = snapshot.properties.get(_PROPERTY) if snapshot else None
    return Progress(**json.loads(text)) if text else None


def forget_progress(run: Run, contract: Contract) -> None:
    """Make the next refinement judge all of bronze anew, and write what differs."""
    if run.tables.snapshot(f"silver.{contract.table}") is not None:
        run.tables.set_properties(f"silver.{contract.table}", {_PROPERTY: ""})


def is_up_to_date(run: Run, contract: Contract) -> bool:
    """Is silver refined to the end, with every row of bronze and of its quarantine accounted for?"""
    progress = progress_of(run, contract)
    return (
        progress is not None
        and has_all_of_bronze(run, contract, progress)
        and _has_all_of_quarantine(run, contract, progress)
        and not renewed_references(run, contract, progress)
    )


def has_all_of_bronze(run: Run, contract: Contract, progress: Progress) -> bool:
    """Did silver, when it was this far, have every row that bronze has now?"""
    return _is_as_at(run, f"bronze.{contract.table}", progress.bronze_version)


def _has_all_of_quarantine(run: Run, contract: Contract, progress: Progress) -> bool:
    return _is_as_at(run, quarantine_of(contract.table), progress.quarantine_version)


def renewed_references(run: Run, contract: Contract, progress: Progress) -> list[str]:
    """The references of an entity to rows that may be others now than when silver was this far."""
    return [
        name
        for name, each in contract.references.items()
        if not _is_as_at(run, f"silver.{each.entity}", progress.references.get(each.entity, -1))
    ]


def _is_as_at(run: Run, table: str, version: int) -> bool:
    """Has a table the rows of an earlier version, -1 for the time when it was not there? Compacting changes none."""
    now = version_of(run, table)
    return run.tables.unchanged_until(table, version, through=now) == now


def quarantine_version(run: Run, contract: Contract) -> int:
    return version_of(run, quarantine_of(contract.table))


def version_of(run: Run, table: str) -> int:
    snapshot = run.tables.snapshot(table)
    return snapshot.version if snapshot else -1
