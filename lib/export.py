"""All that a lake knows of a person, as JSON: what the person may ask for (GDPR, article 15)."""

from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from lib.config import Settings
from lib.gold.registry import gold_tables
from lib.identity.tables import DECISIONS, EVENTS, LINKS, RECORDS, REVIEW, SCHEMAS
from lib.persons import find, former_ids, named, rows_of
from lib.tables import Tables

_PAIRS = (LINKS, REVIEW, DECISIONS)


def export(tables: Tables, settings: Settings, asked: str) -> dict[str, dict[str, Any]]:
    """All rows of the person who is asked for by an id of any kind (`lib.persons.find`), by layer and table.

    `customer`: the id in gold, former ids, records; `gold`, `identity`, `silver` with the histories, `quarantine`,
    `bronze`: lists of rows, of bronze and quarantine as they landed. Tables without such a row are left out. Rows of
    other people who live or buy in the same place are none of them.

    Raises:
        LakehouseError: if nobody has this id, or several do.
    """
    customer_id = find(tables, asked)
    is_the_one = F.col("customer_id") == customer_id
    [known] = tables.read("gold.dim_customers").filter("is_current").filter(is_the_one).collect()
    source_ids = known["source_ids"]
    people = {name: _rows(tables, name, SCHEMAS[name], F.col("key").isin(*source_ids)) for name in (RECORDS, EVENTS)}
    of_pair = F.col("key_l").isin(*source_ids) | F.col("key_r").isin(*source_ids)
    people |= {name: _rows(tables, name, SCHEMAS[name], of_pair) for name in _PAIRS}
    gold = {
        name: rows_of(tables.read(f"gold.{name}").filter(is_the_one))
        for name, table in gold_tables().items()
        if "customer_id" in table.columns and tables.snapshot(f"gold.{name}") is not None
    }
    found: dict[str, dict[str, list[dict[str, Any]]]] = {"silver": {}, "quarantine": {}, "bronze": {}}
    for each in named(settings, source_ids):
        entity = each.contract.table
        places = [("silver", f"silver.{entity}", each.in_silver), ("bronze", f"bronze.{entity}", each.in_bronze)]
        places.append(("quarantine", f"silver.{entity}_quarantine", each.in_quarantine))
        if each.contract.history:
            places.append(("silver", f"silver.{each.contract.history_table}", each.in_silver))
        for layer, name, of_person in places:
            if tables.snapshot(name) is not None:
                rows = tables.read(name, with_tombstones=layer == "silver")
                found[layer][name.partition(".")[2]] = rows_of(of_person(rows))
    layers = {"gold": gold, "identity": {name.partition(".")[2]: rows for name, rows in people.items()}, **found}
    return {
        "customer": {
            "customer_id": customer_id,
            "former_ids": former_ids(tables, customer_id),
            "records": source_ids,
        },
        **{layer: {name: rows for name, rows in of.items() if rows} for layer, of in layers.items()},
    }


def _rows(tables: Tables, name: str, schema: str, condition: Column) -> list[dict[str, Any]]:
    return rows_of(tables.read_or_empty(name, schema).filter(condition))
