"""Every gold table is what its docstring says: columns, types and grain."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.config import load_settings
from lib.gold.registry import GoldTable, code_version, gold_table, gold_tables
from lib.models.champions import Champion, Champions
from lib.models.churn import ChurnModel
from lib.models.lifetime import ValueModel
from lib.models.value import Purchases, Spend
from lib.pipeline.build import input_mistakes
from tests.builders import CONF
from tests.gold.builders import DEFAULTS, SETTINGS, Row, frame

TABLES = list(gold_tables().values())
NAMES = [table.name for table in TABLES]

ROWS: dict[str, list[Row]] = {
    "adventureworks_customers_history": [{"customer_key": 1}, {"customer_key": 2}],
    "adventureworks_products_history": [{"product_key": 1}, {"product_key": 2, "subcategory_key": None}],
    "adventureworks_sales": [
        {"order_number": "SO1", "order_line": 1},
        {"order_number": "SO1", "order_line": 2, "product_key": 404},
        {"order_number": "SO2", "order_line": 1, "customer_key": 404, "territory_key": 404},
        {"order_number": "SO3", "order_line": 1, "customer_key": 404, "territory_key": None, "product_key": 404},
    ],
    "adventureworks_returns": [{"product_key": 1}, {"product_key": 404}, {"territory_key": 404}],
    "crm_interactions": [{"interaction_id": "I1"}, {"interaction_id": "I2", "customer_id": "P404", "agent_id": "A404"}],
    "crm_payments": [{"payment_id": "Y1"}, {"payment_id": "Y2", "customer_id": "P404", "currency": "XXX"}],
    "pos_customers_history": [{"customer_id": "C1"}, {"customer_id": "C2"}],
    "pos_sales": [
        {"transaction_id": "T1"},
        {"transaction_id": "T2", "customer_id": "C404", "store_id": "S404", "sales_person_id": "P404"},
        {"transaction_id": "T3", "store_id": None, "sales_person_id": None, "product_id": None},
    ],
    "pos_stores": [{"store_id": "S1"}, {"store_id": "S2", "region": "North", "country": "Iceland"}],
}
CHAMPIONS = Champions(
    Champion("churn", "1", ChurnModel(90, 365, ("recency", "in_stores"), (0.0, 0.0), (1.0, 1.0), (1.0, -1.0), 0.0)),
    Champion("value", "1", ValueModel(Purchases(0.25, 4.4, 0.8, 2.5), Spend(6.0, 4.0, 15.0), 180)),
)
DAYS = {
    "fact_interactions": "interaction_date", "fact_payments": "payment_date", "fact_returns": "return_date",
    "fact_sales": "order_date",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(spark: SparkSession) -> dict[str, DataFrame]:
    """Every gold table, made of the others and of a few rows of silver with unknown and missing members."""
    frames: dict[str, Any] = {**SETTINGS, "champions": CHAMPIONS}

    def of(name: str) -> Any:
        if name not in frames:
            table = gold_tables().get(name)
            arguments = {each: of(each) for each in table.inputs} if table else {}
            # a table that others read is computed once, as in a lake, and not within each of their plans
            rows = table.function(**arguments).localCheckpoint() if table else None
            frames[name] = frame(spark, name, *ROWS.get(name, [{}])) if rows is None else rows
        return frames[name]

    return {name: of(name) for name in gold_tables()}


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_the_docstring_has_each_column_in_order_with_its_type(table: GoldTable, built: dict[str, DataFrame]) -> None:
    said = [(name, column.type) for name, column in table.definitions.items()]
    assert said == [(field.name, field.dataType.simpleString().upper()) for field in built[table.name].schema.fields]


@pytest.mark.parametrize("table", TABLES, ids=NAMES)
def test_the_description_begins_with_the_grain(table: GoldTable) -> None:
    assert table.description.startswith("One row per ")


def test_the_grain_of_every_table_is_unique(built: dict[str, DataFrame]) -> None:
    counts = [
        built[table.name].agg(
            F.lit(table.name).alias("table"),
            F.count(F.lit(1)).alias("rows"),
            F.count_distinct(F.struct(*table.grain)).alias("keys"),
        )
        for table in TABLES
    ]
    found = {row["table"]: (row["rows"], row["keys"]) for row in reduce(DataFrame.unionByName, counts).collect()}
    assert found == {
        "customer_360": (8, 8), "customer_features": (4, 4), "customer_metrics": (4, 4),
        "customer_scores": (4, 4), "customer_service": (2, 2), "dim_agents": (2, 2),
        "dim_customers": (8, 8), "dim_date": (1, 1), "dim_locations": (1, 1), "dim_products": (4, 4),
        "fact_interactions": (2, 2), "fact_payments": (2, 2),
        "dim_sales_people": (2, 2), "dim_stores": (3, 3), "dim_territories": (3, 3), "fact_returns": (3, 3),
        "fact_sales": (7, 7), "kpi_daily": (1, 1), "mart_customers": (4, 4), "mart_sales_team": (3, 3),
        "sales_anomalies": (0, 0), "sales_baselines": (0, 0), "sales_by_level_month": (20, 20),
        "sales_by_customer_month": (4, 4), "sales_by_day": (1, 1), "sales_by_person_month": (3, 3),
        "sales_by_region_month": (2, 2),
    }  # fmt: skip


@pytest.mark.parametrize(
    "fact", [table for table in TABLES if table.name.startswith("fact_")], ids=lambda fact: fact.name
)
def test_every_member_that_a_fact_names_is_in_its_dimension(fact: GoldTable, built: dict[str, DataFrame]) -> None:
    dimensions = {table.grain[0]: table.name for table in TABLES if table.name.startswith("dim_")}
    rows = built[fact.name].withColumn("date", F.col(DAYS[fact.name]))
    missing = [
        rows.select(F.lit(key).alias("key"), F.col(key).cast("string").alias("id"))
        .filter("id IS NOT NULL")
        .join(built[dimension].select(F.col(key).cast("string").alias("id")), "id", how="left_anti")
        for key, dimension in dimensions.items()
        if key in rows.columns
    ]
    assert len(missing) >= 2
    assert reduce(DataFrame.union, missing).collect() == []


def test_a_table_of_a_day_is_built_after_the_sales_of_which_the_last_one_says_the_day() -> None:
    def read(name: str) -> set[str]:
        inputs = {*gold_tables()[name].inputs} if name in gold_tables() else set[str]()
        return inputs.union(*map(read, inputs))

    of_a_day = [table.name for table in TABLES if {"as_of", "sales_until"} & {*table.inputs}]
    assert of_a_day
    assert [name for name in of_a_day if "fact_sales" not in read(name)] == []


def test_every_table_that_gold_reads_has_a_builder() -> None:
    tables = {each for table in TABLES for each in table.inputs} - set(SETTINGS)
    assert tables <= set(DEFAULTS)


def test_a_history_is_there_to_be_read_only_where_the_contract_keeps_one() -> None:
    configured = load_settings(CONF)
    assert input_mistakes(configured) == []
    forgetful = configured.contracts["adventureworks_products"].model_copy(update={"history": False})
    contracts = {**configured.contracts, "adventureworks_products": forgetful}
    said = "its parameter 'adventureworks_products_history' is no contract's table or history, gold table or measure"
    assert input_mistakes(replace(configured, contracts=contracts)) == [
        f"gold.{name}: {said}" for name in ("dim_products", "fact_returns", "fact_sales")
    ]


def test_a_definition_goes_on_in_an_indented_line_and_the_first_column_may_follow_a_blank_line() -> None:
    def rows_by_day(a: DataFrame) -> DataFrame:
        """One row per day.

        day: DATE. The
          day.
        amount: DECIMAL(12,2). Value, US dollars: net.
        """
        return a

    table = GoldTable("rows_by_day", rows_by_day, ("a",), ("day",), ())
    assert table.description == "One row per day."
    assert table.columns == {"day": "The day.", "amount": "Value, US dollars: net."}
    assert [column.type for column in table.definitions.values()] == ["DATE", "DECIMAL(12,2)"]


def test_a_declared_function_stays_a_function_and_its_parameters_are_its_inputs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.gold.registry._TABLES", tables := {})

    @gold_table(grain=["id"], rows_of=["a"])
    def things(a: str, as_of: str) -> str:
        """One row per thing."""
        return a + as_of

    assert things("x", "y") == "xy"
    assert tables["things"] == GoldTable("things", things, ("a", "as_of"), ("id",), ("a",))


def test_the_version_of_the_code_is_the_same_from_a_zip(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "lib"), "zip", CONF.parent, "lib")
    program = "from lib.gold import registry; print(registry.__file__, registry.code_version(), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": archive}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"{archive}/lib/gold/registry.py", code_version()]
