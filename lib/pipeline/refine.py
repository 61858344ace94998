"""Bronze to silver: judge what is new or came back, part it, merge it, and only then remember how far it went."""

from dataclasses import replace
from datetime import datetime, timezone
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib import quality, silver
from lib.bounds import between, count_and_ends
from lib.config import contract_hash
from lib.contract import IS_LIVE, Contract
from lib.errors import ConservationError, QualityError
from lib.ops import RuleCount, Step
from lib.pipeline.context import Run, now, properties_for, seconds_since
from lib.pipeline.ledger import LAST_STEP, as_property
from lib.pipeline.progress import (
    Progress,
    has_all_of_bronze,
    is_up_to_date,
    progress_of,
    quarantine_of,
    quarantine_version,
    referred_by,
    renewed_references,
    version_of,
)
from lib.pipeline.remember import remember, remember_burials
from lib.tables import FEED, Written


def refine(run: Run, tables: list[str]) -> None:
    """Bring silver up to bronze for the given entities, each after those that its rows refer to."""
    contracts = run.settings.contracts
    after = {name: referred_by(contracts[name]) for name in tables}
    run.each(tables, lambda name: _refine(run, contracts[name]), layer="silver", after=after)


def account_again(run: Run, contract: Contract) -> None:
    """Count again what became of bronze's rows, after a change of the quarantine that is none of any row's status.

    What silver remembers of the quarantine is its new version, so that the next refinement finds nothing to do.
    """
    progress = progress_of(run, contract)
    if progress is None:
        return
    progress = replace(progress, quarantine_version=quarantine_version(run, contract))
    if _check(run, contract, progress):
        run.tables.set_properties(f"silver.{contract.table}", progress.as_properties)


def referred(run: Run, contract: Contract) -> dict[str, DataFrame]:
    """What the rows of an entity may refer to, by reference, as silver has it now."""
    found = {}
    for name, reference in contract.references.items():
        other = run.settings.contracts[reference.entity]
        rows = run.tables.read_or_empty(f"silver.{other.table}", silver.schema_of(other))
        found[name] = quality.known(rows, name, reference)
    return found


def _refine(run: Run, contract: Contract) -> None:
    started = run.begin("silver", contract.table)
    bronze = run.tables.snapshot(f"bronze.{contract.table}")
    if bronze is None:
        return
    expected = contract_hash(contract)
    before = progress_of(run, contract)
    is_current = before is not None and before.contract_hash == expected and has_all_of_bronze(run, contract, before)
    if before is not None and is_current and is_up_to_date(run, contract):
        run.done(Step("silver", contract.table, before.through, "unchanged", started))
        return
    # the versions before the rows: whatever comes in between is looked at again
    references = {name: version_of(run, f"silver.{name}") for name in sorted(referred_by(contract))}
    steps: list[Step] = []
    progress = before
    if progress is None or not is_current:
        progress, step = _take_in(run, contract, before, bronze.version, started)
        steps.append(step)
    steps += _take_back(run, contract, before)
    if contract.snapshot and steps:
        buried = _bury(run, contract, bronze.version)
        remember_burials(run, contract, bronze.version)
        steps[0] = replace(steps[0], changed=steps[0].changed + buried)
    progress = replace(progress, quarantine_version=quarantine_version(run, contract), references=references)
    is_conserved = _check(run, contract, progress)
    steps = [replace(step, is_conserved=is_conserved) for step in steps]
    properties = properties_for(run, f"silver.{contract.table}")
    properties |= {"comment": contract.description, **progress.as_properties}
    if steps:
        properties[LAST_STEP] = as_property(run, steps[0])
    run.tables.set_properties(f"silver.{contract.table}", properties)
    for step in steps:
        run.done(step)


def _take_in(
    run: Run, contract: Contract, before: Progress | None, bronze_version: int, started: datetime
) -> tuple[Progress, Step]:
    """What bronze has and silver has not: the new batches, or all of them where silver has to be made anew."""
    expected = contract_hash(contract)
    is_again = before is None or before.contract_hash != expected
    start = Progress(expected) if before is None or is_again else before
    # the first time is no difference from anything, as long as no run has begun to write
    is_again = is_again and run.tables.snapshot(f"silver.{contract.table}") is not None
    rows = run.tables.read(f"bronze.{contract.table}", version=bronze_version)
    rows = rows.filter(F.col("_batch_id") > start.through)
    known = run.tables.read(quarantine_of(contract.table)) if quarantine_version(run, contract) >= 0 else None
    judged = _judged(contract, rows, known if is_again else None, referred(run, contract))
    # judged once, read again and again: for the counts, for quarantine, for silver, for its history
    judged = judged.persist()
    try:
        discarded = known.filter("status = 'discarded'").count() if known is not None and is_again else 0
        counts = _counts(run, contract, judged, start.rows_in + discarded)
        if counts["quarantined"] or is_again:
            _write_quarantine(run, contract, judged, known, is_again=is_again)
        written = _write_silver(run, contract, judged, counts["rows"], is_again=is_again)
        remember(run, contract, judged, is_again=is_again)
    finally:
        judged.unpersist()
    returned = start.returned_before
    if is_again and known is not None:
        returned = run.tables.read(quarantine_of(contract.table)).filter("status = 'accepted'").count()
    superseded = counts["rows"] - counts["quarantined"] - written.offered
    progress = Progress(
        contract_hash=expected,
        through=counts["through"] or start.through,
        bronze_version=bronze_version,
        rows_in=start.rows_in + counts["rows"] + discarded,
        accepted=start.accepted + written.offered,
        superseded=start.superseded + superseded,
        quarantined=start.quarantined + counts["quarantined"],
        returned_before=returned,
    )
    mode = "again" if is_again else "merge"
    return progress, _step(contract, counts, written, batch_id=progress.through, mode=mode, started=started)


def _judged(
    contract: Contract, rows: DataFrame, known: DataFrame | None, referred_rows: dict[str, DataFrame]
) -> DataFrame:
    """Rows of bronze, judged; those that a person corrected as they are now, those that one discarded not at all."""
    if known is None:
        return quality.judge(rows, contract, referred_rows)
    decided = known.filter("correction IS NOT NULL OR status = 'discarded'").select(*silver.ADDRESS)
    corrected = known.filter("correction IS NOT NULL AND status <> 'discarded'")
    untouched = quality.judge(rows.join(decided, list(silver.ADDRESS), how="left_anti"), contract, referred_rows)
    # what landed may have columns that the contract does not know any more
    again = quality.judge(silver.corrected(corrected, contract), contract, referred_rows)
    return untouched.unionByName(again, allowMissingColumns=True)


def due(run: Run, contract: Contract, before: Progress | None) -> DataFrame:
    """The waiting rows to be judged again: those that somebody corrected, and those that lacked what may be there now.

    `before` is how far silver was before this run; what is parted in it was asked already.
    """
    is_due = F.col("is_due")
    if before is not None and (renewed := renewed_references(run, contract, before)):
        messages = F.array(*[F.lit(contract.references[name].message) for name in renewed])
        is_due |= F.arrays_overlap("dq_errors", messages) & (F.col("_batch_id") <= before.through)
    return run.tables.read(quarantine_of(contract.table)).filter("status = 'waiting'").filter(is_due)


def _take_back(run: Run, contract: Contract, before: Progress | None) -> list[Step]:
    """The waiting rows that are due: judged as they are now, merged if they pass, waiting on if not.

    Silver and history are written before their status is: a run that dies in between finds them due again.
    """
    started = now()
    name = quarantine_of(contract.table)
    if quarantine_version(run, contract) < 0:
        return []
    rows = due(run, contract, before).persist()
    try:
        if rows.isEmpty():
            return []
        judged = quality.judge(silver.corrected(rows, contract), contract, referred(run, contract)).persist()
        counts = (quality.tally(judged, contract).collect())[0].asDict()
        written = run.tables.upsert(
            f"silver.{contract.table}", silver.newest(judged, contract), contract.key,
            update_if=silver.is_newer(contract),
        )  # fmt: skip
        remember(run, contract, judged, is_again=False)
        outcome = silver.returned(rows, judged, run_id=run.run_id, at=run.started_at)
        run.tables.upsert(name, outcome, silver.ADDRESS)
        judged.unpersist()
        return [_step(contract, counts, written, batch_id=run.run_id, mode="returned", started=started)]
    finally:
        rows.unpersist()


def _counts(run: Run, contract: Contract, judged: DataFrame, known_rows: int) -> dict[str, int]:
    """The tally of what is new, after a look at whether it may be written at all.

    Raises:
        ConservationError: if bronze's own count of new rows is another one.
        QualityError: if more rows fail a rule than it tolerates.
    """
    row = quality.tally(judged, contract).first()
    counts: dict[str, int] = row.asDict() if row is not None else {}
    in_bronze = run.tables.count(f"bronze.{contract.table}") - known_rows
    if in_bronze != counts["rows"]:
        raise ConservationError(
            f"silver.{contract.table}: bronze has {in_bronze:,} new rows, but {counts['rows']:,} were read"
        )
    said = []
    for name, demand in contract.demands.items():
        failed = counts[f"failed_{name}"]
        if not demand.tolerates(failed, counts["rows"]):
            why = "on_fail: fail" if demand.max_failed is None else f"max_failed: {demand.max_failed}"
            said.append(f"{failed:,} of {counts['rows']:,} rows: {demand.message} ({why})")
    if said and not run.request.forgiving:
        raise QualityError(
            f"silver.{contract.table}: {', '.join(said)}: nothing of it was written; mend the file or the rule, "
            "or let one run pass with --on-fail quarantine"
        )
    return counts


def _step(
    contract: Contract, counts: dict[str, int], written: Written, *, batch_id: int, mode: str, started: datetime
) -> Step:
    failed = {check: counts[f"failed_{check.name}"] for check in quality.checks_of(contract)}
    return Step(
        "silver",
        contract.table,
        batch_id,
        mode,
        started,
        seconds_since(started),
        rows_in=counts["rows"],
        accepted=written.offered,
        superseded=counts["rows"] - counts["quarantined"] - written.offered,
        quarantined=counts["quarantined"],
        warned=sum(n for check, n in failed.items() if check.on_fail == "warn"),
        changed=written.changed,
        reasons={check.reason: n for check, n in failed.items() if n},
        rules=tuple(
            RuleCount(check.name, check.on_fail, counts["rows"], n)
            for check, n in failed.items()
            if n or check.name in contract.demands
        ),
    )


def _write_quarantine(
    run: Run, contract: Contract, judged: DataFrame, known: DataFrame | None, *, is_again: bool
) -> None:
    name = quarantine_of(contract.table)
    failing = silver.quarantined(judged, run_id=run.run_id, at=run.started_at)
    if is_again and known is not None:
        failing = silver.requarantined(known, failing, run_id=run.run_id, at=run.started_at)
        run.tables.write_diff(name, failing, silver.ADDRESS)
    else:
        run.tables.upsert(name, failing, silver.ADDRESS, update_if="false")


def _write_silver(run: Run, contract: Contract, judged: DataFrame, n_rows: int, *, is_again: bool) -> Written:
    name = f"silver.{contract.table}"
    if is_again:
        return run.tables.write_diff(name, silver.newest(judged, contract), contract.key, options=FEED)
    rows, known = judged, run.tables.count(name, with_tombstones=True)
    bounds: list[Column] = []
    if known > run.settings.file_rows:
        # as the first load left them, keys of one time are in few files, and what is new has those of these days
        _, ends = count_and_ends(silver.passing(judged, contract), contract.key)
        bounds = between(ends, {key: f"t.{key}" for key in contract.key})
    elif not known and (files := n_rows // run.settings.file_rows) > 1:
        rows = judged.repartitionByRange(files, *contract.key)
    accepted = silver.newest(rows, contract)
    return run.tables.upsert(
        name, accepted, contract.key, update_if=silver.is_newer(contract), bounds=bounds, options=FEED
    )


def _bury(run: Run, contract: Contract, bronze_version: int) -> int:
    """Make tombstones of the keys that the newest file of a whole entity lacks; gives their number.

    The newest file of all that bronze has, not of this batch: a delivery that comes late takes nothing away.
    """
    rows = run.tables.read(f"bronze.{contract.table}", version=bronze_version)
    version = F.struct("_source_modified_at", "_source_file")
    newest = F.broadcast(rows.agg(F.max(version).alias("_newest")))
    keys = [F.col(name).isNotNull() for name in contract.key]
    delivery = quality.judge(rows.join(newest, version == F.col("_newest"), how="left_semi"), contract).persist()
    try:
        said = delivery.agg(
            F.max("_source_file").alias("file"),
            # as microseconds: a timestamp arrives in Python in the time zone of the machine
            F.unix_micros(F.max("_source_modified_at")).alias("us"),
            F.bool_and(reduce(Column.__and__, keys)).alias("is_complete"),
        ).collect()[0]
        if not said["is_complete"]:
            run.warn(
                f"{said['file']}: the key of a row cannot be read, it could be anyone's: nothing is taken for gone"
            )
            return 0
        name = f"silver.{contract.table}"
        live = run.tables.read(name, with_tombstones=True).filter(IS_LIVE)
        at = datetime.fromtimestamp(said["us"] / 1_000_000, timezone.utc)
        gone = silver.gone(live, delivery.select(*contract.key), contract, at=at, file=said["file"])
        return run.tables.upsert(name, gone, contract.key).updated
    finally:
        delivery.unpersist()


def _check(run: Run, contract: Contract, progress: Progress) -> bool:
    """Bronze's own count against what silver accounts for: bronze = accepted + superseded + waiting + discarded."""
    rows = {"waiting": 0, "accepted": 0, "discarded": 0}
    if progress.quarantine_version >= 0:
        found = run.tables.read(quarantine_of(contract.table)).groupBy("status").count()
        rows |= {row["status"]: row["count"] for row in found.collect()}
    accepted = progress.accepted + rows["accepted"] - progress.returned_before
    accounted = accepted + progress.superseded + rows["waiting"] + rows["discarded"]
    in_bronze = run.tables.count(f"bronze.{contract.table}")
    hop = f"bronze to silver.{contract.table}"
    return run.conserve("silver", contract.table, hop, rows_in=in_bronze, rows_out=accounted)
