"""Bronze to silver: judge what is new, part it, merge it, and only then remember how far it went."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import quality, silver
from lib.config import contract_hash
from lib.contract import Contract, bronze_name
from lib.errors import ConservationError, QualityError
from lib.ops import Step
from lib.pipeline.context import Run, seconds_since
from lib.tables import Written

_PROPERTY = "lakehouse.refined"


@dataclass(frozen=True)
class Progress:
    """How far a silver table is, kept in its own properties so that no second record can disagree with it.

    `through`: the highest batch refined; `bronze_version`: bronze's version then; the counts are rows of all
    batches up to it, refined under `contract_hash`.
    """

    contract_hash: str
    through: int = 0
    bronze_version: int = -1
    rows_in: int = 0
    accepted: int = 0
    superseded: int = 0
    quarantined: int = 0


def refine(run: Run, tables: list[str]) -> None:
    """Bring silver up to bronze for the given entities."""
    run.each(tables, lambda name: _refine(run, run.settings.contracts[name]))


def progress_of(run: Run, contract: Contract) -> Progress | None:
    """What the silver table says of itself, None where it was never refined to an end."""
    snapshot = run.tables.snapshot(f"silver.{contract.table}")
    text = snapshot.properties.get(_PROPERTY) if snapshot else None
    return Progress(**json.loads(text)) if text else None


def _refine(run: Run, contract: Contract) -> None:
    started = run.begin("silver", contract.table)
    newest = run.tables.snapshot(f"bronze.{contract.table}")
    if newest is None:
        return
    expected = contract_hash(contract)
    before = progress_of(run, contract)
    if before is not None and (before.contract_hash, before.bronze_version) == (expected, newest.version):
        run.done(Step("silver", contract.table, before.through, "unchanged", started))
        return
    is_again = before is not None and before.contract_hash != expected
    if before is None or is_again:
        before = Progress(expected)
    rows = run.tables.read(f"bronze.{contract.table}", version=newest.version)
    rows = _with_contract_columns(rows, contract).filter(F.col("_batch_id") > before.through)
    # judged once, read three times: for the counts, for quarantine, for silver
    judged = quality.judge(rows, contract).persist()
    try:
        counts = _counts(run, contract, judged, before)
        if counts["quarantined"] or is_again:
            _write_quarantine(run, contract, judged, is_again=is_again)
        written = _write_silver(run, contract, judged, is_again=is_again)
    finally:
        judged.unpersist()
    after = _advanced(before, counts, newest.version, written.offered)
    description = {"comment": contract.description, _PROPERTY: json.dumps(asdict(after))}
    run.tables.set_properties(f"silver.{contract.table}", description)
    _check(run, contract, after)
    mode = "again" if is_again else "merge"
    run.done(_step(contract, counts, before=before, after=after, written=written, started=started, mode=mode))


def _counts(run: Run, contract: Contract, judged: DataFrame, before: Progress) -> dict[str, int]:
    """The tally of what is new, after a look at whether it may be written at all.

    Raises:
        ConservationError: if bronze's own count of new rows is another one.
        QualityError: if a rule failed that says `on_fail: fail`.
    """
    row = quality.tally(judged, contract).first()
    counts: dict[str, int] = row.asDict() if row is not None else {}
    in_bronze = run.tables.count(f"bronze.{contract.table}") - before.rows_in
    if in_bronze != counts["rows"]:
        raise ConservationError(
            f"silver.{contract.table}: bronze has {in_bronze:,} new rows, but {counts['rows']:,} were read"
        )
    said = ", ".join(
        f"{counts[f'failed_{check.name}']:,} {check.reason}"
        for check in quality.checks_of(contract)
        if check.on_fail == "fail" and counts[f"failed_{check.name}"]
    )
    if said and not run.forgiving:
        raise QualityError(
            f"silver.{contract.table}: {said} (on_fail: fail): nothing of it was written; mend the file or the rule, "
            "or let one run pass with --on-fail quarantine"
        )
    return counts


def _advanced(before: Progress, counts: dict[str, int], bronze_version: int, accepted: int) -> Progress:
    """Progress after a refinement: `superseded` are the passing rows that gave way to a newer one of their batch."""
    return Progress(
        contract_hash=before.contract_hash,
        through=counts["through"] or before.through,
        bronze_version=bronze_version,
        rows_in=before.rows_in + counts["rows"],
        accepted=before.accepted + accepted,
        superseded=before.superseded + counts["rows"] - counts["quarantined"] - accepted,
        quarantined=before.quarantined + counts["quarantined"],
    )


def _step(
    contract: Contract,
    counts: dict[str, int],
    *,
    before: Progress,
    after: Progress,
    written: Written,
    started: datetime,
    mode: str,
) -> Step:
    failed = {check: counts[f"failed_{check.name}"] for check in quality.checks_of(contract)}
    return Step(
        "silver",
        contract.table,
        after.through,
        mode,
        started,
        seconds_since(started),
        rows_in=counts["rows"],
        accepted=written.offered,
        superseded=after.superseded - before.superseded,
        quarantined=counts["quarantined"],
        warned=sum(n for check, n in failed.items() if check.on_fail == "warn"),
        changed=written.changed,
        reasons={check.reason: n for check, n in failed.items() if n},
    )


def _with_contract_columns(rows: DataFrame, contract: Contract) -> DataFrame:
    """Bronze with every column of the contract: one that the contract learnt later is read from `_rescued`."""
    rescued = F.from_json("_rescued", "MAP<STRING, STRING>")
    there = {name.lower() for name in rows.columns}
    values = {}
    for source in contract.source_columns.values():
        name = bronze_name(source)
        kept = rescued.getItem(source)
        # Delta knows no case: what landed as `note` is also the column of a contract that now says `Note`
        values[name] = F.coalesce(F.col(f"`{name}`"), kept) if name.lower() in there else kept
    return rows.withColumns(values)


def _write_quarantine(run: Run, contract: Contract, judged: DataFrame, *, is_again: bool) -> None:
    name = f"silver.{contract.table}_quarantine"
    failing = silver.quarantined(judged, run_id=run.run_id, at=run.started_at)
    if is_again and run.tables.snapshot(name) is not None:
        known = run.tables.read(name)
        failing = silver.requarantined(known, failing, run_id=run.run_id, at=run.started_at)
        run.tables.write_diff(name, failing, silver.ADDRESS)
    else:
        run.tables.upsert(name, failing, silver.ADDRESS, update_if="false")


def _write_silver(run: Run, contract: Contract, judged: DataFrame, *, is_again: bool) -> Written:
    name = f"silver.{contract.table}"
    accepted = silver.newest(judged, contract)
    if is_again:
        return run.tables.write_diff(name, accepted, contract.key)
    return run.tables.upsert(name, accepted, contract.key, update_if=silver.is_newer(contract))


def _check(run: Run, contract: Contract, progress: Progress) -> None:
    """Bronze's own count against what silver accounts for and what waits in quarantine."""
    quarantine = f"silver.{contract.table}_quarantine"
    waiting = 0
    if run.tables.snapshot(quarantine) is not None:
        waiting = run.tables.read(quarantine).filter("status = 'waiting'").count()
    accounted = progress.accepted + progress.superseded + waiting
    in_bronze = run.tables.count(f"bronze.{contract.table}")
    run.conserve(contract.table, f"bronze to silver.{contract.table}", in_bronze, accounted)
