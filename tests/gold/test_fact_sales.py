"""fact_sales: what was sold."""

from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from lib.gold.facts.fact_sales import fact_sales
from tests.builders import assert_rows
from tests.gold.builders import frame


@pytest.fixture(scope="module")
def facts(spark: SparkSession) -> DataFrame:
    """Two lines of an order, one of a product that nobody knows, one without a territory."""
    sold = frame(
        spark,
        "adventureworks_sales",
        {"order_number": "SO1", "order_line": 1, "quantity": 3, "customer_key": 11000, "territory_key": 9},
        {"order_number": "SO1", "order_line": 2, "quantity": 2, "product_key": 404},
        {"order_number": "SO2", "order_line": 1, "quantity": 2, "product_key": 2, "territory_key": None},
    )
    products = frame(
        spark,
        "adventureworks_products",
        {"product_key": 1, "unit_price": "3578.2700", "unit_cost": "2171.2942"},
        {"product_key": 2, "unit_price": "0.0001", "unit_cost": "0.0000"},
    )
    return fact_sales(sold, products).cache()


def test_value_and_cost_are_quantity_times_list_price_and_cost(facts: DataFrame) -> None:
    assert_rows(
        facts.filter("product_id <> 'adventureworks:404'"),
        ["order_id", "order_line", "quantity", "unit_price", "unit_cost", "discount", "total_value", "total_cost"],
        [
            ("SO1", 1, 3, *map(Decimal, ("3578.2700", "2171.2942", "0.0000", "10734.81000000", "6513.8826"))),
            ("SO2", 1, 2, *map(Decimal, ("0.0001", "0.0000", "0.0000", "0.00020000", "0.0000"))),
        ],
    )


def test_a_line_of_an_unknown_product_is_kept_without_a_price(facts: DataFrame) -> None:
    assert_rows(
        facts.filter("product_id = 'adventureworks:404'"),
        ["order_id", "order_line", "quantity", "unit_price", "unit_cost", "total_value", "total_cost"],
        [("SO1", 2, 2, None, None, None, None)],
    )


def test_a_line_names_its_customer_product_and_territory_by_their_ids_in_gold(facts: DataFrame) -> None:
    assert_rows(
        facts.filter("order_line = 1"),
        ["customer_id", "source_customer_id", "product_id", "territory_id", "source", "channel"],
        [
            ("adventureworks:11000", "11000", "adventureworks:1", "adventureworks:9", "adventureworks", "web"),
            ("adventureworks:1", "1", "adventureworks:2", None, "adventureworks", "web"),
        ],
    )


def test_the_largest_price_and_quantity_do_not_overflow(spark: SparkSession) -> None:
    sold = frame(spark, "adventureworks_sales", {"quantity": 99999})
    products = frame(spark, "adventureworks_products", {"unit_price": "999999999999999.9999", "unit_cost": "0.0001"})
    assert_rows(
        fact_sales(sold, products),
        ["total_value", "total_cost"],
        [(Decimal("99998999999999999990.00010000"), Decimal("9.9999"))],
    )
