"""fact_returns: what came back."""

from datetime import date
from decimal import Decimal

from pyspark.sql import SparkSession

from lib.gold.facts.fact_returns import fact_returns
from tests.builders import assert_rows
from tests.gold.builders import frame


def test_a_return_is_worth_quantity_times_list_price_and_nothing_is_known_without_the_product(
    spark: SparkSession,
) -> None:
    returned = frame(
        spark,
        "adventureworks_returns",
        {"return_date": "2017-03-01", "territory_key": 9, "product_key": 1, "quantity": 3},
        {"return_date": "2017-03-02", "territory_key": 9, "product_key": 404, "quantity": 1},
    )
    products = frame(spark, "adventureworks_products", {"product_key": 1, "unit_price": "34.9900"})
    assert_rows(
        fact_returns(returned, products),
        ["return_date", "territory_id", "product_id", "source", "quantity", "unit_price", "total_value"],
        [
            (
                date(2017, 3, 1),
                "adventureworks:9",
                "adventureworks:1",
                "adventureworks",
                3,
                Decimal("34.9900"),
                Decimal("104.9700"),
            ),
            (date(2017, 3, 2), "adventureworks:9", "adventureworks:404", "adventureworks", 1, None, None),
        ],
    )
