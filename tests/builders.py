"""Builders of lakes, files and rows: a test states what matters, a builder fills the rest."""

import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from rich.console import Console

from lib.alerts.settings import AlertsFile
from lib.bronze import raw_schema
from lib.config import Settings, load_settings
from lib.contract import Contract, bronze_name
from lib.identity.tables import RESOLUTION
from lib.pipeline.request import requested
from lib.pipeline.run import run_layers, show_plan
from lib.session import snapshot_of

_ASKED = ("freshness", "volume", "schema_drift", "model_drift")

CONF = Path(__file__).resolve().parents[1] / "conf"

SALES_HEADER = "OrderDate,StockDate,OrderNumber,ProductKey,CustomerKey,TerritoryKey,OrderLineItem,OrderQuantity"
PRODUCTS_HEADER = (
    "ProductKey,ProductSubcategoryKey,ProductSKU,ProductName,ModelName,ProductDescription,"
    "ProductColor,ProductSize,ProductStyle,ProductCost,ProductPrice"
)
CUSTOMERS_HEADER = (
    "CustomerKey,Prefix,FirstName,LastName,BirthDate,MaritalStatus,Gender,EmailAddress,AnnualIncome,"
    "TotalChildren,EducationLevel,Occupation,HomeOwner"
)
RETURNS_HEADER = "ReturnDate,TerritoryKey,ProductKey,ReturnQuantity"

RECEIPTS = Contract.model_validate(
    {
        "source": "shop",
        "entity": "receipts",
        "description": "A receipt.",
        "files": "shop/*.json*",
        "format": "json",
        "key": ["id"],
        "columns": {
            "id": {"type": "string"},
            "price": {"from": "product.price", "type": "decimal(38,9)"},
            "maker": {"from": "product.maker.name", "type": "string"},
            "note": {"from": "Note", "type": "string"},
        },
        "rules": {"has_price": {"expect": "price > 0", "message": "price must be above zero"}},
    }
)
"""Of nested records: {"id": …, "product": {"price": …, "maker": {"name": …}}, "Note": …}."""


def unresolved(asked: dict[str, Any]) -> dict[str, Any]:
    """What a run is asked for, without who is who."""
    return {**asked, "exclude": [*asked.get("exclude", ()), RESOLUTION]}


def without_queries(alerts: AlertsFile) -> AlertsFile:
    """What to tell of, less what a run has to ask Spark for at its end."""
    off = {name: getattr(alerts.kinds, name).model_copy(update={"enabled": False}) for name in _ASKED}
    return alerts.model_copy(update={"kinds": alerts.kinds.model_copy(update=off)})


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit status and what it printed."""

    status: int
    text: str

    @property
    def last_line(self) -> str:
        """The line with the totals."""
        return self.text.strip().splitlines()[-1]


class Lake:
    """A lake in a temporary folder, run as the jobs run it."""

    def __init__(self, spark: SparkSession, root: Path, conf: Path) -> None:
        self.spark = spark
        self.root = root
        self.conf = conf

    @property
    def landing(self) -> Path:
        """The lake's landing folder."""
        return self.root / "landing"

    def settings(self, **changes: Any) -> Settings:
        """The lake's settings: faults are retried at once, and what takes a query to find out is not told of."""
        loaded = load_settings(self.conf, root=str(self.root))
        at_once = loaded.retries.model_copy(update={"first_wait": "1ms"})
        return replace(loaded, **{"retries": at_once, "alerts": without_queries(loaded.alerts), **changes})

    def land(self, name: str, content: str | bytes, *, source: str = "adventureworks") -> Path:
        """Drop a file, `name` without its prefix: `Sales_2017` is AdventureWorks_Sales_2017.csv."""
        file = self.landing / source / (f"AdventureWorks_{name}.csv" if source == "adventureworks" else name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("windows-1252"))
        return file

    def land_lines(self, name: str, header: str, *lines: str) -> Path:
        """Drop a CSV file with CRLF."""
        return self.land(name, "".join(f"{line}\r\n" for line in (header, *lines)))

    def run(
        self,
        *,
        as_of: date | None = None,
        make_landing: bool = True,
        prepare: Any = None,
        work: Any = None,
        copy_from: Any = None,
        show: bool = False,
        resolved: bool = False,
        **asked: Any,
    ) -> Outcome:
        """Run the layers and catch what is printed, in a terminal 200 columns wide.

        Who is who is left out unless it is to be `resolved`: a customer is then a record, which most tests are about.
        """
        if make_landing:
            self.landing.mkdir(parents=True, exist_ok=True)
        out = io.StringIO()
        console = Console(file=out, width=200)
        settings = self.settings(**({"as_of": as_of} if as_of else {}))
        request = requested(settings.contracts, **(asked if resolved else unresolved(asked)))
        options = {"prepare": prepare, "work": work, "copy_from": copy_from, "show": show}
        status = run_layers(settings, lambda: self.spark, request, console=console, **options)
        return Outcome(status, out.getvalue())

    def plan(self, *, copy_from: Path | None = None, resolved: bool = False, **asked: Any) -> Outcome:
        """What a run would do, in a terminal 200 columns wide."""
        out = io.StringIO()
        settings = self.settings()
        status = show_plan(
            settings, lambda: self.spark,
            requested(settings.contracts, **(asked if resolved else unresolved(asked))),
            copy_from=copy_from, console=Console(file=out, width=200),
        )  # fmt: skip
        return Outcome(status, out.getvalue())

    def read(self, table: str) -> DataFrame:
        """A table by its name, e.g. `silver.adventureworks_sales`."""
        return self.spark.read.format("delta").load(str(self.root.joinpath(*table.split("."))))

    def rows(self, table: str, *columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Some columns of a table (SQL expressions) as sorted tuples."""
        return sorted((tuple(row) for row in self.read(table).filter(where).selectExpr(*columns).collect()), key=str)

    def versions(self) -> dict[str, int]:
        """The newest version of every table of bronze, silver and gold."""
        found = {}
        for log in sorted(self.root.glob("*/*/_delta_log")):
            name = f"{log.parent.parent.name}.{log.parent.name}"
            snapshot = snapshot_of(self.spark, str(log.parent))
            if snapshot is not None and not name.startswith("ops."):
                found[name] = snapshot.version
        return found

    def copy(self, root: Path) -> "Lake":
        """The same lake, landing included, in another folder."""
        shutil.copytree(self.root, root)
        return Lake(self.spark, root, self.conf)


def assert_rows(frame: DataFrame, columns: Sequence[str], expected: Iterable[tuple[Any, ...]]) -> None:
    """The frame's rows, in any order, are exactly these; `columns` may be SQL expressions."""
    found = sorted((tuple(row) for row in frame.selectExpr(*columns).collect()), key=str)
    assert found == sorted(expected, key=str)


def bronze_rows(spark: SparkSession, contract: Contract, *rows: dict[str, Any]) -> DataFrame:
    """Rows of bronze: texts by source name (in JSON by path, `product.id`, or as the object that landed), `_rescued`,
    and `_at` for the file's time; the rest is filled."""
    is_json = contract.format == "json"
    known = {tuple(name.split(".") if is_json else [name]) for name in (*contract.source_columns.values(), "_rescued")}
    values = []
    for position, row in enumerate(rows):
        record: dict[str, Any] = {}
        for path, text in _leaves(row, is_path=is_json):
            assert path in known | {("_at",)}, f"no such column: {'.'.join(path)}"
            *parents, name = map(bronze_name, path)
            reduce(lambda node, parent: node.setdefault(parent, {}), parents, record)[name] = text
        lineage = {"_source_file": "f.csv", "_source_modified_at": record.pop("_at", "2017-01-01")}
        values.append({**record, **lineage, "_batch_id": 1, "_row_id": position})
    times = ("_source_modified_at", "_ingested_at")
    schema = f"{raw_schema(contract)}, _source_file STRING, {times[0]} STRING, {times[1]} STRING"
    frame = spark.createDataFrame(values, f"{schema}, _run_id BIGINT, _batch_id BIGINT, _row_id BIGINT")
    return frame.withColumns({name: frame[name].cast("timestamp") for name in times})


def _leaves(record: dict[str, Any], *, is_path: bool) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in record.items():
        path = tuple(name.split(".")) if is_path else (name,)
        if isinstance(value, dict):
            yield from (((*path, *below), leaf) for below, leaf in _leaves(value, is_path=is_path))
        else:
            yield path, value


def rows_of(spark: SparkSession, schema: str, defaults: dict[str, Any]) -> Callable[..., DataFrame]:
    """A builder of frames of one schema: each row is a dict of what matters, `defaults` fill the rest."""
    names = [part.split()[0] for part in _split(schema)]

    def build(*rows: dict[str, Any]) -> DataFrame:
        unknown = {name for row in rows for name in row} - set(names)
        assert not unknown, f"no such column: {unknown}"
        return spark.createDataFrame([tuple({**defaults, **row}.get(name) for name in names) for row in rows], schema)

    return build


def _split(schema: str) -> list[str]:
    """The columns of a DDL schema; a comma inside `decimal(12,2)` does not part."""
    parts, depth = [""], 0
    for mark in schema:
        depth += (mark == "(") - (mark == ")")
        if mark == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += mark
    return [part.strip() for part in parts]
