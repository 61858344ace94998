"""fact_sales: what was sold, on the web and in the stores."""

from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from lib.gold.facts.fact_sales import fact_sales
from tests.builders import assert_rows
from tests.gold.builders import Row, made


@pytest.fixture(scope="module")
def web(spark: SparkSession) -> DataFrame:
    """Two lines of an order, one of a product that nobody knows, one without a territory."""
    return made(
        spark,
        fact_sales,
        adventureworks_sales=[
            {"order_number": "SO1", "order_line": 1, "quantity": 3, "customer_key": 11000, "territory_key": 9},
            {"order_number": "SO1", "order_line": 2, "quantity": 2, "product_key": 404},
            {"order_number": "SO2", "order_line": 1, "quantity": 2, "product_key": 2, "territory_key": None},
        ],
        adventureworks_products_history=[
            {"product_key": 1, "unit_price": "3578.2700", "unit_cost": "2171.2942"},
            {"product_key": 2, "unit_price": "0.0001", "unit_cost": "0.0000"},
        ],
    ).cache()


@pytest.fixture(scope="module")
def store(spark: SparkSession) -> DataFrame:
    """A transaction of a product that the ERP knows, and one of which everything but the customer is unknown."""
    return made(
        spark,
        fact_sales,
        pos_sales=[
            {"transaction_id": "T1", "customer_id": "C7", "product_id": "HL-1", "quantity": 3, "price": "19.99"}
            | {"discount": "0.1250", "sold_at": "2017-06-30T23:59:59Z"},
            {"transaction_id": "T2", "quantity": 2, "store_id": None, "sales_person_id": None}
            | {"sold_at": "2017-07-01T00:00:00Z"},
        ],
        pos_stores=[{"store_id": "S1", "region": "North", "country": "Iceland"}],
        adventureworks_products_history=[
            {"product_key": 5, "sku": "HL-1", "unit_price": "34.9900", "unit_cost": "13.0863"}
        ],
    ).cache()


def test_value_and_cost_are_quantity_times_list_price_and_cost(web: DataFrame) -> None:
    assert_rows(
        web.filter("product_id <> 'adventureworks:404'"),
        ["order_id", "order_line", "quantity", "unit_price", "unit_cost", "discount", "total_value", "total_cost"],
        [
            ("SO1", 1, 3, *map(Decimal, ("3578.2700", "2171.2942", "0.0000", "10734.81000000", "6513.8826"))),
            ("SO2", 1, 2, *map(Decimal, ("0.0001", "0.0000", "0.0000", "0.00020000", "0.0000"))),
        ],
    )


def test_a_line_of_an_unknown_product_is_kept_without_a_price(web: DataFrame) -> None:
    assert_rows(
        web.filter("product_id = 'adventureworks:404'"),
        ["order_id", "order_line", "quantity", "unit_price", "unit_cost", "total_value", "total_cost"],
        [("SO1", 2, 2, None, None, None, None)],
    )


def test_a_line_names_its_customer_product_and_territory_by_their_ids_in_gold(web: DataFrame) -> None:
    assert_rows(
        web.filter("order_line = 1"),
        ["customer_id", "source_customer_id", "product_id", "territory_id", "source", "channel"],
        [
            ("adventureworks:11000", "11000", "adventureworks:1", "adventureworks:9", "adventureworks", "web"),
            ("adventureworks:1", "1", "adventureworks:2", None, "adventureworks", "web"),
        ],
    )


def test_a_sale_of_a_store_is_worth_the_tills_price_less_the_discount_and_costs_what_the_erp_says(
    store: DataFrame,
) -> None:
    assert_rows(
        store,
        ["order_id", "order_line", "quantity", "unit_price", "unit_cost", "discount", "total_value", "total_cost"],
        [
            ("T1", 1, 3, *map(Decimal, ("19.9900", "13.0863", "0.1250", "52.47375000", "39.2589"))),
            ("T2", 1, 2, Decimal("10.0000"), None, Decimal("0.0000"), Decimal("20.00000000"), None),
        ],
    )


def test_a_sale_of_a_store_names_its_members_by_their_ids_in_gold(store: DataFrame) -> None:
    assert_rows(
        store,
        ["customer_id", "source_customer_id", "product_id", "territory_id", "store_id", "sales_person_id"],
        [
            ("pos:C7", "C7", "adventureworks:5", "pos:Iceland/North", "pos:S1", "pos:P1"),
            ("pos:C1", "C1", "pos:MUG", None, None, None),
        ],
    )


def test_a_sale_of_a_store_is_of_the_day_in_utc(store: DataFrame) -> None:
    assert_rows(store, ["order_id", "order_date"], [("T1", date(2017, 6, 30)), ("T2", date(2017, 7, 1))])


def test_every_line_of_both_sources_is_one_row_whatever_the_joins_find(spark: SparkSession) -> None:
    twice_the_same = [{"territory_key": 1}, {"territory_key": 2}]
    facts = made(
        spark,
        fact_sales,
        adventureworks_sales=[{"order_number": "SO1"}, {"order_number": "SO2", "product_key": 404}],
        adventureworks_products_history=[{"product_key": 1, "sku": "MUG"}, {"product_key": 2, "sku": "mug "}],
        adventureworks_territories=twice_the_same,
        # the number of the second is that of a web order
        pos_sales=[{"transaction_id": "T1"}, {"transaction_id": "SO1"}, {"transaction_id": "T2", "store_id": "S404"}],
        pos_stores=[{"store_id": "S1"}, {"store_id": "S2"}],
    )
    assert_rows(
        facts,
        ["source", "channel", "order_id", "store_id"],
        [
            ("adventureworks", "web", "SO1", None),
            ("adventureworks", "web", "SO2", None),
            ("pos", "store", "SO1", "pos:S1"),
            ("pos", "store", "T1", "pos:S1"),
            ("pos", "store", "T2", "pos:S404"),
        ],
    )


def test_a_line_has_the_price_and_cost_that_held_when_its_day_began(spark: SparkSession) -> None:
    def version(day: str, price: int, cost: int) -> Row:
        return {"sku": "MUG", "unit_price": price, "unit_cost": cost, "_source_modified_at": f"{day}T00:00:00Z"}

    days = ["2015-01-01", "2017-02-27", "2017-02-28", "2017-03-01", "2017-03-02"]
    facts = made(
        spark,
        fact_sales,
        adventureworks_sales=[{"order_number": day, "order_date": day} for day in days],
        # the last one comes into force in the middle of the day
        adventureworks_products_history=[
            version("2017-02-01", 10, 6), version("2017-02-28", 20, 7),
            {**version("2017-03-01", 30, 8), "_source_modified_at": "2017-03-01T00:00:01Z"},
        ],
        pos_sales=[{"transaction_id": f"T {day}", "sold_at": f"{day}T23:59:59Z", "price": 99} for day in days],
    )  # fmt: skip
    expected = [(10, 6), (10, 6), (20, 7), (20, 7), (30, 8)]
    web = [(day, price, cost) for day, (price, cost) in zip(days, expected, strict=True)]
    store = [(f"T {day}", 99, cost) for day, (_, cost) in zip(days, expected, strict=True)]
    assert_rows(facts, ["order_id", "CAST(unit_price AS INT)", "CAST(unit_cost AS INT)"], [*web, *store])


def test_the_largest_price_and_quantity_do_not_overflow(spark: SparkSession) -> None:
    facts = made(
        spark,
        fact_sales,
        adventureworks_sales=[{"quantity": 99999}],
        adventureworks_products_history=[{"unit_price": "999999999999999.9999", "unit_cost": "0.0001"}],
    )
    assert_rows(facts, ["total_value", "total_cost"], [(Decimal("99998999999999999990.00010000"), Decimal("9.9999"))])
