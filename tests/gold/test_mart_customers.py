"""mart_customers: what each customer bought, month by month."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.gold.marts.mart_customers import mart_customers
from lib.gold.marts.sales_by_customer_month import sales_by_customer_month
from tests.gold.builders import Row, customer_360_of, frame, line, made, sales

AS_OF = date(2017, 6, 30)

PEOPLE: tuple[Row, ...] = (
    {"customer_id": "ada", "full_name": "Ada Lovelace"},
    {"customer_id": "pos:C1", "full_name": "Grace Hopper", "phone": "+1 555 0100", "home_region": "Northwest"},
    {"customer_id": "never bought"},
    {"customer_id": "bought later"},
    {"customer_id": "bought partly later"},
    {"customer_id": "180 days ago"},
    {"customer_id": "181 days ago"},
    {"customer_id": "only unknown goods"},
)

LINES: tuple[Row, ...] = (
    line("ada", "o1", "2016-11-05", order_line=1, total_value=100, total_cost=40),
    line("ada", "o1", "2016-11-05", order_line=2, total_value=50, total_cost=None),
    line("ada", "o2", "2016-11-25", total_value=70, total_cost=30),
    line("ada", "o3", "2017-02-13", total_value="0.00006", total_cost=0),
    line("ada", "o4", "2017-02-13", total_value="0.00006", total_cost=0),
    line("pos:C1", "o5", "2017-06-30", order_line=1, total_value=8),
    line("bought later", "o6", "2017-07-01"),
    line("bought partly later", "o7", "2017-06-30", order_line=1, total_value=5),
    line("bought partly later", "o7", "2017-07-01", order_line=2, total_value=9),
    line("180 days ago", "o8", "2017-01-01"),
    line("181 days ago", "o9", "2016-12-31"),
    line("only unknown goods", "o10", "2017-05-01", total_value=None, total_cost=None),
)


@pytest.fixture(scope="module")
def months(spark: SparkSession) -> dict[tuple[str, str], dict[str, Any]]:
    """All columns of each row, by customer_id and month."""
    lines = sales(spark, *LINES)
    tables = [frame(spark, name, {}) for name in ("dim_products", "dim_territories")]
    customers = customer_360_of(frame(spark, "dim_customers", *PEOPLE), *tables, lines, AS_OF, 180)
    rows = [row.asDict() for row in mart_customers(customers, sales_by_customer_month(lines, AS_OF)).collect()]
    found = {(row["customer_id"], row["sales_date_month"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def picked(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def test_there_is_a_row_for_each_month_in_which_a_customer_bought_and_for_no_other(
    months: dict[tuple[str, str], dict[str, Any]],
) -> None:
    assert sorted(months) == [
        ("180 days ago", "2017-01"), ("181 days ago", "2016-12"), ("ada", "2016-11"), ("ada", "2017-02"),
        ("bought partly later", "2017-06"), ("only unknown goods", "2017-05"), ("pos:C1", "2017-06"),
    ]  # fmt: skip


def test_sales_and_largest_order_are_those_of_the_month(months: dict[tuple[str, str], dict[str, Any]]) -> None:
    columns = ("total_sales", "max_single_transaction")
    assert picked(months["ada", "2016-11"], *columns) == (Decimal(220), Decimal(150))


def test_sales_are_rounded_once_and_after_they_are_added_up(months: dict[tuple[str, str], dict[str, Any]]) -> None:
    columns = ("total_sales", "max_single_transaction")
    assert picked(months["ada", "2017-02"], *columns) == (Decimal("0.0001"), Decimal("0.0001"))


def test_the_measures_of_the_customer_are_the_same_in_every_month(
    months: dict[tuple[str, str], dict[str, Any]],
) -> None:
    columns = (
        "first_purchase_month", "last_purchase_month", "purchase_frequency", "avg_time_between_purchases",
        "monetary_value", "customer_lifetime_value", "inactive_status",
    )  # fmt: skip
    # of 5, 25 November and twice 13 February; a line of unknown cost is no margin
    expected = ("2016-11", "2017-02", 4, 100 / 3, Decimal("220.0001"), Decimal("100.0001"), "active")
    assert picked(months["ada", "2016-11"], *columns) == expected
    assert picked(months["ada", "2017-02"], *columns) == expected


def test_months_without_an_order_between_the_first_and_the_last_lower_the_average_spending(
    months: dict[tuple[str, str], dict[str, Any]],
) -> None:
    # November to February are four months: 220.00012 / 4
    assert months["ada", "2016-11"]["avg_monthly_spending"] == Decimal("55.0000")
    assert months["pos:C1", "2017-06"]["avg_monthly_spending"] == Decimal(8)


def test_who_and_where_a_customer_is_stays_null_where_no_source_says_it(
    months: dict[tuple[str, str], dict[str, Any]],
) -> None:
    columns = ("full_name", "address", "phone_number")
    assert picked(months["pos:C1", "2017-06"], *columns) == ("Grace Hopper", "Northwest", "+1 555 0100")
    assert picked(months["ada", "2016-11"], *columns) == ("Ada Lovelace", None, None)


def test_order_lines_after_as_of_are_left_out(months: dict[tuple[str, str], dict[str, Any]]) -> None:
    columns = ("total_sales", "purchase_frequency", "last_purchase_month")
    assert picked(months["bought partly later", "2017-06"], *columns) == (Decimal(5), 1, "2017-06")


def test_a_customer_is_inactive_on_the_first_day_after_the_threshold(
    months: dict[tuple[str, str], dict[str, Any]],
) -> None:
    assert months["180 days ago", "2017-01"]["inactive_status"] == "active"
    assert months["181 days ago", "2016-12"]["inactive_status"] == "inactive"


def test_a_month_of_unknown_prices_has_a_row_and_no_money(months: dict[tuple[str, str], dict[str, Any]]) -> None:
    columns = ("total_sales", "max_single_transaction", "avg_monthly_spending", "purchase_frequency")
    assert picked(months["only unknown goods", "2017-05"], *columns) == (Decimal(0), Decimal(0), Decimal(0), 1)


def test_the_sales_of_all_months_are_those_of_fact_sales_until_as_of(
    months: dict[tuple[str, str], dict[str, Any]],
) -> None:
    # Ada's, those of pos:C1 and of who bought partly later, and twice 10 dollars
    expected = Decimal("220.00012") + 8 + 5 + 2 * 10
    assert sum(row["total_sales"] for row in months.values()) == expected.quantize(Decimal("0.0001"))


def test_a_sale_of_a_customer_whom_customer_360_lacks_is_kept(spark: SparkSession) -> None:
    rows = made(spark, mart_customers, fact_sales=[line("ghost", "o1", "2017-01-01")]).collect()
    assert [(row["customer_id"], row["total_sales"], row["full_name"]) for row in rows] == [
        ("ghost", Decimal(10), None)
    ]
