"""A person out of every layer: bronze and quarantine lose the rows, and what is made of them is made again without.

Each step can be done twice. Before the first one the order is written down, encrypted, and the person's keys are among
the forgotten: a run that dies is run again, and nothing that lands meanwhile brings them back.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib import landing, ops, quality
from lib.bronze import texts_of
from lib.config import Settings
from lib.contract import Contract
from lib.erasure import suppression
from lib.erasure.files import Sieve, rewrite
from lib.erasure.report import Order, read_order, write_order
from lib.erasure.suppression import SUPPRESSED, column_of
from lib.erasure.values import pattern_of, sought_of
from lib.errors import LakehouseError
from lib.identity.tables import (
    DECISIONS,
    EVENTS,
    FORMER,
    GRAINS,
    IDENTITIES,
    LINKS,
    RECORDS,
    RESOLUTION,
    REVIEW,
    SCHEMAS,
)
from lib.maintenance import Effect
from lib.ops import Action
from lib.persons import Named, find, former_ids, keys_in
from lib.pipeline.build import build
from lib.pipeline.context import Run, now, seconds_since
from lib.pipeline.identify import resolve
from lib.pipeline.progress import forget_progress, quarantine_of
from lib.pipeline.publish import publish_anew
from lib.pipeline.refine import refine
from lib.pipeline.suppress import key_of_erasure
from lib.session import local_frame
from lib.silver import ADDRESS
from lib.sql import quoted
from lib.storage.places import Place, found_below

ERASED = "erased"
_PERSONAL = ("full_name", "email", "phone", "street")
_NORMAL = ("email", "phone", "street")


def forget(asked: str | None, reason: str, *, also: Sequence[Path] = ()) -> Callable[[Run], None]:
    """Takes a person, asked for by an id of any kind (`lib.persons.find`), out of tables, files and the database.

    An order that a dead run left is carried out first; without a person that is all. `also` are folders outside of
    the lake, with exported files.

    Raises:
        LakehouseError: if there is no key, nobody has this id, or there is nothing to finish.
    """

    def work(run: Run) -> None:
        key = key_of_erasure(run.settings)
        order = read_order(run.settings.root, key)
        if order is None and asked is None:
            raise LakehouseError("there is no erasure to finish; name whom to forget: --customer ID --reason TEXT")
        if order is None:
            order = _ordered(run, str(asked), reason, key)
            write_order(run.settings.root, order, key)
        elif asked is not None and suppression.token(key, "asked", asked) != order.asked:
            run.warn("an erasure that was begun before is finished first; ask again for the other person")
        _suppress(run, order, key)
        _rows(run, order)
        _people(run, order)
        build(run)
        if not run.failures:
            publish_anew(run)
        _files(run, order, also)

    return work


def _ordered(run: Run, asked: str, reason: str, key: bytes) -> Order:
    """Who it is, and what the columns that are marked `pii` have ever said of them."""
    customer_id = find(run.tables, asked)
    is_the_one = F.col("customer_id") == customer_id
    [known] = run.tables.read("gold.dim_customers").filter("is_current").filter(is_the_one).collect()
    # as landed, in the form that records compare in, and as gold has it
    said = {known[name] for name in _PERSONAL if known[name]}
    records = run.tables.read_or_empty(RECORDS, SCHEMAS[RECORDS]).filter(F.col("key").isin(*known["source_ids"]))
    said |= {value for row in records.select(*_NORMAL).collect() for value in row if value}
    for each in _naming(run.settings, known["source_ids"]):
        said |= _values_in(run, each)
    return Order(
        asked=suppression.token(key, "asked", asked),
        reason=reason,
        ordered_at=now().isoformat(timespec="seconds"),
        customer_id=customer_id,
        former_ids=tuple(former_ids(run.tables, customer_id)),
        source_ids=tuple(known["source_ids"]),
        values=tuple(sorted(said)),
    )


def _naming(settings: Settings, source_ids: Sequence[str]) -> list[Named]:
    """All entities whose rows name people, with the person's keys there; none where a source has no record of them."""
    found = []
    for contract in settings.contracts.values():
        column = column_of(contract)
        if column is not None:
            found.append(Named(contract, column, keys_in(contract.source, source_ids)))
    return found


def _values_in(run: Run, each: Named) -> set[str]:
    """What bronze, as it landed and as it is judged, says of the person in the columns that are marked."""
    personal = [name for name, column in each.contract.columns.items() if column.pii and column.type == "string"]
    table = f"bronze.{each.contract.table}"
    if not (personal and each.keys) or run.tables.snapshot(table) is None:
        return set()
    rows = each.in_bronze(run.tables.read(table))
    texts = [F.trim(texts_of(rows, each.contract)[name]) for name in personal]
    return {value for row in rows.select(*texts).distinct().collect() for value in row if value}


def _suppress(run: Run, order: Order, key: bytes) -> None:
    at = datetime.now(timezone.utc)
    rows = suppression.token_rows(key, order.source_ids, run_id=run.run_id, since=at)
    run.tables.upsert(
        SUPPRESSED, local_frame(run.tables.spark, rows, suppression.SCHEMA), ("source", "token"), update_if="false"
    )


def _rows(run: Run, order: Order) -> None:
    """Bronze and quarantine without the person's rows, and silver and its histories as these have them now."""
    touched = []
    for each in _naming(run.settings, order.source_ids):
        if run.tables.snapshot(f"bronze.{each.contract.table}") is not None and _erased(run, each, order):
            touched.append(each.contract.table)
    # a run that died may have got no further than this
    refine(run, [*run.settings.contracts])
    if touched:
        run.reporter.note(f"rows of {len(touched)} entities erased")


def _erased(run: Run, each: Named, order: Order) -> bool:
    started, contract = now(), each.contract
    # cut off from bronze, which loses the rows before the quarantine does
    addresses = _addresses(run, each, order).localCheckpoint()
    if addresses.isEmpty():
        return False
    forget_progress(run, contract)
    for table in (f"bronze.{contract.table}", quarantine_of(contract.table)):
        if run.tables.snapshot(table) is not None:
            n_rows = run.tables.delete_rows(table, addresses, ADDRESS)
            _note(run, table, Effect(rows=n_rows), started)
    return True


def _addresses(run: Run, each: Named, order: Order) -> DataFrame:
    """The addresses of the rows that go: those that name the person, all versions of what silver has of them now, and
    those that name nobody and say what is said of the person.
    """
    contract, tables = each.contract, run.tables
    rows = tables.read(f"bronze.{contract.table}")
    keyless = F.trim(F.coalesce(texts_of(rows, contract)[each.column], F.lit(""))) == ""
    tells = _tells(F.to_json(F.struct(*[quoted(name) for name in rows.columns])), order)
    found = [each.in_bronze(rows).select(*ADDRESS), rows.filter(keyless & tells).select(*ADDRESS)]
    silver, waiting = f"silver.{contract.table}", quarantine_of(contract.table)
    if tables.snapshot(silver) is not None:
        theirs = each.in_silver(tables.read(silver, with_tombstones=True)).select(*contract.key)
        found.append(_versions(rows, contract).join(theirs, contract.key, how="left_semi").select(*ADDRESS))
    if tables.snapshot(waiting) is not None:
        found.append(each.in_quarantine(tables.read(waiting)).select(*ADDRESS))
    return reduce(DataFrame.unionByName, found).distinct()


def _versions(rows: DataFrame, contract: Contract) -> DataFrame:
    return quality.judge(rows, contract).select(*contract.key, *ADDRESS)


def _tells(text: Column, order: Order) -> Column:
    sought = sought_of((), (), order.values, ())
    return F.lower(text).rlike(pattern_of(each.lower() for each in sought.values)) if sought.values else F.lit(False)


def _people(run: Run, order: Order) -> None:
    """Who is who, first as silver has it now, and then without the records that silver has no more."""
    run.each([RESOLUTION], lambda _: resolve(run), layer="identity")
    is_theirs = F.col("key").isin(*order.source_ids)
    of_pair = F.col("key_l").isin(*order.source_ids) | F.col("key_r").isin(*order.source_ids)
    of_source = F.concat_ws(":", "source", "source_customer_id").isin(*order.source_ids)
    ids = [order.customer_id, *order.former_ids]
    gone = {
        EVENTS: is_theirs, LINKS: of_pair, REVIEW: of_pair, DECISIONS: of_pair, IDENTITIES: of_source,
        FORMER: F.col("customer_id").isin(*ids), RECORDS: is_theirs,
    }  # fmt: skip
    for table, condition in gone.items():
        if run.tables.snapshot(table) is not None:
            started = now()
            rows = run.tables.read(table).filter(condition).select(*GRAINS[table])
            n_rows = run.tables.delete_rows(table, rows, GRAINS[table])
            if n_rows:
                _note(run, table, Effect(rows=n_rows), started)


def _files(run: Run, order: Order, also: Sequence[Path]) -> None:
    """Landed, processed, rejected and exported files, and logs, without what is of the person."""
    sought = sought_of((order.customer_id, *order.former_ids), order.source_ids, order.values, ())
    tells = re.compile(pattern_of(sought.texts), re.IGNORECASE).search
    for folder, paths in _texts_of(run.settings, also).items():
        started, gone, files = now(), 0, 0
        # the log of this run says nothing of anybody, and is being written
        for path, contract in paths:
            if path != run.reporter.log_file:
                theirs = {key.upper() for key in keys_in(contract.source, order.source_ids)} if contract else set[str]()
                went = rewrite(Sieve(contract, theirs.__contains__, lambda text: bool(tells(text))), path)
                gone, files = gone + went, files + bool(went)
        if gone:
            _note(run, f"files.{folder}", Effect(files_removed=files, files_added=files, rows=gone), started)


def _texts_of(settings: Settings, also: Sequence[Path]) -> dict[str, list[tuple[Place, Contract | None]]]:
    """The text files of a lake by folder, each with the contract that says what a record of it is, if there is one."""
    naming = [each for each in settings.contracts.values() if column_of(each) is not None]
    places = {"landing": settings.landing} | {name: settings.root / name for name in ("processed", "rejected")}
    found: dict[str, list[tuple[Place, Contract | None]]] = {}
    for name, folder in places.items():
        # processed/<source>/<batch>/<path in landing>
        above = 0 if name == "landing" else 2
        for path in sorted(found_below(folder)):
            landed = "/".join(path.split("/")[above:])
            owner = next((each for each in naming if landing.belongs(landed, each)), None)
            found.setdefault(name, []).append((folder / path, owner))
    others = [settings.root / "truth", settings.local / "logs", settings.local / "alerts", *also]
    for other in others:
        name = str(other).rpartition("/")[2]
        found.setdefault(name, []).extend((other / path, None) for path in sorted(found_below(other)))
    return found


def _note(run: Run, table: str, effect: Effect, started: datetime) -> None:
    """On record at once: a run that dies later leaves none of what it had to tell, and the report wants it."""
    layer, _, name = table.partition(".")
    action = Action(layer, name, ERASED, "somebody asked to be forgotten", started, seconds_since(started), effect)
    run.tables.append(ops.MAINTENANCE, ops.action_rows(run.tables.spark, [action], run_id=run.run_id))
    run.reporter.action(action)
