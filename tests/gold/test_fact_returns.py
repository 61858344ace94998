"""fact_returns: what came back."""

from datetime import date
from decimal import Decimal

from pyspark.sql import SparkSession

from lib.gold.facts.fact_returns import fact_returns
from tests.builders import assert_rows
from tests.gold.builders import frame


def test_a_return_is_worth_quantity_times_the_list_price_of_its_day_and_nothing_is_known_without_the_product(
    spark: SparkSession,
) -> None:
    returned = frame(
        spark,
        "adventureworks_returns",
        {"return_date": "2017-03-01", "territory_key": 9, "product_key": 1, "quantity": 3},
        {"return_date": "2017-03-02", "territory_key": 9, "product_key": 404, "quantity": 1},
        {"return_date": "2017-03-02", "territory_key": 9, "product_key": 1, "quantity": 1},
    )
    products = frame(
        spark,
        "adventureworks_products_history",
        {"product_key": 1, "unit_price": "34.9900", "_source_modified_at": "2017-01-01T00:00:00Z"},
        {"product_key": 1, "unit_price": "40.0000", "_source_modified_at": "2017-03-02T00:00:00Z"},
    )
    assert_rows(
        fact_returns(returned, products),
        ["return_date", "territory_id", "product_id", "source", "quantity", "unit_price", "total_value", "total_cost"],
        [
            (
                date(2017, 3, 1),
                "adventureworks:9",
                "adventureworks:1",
                "adventureworks",
                3,
                Decimal("34.9900"),
                Decimal("104.9700"),
                Decimal("18.0000"),
            ),
            (date(2017, 3, 2), "adventureworks:9", "adventureworks:404", "adventureworks", 1, None, None, None),
            (date(2017, 3, 2), "adventureworks:9", "adventureworks:1", "adventureworks", 1, *map(Decimal, (40, 40, 6))),
        ],
    )
