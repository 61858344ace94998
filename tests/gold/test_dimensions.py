"""The dimensions of customers, products and territories: known members, and those that only a fact names."""

from pyspark.sql import SparkSession

from lib.gold.dimensions.dim_customers import dim_customers
from lib.gold.dimensions.dim_products import dim_products
from lib.gold.dimensions.dim_territories import dim_territories
from tests.builders import assert_rows
from tests.gold.builders import frame


def test_a_customer_whom_only_a_sale_names_is_inferred_once(spark: SparkSession) -> None:
    customers = frame(spark, "adventureworks_customers", {"customer_key": 1})
    sold = frame(spark, "adventureworks_sales", {"customer_key": 1}, {"customer_key": 2}, {"customer_key": 2})
    assert_rows(
        dim_customers(customers, sold),
        ["customer_id", "source", "source_customer_id", "full_name", "is_inferred"],
        [
            ("adventureworks:1", "adventureworks", "1", "Ada Lovelace", False),
            ("adventureworks:2", "adventureworks", "2", None, True),
        ],
    )


def test_a_full_name_is_made_of_the_names_that_there_are(spark: SparkSession) -> None:
    customers = frame(
        spark,
        "adventureworks_customers",
        {"customer_key": 1, "first_name": "Ada", "last_name": "Lovelace"},
        {"customer_key": 2, "first_name": None, "last_name": "Lovelace"},
        {"customer_key": 3, "first_name": None, "last_name": None},
    )
    assert_rows(
        dim_customers(customers, frame(spark, "adventureworks_sales")),
        ["source_customer_id", "full_name"],
        [("1", "Ada Lovelace"), ("2", "Lovelace"), ("3", None)],
    )


def test_a_product_has_the_names_of_its_groups_as_far_as_they_are_known(spark: SparkSession) -> None:
    products = frame(
        spark,
        "adventureworks_products",
        {"product_key": 1, "subcategory_key": 1},
        {"product_key": 2, "subcategory_key": 2},
        {"product_key": 3, "subcategory_key": 404},
        {"product_key": 4, "subcategory_key": None},
    )
    subcategories = frame(
        spark,
        "adventureworks_product_subcategories",
        {"subcategory_key": 1, "subcategory_name": "Road", "category_key": 1},
        {"subcategory_key": 2, "subcategory_name": "Helmets", "category_key": 404},
    )
    categories = frame(spark, "adventureworks_product_categories", {"category_key": 1, "category_name": "Bikes"})
    sold, returned = frame(spark, "adventureworks_sales"), frame(spark, "adventureworks_returns")
    assert_rows(
        dim_products(products, subcategories, categories, sold, returned),
        ["source_product_id", "subcategory", "category", "is_inferred"],
        [
            ("1", "Road", "Bikes", False),
            ("2", "Helmets", None, False),
            ("3", None, None, False),
            ("4", None, None, False),
        ],
    )


def test_a_product_that_only_a_sale_or_a_return_names_is_inferred_once(spark: SparkSession) -> None:
    products = frame(spark, "adventureworks_products", {"product_key": 1})
    subcategories = frame(spark, "adventureworks_product_subcategories")
    categories = frame(spark, "adventureworks_product_categories")
    sold = frame(spark, "adventureworks_sales", {"product_key": 1}, {"product_key": 2})
    returned = frame(spark, "adventureworks_returns", {"product_key": 2}, {"product_key": 3})
    assert_rows(
        dim_products(products, subcategories, categories, sold, returned),
        ["product_id", "is_inferred", "unit_price IS NULL"],
        [("adventureworks:1", False, False), ("adventureworks:2", True, True), ("adventureworks:3", True, True)],
    )


def test_a_territory_that_only_a_fact_names_is_inferred_and_none_is_made_of_a_missing_one(spark: SparkSession) -> None:
    territories = frame(spark, "adventureworks_territories", {"territory_key": 1})
    sold = frame(spark, "adventureworks_sales", {"territory_key": 1}, {"territory_key": 2}, {"territory_key": None})
    returned = frame(spark, "adventureworks_returns", {"territory_key": 2}, {"territory_key": 3})
    assert_rows(
        dim_territories(territories, sold, returned),
        ["territory_id", "country", "is_inferred"],
        [
            ("adventureworks:1", "United States", False),
            ("adventureworks:2", None, True),
            ("adventureworks:3", None, True),
        ],
    )
