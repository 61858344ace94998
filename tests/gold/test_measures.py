"""What is measured of orders: the orders themselves, a lifetime of them, the favourites; and of people: their age."""

from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.gold import measures
from lib.session import local_frame
from tests.builders import assert_rows
from tests.gold.builders import Row, frame, line, sales


def test_an_order_adds_up_its_lines(spark: SparkSession) -> None:
    lines = sales(
        spark,
        line("ada", "o1", "2017-01-01", order_line=1, quantity=2, total_value="10.5", total_cost="4.25"),
        line("ada", "o1", "2017-01-01", order_line=2, quantity=1, total_value="0.00000001", total_cost="1"),
        line("ada", "o1", "2017-01-01", source="till", quantity=5),
        line("bob", "o1", "2017-01-01", quantity=7),
    )
    assert_rows(
        measures.orders_of(lines).filter("quantity = 3"),
        ["customer_id", "source", "order_id", "value", "margin"],
        [("ada", "web", "o1", Decimal("10.50000001"), Decimal("5.25000001"))],
    )
    assert_rows(
        measures.orders_of(lines),
        ["customer_id", "source", "order_id", "quantity"],
        [("ada", "web", "o1", 3), ("ada", "till", "o1", 5), ("bob", "web", "o1", 7)],
    )


def test_an_order_is_of_the_day_and_the_territory_of_its_first_line(spark: SparkSession) -> None:
    lines = sales(
        spark,
        line("ada", "o1", "2017-01-02", order_line=1, territory_id="west"),
        line("ada", "o1", "2017-01-01", order_line=3, territory_id="east"),
        line("ada", "o1", "2017-01-01", order_line=2, territory_id="north"),
    )
    assert_rows(
        measures.orders_of(lines),
        ["CAST(order_date AS STRING)", "territory_id"],
        [("2017-01-01", "north")],
    )


def test_a_line_without_a_price_counts_its_units_and_adds_no_money(spark: SparkSession) -> None:
    lines = sales(
        spark,
        line("ada", "o1", "2017-01-01", order_line=1, quantity=1, total_value=None, total_cost=None),
        line("ada", "o1", "2017-01-01", order_line=2, quantity=1, total_value=30, total_cost=10),
        line("ada", "o2", "2017-01-01", quantity=1, total_value=None, total_cost=None),
    )
    assert_rows(
        measures.lifetime(measures.orders_of(lines)),
        ["total_orders", "total_quantity", "total_spend", "total_margin", "avg_order_value", "max_order_value"],
        [(2, 3, Decimal(30), Decimal(20), Decimal(15), Decimal(30))],
    )


def test_a_line_of_unknown_cost_is_spend_and_no_margin(spark: SparkSession) -> None:
    found = lifetime(
        spark,
        line("ada", "o1", "2017-01-01", order_line=1, total_value=30, total_cost=10),
        line("ada", "o1", "2017-01-01", order_line=2, total_value=50, total_cost=None),
        line("ada", "o2", "2017-01-01", total_value=7, total_cost=9),
        line("bob", "o3", "2017-01-01", total_value=50, total_cost=None),
    )
    assert_rows(
        found,
        ["customer_id", "total_spend", "total_margin"],
        [("ada", Decimal(87), Decimal(18)), ("bob", Decimal(50), Decimal(0))],
    )


def lifetime(spark: SparkSession, *lines: Row) -> DataFrame:
    return measures.lifetime(measures.orders_of(sales(spark, *lines)))


def test_a_gap_is_counted_between_orders_and_not_between_lines(spark: SparkSession) -> None:
    found = lifetime(
        spark,
        line("ada", "o1", "2017-01-01", order_line=1),
        line("ada", "o1", "2017-01-01", order_line=2),
        line("ada", "o2", "2017-01-11"),
        line("ada", "o3", "2017-01-14"),
        line("two orders on one day", "o4", "2017-01-01"),
        line("two orders on one day", "o5", "2017-01-01"),
        line("two orders on one day", "o6", "2017-01-04"),
        line("one order", "o7", "2017-01-01", order_line=1),
        line("one order", "o7", "2017-01-01", order_line=2),
    )
    assert_rows(
        found,
        ["customer_id", "total_orders", "avg_days_between_orders", "longest_gap_days"],
        [("ada", 3, 6.5, 10), ("two orders on one day", 3, 1.5, 3), ("one order", 1, None, None)],
    )


def test_lifetime_money_is_rounded_once_and_half_up(spark: SparkSession) -> None:
    found = lifetime(
        spark,
        line("ada", "o1", "2017-01-01", total_value="1.00004", total_cost="0.5"),
        line("ada", "o2", "2017-01-02", total_value="2.00001", total_cost="0.5"),
        # 0.00004999 is below half of the fourth decimal, but 0.000050, its six decimals, are not
        line("bob", "o3", "2017-01-01", total_value="1.00004999", total_cost="0"),
    )
    assert_rows(
        found,
        ["customer_id", "total_spend", "total_margin", "avg_order_value", "max_order_value"],
        [
            ("ada", *map(Decimal, ("3.0001", "2.0001", "1.5000", "2.0000"))),
            ("bob", *map(Decimal, ("1.0000", "1.0000", "1.0000", "1.0000"))),
        ],
    )


def test_the_territory_of_a_lifetime_is_that_of_the_latest_order(spark: SparkSession) -> None:
    found = lifetime(
        spark,
        line("ada", "o1", "2017-01-02", territory_id="west"),
        line("ada", "o2", "2017-01-01", territory_id="east"),
        line("two orders on the last day", "o3", "2017-01-01", territory_id="west"),
        line("two orders on the last day", "o4", "2017-01-01", territory_id="east"),
        line("nowhere at last", "o5", "2017-01-01", territory_id="west"),
        line("nowhere at last", "o6", "2017-01-02", territory_id=None),
    )
    assert_rows(
        found,
        ["customer_id", "territory_id", "CAST(first_order_date AS STRING)", "CAST(last_order_date AS STRING)"],
        [
            ("ada", "west", "2017-01-01", "2017-01-02"),
            ("two orders on the last day", "east", "2017-01-01", "2017-01-01"),
            ("nowhere at last", None, "2017-01-01", "2017-01-02"),
        ],
    )


def test_the_favourite_has_the_most_units_then_the_most_spend_then_the_first_name(spark: SparkSession) -> None:
    def buys(customer: str, product: str, quantity: int, value: int | None) -> Row:
        return {"customer_id": customer, "product_id": product, "quantity": quantity, "total_value": value}

    lines = sales(
        spark,
        *(buys("units", "bike", 1, 1000), buys("units", "cap", 1, 5), buys("units", "glove", 1, 5)),
        *(buys("spend", "bike", 1, 6), buys("spend", "cap", 1, 5)),
        *(buys("name", "bike", 1, 5), buys("name", "cap", 1, 5)),
        *(buys("unknown never wins", "ghost", 9, None), buys("unknown never wins", "cap", 1, 5)),
        *(buys("only unknown", "ghost", 9, None), buys("only unknown", "ghost", 1, None)),
    )
    products = frame(
        spark,
        "dim_products",
        {"product_id": "bike", "category": "Bikes"},
        {"product_id": "cap", "category": "Clothing"},
        {"product_id": "glove", "category": "Clothing"},
        {"product_id": "ghost", "category": None},
    )
    assert_rows(
        measures.favourites(lines, products),
        ["customer_id", "favourite_category", "distinct_products"],
        [
            ("units", "Clothing", 3),
            ("spend", "Bikes", 2),
            ("name", "Bikes", 2),
            ("unknown never wins", "Clothing", 2),
            ("only unknown", None, 1),
        ],
    )


def test_an_age_grows_on_the_birthday_and_that_of_a_leap_day_child_on_28_february(spark: SparkSession) -> None:
    days = ("birth_date", "as_of")
    cases = {
        ("1966-06-30", "2017-06-29"): 50,
        ("1966-06-30", "2017-06-30"): 51,
        ("2000-02-29", "2016-02-28"): 15,
        ("2000-02-29", "2016-02-29"): 16,
        ("2000-02-29", "2017-02-27"): 16,
        ("2000-02-29", "2017-02-28"): 17,
        ("2001-02-28", "2016-02-27"): 14,
        ("2001-02-28", "2016-02-28"): 15,
        (None, "2017-06-30"): None,
    }
    rows = local_frame(spark, [dict(zip(days, case, strict=True)) for case in cases], "birth_date DATE, as_of DATE")
    assert_rows(
        rows.withColumn("age", measures.age(F.col("as_of"))),
        ["CAST(birth_date AS STRING)", "CAST(as_of AS STRING)", "age"],
        [(*case, age) for case, age in cases.items()],
    )
