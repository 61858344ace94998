"""Fields that no contract knows: found in bronze, and said as contract lines that a contract takes."""

import json

import pytest
import yaml
from pyspark.sql import SparkSession

from lib.contract import Column, Contract
from lib.drift import contract_lines, unknown_fields
from lib.quality import judge
from tests.builders import RECEIPTS, assert_rows, bronze_rows

THINGS = Contract.model_validate(
    {
        **RECEIPTS.model_dump(by_alias=True, exclude={"rules", "csv"}),
        "entity": "things",
        "files": "shop/*.csv",
        "format": "csv",
        "columns": {"id": {"type": "string"}, "name": {"from": "Name", "type": "string"}},
    }
)
COLUMNS = ["field", "rows", "first_file", "type"]


def test_a_field_is_counted_with_the_first_file_that_has_it(spark: SparkSession) -> None:
    rows = bronze_rows(spark, THINGS, {"_rescued": '{"Size":"L","a.b":"x"}'}, {"_rescued": '{"Size":"M"}'}, {"id": "1"})
    assert_rows(unknown_fields(rows, THINGS), COLUMNS, [("Size", 2, "f.csv", "string"), ("a.b", 1, "f.csv", "string")])


def test_a_field_within_an_object_is_a_path(spark: SparkSession) -> None:
    rescued = '{"tip":"1","product":"{\\"size\\":\\"7\\"}","who":"{\\"name\\":\\"A\\"}"}'
    rows = bronze_rows(spark, RECEIPTS, {"id": "1", "_rescued": rescued})
    found = [(row.field, row.type) for row in unknown_fields(rows, RECEIPTS).collect()]
    assert found == [("product.size", "int"), ("tip", "int"), ("who", "string")]


def test_a_field_deep_within_objects_is_a_path(spark: SparkSession) -> None:
    rescued = json.dumps({"product": json.dumps({"maker": json.dumps({"city": "Rome"}), "size": "7"})})
    rows = bronze_rows(spark, RECEIPTS, {"id": "1", "_rescued": rescued})
    found = [(row.field, row.type) for row in unknown_fields(rows, RECEIPTS).collect()]
    assert found == [("product.maker.city", "string"), ("product.size", "int")]


def test_a_malformed_line_and_a_field_known_by_now_are_no_unknown_fields(spark: SparkSession) -> None:
    rows = bronze_rows(
        spark, THINGS, {"_rescued": '{"_malformed":"x"}'}, {"_rescued": '{"Name":"n"}'}, {"_rescued": None}
    )
    assert_rows(unknown_fields(rows, THINGS), COLUMNS, [])


@pytest.mark.parametrize(
    ("texts", "narrowest"),
    [
        (["1", "-20"], "int"),
        (["1", "3000000000"], "bigint"),
        (["1", "2.50"], "decimal(18,6)"),
        (["1.1234567"], "string"),
        (["1e3"], "decimal(18,6)"),
        (["true", "FALSE"], "boolean"),
        (["1", "true"], "string"),
        (["2017-01-02"], "date"),
        (["2017-01-02", "2017-01-02 10:00:00"], "string"),
        (["2017-01-02T10:00:00Z"], "timestamp"),
        (["2017-13-45"], "string"),
        (["12345678901234567890"], "string"),
        (["12/31/2017"], "string"),
        (["", "x"], "string"),
        ([" 1"], "decimal(18,6)"),
    ],
)
def test_the_type_is_the_narrowest_that_all_values_have(spark: SparkSession, texts: list[str], narrowest: str) -> None:
    rows = bronze_rows(spark, THINGS, *[{"_rescued": json.dumps({"it": text})} for text in texts])
    assert_rows(unknown_fields(rows, THINGS), ["type"], [(narrowest,)])


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("tip", "tip"),
        ("product.size", "product_size"),
        ("ProductSize", "product_size"),
        ("Größe (cm)", "gr_e_cm"),
        ("2nd", "field_2nd"),
        ("a: {b}, 'c' #", "a_b_c"),
        ('quo"te\\', "quo_te"),
        ("yes", "yes"),
        ("null", "null"),
        ("true", "true"),
        ("ID", "i_d"),
        ("1.5", "field_1_5"),
        ("123", "field_123"),
        ("?", "field_"),
    ],
)
def test_the_lines_are_ones_that_a_contract_takes(field: str, name: str) -> None:
    [line] = contract_lines([(field, 1200, "shop/a: #1.json", "decimal(18,6)")])
    assert line.endswith("  # 1,200 rows, shop/a: #1.json")
    columns = yaml.safe_load(f"columns:\n{line}")["columns"]
    column = Column.model_validate(columns[name])
    assert (column.from_ or name, column.type, column.optional) == (field, "decimal(18,6)", True)
    Contract.model_validate({**THINGS.model_dump(by_alias=True), "columns": {**columns, "id": {"type": "string"}}})


def test_with_the_lines_the_contract_has_the_values_of_old_rows_too(spark: SparkSession) -> None:
    rescued = json.dumps({"tip": "2.50", "product": json.dumps({"size": "L"})})
    rows = bronze_rows(spark, RECEIPTS, {"id": "1", "product.price": "1", "_rescued": rescued})
    lines = contract_lines([tuple(row) for row in unknown_fields(rows, RECEIPTS).collect()])
    facts = RECEIPTS.model_dump(by_alias=True)
    columns = {**facts["columns"], **yaml.safe_load("\n".join(["columns:", *lines]))["columns"]}
    learnt = Contract.model_validate({**facts, "columns": columns})
    assert_rows(judge(rows, learnt), ["id", "CAST(tip AS STRING)", "product_size"], [("1", "2.500000", "L")])
    assert_rows(unknown_fields(rows, learnt), COLUMNS, [])
