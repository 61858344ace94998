"""sales_by_region_month: what was sold where, month by month."""

from decimal import Decimal

from pyspark.sql import SparkSession

from lib.gold.marts.sales_by_region_month import sales_by_region_month
from tests.builders import assert_rows
from tests.gold.builders import Row, line, made

PLACES: list[Row] = [
    {"territory_id": "west", "country": "United States", "region": "West"},
    {"territory_id": "pos:west", "country": "United States", "region": "West"},
    {"territory_id": "france", "country": "France", "region": "France"},
    {"territory_id": "inferred", "country": None, "region": None, "is_inferred": True},
]
PLACE = ["country", "region", "sales_month"]


def test_sales_are_of_the_country_and_region_of_their_territory(spark: SparkSession) -> None:
    rows = made(
        spark,
        sales_by_region_month,
        dim_territories=PLACES,
        fact_sales=[
            line("ada", "o1", "2017-01-01", order_line=1, total_value=100, quantity=2),
            line("ada", "o1", "2017-01-01", order_line=2, total_value=20, quantity=3),
            line("ada", "o2", "2017-01-31", total_value=5, territory_id="pos:west"),
            line("bob", "o3", "2017-01-31", total_value=7),
            line("bob", "o4", "2017-02-01", total_value=9),
            line("bob", "o5", "2017-01-01", total_value=11, territory_id="france"),
        ],
    )
    assert_rows(
        rows,
        [*PLACE, "CAST(total_sales AS INT)", "total_orders", "total_customers", "total_quantity"],
        [
            ("France", "France", "2017-01", 11, 1, 1, 1),
            ("United States", "West", "2017-01", 132, 3, 2, 7),
            ("United States", "West", "2017-02", 9, 1, 1, 1),
        ],
    )


def test_sales_of_no_territory_or_of_one_that_nobody_describes_are_of_the_unknown_one(spark: SparkSession) -> None:
    lines = [
        line("ada", "o1", "2017-01-01", total_value=1, territory_id=None),
        line("ada", "o2", "2017-01-01", total_value=2, territory_id="inferred"),
        line("ada", "o3", "2017-01-01", total_value=4, territory_id="in no dimension"),
    ]
    assert_rows(
        made(spark, sales_by_region_month, dim_territories=PLACES, fact_sales=lines),
        [*PLACE, "total_sales", "total_orders", "total_customers"],
        [("unknown", "unknown", "2017-01", Decimal("7.0000"), 3, 1)],
    )


def test_the_discount_is_weighted_by_list_value(spark: SparkSession) -> None:
    lines = [
        line("ada", "o1", "2017-01-01", quantity=3, unit_price=100, discount="0.1", total_value=270),
        line("ada", "o2", "2017-01-01", quantity=1, unit_price=100, discount="0.5", total_value=50),
    ]
    assert_rows(
        made(spark, sales_by_region_month, dim_territories=PLACES, fact_sales=lines),
        ["total_sales", "avg_discount"],
        [(Decimal("320.0000"), Decimal("0.200000"))],
    )


def test_a_line_without_a_price_counts_its_units_and_neither_money_nor_discount(spark: SparkSession) -> None:
    unknown = {"unit_price": None, "discount": 0, "total_value": None}
    lines = [
        line("ada", "o1", "2017-01-01", quantity=2, unit_price=10, discount="0.25", total_value=15),
        line("ada", "o2", "2017-01-01", quantity=5, **unknown),
        line("ada", "o3", "2017-02-01", quantity=1, **unknown),
    ]
    assert_rows(
        made(spark, sales_by_region_month, dim_territories=PLACES, fact_sales=lines),
        ["sales_month", "total_sales", "total_orders", "total_quantity", "avg_discount"],
        [
            ("2017-01", Decimal("15.0000"), 2, 7, Decimal("0.250000")),
            ("2017-02", Decimal("0.0000"), 1, 1, None),
        ],
    )


def test_an_order_counts_once_in_the_territory_of_its_first_line(spark: SparkSession) -> None:
    lines = [
        line("ada", "o1", "2017-01-31", order_line=2, territory_id="france"),
        line("ada", "o1", "2017-01-31", order_line=1, territory_id="west"),
    ]
    assert_rows(
        made(spark, sales_by_region_month, dim_territories=PLACES, fact_sales=lines),
        [*PLACE, "total_sales", "total_orders"],
        [("United States", "West", "2017-01", Decimal("20.0000"), 1)],
    )
