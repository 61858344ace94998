"""How old an entity is, and what its contract says of that age."""

from dataclasses import dataclass
from datetime import datetime

from lib.contract import Contract, age_of


@dataclass(frozen=True)
class Freshness:
    """How old the newest loaded file of an entity is, and what the contract says of that age."""

    table: str
    newest: datetime | None
    hours: float | None
    verdict: str


def freshness_of(contract: Contract, newest: datetime | None, now: datetime) -> Freshness:
    """`ok`, `warn` or `error` by the contract's ages; `never loaded` is an error too if the contract has one."""
    limits = contract.freshness
    if newest is None:
        return Freshness(contract.table, None, None, "error: never loaded" if limits.error_after else "never loaded")
    age = now - newest
    verdict = "ok"
    if limits.warn_after and age > age_of(limits.warn_after):
        verdict = f"warn: older than {limits.warn_after}"
    if limits.error_after and age > age_of(limits.error_after):
        verdict = f"error: older than {limits.error_after}"
    return Freshness(contract.table, newest, age.total_seconds() / 3600, verdict)
