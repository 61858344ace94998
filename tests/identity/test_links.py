"""Which pairs of records are one person by the rules, and which contradict each other."""

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lib.identity.links import candidates, contradictions, exact_links, meant
from lib.identity.names import short_forms, with_full_forms
from lib.identity.normal import normalised
from lib.identity.records import named_only, person_records, says_something
from lib.session import local_frame
from tests.builders import assert_rows
from tests.gold.builders import columns_of

RECORD = "key STRING, first_name STRING, birth_date DATE, email STRING, phone STRING"
STRONG = ["birth_date", "first_name"]


def records(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    return local_frame(spark, rows, RECORD)


def test_records_that_agree_in_all_columns_of_a_rule_are_a_pair_named_once(spark: SparkSession) -> None:
    rows = records(
        spark,
        {"key": "c", "email": "x", "phone": "1"},
        {"key": "a", "email": "x", "phone": "1"},
        {"key": "b", "email": "x"},
        {"key": "d", "phone": "2"},
        {"key": "e", "phone": "2"},
    )
    rules = {"both": ["email", "phone"], "mail": ["email"]}
    found = exact_links(rows, rows, rules)
    assert_rows(
        found,
        ["key_l", "key_r", "rule", "score"],
        [("a", "b", "mail", 1.0), ("a", "c", "both", 1.0), ("b", "c", "mail", 1.0)],
    )
    # what did not change is not compared with itself
    found = exact_links(rows.filter("key = 'b'"), rows, rules)
    assert_rows(found, ["key_l", "key_r"], [("a", "b"), ("b", "c")])


def odds(spark: SparkSession, left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    rows = records(spark, {"key": "a", **left}, {"key": "b", **right})
    pairs = local_frame(spark, [{"key_l": "a", "key_r": "b"}], "key_l STRING, key_r STRING")
    both = with_full_forms(rows, short_forms(spark))
    return [row["why"] for row in contradictions(pairs, both, STRONG).collect()]


def test_a_short_form_or_a_misspelling_is_no_other_first_name(spark: SparkSession) -> None:
    for one, other in [("robert", "bob"), ("bob", "rob"), ("theresa", "teresa"), ("jon", "john"), ("anna", None)]:
        assert odds(spark, {"first_name": one}, {"first_name": other}) == [], (one, other)
    for one, other in [("bo", "di"), ("jenny", "penny"), ("aaron", "vicki")]:
        assert odds(spark, {"first_name": one}, {"first_name": other}) == ["other first name"], (one, other)


def test_a_date_of_which_day_and_month_are_exchanged_is_no_other_one(spark: SparkSession) -> None:
    assert odds(spark, {"birth_date": "1971-09-01"}, {"birth_date": "1971-01-09"}) == []
    assert odds(spark, {"birth_date": "1971-09-01"}, {"birth_date": None}) == []
    assert odds(spark, {"birth_date": "1971-09-01"}, {"birth_date": "1971-09-02"}) == ["other birth date"]
    assert odds(
        spark, {"birth_date": "1971-09-01", "first_name": "ann"}, {"birth_date": "1970-09-01", "first_name": "bo"}
    ) == ["other birth date, other first name"]


def test_what_records_mean_is_the_same_for_a_date_of_which_day_and_month_are_exchanged(spark: SparkSession) -> None:
    rows = records(
        spark,
        {"key": "a", "birth_date": "1971-09-01"},
        {"key": "b", "birth_date": "1971-01-09"},
        {"key": "c", "birth_date": "1972-01-09"},
        {"key": "d"},
    )
    found = {row.key: row.birth_date for row in meant(rows, STRONG).collect()}
    assert found["a"] == found["b"] != found["c"]
    assert found["d"] is None


def test_records_of_all_sources_are_in_one_form(spark: SparkSession) -> None:
    web = {"customer_key": 1, "first_name": "José María", "last_name": "O'Brien", "email": "jo@example.com"}
    addresses = [
        {
            "address_id": "A1",
            "customer_id": "P1",
            "street": "1, Old Road",
            "postcode": "ab 1",
            "valid_to": "2016-01-01",
        },
        {"address_id": "A2", "customer_id": "P1", "street": "2,  New Road", "postcode": "ab-2"},
    ]
    found = person_records(
        frame_of(spark, "adventureworks_customers", web),
        frame_of(spark, "crm_addresses", *addresses),
        frame_of(spark, "crm_customers", {"customer_id": "P1", "first_name": "Ada", "last_name": "Byron"}),
        frame_of(spark, "crm_phones", {"phone_id": "N1", "customer_id": "P1", "number": "+1 (206) 555-0101"}),
        frame_of(spark, "pos_customers", {"customer_id": "C1", "name": "Ada Augusta  King", "phone": "206.555.0101"}),
    )
    columns = ["key", "first_name", "last_name", "phone", "street", "postcode"]
    assert_rows(
        normalised(found, region="US"),
        columns,
        [
            ("adventureworks:1", "jose", "obrien", None, None, None),
            ("crm:P1", "ada", "byron", "+12065550101", "2 new road", "AB2"),
            ("pos:C1", "ada", "king", "+12065550101", None, None),
        ],
    )


def test_a_customer_whom_only_a_fact_names_agrees_with_nobody(spark: SparkSession) -> None:
    calls = frame_of(spark, "crm_interactions", {"customer_id": "P1"}, {"customer_id": "P1"}, {"customer_id": "P2"})
    found = named_only("crm", calls, "customer_id")
    assert_rows(found, ["key", "coalesce(first_name, email, phone)"], [("crm:P1", None), ("crm:P2", None)])
    assert says_something(found).isEmpty()
    assert exact_links(found, found, {"mail": ["email"], "name": ["first_name", "last_name"]}).isEmpty()
    assert candidates(found, found, [["email"], ["birth_date"]]).isEmpty()


def frame_of(spark: SparkSession, table: str, *rows: dict[str, Any]) -> DataFrame:
    schema = ", ".join(f"`{name}` {type_name}" for name, type_name in columns_of(table).items())
    return local_frame(spark, rows, schema)
