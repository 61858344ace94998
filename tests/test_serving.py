"""How gold lies in PostgreSQL, who sees what of it, and the lines that it is taken in by."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.config import load_settings
from lib.gold.registry import gold_tables
from lib.serving.layout import layouts_of, type_of
from lib.serving.lines import as_lines
from lib.serving.queries import read_queries
from lib.serving.rollups import rollups
from lib.serving.settings import ServingFile, mistakes_of_serving
from tests.builders import CONF

PERSONAL = {
    "source_ids", "source_customer_id", "full_name", "first_name", "last_name", "email", "phone", "phone_number",
    "street", "address", "postcode", "birth_date", "location_id",
}  # fmt: skip
"""What tells who somebody is, wherever it stands."""

OF_EMPLOYEES = {("mart_sales_team", "full_name")}


def serving() -> ServingFile:
    return load_settings(CONF).serving


def test_no_table_shows_a_reader_who_somebody_is() -> None:
    masked = {(table, column) for table, columns in serving().personal.items() for column in columns}
    there = {(name, column) for name, table in gold_tables().items() for column in table.definitions}
    personal = {(table, column) for table, column in there if column in PERSONAL or column.endswith("_source")}
    assert personal - masked == OF_EMPLOYEES


def test_a_reader_of_one_country_sees_rows_of_it_or_of_none() -> None:
    layouts = layouts_of(gold_tables(), serving())
    by = {name: "itself" if each.has_country else each.country_of for name, each in layouts.items()}
    assert {name for name, each in by.items() if each == "itself"} == {
        "customer_360", "dim_locations", "dim_stores", "dim_territories", "sales_anomalies", "sales_by_region_month",
    }  # fmt: skip
    assert by["fact_sales"] == ("territory_id", "dim_territories")
    assert by["mart_sales_team"] == by["dim_sales_people"] == ("store_id", "dim_stores")
    assert by["mart_customers"] == by["fact_payments"] == ("customer_id", "customer_360")
    of_none = {name for name, each in by.items() if each is None}
    assert {name for name in of_none if layouts[name].is_for_all} == {"dim_agents", "dim_date", "dim_products"}
    assert {name for name in of_none if not layouts[name].is_for_all} == {
        "kpi_daily", "sales_baselines", "sales_by_day", "sales_by_level_month",
    }  # fmt: skip


def test_the_star_refers_to_its_dimensions_by_the_names_of_their_keys() -> None:
    references = {name: {**each.references} for name, each in layouts_of(gold_tables(), serving()).items()}
    assert references["fact_sales"] == {
        "customer_id": ("dim_customers", "customer_id"),
        "product_id": ("dim_products", "product_id"),
        "territory_id": ("dim_territories", "territory_id"),
        "store_id": ("dim_stores", "store_id"),
        "sales_person_id": ("dim_sales_people", "sales_person_id"),
        "order_date": ("dim_date", "date"),
    }
    assert references["dim_stores"] == {"territory_id": ("dim_territories", "territory_id")}
    assert references["mart_sales_team"] == {}, "it counts under 'unknown' what names none"


@pytest.mark.parametrize(
    ("spark_type", "postgres_type"),
    [("STRING", "text"), ("DECIMAL(28,8)", "numeric(28,8)"), ("ARRAY<STRING>", "text[]"), ("TIMESTAMP", "timestamptz")],
)
def test_a_type_of_gold_has_one_in_postgresql(spark_type: str, postgres_type: str) -> None:
    assert type_of(spark_type) == postgres_type


def test_a_type_that_has_none_is_told() -> None:
    with pytest.raises(ValueError, match="MAP<STRING,INT> has no type in PostgreSQL"):
        type_of("MAP<STRING,INT>")


def test_every_rollup_reads_tables_of_gold_and_says_its_grain() -> None:
    assert {name: each.tables({**gold_tables(), **rollups()}) for name, each in rollups().items()} == {
        "rollup_days": ["rollup_orders"],
        "rollup_orders": ["customer_360", "dim_territories", "fact_sales"],
        "rollup_products": ["customer_360", "dim_territories", "fact_sales"],
    }
    assert all(each.description.startswith("One row per") for each in rollups().values())


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (("a", 1, ["x", "y"]), 'a\t1\t{"x","y"}'),
        ((None, None, None), "\\N\t\\N\t\\N"),
        (("", 0, []), "\t0\t{}"),
        (("a\tb\nc\\d", -1, ['q"\\', None]), 'a\\\tb\\\nc\\\\d\t-1\t{"q\\\\"\\\\\\\\",NULL}'),
        (("\\N", 1, ["NULL"]), '\\\\N\t1\t{"NULL"}'),
    ],
    ids=["plain", "nothing", "empty", "what COPY takes for something", "what looks like nothing"],
)
def test_a_row_is_a_line_that_copy_reads(spark: SparkSession, value: tuple[Any, ...], line: str) -> None:
    frame = spark.createDataFrame([value], "a STRING, b INT, c ARRAY<STRING>")
    assert [row.value for row in as_lines(frame).collect()] == [line]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"personal": {"fact_sale": {}}},
            "personal.fact_sale: gold has no table of this name (there are customer_360, ",
        ),
        ({"personal": {"dim_date": {"day": "hidden"}}}, "personal.dim_date.day: the table has no such column"),
        ({"personal": {"dim_date": {"year": "token"}}}, "personal.dim_date.year: 'token' is for STRING, not INT"),
        ({"country_of": {"order_id": "dim_date"}}, "country_of.order_id: gold has no table dim_date with the columns"),
    ],
)
def test_what_is_said_of_tables_that_are_not_there_is_told(changes: dict[str, Any], said: str) -> None:
    [line] = mistakes_of_serving(serving().model_copy(update=changes), gold_tables())
    assert line.startswith(said)


def test_a_query_has_the_numbers_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "large.sql").write_text(
        "-- Large ones.\nSELECT 1 FROM fact_sales WHERE total_value > {high_value_above};\n"
    )
    found, mistakes = read_queries(tmp_path, gold_tables(), {"high_value_above": Decimal(1000)})
    assert (found["large"].title, found["large"].sql) == (
        "Large ones.",
        "SELECT 1 FROM fact_sales WHERE total_value > 1000",
    )
    assert mistakes == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Large", "-- x\nSELECT 1", "its name is not one of a view"),
        ("fact_sales", "-- x\nSELECT 1", "gold has a table of this name"),
        ("large", "SELECT 1", "its first line does not say what it tells"),
        ("large", "-- x\nSELECT {lots}", "{lots}: there is no such number (there are high_value_above)"),
    ],
)
def test_a_query_that_cannot_be_is_told(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / f"{name}.sql").write_text(text)
    found, [mistake] = read_queries(tmp_path, gold_tables(), {"high_value_above": Decimal(1000)})
    assert found == {}
    assert mistake.startswith(f"{tmp_path / name}.sql: {said}")
