"""Types, cleaning and rules: a row is good or carries every reason why it is not."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib import quality
from lib.bronze import texts_of
from lib.contract import Column, Contract
from lib.session import local_frame
from lib.sql import bind
from tests.builders import RECEIPTS, assert_rows, bronze_rows

SALES = Contract.model_validate(
    {
        "source": "shop",
        "entity": "sales",
        "description": "A sale.",
        "files": "shop/*.csv",
        "format": "csv",
        "key": ["id"],
        "latest_by": ["updated_at"],
        "columns": {
            "id": {"from": "Id", "type": "string", "clean": "upper(trim(value))"},
            "quantity": {"from": "Quantity", "type": "int"},
            "updated_at": {"from": "Updated", "type": "timestamp"},
            "discount": {"from": "Discount", "type": "decimal(5,4)", "default": 0},
        },
        "rules": {
            "quantity_positive": {"expect": "quantity > 0", "message": "quantity must be above zero"},
            "sane_discount": {"expect": "discount <= 0.5", "message": "a large discount", "on_fail": "warn"},
            "known": {"expect": "id <> 'X'", "message": "id is X", "on_fail": "fail"},
        },
    }
)
GOOD = {"Id": "a", "Quantity": "1", "Updated": "2017-01-01 10:00:00", "Discount": "0.1"}


def errors(spark: SparkSession, **texts: str | None) -> list[str]:
    [row] = quality.judge(bronze_rows(spark, SALES, {**GOOD, **texts}), SALES).collect()
    return list(row.dq_errors)


def value(spark: SparkSession, column: dict[str, Any], text: str | None) -> Any:
    """The typed value of a text under a column's contract."""
    contract = Contract.model_validate(
        {**SALES.model_dump(by_alias=True, exclude={"rules"}), "columns": {"id": {"type": "string"}, "it": column}}
        | {"key": ["id"], "latest_by": []}
    )
    [row] = quality.judge(bronze_rows(spark, contract, {"id": "1", "it": text}), contract).collect()
    return row.it


PAID = Contract.model_validate(
    {
        **SALES.model_dump(by_alias=True, exclude={"rules"}),
        "columns": {"id": {"type": "string"}, "currency": {"type": "string"}, "day": {"type": "date"}},
        "latest_by": [],
        "references": {
            "has_rate": {
                "entity": "shop_rates", "match": {"currency": "code"}, "since": {"day": "first_day"},
                "message": "no rate on that day",
            },
            "has_currency": {
                "entity": "shop_rates", "match": {"currency": "code"}, "message": "no rate at all", "on_fail": "warn",
            },
        },
    }
)  # fmt: skip


def test_a_row_without_the_row_that_it_refers_to_is_parted(spark: SparkSession) -> None:
    rates = local_frame(
        spark,
        [{"code": "EUR", "first_day": "2017-02-01"}, {"code": "EUR", "first_day": "2017-03-01"}, {"code": "GBP"}],
        "code STRING, first_day DATE",
    )
    known = {name: quality.known(rates, name, reference) for name, reference in PAID.references.items()}
    rows = [
        {"id": "1", "currency": "EUR", "day": "2017-02-01"},
        {"id": "2", "currency": "EUR", "day": "2017-01-31"},
        {"id": "3", "currency": "GBP", "day": "2017-02-01"},
        {"id": "4", "currency": "XXX", "day": "2017-02-01"},
        {"id": "5", "day": "2017-02-01"},
        {"id": "6", "currency": "XXX"},
    ]
    judged = quality.judge(bronze_rows(spark, PAID, *rows), PAID, known)
    assert_rows(
        judged, ["id", "array_join(dq_errors, ', ')", "array_join(dq_failed, ', ')"],
        [
            # two rates are no two rows
            ("1", "", ""),
            ("2", "no rate on that day", "has_rate"),
            ("3", "no rate on that day", "has_rate"),
            ("4", "no rate on that day", "has_rate, has_currency"),
            # what names nothing refers to nothing
            ("5", "", ""),
            ("6", "", "has_currency"),
        ],
    )  # fmt: skip
    counts = quality.tally(judged, PAID).first()
    assert counts is not None
    assert (counts["quarantined"], counts["failed_has_rate"], counts["failed_has_currency"]) == (3, 3, 2)


def test_who_does_not_give_what_rows_refer_to_does_not_ask_for_it(spark: SparkSession) -> None:
    rows = bronze_rows(spark, PAID, {"id": "4", "currency": "XXX", "day": "2017-02-01"})
    assert_rows(quality.judge(rows, PAID), ["id", "size(dq_failed)"], [("4", 0)])


def test_a_good_row_carries_nothing(spark: SparkSession) -> None:
    assert errors(spark) == []


def test_every_failed_rule_is_listed_and_not_only_the_first(spark: SparkSession) -> None:
    assert errors(spark, Quantity="-1", Id="x ") == ["quantity must be above zero", "id is X"]


def test_null_counts_as_failing(spark: SparkSession) -> None:
    assert errors(spark, Quantity=None) == ["quantity must be above zero"]


def test_a_text_that_does_not_cast_is_told_as_it_landed(spark: SparkSession) -> None:
    assert errors(spark, Quantity="abc") == ["quantity: 'abc' is not an INT", "quantity must be above zero"]


def test_key_and_version_may_not_be_null(spark: SparkSession) -> None:
    assert errors(spark, Id=" ", Updated=None) == ["id is NULL", "updated_at is NULL", "id is X"]


def test_a_malformed_record_has_one_reason(spark: SparkSession) -> None:
    nothing = dict.fromkeys(GOOD)
    assert errors(spark, **nothing, _rescued='{"_malformed":"a,b"}') == ["malformed record"]


def test_a_warning_keeps_the_row_and_is_counted(spark: SparkSession) -> None:
    rows = bronze_rows(spark, SALES, {**GOOD, "Discount": "0.9"}, {**GOOD, "Quantity": "0"}, GOOD)
    judged = quality.judge(rows, SALES)
    assert sorted(list(row.dq_errors) for row in judged.collect()) == [[], [], ["quantity must be above zero"]]
    counts = quality.tally(judged, SALES).first()
    assert counts is not None
    found = {name: n for name, n in counts.asDict().items() if n}
    assert found == {
        "rows": 3, "through": 1, "quarantined": 1, "failed_quantity_positive": 1, "failed_sane_discount": 1,
    }  # fmt: skip


def test_a_rule_with_the_name_of_a_check_of_ours_is_counted_by_itself(spark: SparkSession) -> None:
    rules = {
        "quantity_type": {"expect": "quantity < 100", "message": "too many"},
        "id_not_null": {"expect": "quantity < 10", "message": "many", "on_fail": "warn"},
        "well_formed": {"expect": "quantity < 1000", "message": "absurd", "on_fail": "fail"},
    }
    contract = Contract.model_validate({**SALES.model_dump(by_alias=True), "rules": rules})
    rows = bronze_rows(spark, contract, {**GOOD, "Quantity": "500"}, {**GOOD, "Id": None})
    counts = quality.tally(quality.judge(rows, contract), contract).first()
    assert counts is not None
    assert {name: n for name, n in counts.asDict().items() if n} == {
        "rows": 2, "through": 1, "quarantined": 2,
        "failed__id_not_null": 1, "failed_quantity_type": 1, "failed_id_not_null": 1,
    }  # fmt: skip


def test_a_default_stands_for_no_value_but_never_for_a_bad_one(spark: SparkSession) -> None:
    [row] = quality.judge(bronze_rows(spark, SALES, {**GOOD, "Discount": None}), SALES).collect()
    assert (row.discount, row.dq_errors) == (Decimal("0.0000"), [])
    assert errors(spark, Discount="lots") == ["discount: 'lots' is not a DECIMAL(5,4)"]


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ({"type": "int"}, " 3 ", 3),
        ({"type": "int"}, "3.7", None),
        ({"type": "decimal(12,2)"}, "10.00", Decimal("10.00")),
        ({"type": "decimal(12,2)"}, "10.005", None),
        ({"type": "decimal(4,2)"}, "100", None),
        ({"type": "decimal(19,4)"}, "2171.2942", Decimal("2171.2942")),
        ({"type": "decimal(12,2)", "clean": "regexp_replace(value, '[$, ]', '')"}, "$90,000 ", Decimal("90000.00")),
        ({"type": "date"}, "2017-03-01", date(2017, 3, 1)),
        ({"type": "date"}, "2017", None),
        ({"type": "date"}, "2017    ", None),
        ({"type": "date"}, "2017-03", None),
        ({"type": "date"}, "2017-03-01 or so", None),
        ({"type": "date"}, " 2017-03-01 10:00:00", date(2017, 3, 1)),
        ({"type": "date", "formats": ["M/d/yyyy"]}, " 3/1/2017 ", date(2017, 3, 1)),
        ({"type": "date", "formats": ["M/d/yyyy", "dd.MM.yyyy"]}, "3/1/2017", date(2017, 3, 1)),
        ({"type": "date", "formats": ["M/d/yyyy", "dd.MM.yyyy"]}, "01.03.2017", date(2017, 3, 1)),
        ({"type": "date", "formats": ["M/d/yyyy"]}, "2/30/2017", None),
        ({"type": "timestamp"}, "2017-03-01T10:00:00+02:00", datetime(2017, 3, 1, 8)),
        ({"type": "timestamp"}, "12:30:00", None),
        ({"type": "timestamp"}, "T12:30:00", None),
        ({"type": "boolean"}, "Y", True),
        ({"type": "string", "nulls": ["NA"]}, " NA ", None),
        ({"type": "string", "nulls": ["NA"]}, "NANCY", "NANCY"),
        ({"type": "string", "clean": "initcap(trim(value))"}, " MUÑOZ ", "Muñoz"),
        ({"type": "string", "clean": "concat(value, ' value')"}, "a", "a value"),
        ({"type": "string", "clean": "UPPER(VALUE)"}, "a", "A"),
        ({"type": "string"}, "  ", None),
    ],
)
def test_a_text_becomes_a_value_or_nothing(spark: SparkSession, column: Any, text: str, expected: Any) -> None:
    assert value(spark, column, text) == expected


def test_the_word_value_is_bound_only_where_it_is_a_name() -> None:
    assert (
        bind("concat(value, 'value', `value`, Value, \"value\", `a value`, values)", "x")
        == "concat(x, 'value', x, x, \"value\", `a value`, values)"
    )


def test_a_float_default_is_written_without_an_exponent() -> None:
    from lib.contract import default_literal

    assert default_literal(Column.model_validate({"type": "decimal(9,8)", "default": 1e-7})) == "0.0000001"


def test_only_a_failing_row_carries_the_texts_that_landed(spark: SparkSession) -> None:
    rows = bronze_rows(spark, SALES, GOOD, {"Id": " x ", "Quantity": "1", "_rescued": '{"new":"n"}'})
    assert_rows(
        quality.judge(rows, SALES), ["to_json(raw)"],
        [(None,), ('{"Id":" x ","Quantity":"1","_rescued":"{\\"new\\":\\"n\\"}"}',)],
    )  # fmt: skip


def test_the_texts_of_a_nested_row_are_at_their_places(spark: SparkSession) -> None:
    rows = bronze_rows(spark, RECEIPTS, {"id": "1", "product.price": "-1.50", "product": {"maker": {"name": "M"}}})
    columns = ["id", "CAST(price AS STRING)", "maker", "note", "to_json(raw)"]
    raw = '{"id":"1","product":{"price":"-1.50","maker":{"name":"M"}}}'
    assert_rows(quality.judge(rows, RECEIPTS), columns, [("1", "-1.500000000", "M", None, raw)])


def with_columns(contract: Contract, **columns: dict[str, Any]) -> Contract:
    """The contract after it learnt more columns, or changed some."""
    facts = contract.model_dump(by_alias=True)
    return Contract.model_validate({**facts, "columns": {**facts["columns"], **columns}, "rules": {}})


def test_a_column_learnt_later_is_read_from_what_was_rescued(spark: SparkSession) -> None:
    learnt = with_columns(SALES, size={"from": "Size", "type": "int"}, colour={"from": "a.b", "type": "string"})
    landed = bronze_rows(spark, SALES, {**GOOD, "_rescued": '{"Size":"7","a.b":"red"}'}, GOOD)
    assert_rows(quality.judge(landed, learnt), ["size", "colour"], [(7, "red"), (None, None)])


def test_a_column_that_bronze_has_by_now_is_read_from_it_or_from_what_was_rescued(spark: SparkSession) -> None:
    learnt = with_columns(SALES, size={"from": "Size", "type": "int"})
    landed = bronze_rows(spark, learnt, {**GOOD, "Size": "8"}, {**GOOD, "_rescued": '{"Size":"7"}'})
    assert_rows(quality.judge(landed, learnt), ["size"], [(7,), (8,)])


def test_a_path_learnt_later_is_read_from_what_was_rescued(spark: SparkSession) -> None:
    learnt = with_columns(
        RECEIPTS,
        size={"from": "product.size", "type": "int"},
        city={"from": "product.maker.city", "type": "string"},
        tip={"from": "pay.tip", "type": "string"},
    )
    product = json.dumps({"size": "7", "maker": json.dumps({"city": "Rome"})})
    rescued = json.dumps({"product": product, "pay": '{"tip": 1}'})
    landed = bronze_rows(spark, RECEIPTS, {"id": "1", "_rescued": rescued}, {"id": "2", "_rescued": '{"pay":"cash"}'})
    assert_rows(
        quality.judge(landed, learnt), ["id", "size", "city", "tip"], [("1", 7, "Rome", "1"), ("2", None, None, None)]
    )


def test_a_column_whose_case_changed_is_the_same_column(spark: SparkSession) -> None:
    spelled = with_columns(
        RECEIPTS, note={"from": "note", "type": "string"}, maker={"from": "Product.Maker.name", "type": "string"}
    )
    landed = bronze_rows(spark, RECEIPTS, {"id": "1", "Note": "n", "product.maker.name": "M"})
    texts = texts_of(landed, spelled)
    assert_rows(landed.select(*[text.alias(name) for name, text in texts.items()]), ["note", "maker"], [("n", "M")])


def test_totals_are_rows_and_the_sum_of_a_column_for_each_file(spark: SparkSession) -> None:
    prices = ["1.50", " 2.25 ", None, "free", "-0.000001"]
    rows = bronze_rows(spark, RECEIPTS, *[{"id": "1", "product.price": price} for price in prices])
    assert_rows(quality.totals(rows, RECEIPTS, "price"), ["*"], [("f.csv", 5, Decimal("3.749999"))])
    assert_rows(quality.totals(rows, RECEIPTS, None), ["*"], [("f.csv", 5, None)])


def test_a_sum_is_of_the_cleaned_values(spark: SparkSession) -> None:
    cleaned = with_columns(
        SALES, discount={"from": "Discount", "type": "int", "clean": "replace(value, '%', '')", "default": 2}
    )
    rows = bronze_rows(spark, cleaned, {**GOOD, "Discount": "5%"}, {**GOOD, "Discount": None})
    assert_rows(quality.totals(rows, cleaned, "discount"), ["total"], [(Decimal("7.000000"),)])
