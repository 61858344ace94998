"""What a contract may say, and how it says what it may not."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from lib.contract import Contract, Freshness, Rule, age_of, mistakes_between_fields
from tests.builders import RECEIPTS


def written(columns: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A contract as it is written: its columns by the source's name of each."""
    return {
        "source": "shop",
        "entity": "receipts",
        "description": "A receipt.",
        "files": "shop/*.json",
        "format": "json",
        "key": [next(iter(columns))],
        "columns": {name: {"from": source, "type": "string"} for name, source in columns.items()},
        **changes,
    }


def refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Contract.model_validate(written({"id": "id"}, **changes))
    [mistake] = error.value.errors()
    return str(mistake["msg"])


def test_a_path_leads_into_the_record_in_json_and_is_a_name_with_dots_in_csv() -> None:
    assert RECEIPTS.paths == {
        "id": ("id",),
        "price": ("product", "price"),
        "maker": ("product", "maker", "name"),
        "note": ("Note",),
    }
    flat = Contract.model_validate(written({"id": "Thing Id", "name": "a.b"}, format="csv"))
    assert flat.paths == {"id": ("Thing_Id",), "name": ("a.b",)}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"a": "product", "b": "product.id"}, "columns.b.from: 'product.id' and 'product' share a place in bronze"),
        ({"a": "product.id", "b": "product"}, "columns.b.from: 'product' and 'product.id' share a place in bronze"),
        ({"a": "Note", "b": "note"}, "columns.b.from: 'note' and 'Note' share a place in bronze"),
        ({"a": "p.x y", "b": "p.x_y"}, "columns.b.from: 'p.x_y' and 'p.x y' share a place in bronze"),
        ({"a": "p..x"}, "columns.a.from: 'p..x' is not a path (names with one dot between them)"),
        ({"a": ".x"}, "columns.a.from: '.x' is not a path (names with one dot between them)"),
        ({"a": "_rescued.x"}, "columns.a.from: '_rescued.x' begins with a name that bronze uses itself"),
    ],
)
def test_paths_that_bronze_cannot_hold_beside_one_another_are_told(columns: dict[str, str], told: str) -> None:
    assert mistakes_between_fields(written(columns)) == [told]


def test_two_columns_may_come_from_one_place_and_names_may_begin_alike() -> None:
    assert mistakes_between_fields(written({"a": "p.x", "b": "p.x", "c": "p.xy", "d": "px"})) == []


def test_objects_whose_names_differ_in_case_only_are_told() -> None:
    told = "columns.b.from: 'Product.name' and 'product.id' share a place in bronze"
    assert mistakes_between_fields(written({"a": "product.id", "b": "Product.name"})) == [told]


def test_in_csv_a_dot_parts_nothing() -> None:
    assert mistakes_between_fields(written({"a": "p", "b": "p.x", "c": "p..x"}, format="csv")) == []


def test_a_history_needs_moments() -> None:
    def told(type_name: str, **changes: Any) -> list[str]:
        columns = {"id": {"type": "string"}, "version": {"type": type_name}}
        return mistakes_between_fields({**written({"id": "id"}, history=True), "columns": columns, **changes})

    assert told("int", latest_by=["version", "id"]) == [
        "history: a version holds from latest_by[0] on, and 'version' is neither a date nor a timestamp"
    ]
    assert told("date", latest_by=["version", "id"]) == told("int") == told("int", latest_by=["nowhere"])[1:] == []


def test_the_layout_of_csv_is_not_for_json() -> None:
    assert mistakes_between_fields(written({"id": "id"}, csv={"delimiter": ";"})) == [
        "csv: only for format csv (JSON is read as UTF-8)"
    ]


def test_a_control_file_sums_a_column_that_there_is() -> None:
    document = written({"id": "id", "price": "price"}, control={"files": "shop/*.ctl", "sum_of": "prise"})
    assert mistakes_between_fields(document) == ["control.sum_of: 'prise' is not a column (there are id, price)"]
    assert refused(control={"files": "../*.ctl"}).endswith(
        "'../*.ctl' leaves the landing folder (give a pattern relative to it)"
    )


@pytest.mark.parametrize(
    ("text", "age"), [("90m", timedelta(minutes=90)), ("24h", timedelta(hours=24)), ("2d", timedelta(days=2))]
)
def test_an_age_is_a_number_of_minutes_hours_or_days(text: str, age: timedelta) -> None:
    assert age_of(text) == age


@pytest.mark.parametrize("text", ["", "2", "d", "0h", "1.5h", "2 d", "2w", "-1h"])
def test_what_is_no_age_is_told_with_what_is_one(text: str) -> None:
    assert refused(freshness={"warn_after": text}).endswith(f"'{text}' is not an age (e.g. 90m, 24h or 2d)")


def test_a_warning_comes_before_the_error() -> None:
    said = refused(freshness={"warn_after": "3d", "error_after": "48h"})
    assert said.endswith("warn_after: 3d is later than error_after (48h)")
    assert Freshness(warn_after="24h", error_after="1d").error_after == "1d"


@pytest.mark.parametrize("tolerance", ["5", "101%", "-1%", "some", "5 %"])
def test_what_is_no_tolerance_is_told_with_what_is_one(tolerance: str) -> None:
    rules = {"r": {"expect": "true", "message": "m", "max_failed": tolerance}}
    assert refused(rules=rules).endswith(
        f"'{tolerance}' is no tolerance (a number of rows, e.g. 10, or a share of them, e.g. 5%)"
    )


@pytest.mark.parametrize(
    ("on_fail", "max_failed", "failed", "is_tolerated"),
    [
        ("quarantine", None, 100, True),
        ("warn", None, 100, True),
        ("fail", None, 0, True),
        ("fail", None, 1, False),
        ("quarantine", 0, 0, True),
        ("quarantine", 0, 1, False),
        ("quarantine", 5, 5, True),
        ("warn", 5, 6, False),
        ("fail", 5, 5, True),
        ("quarantine", "5%", 5, True),
        ("quarantine", "5%", 6, False),
        ("quarantine", "0.5%", 1, False),
        ("quarantine", "0%", 0, True),
        ("quarantine", "100%", 100, True),
    ],
)
def test_a_rule_tolerates_so_many_of_a_hundred_rows(
    on_fail: Any, max_failed: str | int | None, failed: int, is_tolerated: bool
) -> None:
    rule = Rule(expect="true", message="m", on_fail=on_fail, max_failed=max_failed)
    assert rule.tolerates(failed, 100) is is_tolerated


def test_of_no_rows_none_fails() -> None:
    assert Rule(expect="true", message="m", max_failed="5%").tolerates(0, 0)


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("format", "'csv', 'json' or 'jdbc'"),
        ("after_load", "'move' or 'keep'"),
        ("on_change", "'reload', 'ignore' or 'fail'"),
        ("on_duplicate", "'load', 'skip' or 'fail'"),
    ],
)
def test_a_choice_that_there_is_not_is_told_with_those_that_there_are(field: str, allowed: str) -> None:
    assert refused(**{field: "other"}) == f"Input should be {allowed}"
