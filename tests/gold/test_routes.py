"""What is computed again by key is what a full rebuild would give, for every table and whatever changed."""

import os
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from lib.config import read_contracts
from lib.gold import routes
from lib.gold.registry import GoldTable, gold_table, gold_tables
from lib.gold.routes import By, Mapped, Via
from tests.builders import CONF, assert_rows
from tests.gold.builders import SETTINGS, Row, frame

Rows = dict[str, list[Row]]

HISTORIES = {each.history_table: each for each in read_contracts(CONF / "contracts")[0].values() if each.history}

EXAMPLES = int(os.environ.get("LAKEHOUSE_EXAMPLES", "1"))
"""Nights to try, each of some hundred keys; more of them by hand."""

KEYED = {name: table for name, table in gold_tables().items() if table.key}
GRAINS = {
    "adventureworks_customers_history": ["customer_key", "_source_modified_at"],
    "adventureworks_products_history": ["product_key", "_source_modified_at"],
    "adventureworks_returns": ["return_date", "territory_key", "product_key"],
    "adventureworks_sales": ["order_number", "order_line"],
    "crm_addresses": ["address_id"],
    "crm_agents": ["agent_id"],
    "crm_customers_history": ["customer_id", "updated_at"],
    "crm_exchange_rates": ["currency", "valid_from"],
    "crm_interactions": ["interaction_id"],
    "crm_payments": ["payment_id"],
    "crm_phones": ["phone_id"],
    "customer_identities": ["source", "source_customer_id"],
    "pos_customers_history": ["customer_id", "updated_at"],
    "pos_sales": ["transaction_id"],
    "pos_sales_people": ["sales_person_id"],
}
"""The silver tables that change between two nights, and their keys."""


def some_day(dice: Random) -> str:
    return f"2017-{dice.randint(1, 6):02d}-{dice.randint(1, 28):02d}"


def maybe(dice: Random, value: Any) -> Any:
    return value if dice.random() > 0.1 else None


def version(dice: Random) -> Row:
    return {"_source_modified_at": f"{some_day(dice)}T00:00:00Z", "_is_live": dice.random() > 0.1}


def product(dice: Random, number: int) -> Row:
    # a SKU in two spellings, which several products may share
    sku = dice.choice(["sku{}", " SKU{} "]).format(dice.randint(1, 12))
    group = maybe(dice, dice.randint(1, 3))
    price = maybe(dice, dice.randint(0, 99))
    said = {"product_key": number % 12 + 1, "sku": maybe(dice, sku), "subcategory_key": group, "unit_price": price}
    return {**said, **version(dice)}


def web_line(dice: Random, order: int, number: int) -> Row:
    return {
        "order_number": f"SO{order}", "order_line": number, "customer_key": order % 40, "order_date": some_day(dice),
        "product_key": dice.randint(1, 12), "territory_key": maybe(dice, dice.randint(1, 5)),
        "quantity": dice.randint(1, 9),
    }  # fmt: skip


def identity(dice: Random, number: int) -> Row:
    """Of most customers; several of them are one person, and who is who may change."""
    source, key = [("adventureworks", "{}"), ("pos", "C{}"), ("crm", "P{}")][number % 3]
    return {
        "source": source, "source_customer_id": key.format(number // 3), "customer_id": f"K{dice.randint(1, 60)}",
    }  # fmt: skip


def contact(dice: Random) -> Row:
    """What a phone and an address have in common."""
    begun, ended = dice.choice([None, some_day(dice)]), dice.choice([None, None, some_day(dice), "2018-01-01"])
    known = {"customer_id": f"P{dice.randint(1, 40)}", "updated_at": "2017-07-01T00:00:00Z"}
    return {**known, "valid_from": begun, "valid_to": ended if not begun or not ended or begun <= ended else None}


def receipt(dice: Random, number: int) -> Row:
    return {
        "transaction_id": f"T{number}", "customer_id": f"C{dice.randint(1, 50)}", "price": dice.randint(0, 99),
        "product_id": f"Sku{dice.randint(1, 15)}", "store_id": maybe(dice, f"S{dice.randint(1, 5)}"),
        "sales_person_id": maybe(dice, f"P{dice.randint(1, 9)}"), "quantity": dice.randint(1, 9),
        "discount": dice.choice([0, 0.25]), "sold_at": f"{some_day(dice)}T23:00:00Z",
        "category": dice.choice(["Gifts", "Mugs"]), "updated_at": f"{some_day(dice)}T23:30:00Z",
    }  # fmt: skip


ROW_OF: dict[str, Callable[[Random, int], Row]] = {
    "adventureworks_customers_history": lambda dice, n: {
        "customer_key": n % 30,
        "first_name": dice.choice([None, "Ada", "Grace"]),
        **version(dice),
    },
    "adventureworks_products_history": product,
    "adventureworks_returns": lambda dice, n: {
        "product_key": n % 14,
        "territory_key": n % 6,
        "quantity": dice.randint(1, 3),
        "return_date": f"2017-01-{n % 28 + 1:02d}",
    },
    "adventureworks_sales": lambda dice, n: web_line(dice, n // 3, n % 3),
    "crm_addresses": lambda dice, n: {
        "address_id": f"D{n}",
        "type": dice.choice(["home", "billing"]),
        "city": dice.choice(["Leeds", "York"]),
        **contact(dice),
    },
    "crm_agents": lambda dice, n: {"agent_id": f"A{n}", "name": dice.choice(["Ada", "Alan"])},
    "crm_customers_history": lambda dice, n: {
        "customer_id": f"P{n % 30}",
        "last_name": dice.choice([None, "Byron", "Lovelace"]),
        **version(dice),
        "updated_at": f"{some_day(dice)}T00:00:00Z",
    },
    "crm_exchange_rates": lambda dice, n: {
        "currency": dice.choice(["USD", "EUR", "GBP"]),
        "valid_from": f"2017-0{n % 6 + 1}-01",
        "rate": dice.randint(1, 9),
    },
    "crm_interactions": lambda dice, n: {
        "interaction_id": f"I{n}",
        "customer_id": f"P{dice.randint(1, 40)}",
        "agent_id": f"A{dice.randint(1, 12)}",
        "channel": dice.choice(["phone", "chat"]),
        "satisfaction": maybe(dice, dice.randint(1, 5)),
        "follow_up_due_on": maybe(dice, some_day(dice)),
        "follow_up_done_on": maybe(dice, some_day(dice)),
    },
    "crm_payments": lambda dice, n: {
        "payment_id": f"Y{n}",
        "customer_id": f"P{dice.randint(1, 40)}",
        "amount": dice.randint(1, 99),
        "currency": dice.choice(["USD", "EUR", "GBP"]),
        "status": dice.choice(["settled", "failed", "pending"]),
        "paid_on": some_day(dice),
    },
    "crm_phones": lambda dice, n: {
        "phone_id": f"N{n}",
        "type": dice.choice(["mobile", "work"]),
        "number": f"555 {n}",
        **contact(dice),
    },
    "customer_identities": identity,
    "pos_customers_history": lambda dice, n: {
        "customer_id": f"C{n % 40}",
        "name": dice.choice([None, "Alan", "Edsger"]),
        **version(dice),
        "updated_at": f"{some_day(dice)}T00:00:00Z",
    },
    "pos_sales": receipt,
    "pos_sales_people": lambda dice, n: (
        {"sales_person_id": f"P{n}", "name": f"Alan {dice.random()}"} | {"store_id": f"S{dice.randint(1, 6)}"}
    ),
}
SIZES = {
    "adventureworks_customers_history": 60, "adventureworks_products_history": 24, "adventureworks_returns": 40,
    "adventureworks_sales": 300, "crm_addresses": 40, "crm_agents": 9, "crm_customers_history": 60,
    "crm_exchange_rates": 18, "crm_interactions": 120, "crm_payments": 120, "crm_phones": 50,
    "customer_identities": 110, "pos_customers_history": 80, "pos_sales": 300, "pos_sales_people": 8,
}  # fmt: skip
FIXED: Rows = {
    "adventureworks_calendar": [{}],
    "adventureworks_product_categories": [{"category_key": 1}, {"category_key": 2, "category_name": "Clothing"}],
    "adventureworks_product_subcategories": [{"subcategory_key": 1}, {"subcategory_key": 2, "category_key": 2}],
    "adventureworks_territories": [{"territory_key": 1}, {"territory_key": 2, "region": None, "country": None}],
    "former_customer_ids": [{}],
    "pos_stores": [{"store_id": f"S{n}", "country": f"Country {n % 3}"} for n in range(1, 5)],
}


def first_night(dice: Random) -> Rows:
    return {name: [ROW_OF[name](dice, n) for n in range(1, size + 1)] for name, size in SIZES.items()}


def next_night(before: Rows, dice: Random) -> Rows:
    """Some tables with rows that are new, others or gone; the more, the larger the table."""
    after = {}
    for name, rows in before.items():
        share = dice.choice([0, 0, 0.02, 0.1])
        kept = [
            row if dice.random() > share else ROW_OF[name](dice, n)
            for n, row in enumerate(rows, 1)
            if dice.random() > share / 2
        ]
        new = range(len(rows) + 1, len(rows) + 1 + round(share * len(rows)))
        after[name] = [*kept, *[ROW_OF[name](dice, n) for n in new]]
    return after


def unique(rows: list[Row], grain: list[str]) -> list[Row]:
    return list({tuple(row[part] for part in grain): row for row in rows}.values())


class Night:
    """The silver tables of a night and every gold table made of them in full, as Parquet files: plans stay small."""

    def __init__(self, spark: SparkSession, folder: Path, silver: Rows) -> None:
        self.spark, self.folder = spark, folder
        self._frames: dict[str, DataFrame] = {}
        for name, rows in {**{name: unique(rows, GRAINS[name]) for name, rows in silver.items()}, **FIXED}.items():
            self._keep(name, frame(spark, name, *rows))
        waiting = dict(gold_tables())
        while waiting:
            for name, table in [*waiting.items()]:
                if not any(each in waiting for each in table.inputs):
                    self._keep(name, table.function(**self.inputs(table), **values(table)))
                    del waiting[name]

    def inputs(self, table: GoldTable) -> dict[str, DataFrame]:
        return {each: self.frame(each) for each in table.inputs if each not in SETTINGS}

    def frame(self, name: str) -> DataFrame:
        return self._frames[name]

    def rows(self, name: str) -> list[Row]:
        rows: list[Row] = pq.read_table(self.folder / name).to_pylist()
        return rows

    def changed_rows(self, name: str, before: "Night") -> DataFrame | None:
        """The net changes since another night, None where there are none."""
        then, now = before.rows(name), self.rows(name)
        if not apart(then, now):
            return None
        if name in HISTORIES:
            touched = self.frame(name).unionByName(before.frame(name))
            return routes.changed_intervals(before.frame(name), self.frame(name), touched, HISTORIES[name])
        file = self.folder / f"{name} changed.parquet"
        if not file.exists():
            came = [{**row, "_came": 1} for row in missing_in(then, now)]
            gone = [{**row, "_came": -1} for row in missing_in(now, then)]
            schema = pq.read_table(self.folder / name).schema.append(pa.field("_came", pa.int64())).remove_metadata()
            # Spark writes its moments as INT96, which Arrow reads as nanoseconds
            pq.write_table(pa.Table.from_pylist([*came, *gone], schema=schema), file, coerce_timestamps="us")
        kept = StructType([*self.frame(name).schema.fields, StructField("_came", LongType())])
        return self.spark.read.schema(kept).parquet(str(file))

    def _keep(self, name: str, made: DataFrame) -> None:
        made.coalesce(1).write.parquet(str(self.folder / name))
        self._frames[name] = self.spark.read.schema(made.schema).parquet(str(self.folder / name))


def values(table: GoldTable) -> dict[str, Any]:
    return {each: SETTINGS[each] for each in table.inputs if each in SETTINGS}


def missing_in(here: list[Row], there: list[Row]) -> list[Row]:
    known = {str(sorted(row.items())) for row in here}
    return [row for row in there if str(sorted(row.items())) not in known]


def apart(one: list[Row], other: list[Row]) -> list[Row]:
    """The rows of each that the other one lacks."""
    return [*missing_in(one, other), *missing_in(other, one)]


def followed(table: GoldTable, before: Night, after: Night) -> tuple[list[Row], int]:
    """The table of the first night, brought to the second by the keys that changed; and the number of those."""
    inputs = after.inputs(table)
    feeds = {each: after.changed_rows(each, before) for each in inputs}
    changed = {each: rows for each, rows in feeds.items() if rows is not None}
    known = routes.known_keys(before.frame(table.name), table.key)
    rows = routes.keys_of(changed, inputs, table.routes, known=known).persist()
    keys = routes.counted(rows)
    again = table.function(**routes.restricted(inputs, keys, table.routes), **values(table))
    old = before.frame(table.name)
    same = [F.expr(part).eqNullSafe(F.col(f"_key_{n}")) for n, part in enumerate(table.key)]
    left = old.join(rows, reduce(Column.__and__, same), how="left_anti")
    try:
        found = left.unionByName(routes.of_keys(again, keys, table.key)).toArrow().to_pylist()
        return found, keys.count
    finally:
        rows.unpersist()


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32))
def test_following_the_changes_of_a_night_gives_what_a_full_rebuild_gives(spark: SparkSession, seed: int) -> None:
    dice = Random(seed)
    silver = first_night(dice)
    with TemporaryDirectory() as folder:
        before = Night(spark, Path(folder) / "before", silver)
        after = Night(spark, Path(folder) / "after", next_night(silver, dice))
        changed = {
            each for table in KEYED.values() for each in before.inputs(table) if after.changed_rows(each, before)
        }
        tried = [table for table in KEYED.values() if changed & {*table.inputs}]
        for table in tried:
            if changed & {*table.inputs} <= {*table.routes}:
                found, n_keys = followed(table, before, after)
                expected = after.frame(table.name).toArrow().to_pylist()
                assert (table.name, apart(found, expected), len(found)) == (table.name, [], len(expected))
                event(f"{table.name}: {n_keys} keys")


def keys_of(changed: dict[str, DataFrame], inputs: dict[str, DataFrame], ways: dict[str, routes.Route]) -> DataFrame:
    """The keys, of a table that has the one named `known` so far."""
    known = next(iter(changed.values())).sparkSession.sql("SELECT 'known' AS _key_0")
    return routes.keys_of(changed, inputs, ways, known=known)


def test_a_row_that_only_names_a_known_key_changes_nothing_until_there_is_one_less(spark: SparkSession) -> None:
    named = spark.sql(
        "SELECT * FROM VALUES ('known', 1, 1L), ('known', 2, 1L), ('new', 3, 1L), ('less', 4, -1L), "
        "('same', 5, -1L), ('same', 6, 1L), (NULL, 7, 1L) AS t(store, sale, _came)"
    )
    ways: dict[str, routes.Route] = {"sales": By(("store",), names_only=True)}
    assert_rows(keys_of({"sales": named}, {}, ways), ["_key_0"], [("new",), ("less",), (None,)])


def test_a_key_of_which_nothing_holds_now_is_not_known(spark: SparkSession) -> None:
    rows = spark.sql("SELECT * FROM VALUES ('was', false), ('is', true), ('is', false) AS t(id, is_current)")
    assert_rows(routes.known_keys(rows, ["id"]), ["_key_0"], [("is",)])
    assert_rows(routes.known_keys(rows.drop("is_current"), ["id"]), ["_key_0"], [("was",), ("is",)])


def test_a_changed_row_leads_to_its_key_and_to_that_of_the_rows_which_it_is_joined_with(spark: SparkSession) -> None:
    inputs = {
        "sales": spark.sql("SELECT * FROM VALUES ('o1', 1), ('o2', 1), ('o3', 2), ('o4', NULL) AS t(id, product)"),
        "products": spark.sql("SELECT * FROM VALUES (1), (2), (NULL) AS t(product)"),
    }
    ways: dict[str, routes.Route] = {"sales": "id", "products": Via("sales", here="product", there="product")}
    changed = {"products": spark.sql("SELECT 1 AS product UNION ALL SELECT NULL")}
    assert_rows(keys_of(changed, inputs, ways), ["_key_0"], [("o1",), ("o2",)])
    both = {**changed, "sales": spark.sql("SELECT 'o9' AS id, 2 AS product UNION ALL SELECT 'o1', 2")}
    keys = keys_of(both, inputs, ways)
    assert_rows(keys, ["_key_0"], [("o1",), ("o2",), ("o9",)])
    cut = routes.restricted(inputs, routes.Keys(keys), ways)
    assert_rows(cut["sales"], ["id"], [("o1",), ("o2",)])
    assert cut["products"] is inputs["products"]


def test_a_change_of_what_a_function_does_not_read_is_none(spark: SparkSession) -> None:
    inputs = {"sales": spark.sql("SELECT * FROM VALUES ('o1', 1), ('o2', 2) AS t(id, product)")}
    ways: dict[str, routes.Route] = {
        "sales": "id",
        "products": Via("sales", here="CASE WHEN is_sold THEN product END", there="product", reads=("category",)),
    }
    changed = spark.sql(
        "SELECT * FROM VALUES (1, true, 'Bikes', 5, -1L), (1, true, 'Bikes', 6, 1L), (2, true, 'Bikes', 5, -1L), "
        "(2, true, 'Caps', 5, 1L), (3, false, 'Caps', 5, 1L) AS t(product, is_sold, category, price, _came)"
    )
    assert_rows(keys_of({"products": changed}, inputs, ways), ["_key_0"], [("o2",)])
    of_products: dict[str, routes.Route] = {"products": By(("product",), reads=("category",))}
    assert_rows(keys_of({"products": changed}, {}, of_products), ["_key_0"], [(2,), (3,)])


def test_a_mapped_row_leads_to_the_key_that_the_mapping_gives_or_to_itself_where_that_has_none(
    spark: SparkSession,
) -> None:
    inputs = {
        "people": spark.sql("SELECT * FROM VALUES ('C1', 'K1'), ('C2', 'K1'), ('C3', 'K3') AS t(card, person)"),
        "sales": spark.sql("SELECT * FROM VALUES ('C1'), ('C2'), ('C3'), ('C4'), (NULL) AS t(card)"),
    }
    to_person = Mapped("people", here="card", there="card", to="person")
    ways: dict[str, routes.Route] = {"sales": to_person, "people": ["person", "card"]}
    changed = {"sales": spark.sql("SELECT * FROM VALUES ('C2', 1L), ('C4', 1L) AS t(card, _came)")}
    keys = keys_of(changed, inputs, ways)
    assert_rows(keys, ["_key_0"], [("K1",), ("C4",)])
    cut = routes.restricted(inputs, routes.Keys(keys), ways)
    assert_rows(cut["sales"], ["card"], [("C1",), ("C2",), ("C4",)])
    assert cut["people"] is inputs["people"]
    # both whom the card was and whom it is now
    moved = {"people": spark.sql("SELECT * FROM VALUES ('C2', 'K1', -1L), ('C2', 'K2', 1L) AS t(card, person, _came)")}
    assert_rows(keys_of(moved, inputs, ways), ["_key_0"], [("K1",), ("K2",), ("C2",)])


def test_a_row_that_is_written_again_as_it_was_is_no_change(spark: SparkSession) -> None:
    feed = spark.sql(
        "SELECT * FROM VALUES (1, 'a', 'b1', 'update_preimage'), (1, 'a', 'b2', 'update_postimage'), "
        "(2, 'a', 'b1', 'update_preimage'), (2, 'c', 'b2', 'update_postimage'), (3, 'd', 'b2', 'insert'), "
        "(3, 'd', 'b2', 'delete'), (4, 'e', 'b1', 'delete') AS t(id, name, _source_file, _change_type)"
    )
    assert_rows(routes.net_changes(feed), ["id", "name", "_came"], [(2, "a", -1), (2, "c", 1), (4, "e", -1)])


def test_an_input_with_two_ways_to_the_key_stays_whole(spark: SparkSession) -> None:
    inputs = {"products": spark.sql("SELECT * FROM VALUES (1, 'a'), (2, 'b') AS t(product, sku)")}
    ways: dict[str, routes.Route] = {"products": ["concat('erp:', product)", "concat('till:', sku)"]}
    keys = keys_of({"products": inputs["products"].limit(1)}, inputs, ways)
    assert_rows(keys, ["_key_0"], [("erp:1",), ("till:a",)])
    assert routes.restricted(inputs, routes.Keys(keys), ways)["products"] is inputs["products"]


def test_a_route_from_something_that_is_no_parameter_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"gold\.things: routes: facts is none of its parameters"):

        @gold_table(grain=["id"], key="id", routes={"facts": "id"})
        def things(sales: DataFrame) -> DataFrame:
            return sales
