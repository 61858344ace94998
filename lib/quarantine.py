"""Quarantined rows on their way out and back: as lines of a file for a person, as corrections. No IO."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.contract import Column as ContractColumn
from lib.contract import Contract, Csv
from lib.nesting import Tree, tree_of
from lib.silver import ADDRESS, event
from lib.sql import quoted

ROW, BATCH = "_row", "_batch"
_SHOWN = (BATCH, ROW, "_errors", "_file")
"""What stands before a row's own values in an exported file; the first two are its address and must stay."""


def file_name(contract: Contract) -> str:
    """`invalid_<entity>.json` for an entity whose records are nested, `.csv` for a flat one."""
    is_nested = any(len(path) > 1 for path in contract.paths.values())
    return f"invalid_{contract.entity}.{'json' if is_nested else 'csv'}"


def exported(rows: Iterable[Mapping[str, Any]], contract: Contract) -> Iterator[str]:
    """The lines of an export: each row's address, reasons and file, then its values under the names of bronze.

    Takes `_batch_id`, `_row_id`, `dq_errors`, `_source_file` and `values`, the JSON text of what landed or of an
    earlier correction. A malformed record is under `_malformed`; whoever corrects it fills in the values.
    """
    tree = tree_of(contract.paths.values())
    is_csv = file_name(contract).endswith(".csv")
    if is_csv:
        yield _csv_line([*_SHOWN, *tree, "_malformed"])
    for row in rows:
        values = json.loads(row["values"])
        malformed = json.loads(values.pop("_rescued", "{}")).get("_malformed")
        record = {
            **dict(zip(_SHOWN, (row["_batch_id"], row["_row_id"], row["dq_errors"], row["_source_file"]), strict=True)),
            **_filled(values, tree),
            **({"_malformed": malformed} if malformed is not None else {}),
        }
        if is_csv:
            # what is only shown stays on the row's line, as the file is read back line by line
            record["_errors"] = _on_one_line("; ".join(row["dq_errors"]))
            record["_malformed"] = _on_one_line(malformed or "")
            yield _csv_line([record.get(name) for name in [*_SHOWN, *tree, "_malformed"]])
        else:
            yield json.dumps(record, ensure_ascii=False)


def of_export(contract: Contract) -> Contract:
    """The contract under which an exported file is read back: its address as columns, UTF-8, names as in bronze."""
    columns = {name: column.model_copy(update={"from_": ".".join(contract.paths[name])}) for name, column in
               contract.columns.items()}  # fmt: skip
    address = {name: ContractColumn(type="bigint") for name in (BATCH, ROW)}  # type: ignore[call-arg]
    is_csv = file_name(contract).endswith(".csv")
    return contract.model_copy(
        update={
            "format": "csv" if is_csv else "json",
            "csv": Csv(encoding="utf-8"),  # type: ignore[call-arg]
            "columns": {**address, **columns},
        }
    )


def corrections(parsed: DataFrame, contract: Contract) -> DataFrame:
    """Rows of a corrected file, parsed under `of_export`: the address, and `_values`, their values as JSON text.

    `_batch_id`, `_row_id` BIGINT are NULL where the file gives none; `_values` is `{}` of a row that nobody filled in.
    """
    values = F.struct(*[F.col(quoted(name)) for name in tree_of(contract.paths.values())])
    leaves = [F.col(".".join(map(quoted, path))) for path in contract.paths.values()]
    return parsed.select(
        F.expr(f"try_cast(`{BATCH}` AS BIGINT)").alias("_batch_id"),
        F.expr(f"try_cast(`{ROW}` AS BIGINT)").alias("_row_id"),
        F.when(F.coalesce(*leaves).isNull(), "{}").otherwise(F.to_json(values)).alias("_values"),
    )


def due(waiting: DataFrame, given: DataFrame, *, note: str, run_id: int, at: Any) -> DataFrame:
    """The waiting rows that are given: with their correction, due to be judged again, the correction in `history`.

    What the contract did not know of the row when it landed stays with it.
    """
    rescued = F.get_json_object("raw", "$._rescued")
    is_whole = F.get_json_object(rescued, "$._malformed").isNull()
    kept = F.when(rescued.isNotNull() & is_whole, F.create_map(F.lit("_rescued"), rescued))
    merged = F.when(kept.isNull(), F.col("_values")).otherwise(
        F.concat(
            F.expr("substring(_values, 1, length(_values) - 1)"), F.lit(","), F.expr("substring(to_json(kept), 2)")
        )
    )
    both = waiting.join(given, list(ADDRESS), how="inner").withColumn("kept", kept)
    corrected = both.withColumns(
        {
            "correction": F.when(F.col("_values") == "{}", F.to_json("kept")).otherwise(merged),
            "is_due": F.lit(True),
            "history": _noted(F.lit("waiting"), note, run_id=run_id, at=at),
        }
    )
    return corrected.select(*waiting.columns)


def discarded(waiting: DataFrame, *, note: str, run_id: int, at: Any) -> DataFrame:
    """The same rows, given up for good; why is in `history`."""
    changed = {
        "status": F.lit("discarded"),
        "is_due": F.lit(False),
        "history": _noted(F.lit("discarded"), note, run_id=run_id, at=at),
    }
    return waiting.withColumns(changed).select(*waiting.columns)


def reasons(rows: DataFrame) -> DataFrame:
    """One row per reason: `reason` STRING, the values in it as …, and `rows` BIGINT."""
    words = rows.select(F.explode(F.transform("dq_errors", without_values)).alias("reason"))
    return words.groupBy("reason").agg(F.count(F.lit(1)).alias("rows"))


def without_values(reason: Column) -> Column:
    """A reason with … for each value in it: what many rows have in common."""
    return F.regexp_replace(reason, "'[^']*'", "…")


def _noted(status: Column, note: str, *, run_id: int, at: Any) -> Column:
    return F.array_append("history", event(status, run_id=run_id, at=at, note=F.lit(note)))


def _filled(values: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    """The values with every member that the contract knows, null where there is none."""
    return {name: _filled(values.get(name) or {}, below) if below else values.get(name) for name, below in tree.items()}


def _on_one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _csv_line(fields: Iterable[Any]) -> str:
    out = StringIO()
    # without a line end the writer would not put a text that holds one in quotes
    csv.writer(out, lineterminator="\r\n").writerow(["" if field is None else field for field in fields])
    return out.getvalue().removesuffix("\r\n")
