"""The golden record: what counts of what several records say, from when to when, and which record says it."""

from pyspark.sql import DataFrame, SparkSession

from lib.gold.dimensions.dim_customers import dim_customers
from lib.gold.dimensions.dim_locations import dim_locations
from lib.gold.golden import ATTRIBUTES, GROUPS, Rule, golden
from lib.session import local_frame
from tests.builders import assert_rows
from tests.gold.builders import Row, made

HELD = (
    "customer_id STRING, record STRING, source STRING, email STRING, full_name STRING, first_name STRING, "
    "loyalty_tier STRING, loyalty_points INT, phone STRING, valid_from TIMESTAMP, valid_to TIMESTAMP, "
    "said_at TIMESTAMP, is_record BOOLEAN, weight INT"
)


def held(spark: SparkSession, *rows: Row) -> DataFrame:
    """What records of K1 say: `till: 1` is the record till:1, said when it began to hold."""
    defaults = {"customer_id": "K1", "valid_from": "1900-01-01T00:00:00Z", "is_record": True, "weight": 1}
    complete = [{"said_at": row.get("valid_from", "2016-01-01T00:00:00Z"), **defaults, **row} for row in rows]
    named = [{"source": row["record"].split(":")[0], **row} for row in complete]
    frame = local_frame(spark, named, HELD)
    absent = [name for name in ATTRIBUTES if name not in frame.columns]
    return frame.selectExpr("*", *[f"CAST(NULL AS STRING) AS {name}" for name in absent])


def by(**rules: Rule) -> dict[str, Rule]:
    return {group: rules.get(group, "recent") for group in GROUPS}


DAY = {name: f"date_format({name}, 'y-MM-dd')" for name in ("valid_from", "valid_to")}


def test_a_value_is_chosen_by_its_rule_and_the_record_it_is_from_stands_beside_it(spark: SparkSession) -> None:
    records = [
        {"record": "web:1", "email": "old@x", "full_name": "Ada", "phone": "1", "said_at": "2015-01-01T00:00:00Z"},
        {"record": "till:1", "email": "new@x", "full_name": "Ada K", "phone": "2", "said_at": "2016-01-01T00:00:00Z"},
        {"record": "desk:1", "email": None, "full_name": "Ada", "phone": "1", "said_at": "2014-01-01T00:00:00Z"},
    ]
    columns = ["email", "email_source", "full_name", "name_source", "phone", "phone_source"]
    frame = held(spark, *records)
    assert_rows(
        golden(frame, by(email="recent", name="longest", phone="frequent")),
        columns,
        [("new@x", "till:1", "Ada K", "till:1", "1", "web:1")],
    )
    # NULL is no value, and a source that is not in the list comes last
    assert_rows(
        golden(frame, by(email=["desk", "web"], name=["desk", "web"], phone=["nobody", "web"])),
        columns,
        [("old@x", "web:1", "Ada", "desk:1", "1", "web:1")],
    )


def test_what_belongs_together_is_taken_from_one_record(spark: SparkSession) -> None:
    records = [
        {"record": "till:1", "loyalty_tier": "gold", "loyalty_points": 900, "said_at": "2015-01-01T00:00:00Z"},
        {"record": "till:2", "loyalty_tier": None, "loyalty_points": 10, "said_at": "2016-01-01T00:00:00Z"},
    ]
    assert_rows(
        golden(held(spark, *records), by()),
        ["loyalty_tier", "loyalty_points", "loyalty_source"],
        [(None, 10, "till:2")],
    )


def test_equals_are_parted_the_same_way_in_any_order(spark: SparkSession) -> None:
    records = [{"record": f"till:{n}", "email": f"{n}@x"} for n in (1, 2, 3)]
    for rows in (records, records[::-1]):
        assert_rows(golden(held(spark, *rows), by()), ["email_source"], [("till:3",)])


def test_a_stretch_begins_where_a_record_changes_what_counts_and_only_there(spark: SparkSession) -> None:
    records = [
        {"record": "web:1", "email": "a@x", "phone": "1", "valid_to": "2016-03-01T00:00:00Z"},
        # the same e-mail address from another version: nothing begins in March
        {"record": "web:1", "email": "a@x", "phone": "1", "valid_from": "2016-03-01T00:00:00Z"},
        {"record": "till:1", "email": "b@x", "valid_from": "2016-02-01T00:00:00Z", "valid_to": "2016-05-01T00:00:00Z"},
    ]
    assert_rows(
        golden(held(spark, *records), by(email=["till"])),
        ["email", "phone", *DAY.values(), "is_current"],
        [
            ("a@x", "1", "1900-01-01", "2016-02-01", False),
            ("b@x", "1", "2016-02-01", "2016-05-01", False),
            ("a@x", "1", "2016-05-01", None, True),
        ],
    )


def test_a_time_in_which_no_record_held_has_no_row_whatever_is_added_to_it(spark: SparkSession) -> None:
    records = [
        {"record": "web:1", "email": "a@x", "valid_to": "2016-02-01T00:00:00Z"},
        {"record": "web:1", "email": "a@x", "valid_from": "2016-04-01T00:00:00Z"},
        {"record": "web:1", "phone": "1", "valid_from": "2016-01-01T00:00:00Z", "is_record": False},
    ]
    assert_rows(
        golden(held(spark, *records), by()),
        ["email", "phone", *DAY.values()],
        [
            ("a@x", None, "1900-01-01", "2016-01-01"),
            ("a@x", "1", "2016-01-01", "2016-02-01"),
            ("a@x", "1", "2016-04-01", None),
        ],
    )


ONE_PERSON = [
    {"source": "adventureworks", "source_customer_id": "1", "customer_id": "K1"},
    {"source": "pos", "source_customer_id": "C1", "customer_id": "K1"},
    {"source": "crm", "source_customer_id": "P1", "customer_id": "K1"},
    {"source": "pos", "source_customer_id": "C9", "customer_id": "K2"},
]


def test_a_person_whom_three_systems_know_is_one_customer_with_what_each_of_them_says(spark: SparkSession) -> None:
    customers = made(
        spark,
        dim_customers,
        adventureworks_customers_history=[{"customer_key": 1, "annual_income": 70000, "email": "web@x"}],
        pos_customers_history=[{"customer_id": "C1", "loyalty_points": 5, "email": "till@x", "phone": "555 1"}],
        crm_customers_history=[{"customer_id": "P1", "first_name": "Ada", "last_name": "King", "gender": "F"}],
        crm_phones=[
            {"number": "555 9", "type": "work", "valid_from": "2017-02-01"},
            {"phone_id": "N2", "number": "555 2", "valid_from": "2016-01-01", "valid_to": "2016-06-01"},
            # an end that is yet to come when it is said is none
            {"phone_id": "N3", "number": "555 3", "valid_from": "2016-06-01", "valid_to": "2030-01-01"},
        ],
        crm_addresses=[{"street": "2 Oak Road", "type": "billing", "valid_from": "2016-12-01"}, {"address_id": "D2"}],
        customer_identities=ONE_PERSON,
        pos_sales=[{"customer_id": "C1"}, {"customer_id": "C9"}, {"customer_id": "C10"}],
    )
    assert_rows(
        customers.filter("is_current"),
        ["customer_id", "source_ids", "systems", "full_name", "email_source", "phone", "street", "is_inferred"],
        [
            ("K1", ["adventureworks:1", "crm:P1", "pos:C1"], ["adventureworks", "crm", "pos"], "Ada King", "pos:C1")
            + ("555 1", "1 Elm Street", False),
            ("K2", ["pos:C9"], ["pos"], None, None, None, None, True),
            ("pos:C10", ["pos:C10"], ["pos"], None, None, None, None, True),
        ],
    )
    assert_rows(
        customers.filter("is_current AND customer_id = 'K1'"),
        ["gender", "gender_source", "CAST(annual_income AS INT)", "work_source", "loyalty_points", "loyalty_source"],
        [("F", "crm:P1", 70000, "adventureworks:1", 5, "pos:C1")],
    )


def test_a_location_is_a_postcode_of_a_city_in_the_territory_of_its_region_or_the_only_one_of_its_country(
    spark: SparkSession,
) -> None:
    locations = made(
        spark,
        dim_locations,
        crm_addresses=[
            {"address_id": "D1", "region": "northwest"},
            {"address_id": "D2", "region": "Northwest", "street": "9 Elm Street"},
            {"address_id": "D3", "region": "Nowhere"},
            {"address_id": "D4", "country": "Canada", "region": None, "city": "Québec", "postcode": None},
            {"address_id": "D5", "country": None, "region": None, "city": None, "postcode": None},
        ],
        dim_territories=[
            {"territory_id": "t1", "country": "United States", "region": "Northwest"},
            {"territory_id": "t2", "country": "United States", "region": "Southwest"},
            {"territory_id": "t3", "country": "Canada", "region": "Canada"},
        ],
    )
    assert_rows(
        locations,
        ["location_id", "region", "postcode", "territory_id"],
        [
            ("UNITED STATES/NORTHWEST/SEATTLE/98101", "northwest", "98101", "t1"),
            ("UNITED STATES/NOWHERE/SEATTLE/98101", "Nowhere", "98101", None),
            ("CANADA//QUÉBEC/", None, None, "t3"),
        ],
    )
