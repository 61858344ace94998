"""Bronze of JSON: every leaf is the text that stands in the file, nested as it was, and nothing is lost."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from lib import bronze, landing
from lib.contract import Contract
from lib.pipeline.reading import read_files
from tests.builders import RECEIPTS

COLUMNS = ("id", "product.price", "product.maker.name", "Note", "_rescued")
WITH_OBJECTS = ("id", "product IS NOT NULL", "product.maker IS NOT NULL", "product.price", "_rescued")


def rows(frame: DataFrame, columns: tuple[str, ...] = COLUMNS) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.selectExpr(*columns).collect()]


def parsed(spark: SparkSession, *lines: str, is_array: bool = False) -> DataFrame:
    schema = "_line STRING, _source_file STRING, _source_modified_at TIMESTAMP"
    frame = spark.createDataFrame([(line, "shop/a.json", None) for line in lines], schema)
    return bronze.of_lines(frame, RECEIPTS, is_array=is_array)


def landed(
    spark: SparkSession, folder: Path, content: str | bytes, contract: Contract = RECEIPTS, name: str = "a.json"
) -> DataFrame:
    """A file as a run reads it."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    look = landing.inspect(folder, landing.one_file(folder / name), contract)
    run: Any = SimpleNamespace(tables=SimpleNamespace(spark=spark), settings=SimpleNamespace(landing=folder))
    frame = read_files(run, contract, [look])
    assert frame is not None, look.reason
    return frame


@pytest.mark.parametrize("number", ["1.10", "12345678901234567890.123456789", "-0.50e+3", "0", "1E400", "-0"])
def test_a_number_keeps_its_text(spark: SparkSession, tmp_path: Path, number: str) -> None:
    line = f'{{"id": {number}, "product": {{"price":{number}}}, "new": [{number}]}}'
    for frame in (parsed(spark, line), landed(spark, tmp_path, line)):
        [(id_, price, _, _, rescued)] = rows(frame)
        assert (id_, price) == (number, number)
        assert json.loads(json.loads(rescued)["new"], parse_float=str, parse_int=str) == [number]


def test_objects_stay_nested_and_one_that_is_missing_is_null(spark: SparkSession, tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "product": {"price": 1, "maker": {"name": "M"}}}',
        '{"id": "b", "product": {"price": null, "maker": null}}',
        '{"id": "c", "product": null}',
        '{"id": "d", "product": {}}',
        '{"id": true}',
        "{}",
    ]
    expected = [
        ("a", True, True, "1", None),
        ("b", True, False, None, None),
        ("c", False, False, None, None),
        ("d", True, False, None, None),
        ("true", False, False, None, None),
        (None, False, False, None, None),
    ]
    assert rows(parsed(spark, *lines), WITH_OBJECTS) == expected
    assert rows(landed(spark, tmp_path, "\n".join(lines)), WITH_OBJECTS) == expected


def test_what_the_contract_does_not_know_is_kept_at_its_place(spark: SparkSession, tmp_path: Path) -> None:
    line = '{"id":1,"tip":2.50,"tags":["x","y"],"product":{"size":"L","maker":{"city":"Rome"}},"who":{"a":{"b":true}}}'
    for frame in (parsed(spark, line), landed(spark, tmp_path, line)):
        [(id_, *_, rescued)] = rows(frame)
        assert id_ == "1"
        assert told(rescued) == {
            "tip": "2.50",
            "tags": ["x", "y"],
            "product": {"size": "L", "maker": {"city": "Rome"}},
            "who": {"a": {"b": True}},
        }


MALFORMED = [
    '{"id": "a", "product": {"price"',
    '{"id": "a"} {"id": "b"}',
    '{"id": "a"}{"id": "b"}',
    '{"id": "a"},{"id": "b"}',
    '{"id": "a"} and more',
    '{"id": "a",}',
    "{'id': 'a'}",
    "null",
    "1",
    '"text"',
    "[]",
    '["a"]',
    '[{"id": "a"}]',
    '{"id": "a", "product": "text"}',
    '{"id": "a", "product": 7}',
    '{"id": "a", "product": []}',
    '{"id": "a", "product": {"maker": "text"}}',
    "no JSON at all",
]


def test_a_malformed_line_is_kept_whole_and_its_columns_are_not_trusted(spark: SparkSession) -> None:
    found = rows(parsed(spark, *MALFORMED))
    assert [(row[:4], json.loads(row[4] or "{}")) for row in found] == [
        ((None,) * 4, {"_malformed": line}) for line in MALFORMED
    ]


@pytest.mark.parametrize("line", MALFORMED)
def test_a_malformed_line_is_kept_whole_among_good_ones(spark: SparkSession, tmp_path: Path, line: str) -> None:
    good = '{"id": "good", "product": {"price": 1, "maker": {"name": "M"}}}'
    found = rows(landed(spark, tmp_path, f"{good}\n{line}\n{good}\n"))
    kept = json.dumps({"_malformed": line}, separators=(",", ":"))
    assert found == [("good", "1", "M", None, None), (None, None, None, None, kept), ("good", "1", "M", None, None)]


def test_a_file_of_one_array_has_a_row_for_each_element(spark: SparkSession, tmp_path: Path) -> None:
    elements = [{"id": 1, "product": {"price": 2}}, {"id": "[}, {"}, 7, None]
    for text in (json.dumps(elements), json.dumps(elements, indent=2), f"\ufeff\n {json.dumps(elements)} \r\n"):
        found = rows(landed(spark, tmp_path, text))
        assert found[:2] == [("1", "2", None, None, None), ("[}, {", None, None, None, None)]
        assert [row[:4] for row in found[2:]] == [(None,) * 4] * (len(found) - 2)
        assert len(found) == 4
        assert '{"_malformed":"7"}' in [row[4] for row in found]


@pytest.mark.parametrize("text", ['[{"id": 1}, {"id"', '[{"id": 1}] [{"id": 2}]', '[{"id": 1}', '[{"id": 1}] more'])
def test_an_array_that_is_none_stays_one_malformed_row(spark: SparkSession, tmp_path: Path, text: str) -> None:
    [row] = rows(landed(spark, tmp_path, text))
    assert (row[:4], json.loads(row[4])) == ((None,) * 4, {"_malformed": text})


def test_a_byte_order_mark_blank_lines_and_carriage_returns_are_no_record(spark: SparkSession, tmp_path: Path) -> None:
    content = '\ufeff{"id": 1}\r\n\r\n  \r\n{"id": 2}\r\n\n{"id": 3}'
    assert [row[0] for row in rows(landed(spark, tmp_path, content))] == ["1", "2", "3"]
    loose = f'{content} {{"id": 4}}'
    assert [row[0] for row in rows(landed(spark, tmp_path, loose))] == ["1", "2", None]


def test_of_two_members_of_one_name_the_last_counts(spark: SparkSession, tmp_path: Path) -> None:
    line = '{"id": 1, "tip": "a", "product": {"price": 1}, "id": 2, "tip": "b", "product": {"price": 2, "price": 3}}'
    for frame in (parsed(spark, line), landed(spark, tmp_path, line)):
        assert rows(frame) == [("2", "3", None, None, '{"tip":"b"}')]


@pytest.mark.parametrize(
    "text", ["007", "1.10 and -2", 'say "5"', "back\\slash 7\\", "\\u0031", "é\u2028\U0001f600", ""]
)
def test_a_text_stays_as_it_is_whatever_is_in_it(spark: SparkSession, tmp_path: Path, text: str) -> None:
    lines = [json.dumps({"id": text, "Note": text, "new": text}, ensure_ascii=flag) for flag in (True, False)]
    for frame in (parsed(spark, *lines), landed(spark, tmp_path, "\n".join(lines))):
        assert [(row[0], row[3], json.loads(row[4])) for row in rows(frame)] == [(text, text, {"new": text})] * 2


OUR_NAMES = ["_line", "_metadata", "_source_file", "_is_malformed", "_rescued", "_record"]


@pytest.mark.parametrize("name", ["note", "ID", "a.b", "x y", "back`tick", "it's", 'quo"te', "", *OUR_NAMES])
def test_a_member_may_have_any_name(spark: SparkSession, tmp_path: Path, name: str) -> None:
    line = json.dumps({"id": "1", "Note": "n", name: "strange", "product": {name: "inside"}})
    for frame in (parsed(spark, line), landed(spark, tmp_path, line)):
        [row] = rows(frame)
        assert (row[0], row[3]) == ("1", "n")
        assert told(row[4]) == {name: "strange", "product": {name: "inside"}}


def test_a_name_of_another_case_is_another_name(spark: SparkSession, tmp_path: Path) -> None:
    assert rows(landed(spark, tmp_path, '{"id": "1", "note": "n"}')) == [("1", None, None, None, '{"note":"n"}')]


def test_packed_lines_are_lines(spark: SparkSession, tmp_path: Path) -> None:
    import gzip

    for content in ('{"id": 1}\n{"id": 2}\n', '{"id": 1} {"id": 1}\n{"id": 2}\n', '[{"id": 1}, {"id": 2}]'):
        frame = landed(spark, tmp_path, gzip.compress(content.encode()), name="a.json.gz")
        assert rows(frame)[-1] == ("2", None, None, None, None)
        assert len(rows(frame)) == 2


class Number(str):
    """The text of a JSON number."""


def spelled(value: Any, *, is_ascii: bool) -> str:
    """A value as JSON, numbers as they are spelled."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {spelled(each, is_ascii=is_ascii)}" for name, each in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(spelled(each, is_ascii=is_ascii) for each in value)}]"
    return json.dumps(value, ensure_ascii=is_ascii)


def is_hollow(value: Any) -> bool:
    """Empty objects and lists alone? Where all lines have no more than that, the inference may name no such member."""
    if isinstance(value, dict):
        return all(is_hollow(each) for each in value.values())
    return isinstance(value, list) and all(each is None or is_hollow(each) for each in value)


def told(rescued: str | None) -> Any:
    """`_rescued` with what is nested in its texts opened, so that spaces do not matter, and without what is hollow."""

    def opened(value: Any) -> Any:
        if isinstance(value, dict):
            members = {name: opened(each) for name, each in value.items()}
            return {name: each for name, each in members.items() if not is_hollow(each)}
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return opened(json.loads(value, parse_float=str, parse_int=str))
            except ValueError:
                return value
        return value

    return (opened(json.loads(rescued)) or None) if rescued else None


numbers = st.from_regex(re.compile(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?"), fullmatch=True)
texts = st.text(max_size=12) | st.sampled_from(['"', "\\", '\\"', "1.10", "{", "}, {", "a b", "[1]"])
leaves = st.none() | st.booleans() | texts | numbers.map(Number)
strange = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.sampled_from("xyz"), leaves, max_size=2)


def objects(known: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the known members and some that no contract knows."""
    unknown = dict.fromkeys(("u", "v w", "w.x"), strange)
    return st.fixed_dictionaries({}, optional={**known, **unknown})


records = objects(
    {
        "id": leaves,
        "Note": leaves,
        "product": st.none() | objects({"price": leaves, "maker": st.none() | objects({"name": leaves})}),
    }
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@example(drawn=[{"w.x": {}}, {"u": [{}, None]}, {"v w": {"x": {}}}, {"u": []}], is_ascii=False)
@given(st.lists(records, min_size=60, max_size=60), st.booleans())
def test_both_ways_to_read_clean_lines_give_the_same_rows(
    spark: SparkSession, tmp_path: Path, drawn: list[dict[str, Any]], is_ascii: bool
) -> None:
    lines = [spelled(record, is_ascii=is_ascii) for record in drawn]
    (tmp_path / "a.json").write_text("\n".join(lines), encoding="utf-8", newline="")
    file = landing.one_file(tmp_path / "a.json")
    schema = bronze.json_schema(landing.infer_json(spark, tmp_path, [file]), RECEIPTS)
    fast = rows(bronze.of_objects(landing.read_json(spark, tmp_path, [file], schema), schema, RECEIPTS))
    slow = rows(bronze.of_lines(landing.read_lines(spark, tmp_path, [file], RECEIPTS), RECEIPTS))
    assert [(row[:4], told(row[4])) for row in fast] == [(row[:4], told(row[4])) for row in slow]
    expected = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    assert [row[:4] for row in slow] == [
        tuple(
            in_words(value)
            for value in (
                record.get("id"),
                (record.get("product") or {}).get("price"),
                ((record.get("product") or {}).get("maker") or {}).get("name"),
                record.get("Note"),
            )
        )
        for record in expected
    ]


def in_words(value: Any) -> str | None:
    return json.dumps(value) if isinstance(value, bool) else value
