"""The dimensions: known members, and those that only a fact names."""

from datetime import date

from pyspark.sql import SparkSession

from lib.gold.dimensions.dim_customers import dim_customers
from lib.gold.dimensions.dim_products import dim_products
from lib.gold.dimensions.dim_sales_people import dim_sales_people
from lib.gold.dimensions.dim_stores import dim_stores
from lib.gold.dimensions.dim_territories import dim_territories
from tests.builders import assert_rows
from tests.gold.builders import Row, made


def test_a_customer_whom_only_a_sale_names_is_inferred_once(spark: SparkSession) -> None:
    customers = made(
        spark,
        dim_customers,
        adventureworks_customers_history=[{"customer_key": 1}],
        adventureworks_sales=[{"customer_key": 1}, {"customer_key": 2}, {"customer_key": 2}],
        pos_customers_history=[{"customer_id": "1"}],
        pos_sales=[{"customer_id": "1"}, {"customer_id": "C2"}, {"customer_id": "C2"}],
    )
    assert_rows(
        customers,
        ["customer_id", "source_ids", "systems", "full_name", "name_source", "is_inferred"],
        [
            ("adventureworks:1", ["adventureworks:1"], ["adventureworks"], "Ada Lovelace", "adventureworks:1", False),
            ("adventureworks:2", ["adventureworks:2"], ["adventureworks"], None, None, True),
            ("pos:1", ["pos:1"], ["pos"], "Grace Hopper", "pos:1", False),
            ("pos:C2", ["pos:C2"], ["pos"], None, None, True),
        ],
    )


HELD = ["is_inferred", "date_format(valid_from, 'y-MM-dd')", "date_format(valid_to, 'y-MM-dd')", "is_current"]


def test_a_customer_has_a_row_for_each_time_in_which_nothing_changed(spark: SparkSession) -> None:
    def version(day: str, **said: object) -> Row:
        return {"_source_modified_at": f"{day}T00:00:00Z", **said}

    customers = made(
        spark,
        dim_customers,
        adventureworks_customers_history=[
            version("2017-01-01", total_children=1),
            version("2017-02-01", total_children=1),
            version("2017-03-01", total_children=2),
        ],
        # the file that came last is the oldest version
        pos_customers_history=[
            version("2017-03-02", loyalty_tier="gold", updated_at="2017-03-01T00:00:00Z"),
            version("2017-03-03", loyalty_tier="silver", updated_at="2017-01-01T00:00:00Z"),
        ],
    )
    assert_rows(
        customers,
        ["customer_id", "total_children", "loyalty_tier", *HELD],
        [
            ("adventureworks:1", 1, None, False, "1900-01-01", "2017-03-01", False),
            ("adventureworks:1", 2, None, False, "2017-03-01", None, True),
            ("pos:C1", None, "silver", False, "1900-01-01", "2017-03-01", False),
            ("pos:C1", None, "gold", False, "2017-03-01", None, True),
        ],
    )


def test_what_was_deleted_is_kept_as_closed_and_goes_on_as_inferred_where_a_fact_names_it(spark: SparkSession) -> None:
    gone = {"_source_modified_at": "2017-02-01T00:00:00Z", "_is_live": False}
    customers = made(
        spark,
        dim_customers,
        adventureworks_customers_history=[{"customer_key": key, **more} for key in (1, 2) for more in ({}, gone)],
        adventureworks_sales=[{"customer_key": 2}, {"customer_key": 3}],
    )
    assert_rows(
        customers,
        ["customer_id", "full_name", *HELD],
        [
            ("adventureworks:1", "Ada Lovelace", False, "1900-01-01", "2017-02-01", False),
            ("adventureworks:2", "Ada Lovelace", False, "1900-01-01", "2017-02-01", False),
            ("adventureworks:2", None, True, "2017-02-01", None, True),
            ("adventureworks:3", None, True, "1900-01-01", None, True),
        ],
    )


def test_a_product_has_a_row_for_each_time_in_which_nothing_changed(spark: SparkSession) -> None:
    products = made(
        spark,
        dim_products,
        adventureworks_products_history=[
            {"unit_price": 10},
            {"unit_price": 12, "_source_modified_at": "2017-02-01T00:00:00Z"},
        ],
        pos_sales=[{"product_id": "MUG"}],
    )
    assert_rows(
        products,
        ["product_id", "CAST(unit_price AS INT)", *HELD],
        [
            ("adventureworks:1", 10, False, "1900-01-01", "2017-02-01", False),
            ("adventureworks:1", 12, False, "2017-02-01", None, True),
            ("pos:MUG", 10, False, "1900-01-01", None, True),
        ],
    )


def test_a_full_name_is_made_of_the_names_that_there_are(spark: SparkSession) -> None:
    customers = made(
        spark,
        dim_customers,
        adventureworks_customers_history=[
            {"customer_key": 1, "first_name": "Ada", "last_name": "Lovelace"},
            {"customer_key": 2, "first_name": None, "last_name": "Lovelace"},
            {"customer_key": 3, "first_name": None, "last_name": None},
        ],
        pos_customers_history=[{"customer_id": "C1", "name": "Grace Hopper"}],
    )
    assert_rows(
        customers,
        ["name_source", "full_name", "first_name"],
        [
            ("adventureworks:1", "Ada Lovelace", "Ada"),
            ("adventureworks:2", "Lovelace", None),
            (None, None, None),
            ("pos:C1", "Grace Hopper", None),
        ],
    )


def test_a_customer_has_what_the_source_knows_and_null_for_what_it_does_not(spark: SparkSession) -> None:
    born = {"birth_date": "1966-06-30"}
    customers = made(
        spark,
        dim_customers,
        adventureworks_customers_history=[{"email": "ada@example.com", "gender": "F", **born}],
        pos_customers_history=[
            {"email": "grace@example.com", "phone": "555", "region": "West", "loyalty_tier": "gold", **born}
            | {"loyalty_points": 7}
        ],
    )
    assert_rows(
        customers,
        ["email", "birth_date", "gender", "phone", "home_region", "loyalty_tier", "loyalty_points"],
        [
            ("ada@example.com", date(1966, 6, 30), "F", None, None, None, None),
            ("grace@example.com", date(1966, 6, 30), None, "555", "West", "gold", 7),
        ],
    )


def test_a_product_has_the_names_of_its_groups_as_far_as_they_are_known(spark: SparkSession) -> None:
    products = made(
        spark,
        dim_products,
        adventureworks_products_history=[
            {"product_key": 1, "subcategory_key": 1},
            {"product_key": 2, "subcategory_key": 2},
            {"product_key": 3, "subcategory_key": 404},
            {"product_key": 4, "subcategory_key": None},
        ],
        adventureworks_product_subcategories=[
            {"subcategory_key": 1, "subcategory_name": "Road", "category_key": 1},
            {"subcategory_key": 2, "subcategory_name": "Helmets", "category_key": 404},
        ],
        adventureworks_product_categories=[{"category_key": 1, "category_name": "Bikes"}],
    )
    assert_rows(
        products,
        ["source_product_id", "subcategory", "category", "is_inferred"],
        [
            ("1", "Road", "Bikes", False),
            ("2", "Helmets", None, False),
            ("3", None, None, False),
            ("4", None, None, False),
        ],
    )


def test_a_product_that_only_a_sale_or_a_return_names_is_inferred_once(spark: SparkSession) -> None:
    products = made(
        spark,
        dim_products,
        adventureworks_products_history=[{"product_key": 1}],
        adventureworks_sales=[{"product_key": 1}, {"product_key": 2}],
        adventureworks_returns=[{"product_key": 2}, {"product_key": 3}],
    )
    assert_rows(
        products,
        ["product_id", "is_inferred", "unit_price IS NULL"],
        [("adventureworks:1", False, False), ("adventureworks:2", True, True), ("adventureworks:3", True, True)],
    )


def test_a_territory_that_only_a_fact_names_is_inferred_and_none_is_made_of_a_missing_one(spark: SparkSession) -> None:
    territories = made(
        spark,
        dim_territories,
        adventureworks_territories=[{"territory_key": 1}],
        adventureworks_sales=[{"territory_key": 1}, {"territory_key": 2}, {"territory_key": None}],
        adventureworks_returns=[{"territory_key": 2}, {"territory_key": 3}],
    )
    assert_rows(
        territories,
        ["territory_id", "country", "is_inferred"],
        [
            ("adventureworks:1", "United States", False),
            ("adventureworks:2", None, True),
            ("adventureworks:3", None, True),
        ],
    )


def test_a_store_that_only_a_sale_or_a_sales_person_names_is_inferred_once(spark: SparkSession) -> None:
    stores = made(
        spark,
        dim_stores,
        pos_stores=[{"store_id": "S1", "opened_on": "2010-05-01"}],
        pos_sales=[{"store_id": "S1"}, {"store_id": "S2"}, {"store_id": "S2"}, {"store_id": None}],
        pos_sales_people=[{"store_id": "S2"}, {"store_id": "S3"}],
    )
    assert_rows(
        stores,
        ["store_id", "name", "territory_id", "opened_on", "is_inferred"],
        [
            ("pos:S1", "Main Street", "pos:United States/Northwest", date(2010, 5, 1), False),
            ("pos:S2", None, None, None, True),
            ("pos:S3", None, None, None, True),
        ],
    )


def test_a_sales_person_whom_only_a_sale_names_is_inferred_once(spark: SparkSession) -> None:
    people = made(
        spark,
        dim_sales_people,
        pos_sales_people=[{"sales_person_id": "P1", "store_id": "S1", "hired_on": "2010-05-01"}],
        pos_sales=[{"sales_person_id": each} for each in ("P1", "P2", "P2", None)],
    )
    assert_rows(
        people,
        ["sales_person_id", "name", "store_id", "hired_on", "is_inferred"],
        [("pos:P1", "Alan Turing", "pos:S1", date(2010, 5, 1), False), ("pos:P2", None, None, None, True)],
    )
