"""The second half of an erasure: older versions of tables go, every byte is looked at, and a signed report is left."""

import json
import shutil
from typing import Any

from pyspark.sql import functions as F

from lib import ops
from lib.contract import bronze_name
from lib.encryption import decoder
from lib.erasure.report import ORDER, Order, read_order, report_file, signed
from lib.erasure.search import Searched, search
from lib.erasure.suppression import SUPPRESSED, column_of, token
from lib.erasure.values import Sought, pattern_of, sought_of
from lib.errors import LakehouseError
from lib.identity.tables import SCHEMAS
from lib.pipeline.context import Run, now
from lib.pipeline.forget import ERASED
from lib.pipeline.maintain import names
from lib.pipeline.older import forget_versions
from lib.pipeline.suppress import key_of_erasure
from lib.serving.database import serving
from lib.serving.occurrences import occurrences
from lib.serving.settings import NONE
from lib.storage.places import remove, write_text

LAYERS = ("bronze", "silver", "gold", "ops")
_LEFTOVERS = (".scratch", "serving/export")
"""What only a run that died leaves in a lake: pieces of tables on their way."""


def prove(run: Run) -> None:
    """Clean the files that still have something of the person who was forgotten last, and say what is left.

    Something left is a failure of the run, but for what waits until older versions of tables go by themselves; the
    order stays open then.

    Raises:
        LakehouseError: if nobody is being forgotten.
    """
    root, key = run.settings.root, key_of_erasure(run.settings)
    order = read_order(root, key)
    if order is None:
        raise LakehouseError("there is no erasure to prove")
    for name in _LEFTOVERS:
        shutil.rmtree(run.settings.local / name, ignore_errors=True)
    sought = _sought(run, order)
    seen = _searched(run, sought)
    others = _said_of_others(run, seen.texts & {*sought.values})
    if run.settings.erasure.at_once and _clean(run, {path for path, texts in seen.found.items() if texts - others}):
        seen = _searched(run, sought)
    left = {path: len(texts - others) for path, texts in seen.found.items() if texts - others}
    served = _served(run, sought, others)
    is_later = not run.settings.erasure.at_once
    waits = {path for path in left if is_later and path.split("/")[0] in LAYERS}
    is_gone = not left and not any(served.values())
    report = signed(
        {
            **_said_of(order, key), "run_id": run.run_id, "environment": run.settings.environment,
            "proven_at": now().isoformat(timespec="seconds"), "erased": _erased(run, order),
            "versions": _versions(run), "search": _in_words(seen, sought, others), "left": left, "waits": sorted(waits),
            "database": served, "is_gone": is_gone,
        },
        key,
    )  # fmt: skip
    file = report_file(root, run.run_id)
    write_text(file, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    run.reporter.note(f"report: {file}")
    if is_gone:
        remove(root / ORDER)
    elif waits == left.keys() and not any(served.values()):
        after = run.settings.maintenance.vacuum_after
        run.warn(
            f"{len(waits)} files of older versions still have something of the person: `make maintain` deletes them "
            f"{f'after {after.days} days' if after else 'once vacuum_after is set'}; then `make erase` proves it"
        )
    else:
        places = ", ".join([*sorted(left), *sorted(name for name, n in served.items() if n)][:5])
        run.fail("erasure", f"something of the person is left in {places}; see {file}")


def _sought(run: Run, order: Order) -> Sought:
    columns = {"source_customer_id"}
    for contract in run.settings.contracts.values():
        name = column_of(contract)
        if name is not None:
            columns |= {name, bronze_name(contract.source_columns[name].split(".")[-1])}
    return sought_of((order.customer_id, *order.former_ids), order.source_ids, order.values, columns)


def _searched(run: Run, sought: Sought) -> Searched:
    """The lake and, where it is in an object store, the folder of this machine that belongs to it."""
    decoded = decoder(run.tables.vault)
    seen = search(run.settings.root, sought, leave_out=frozenset({ORDER}), decoded=decoded)
    if run.settings.local != run.settings.root:
        here = search(run.settings.local, sought, decoded=decoded)
        seen.found |= {f"{run.settings.local}/{name}": texts for name, texts in here.found.items()}
        seen.files, seen.bytes = seen.files + here.files, seen.bytes + here.bytes
        seen.decoded_rows += here.decoded_rows
    return seen


def _clean(run: Run, paths: set[str]) -> bool:
    """Have the tables in whose files something was found keep nothing but their newest versions; were there any?"""
    found = {".".join(path.split("/")[:2]) for path in paths if path.split("/")[0] in LAYERS}
    tables = sorted(name for name in found if run.tables.snapshot(name) is not None)
    forget_versions(run, tables, {"lakehouse.erased_by": str(run.run_id)}, purge=True, layer="erasure")
    return bool(tables)


def _said_of_others(run: Run, texts: set[str]) -> set[str]:
    """Those of the texts that silver says of somebody else: a name, a household's address."""
    if not texts:
        return set()
    found: set[str] = set()
    patterns = {text: pattern_of([text.lower()]) for text in texts}
    for name in [*(f"silver.{entity}" for entity in run.settings.contracts), *SCHEMAS]:
        if run.tables.snapshot(name) is not None:
            rows = run.tables.read(name)
            columns = [each for each, type_name in rows.dtypes if type_name == "string"]
            said = F.lower(F.concat_ws(" ", *columns))
            [row] = rows.agg(*[F.bool_or(said.rlike(each)).alias(text) for text, each in patterns.items()]).collect()
            found |= {text for text, is_said in zip(patterns, row, strict=True) if is_said}
    return found


def _served(run: Run, sought: Sought, others: set[str]) -> dict[str, int]:
    """Rows of the database in which something is found, by table; nothing where nothing is served."""
    if run.settings.database.url == NONE:
        return {}
    texts = [text for text in sought.texts if text not in others]
    with serving(run.settings, create=True) as server, server.publisher() as connection:
        return occurrences(connection, pattern_of(texts), keys=sought.bare, columns=sought.columns)


def _erased(run: Run, order: Order) -> dict[str, int]:
    """Rows that went since the order was given, by table or folder."""
    actions = run.tables.read(ops.MAINTENANCE).filter(
        (F.col("action") == ERASED) & (F.col("started_at") >= order.ordered_at)
    )
    counted = actions.groupBy(F.concat_ws(".", "layer", "table_name").alias("name")).agg(F.sum("rows").alias("rows"))
    return {row["name"]: row["rows"] for row in counted.orderBy("name").collect()}


def _versions(run: Run) -> dict[str, int]:
    """The version that each table of the lake has now."""
    known = [name for name in (*names(run.settings), SUPPRESSED) if name.split(".")[0] in LAYERS]
    return {name: found.version for name in known if (found := run.tables.snapshot(name)) is not None}


def _said_of(order: Order, key: bytes) -> dict[str, Any]:
    records = [each.split(":", 1)[0] for each in order.source_ids]
    return {
        "person": token(key, "gold", order.customer_id), "reason": order.reason, "ordered_at": order.ordered_at,
        "records": {source: records.count(source) for source in sorted(set(records))},
    }  # fmt: skip


def _in_words(seen: Searched, sought: Sought, others: set[str]) -> dict[str, int]:
    return {
        "files": seen.files, "bytes": seen.bytes, "rows_decoded": seen.decoded_rows,
        "texts": len(sought.texts) + len(sought.bare), "also_said_of_others": len(others),
    }  # fmt: skip
