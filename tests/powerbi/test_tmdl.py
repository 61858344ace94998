"""The semantic model, as Microsoft's own TMDL library reads it, is what gold publishes."""

import platform
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lib.config import Settings, load_settings
from lib.gold.registry import gold_tables
from lib.serving.layout import layouts_of
from tests.builders import CONF
from tests.powerbi import tom

MODEL = CONF.parent / "powerbi" / "customer_360.SemanticModel" / "definition"
FITTING = {
    "String": {"STRING"},
    "Int64": {"INT", "BIGINT"},
    "Double": {"DOUBLE", "DECIMAL"},
    "Decimal": {"DECIMAL"},
    "Boolean": {"BOOLEAN"},
    "DateTime": {"DATE", "TIMESTAMP"},
}
pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the runtime of .NET is for Linux on x86-64"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tmdl") / "written"


@pytest.fixture(scope="module")
def model(written: Path) -> dict[str, Any]:
    return tom.read(MODEL, written)


def test_microsofts_library_writes_what_it_reads_as_it_stands(model: dict[str, Any], written: Path) -> None:
    assert model["tables"]
    read = {str(file.relative_to(MODEL)): file.read_text("utf-8") for file in MODEL.rglob("*.tmdl")}
    again = {str(file.relative_to(written)): file.read_text("utf-8") for file in written.rglob("*.tmdl")}
    assert read.pop("database.tmdl") == "database\n\tcompatibilityLevel: 1600\n\n", "the model is written, not this"
    assert {name: text.replace("\r\n", "\n") for name, text in again.items()} == read


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tables/fact_sales.tmdl", "dataType: int64", "dataTyp: int64"),
        ("tables/dim_date.tmdl", "\tcolumn year\n", "column year\n"),
        ("relationships.tmdl", "fact_sales.customer_id", "fact_sales.customer"),
        ("tables/dim_products.tmdl", "column: subcategory", "column: subcategories"),
    ],
)
def test_the_library_refuses_what_is_wrong(tmp_path: Path, file: str, old: str, new: str) -> None:
    folder = shutil.copytree(MODEL, tmp_path / "definition")
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=r"Microsoft\.AnalysisServices"):
        tom.read(folder, tmp_path / "written")


def test_every_column_is_a_published_one_of_a_fitting_type_with_its_definition(model: dict[str, Any]) -> None:
    for name, table in of_gold(model).items():
        definitions = gold_tables()[name].definitions
        for column, (kind, source, description) in table["columns"].items():
            if source is None:
                assert column in settings().power_bi.tables[name].columns, f"{name}.{column} is computed by nobody"
                continue
            assert source == column
            assert definitions[column].type.partition("(")[0] in FITTING[kind], f"{name}.{column}"
            assert description == definitions[column].definition


def test_money_has_the_type_that_does_not_round_it(model: dict[str, Any]) -> None:
    sales = model["tables"]["fact_sales"]["columns"]
    assert gold_tables()["fact_sales"].definitions["total_value"].type == "DECIMAL(28,8)"
    assert (sales["unit_price"][0], sales["total_value"][0]) == ("Decimal", "Double")


def test_what_is_left_out_of_a_table_is_a_list_hidden_from_readers_or_always_the_same(model: dict[str, Any]) -> None:
    left_out = {
        (name, column): gold_tables()[name].definitions[column].type
        for name, table in of_gold(model).items()
        for column in gold_tables()[name].definitions.keys() - table["columns"].keys()
    }
    masks = settings().serving.personal
    unexplained = {
        (name, column)
        for (name, column), kind in left_out.items()
        if not kind.startswith("ARRAY") and masks.get(name, {}).get(column) != "hidden"
    }
    assert unexplained == {("dim_products", "valid_to"), ("dim_products", "is_current")}
    assert ("customer_360", "email") in left_out


def test_a_relationship_leads_to_the_key_of_its_table(model: dict[str, Any]) -> None:
    assert model["relationships"]
    for table, column, other, key, _ in model["relationships"]:
        assert column in model["tables"][table]["columns"]
        assert model["tables"][other]["keys"] == [key]
        # a table with history is unique by its key because of its rows only those are loaded that hold now
        history = {"valid_from"} & {*gold_tables()[other].grain}
        assert {*gold_tables()[other].grain} - history == {key}
        assert bool(history) == ("each [is_current]" in model["tables"][other]["sources"][0])


def test_every_reference_of_a_published_fact_is_a_relationship(model: dict[str, Any]) -> None:
    layouts = layouts_of(gold_tables(), settings().serving)
    found = {(table, column): other for table, column, other, *_ in model["relationships"]}
    for name in [name for name in of_gold(model) if name.startswith("fact_")]:
        for column, (dimension, _) in layouts[name].references.items():
            assert found[name, column] == {"dim_customers": "customer_360"}.get(dimension, dimension)


def test_there_is_one_active_way_from_a_table_to_another(model: dict[str, Any]) -> None:
    def ways(table: str) -> list[str]:
        below = [other for here, _, other, _, is_active in model["relationships"] if is_active and here == table]
        return [*below, *(each for other in below for each in ways(other))]

    assert {table: each for table in model["tables"] if len(each := ways(table)) != len({*each})} == {}


def test_columns_that_lead_elsewhere_are_hidden(model: dict[str, Any]) -> None:
    for table, column, *_ in model["relationships"]:
        assert column in model["tables"][table]["hidden"], f"{table}.{column}"


def test_dates_and_ways_down_are_declared(model: dict[str, Any]) -> None:
    tables = model["tables"]
    assert (tables["dim_date"]["kind"], tables["dim_date"]["keys"]) == ("Time", ["date"])
    assert tables["dim_products"]["hierarchies"] == {"Products": ["category", "subcategory", "product_name"]}
    assert tables["dim_territories"]["hierarchies"] == {"Places": ["country", "region"]}


def test_tables_are_read_from_what_the_parameters_name_and_no_credential_is_there(model: dict[str, Any]) -> None:
    assert {*model["parameters"]} == {"server", "database", "schema"}
    for name, table in of_gold(model).items():
        [source] = table["sources"]
        assert "PostgreSQL.Database(server, database)" in source
        assert f'[Schema = schema, Item = "{name}"]' in source
    text = "\n".join(file.read_text("utf-8") for file in MODEL.rglob("*.tmdl"))
    assert re.search(r"password|username|credential", text, re.IGNORECASE) is None


def test_the_views_columns_are_the_models(model: dict[str, Any]) -> None:
    for table in model["tables"].values():
        named = re.search(r"Table\.SelectColumns\(Rows, \{(.*)\}\)", table["sources"][0])
        assert named is not None
        assert re.findall(r'"(\w+)"', named[1]) == [name for name, each in table["columns"].items() if each[1]]


def test_a_regional_reader_is_kept_from_every_table_that_the_database_keeps_them_from(model: dict[str, Any]) -> None:
    layouts = layouts_of(gold_tables(), settings().serving)
    [filters] = model["roles"].values()
    cut = {*filters}
    for _ in model["tables"]:  # a table is cut by those that it leads to
        cut |= {table for table, _, other, _, is_active in model["relationships"] if is_active and other in cut}
    whole = {name for name in of_gold(model) if name not in cut}
    assert whole - {name for name in whole if layouts[name].is_for_all} == {"dim_stores", "dim_sales_people"}


def of_gold(model: dict[str, Any]) -> dict[str, Any]:
    return {name: table for name, table in model["tables"].items() if name in gold_tables()}


@cache
def settings() -> Settings:
    return load_settings(CONF)
