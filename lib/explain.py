"""Why gold says what it says of a customer: records, how they were joined, what rules did, what adds up to a figure.

Reads the tables of a lake and changes nothing. An explanation is a dict that JSON can hold, see `explain`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from rich.console import Console

from lib import quality, silver
from lib.bronze import texts_of
from lib.config import Settings
from lib.contract import Contract
from lib.errors import LakehouseError
from lib.figures import FACTS, FIGURES, Fact
from lib.gold import measures
from lib.gold.golden import GROUPS
from lib.gold.ids import id_of
from lib.gold.registry import gold_tables
from lib.identity.tables import EVENTS, SCHEMAS
from lib.persons import described, find, named, rows_of
from lib.silver import ADDRESS
from lib.tables import Tables
from lib.terminal import print_rows


def explain(
    tables: Tables, settings: Settings, asked: str, *, column: str | None = None, limit: int = 20
) -> dict[str, Any]:
    """All that there is to say of a customer, who is asked for by an id of any kind (`lib.persons.find`).

    `customer`: id, name, systems and former ids; `records`: each row of silver that describes them, with its file and
    address in bronze; `joins`: how each record came to be this customer; `values`: what counts, from which record, by
    which rule; `changed`: values that are others than what landed, and why; `warned`: rules that a row fails and that
    part none; `quarantine`: rows that name the customer and were parted; with a `column`, `figure`: its definition, its
    value, what its rows come to and `limit` of the rows.

    Raises:
        LakehouseError: if nobody has this id, several do, or the column cannot be explained.
    """
    customer_id = find(tables, asked)
    [customer] = rows_of(tables.read("gold.customer_360").filter(F.col("customer_id") == customer_id)) or [{}]
    if not customer:
        raise LakehouseError(f"customer {customer_id}: was deleted in every system; gold has their facts no more")
    source_ids = customer["source_ids"]
    records = _records(tables, settings, source_ids)
    return {
        "customer": {name: customer[name] for name in ("customer_id", "full_name", "systems", "former_ids", "as_of")}
        | {"asked": asked},
        "records": records,
        "joins": _joins(tables, source_ids),
        "values": _values(tables, settings, customer_id),
        **_by_rules(tables, settings, records),
        "quarantine": _quarantine(tables, settings, source_ids),
        **({"figure": figure_of(tables, customer, column, limit=limit)} if column else {}),
    }


def _records(tables: Tables, settings: Settings, source_ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in described(settings, source_ids):
        contract = each.contract
        silver_rows = tables.read_or_empty(f"silver.{contract.table}", silver.schema_of(contract))
        rows = each.in_silver(silver_rows).select(
            id_of(contract.source, each.column).alias("record"),
            F.lit(contract.table).alias("entity"),
            F.col("_source_file").alias("file"),
            F.col("_source_modified_at").alias("file_modified_at"),
            *ADDRESS,
        )
        found += rows_of(rows.orderBy("record", *ADDRESS))
    return found


def _joins(tables: Tables, source_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What became of each record's id, in order: created, joined, merged or split; by which rule, with what score."""
    events = tables.read_or_empty(EVENTS, SCHEMAS[EVENTS]).filter(F.col("key").isin(*source_ids))
    return rows_of(events.withColumnRenamed("key", "record").orderBy("run_id", "record"))


def _values(tables: Tables, settings: Settings, customer_id: str) -> list[dict[str, Any]]:
    is_the_one = F.col("customer_id") == customer_id
    [row] = rows_of(tables.read("gold.dim_customers").filter("is_current").filter(is_the_one))
    rules = settings.measures["survivorship"]
    return [
        {"group": group, "values": {name: row[name] for name in names}, "record": row[f"{group}_source"], "rule": rule}
        for group, names in GROUPS.items()
        if row[f"{group}_source"] is not None
        for rule in [rules[group] if isinstance(rules[group], str) else f"sources: {', '.join(rules[group])}"]
    ]


def _by_rules(tables: Tables, settings: Settings, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`changed` and `warned`, from the rows of bronze that the records are."""
    changed: list[dict[str, Any]] = []
    warned: list[dict[str, Any]] = []
    for entity in dict.fromkeys(record["entity"] for record in records):
        contract = settings.contracts[entity]
        of_entity = {tuple(each[name] for name in ADDRESS): each for each in records if each["entity"] == entity}
        at = [(F.col("_batch_id") == batch) & (F.col("_row_id") == row) for batch, row in of_entity]
        bronze = tables.read(f"bronze.{entity}").filter(reduce(Column.__or__, at))
        texts = rows_of(
            bronze.select(*ADDRESS, *[text.alias(name) for name, text in texts_of(bronze, contract).items()])
        )
        judged = {
            tuple(row[name] for name in ADDRESS): row
            for row in rows_of(
                quality.judge(bronze, contract).select(
                    *ADDRESS, "dq_failed", *[F.col(name).cast("string").alias(name) for name in contract.columns]
                )
            )
        }
        for text in texts:
            address = tuple(text[name] for name in ADDRESS)
            record, values = of_entity[address], judged[address]
            said = {"record": record["record"], "entity": entity, "file": record["file"]}
            changed += [
                {**said, "column": name, "landed": text[name], "became": values[name], "by": by}
                for name in contract.columns
                if text[name] != values[name] and (by := _ways(contract, name))
            ]
            warned += [
                {**said, "rule": name, "message": contract.rules[name].message}
                for name in values["dq_failed"]
                if name in contract.rules
            ]
    return {"changed": changed, "warned": warned}


def _ways(contract: Contract, name: str) -> str:
    """What a contract does to a column's text beside casting it, in words; empty if nothing."""
    column = contract.columns[name]
    ways = {
        "clean": column.clean,
        "nulls": ", ".join(column.nulls) if column.nulls else None,
        "formats": ", ".join(column.formats) if column.formats else None,
        "default": column.default,
    }
    return "; ".join(f"{way}: {how}" for way, how in ways.items() if how is not None)


def _quarantine(tables: Tables, settings: Settings, source_ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for each in named(settings, source_ids):
        entity = each.contract.table
        if tables.snapshot(f"silver.{entity}_quarantine") is None:
            continue
        rows = each.in_quarantine(tables.read(f"silver.{entity}_quarantine")).select(
            F.lit(entity).alias("entity"), "status", F.col("dq_errors").alias("reasons"),
            F.col("_source_file").alias("file"), *ADDRESS,
        )  # fmt: skip
        found += rows_of(rows.orderBy(*ADDRESS))
    return found


def figure_of(tables: Tables, customer: Mapping[str, Any], column: str, *, limit: int) -> dict[str, Any]:
    """The part `figure` of an explanation, of a row of customer_360.

    Raises:
        LakehouseError: if no rows add up to the column.
    """
    if column not in FIGURES:
        raise LakehouseError(
            f"column {column}: no rows add up to it; there are {', '.join(FIGURES)} (what a record says is among the "
            "values)"
        )
    figure = FIGURES[column]
    fact = FACTS[figure.fact]
    of_customer = tables.read(f"gold.{figure.fact}").filter(F.col("customer_id") == customer["customer_id"])
    # sales later than the day of customer_360 do not count in it; the contact centre's do, unless a day was asked for
    facts = of_customer.withColumn("as_of", F.lit(customer["as_of"]))
    counted = facts.filter(f"{fact.day} <= as_of") if figure.fact == "fact_sales" else facts
    rows = (measures.orders_of(counted) if figure.of_orders else counted).filter(figure.where)
    type_name = dict(tables.read("gold.customer_360").dtypes)[column]
    [(total, n_rows)] = rows.agg(F.expr(f"CAST({figure.total} AS {type_name})"), F.count(F.lit(1))).collect()
    newest = rows.orderBy(
        F.desc(fact.day), *[name for name in fact.shown if name.endswith("_id") and name in rows.columns]
    )
    shown = newest.limit(limit)
    return {
        "column": column,
        "definition": gold_tables()["customer_360"].columns[column],
        "value": customer[column],
        "from": f"gold.{figure.fact}" + (", as orders" if figure.of_orders else ""),
        "total": figure.total,
        "where": figure.where,
        "rows": n_rows,
        "comes_to": total,
        "adds_up": total == customer[column],
        "shown": rows_of(shown) if figure.of_orders else _with_files(tables, shown, fact),
    }


def _with_files(tables: Tables, rows: DataFrame, fact: Fact) -> list[dict[str, Any]]:
    """The rows, in their order, each with the file that it came in."""
    found = rows_of(rows.select(*fact.shown))
    files: dict[tuple[str, ...], str] = {}
    for source, (entity, key) in fact.rows_of.items():
        wanted = {str(row[next(iter(key.values()))]) for row in found if row["source"] == source}
        if wanted:
            landed = tables.read(f"silver.{entity}").filter(F.col(next(iter(key))).isin(*wanted))
            for row in landed.select(*[F.col(name).cast("string") for name in key], "_source_file").collect():
                place = (source, *row[:-1])
                files[place] = row["_source_file"]

    def address(row: Mapping[str, Any]) -> tuple[str, ...]:
        return (row["source"], *(str(row[name]) for name in fact.rows_of[row["source"]][1].values()))

    return [{**row, "file": files.get(address(row))} for row in found]


def print_explanation(console: Console, said: Mapping[str, Any]) -> None:
    """An explanation for a person, a table for each of its parts that has something to say."""
    customer = said["customer"]
    former = f", formerly {', '.join(customer['former_ids'])}" if customer["former_ids"] else ""
    line = (
        f"{customer['customer_id']}  {customer['full_name'] or '(no name)'}  {', '.join(customer['systems'])}{former}"
    )
    console.print(line, style="bold", highlight=False, markup=False, soft_wrap=True)
    for title, part, columns in _TABLES:
        rows = [[_shown(row[name]) for name in columns] for row in said[part]]
        if rows:
            console.print()
            print_rows(console, title, columns, rows)
    figure = said.get("figure")
    if figure:
        console.print()
        console.print(f"{figure['column']}: {figure['definition']}", highlight=False, markup=False, soft_wrap=True)
        is_so = "adds up" if figure["adds_up"] else f"DOES NOT ADD UP: customer_360 says {figure['value']}"
        of = f"{figure['total']} over {figure['rows']:,} rows of {figure['from']}"
        where = "" if figure["where"] == "true" else f" where {figure['where']}"
        console.print(f"{figure['comes_to']} = {of}{where}: {is_so}", highlight=False, markup=False, soft_wrap=True)
        if figure["shown"]:
            names = list(figure["shown"][0])
            newest = f"the newest {len(figure['shown']):,} of them"
            print_rows(console, newest, names, [[_shown(row[name]) for name in names] for row in figure["shown"]])


_TABLES = (
    ("records that describe this customer", "records", ("record", "entity", "file", "_batch_id", "_row_id")),
    (
        "how they came to be one",
        "joins",
        ("record", "event", "before", "customer_id", "linked_to", "rule", "score", "run_id"),
    ),
    ("what counts", "values", ("group", "values", "record", "rule")),
    ("values that are others than what landed", "changed", ("record", "column", "landed", "became", "by")),
    ("rules that warn", "warned", ("record", "rule", "message", "file")),
    ("rows in quarantine", "quarantine", ("entity", "status", "reasons", "file", "_batch_id", "_row_id")),
)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    # what is left of numbers are addresses, which want no commas, and scores
    return f"{value:.4f}" if isinstance(value, float) else str(value) if isinstance(value, int) else value
