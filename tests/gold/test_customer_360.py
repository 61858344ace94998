"""customer_360: everything that is known of a customer, in one row."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.gold.builders import Row, customer_360_of, frame, sales

AS_OF = date(2017, 6, 30)

PEOPLE: tuple[Row, ...] = (
    {"customer_id": "ada", "source_ids": ["web:1"], "full_name": "Ada", "email": "ada@example.com"},
    {"customer_id": "never bought", "full_name": "Nobody", "annual_income": "90000.00"},
    {"customer_id": "bought later", "full_name": "Later"},
    {"customer_id": "bought partly later"},
    {"customer_id": "inferred", "is_inferred": True},
    {"customer_id": "180 days ago"},
    {"customer_id": "181 days ago"},
    {"customer_id": "only unknown goods"},
    {"customer_id": "birthday today", "birth_date": "1966-06-30"},
    {"customer_id": "pos:C1", "source_ids": ["pos:C1"], "full_name": "Grace", "phone": "+1 555 0100"}
    | {"loyalty_tier": "gold", "loyalty_points": 120, "home_region": "Northwest"},
)

LINES: tuple[Row, ...] = (
    {"customer_id": "ada", "order_id": "o1", "order_date": "2016-06-30", "total_value": 100, "total_cost": 40},
    {"customer_id": "ada", "order_id": "o2", "order_line": 1, "order_date": "2017-06-20", "quantity": 2}
    | {"total_value": 150, "total_cost": 90, "territory_id": "north"},
    {"customer_id": "ada", "order_id": "o2", "order_line": 2, "order_date": "2017-06-20", "product_id": "cap"}
    | {"total_value": 50, "total_cost": 10, "territory_id": "north"},
    {"customer_id": "bought later", "order_id": "o3", "order_date": "2017-07-01"},
    {"customer_id": "bought partly later", "order_id": "o4", "order_line": 1, "order_date": "2017-06-30"},
    {"customer_id": "bought partly later", "order_id": "o4", "order_line": 2, "order_date": "2017-07-01"},
    {"customer_id": "inferred", "order_id": "o5", "territory_id": "nobody knows"},
    {"customer_id": "180 days ago", "order_id": "o6", "order_date": "2017-01-01"},
    {"customer_id": "181 days ago", "order_id": "o7", "order_date": "2016-12-31"},
    {"customer_id": "only unknown goods", "order_id": "o8", "product_id": "ghost", "total_value": None}
    | {"total_cost": None},
    {"customer_id": "pos:C1", "source": "pos", "order_id": "o9", "order_date": "2017-06-01", "total_value": 5}
    | {"total_cost": 4, "territory_id": "north"},
    {"customer_id": "pos:C1", "source": "pos", "order_id": "o10", "order_date": "2017-06-02", "total_value": 3}
    | {"total_cost": None, "product_id": "mug", "territory_id": None},
)


SUSPICIOUS: tuple[Row, ...] = (
    {"customer_id": "ada", "event_id": "o1", "severity": "low"},
    {"customer_id": "ada", "event_id": "o2", "severity": "high", "event_date": "2017-06-30"},
    {"customer_id": "inferred", "event_id": "o5", "severity": "medium"},
    {"customer_id": "bought later", "event_id": "o3", "severity": "high", "event_date": "2017-07-01"},
)


NO_MORE: Row = {"valid_from": "1900-01-01T00:00:00Z", "valid_to": "2017-01-01T00:00:00Z", "is_current": False}
"""What was, and is not any more, counts for nothing."""


@pytest.fixture(scope="module")
def customers(spark: SparkSession) -> dict[str, dict[str, Any]]:
    """All columns of each customer, by customer_id."""
    result = customer_360_of(
        frame(spark, "dim_customers", *PEOPLE, {**PEOPLE[0], "full_name": "Ada B.", **NO_MORE}),
        frame(
            spark,
            "dim_products",
            {"product_id": "bike", "category": "Bikes"},
            {"product_id": "bike", "category": "Toys", **NO_MORE},
            {"product_id": "cap", "category": "Clothing"},
            {"product_id": "mug", "category": "Gifts"},
            {"product_id": "ghost", "category": None, "is_inferred": True},
        ),
        frame(
            spark,
            "dim_territories",
            {"territory_id": "west", "region": "Southwest", "country": "United States"},
            {"territory_id": "north", "region": "Canada", "country": "Canada"},
            {"territory_id": "nobody knows", "region": None, "country": None},
        ),
        sales(spark, *LINES),
        AS_OF,
        180,
        *SUSPICIOUS,
    )
    rows = [row.asDict() for row in result.collect()]
    assert len(rows) == len(PEOPLE)
    return {row["customer_id"]: row for row in rows}


def picked(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def test_a_buyer_has_the_measures_of_all_orders(customers: dict[str, dict[str, Any]]) -> None:
    ada = customers["ada"]
    assert picked(ada, "full_name", "email", "source_ids") == ("Ada", "ada@example.com", ["web:1"])
    assert picked(ada, "total_orders", "total_quantity", "distinct_products", "favourite_category") == (
        2,
        4,
        2,
        "Bikes",
    )
    money = ("total_spend", "total_margin", "historical_ltv", "avg_order_value", "max_order_value")
    assert picked(ada, *money) == tuple(map(Decimal, (300, 160, 160, 150, 200)))
    assert picked(ada, "avg_days_between_orders", "longest_gap_days") == (355.0, 355)


def test_what_moves_with_the_calendar_is_counted_to_as_of(customers: dict[str, dict[str, Any]]) -> None:
    ada = customers["ada"]
    assert picked(ada, "days_since_last_order", "tenure_days", "is_inactive", "as_of") == (10, 365, False, AS_OF)
    windows = ("spend_last_90_days", "spend_last_12_months", "spend_previous_12_months", "spend_trend")
    assert picked(ada, *windows) == tuple(map(Decimal, (200, 200, 100, 1)))


def test_a_customer_is_where_the_latest_order_went(customers: dict[str, dict[str, Any]]) -> None:
    assert picked(customers["ada"], "country", "region") == ("Canada", "Canada")
    assert picked(customers["inferred"], "country", "region", "spend_rank_in_country") == (None, None, None)


def test_who_never_bought_has_zeros_for_totals_and_nothing_else(customers: dict[str, dict[str, Any]]) -> None:
    row = customers["never bought"]
    known = {
        "customer_id",
        "source_ids",
        "systems",
        "former_ids",
        "full_name",
        "annual_income",
        "as_of",
        "rfm_segment",
        "is_inactive",
    }
    zeros = {"total_orders", "total_quantity", "total_spend", "total_margin", "distinct_products", "historical_ltv"}
    zeros |= {"spend_last_90_days", "spend_last_12_months", "spend_previous_12_months", "spend_web", "spend_store"}
    zeros |= {name for name in row if name.startswith("interactions")} | {"complaints", "open_follow_ups", "payments"}
    zeros |= {"suspicious_events"}
    known |= {"is_suspicious"}
    assert {name for name, value in row.items() if value == 0 and value is not False} == zeros
    assert {name for name, value in row.items() if value is not None} == known | zeros
    assert picked(row, "full_name", "annual_income", "rfm_segment") == ("Nobody", Decimal(90000), "Never bought")
    assert row["is_inactive"] is True


def test_suspicious_events_are_counted_to_as_of_and_one_of_high_severity_is_marked(
    customers: dict[str, dict[str, Any]],
) -> None:
    names = ("ada", "inferred", "bought later", "never bought")
    assert {name: picked(customers[name], "suspicious_events", "is_suspicious") for name in names} == {
        "ada": (2, True), "inferred": (1, False), "bought later": (0, False), "never bought": (0, False),
    }  # fmt: skip


def test_ranks_and_scores_are_of_buyers_alone(customers: dict[str, dict[str, Any]]) -> None:
    ranked = {name: row["spend_rank"] for name, row in customers.items() if row["spend_rank"]}
    assert ranked == {
        "ada": 1, "180 days ago": 2, "181 days ago": 3, "bought partly later": 4, "inferred": 5, "pos:C1": 6,
        "only unknown goods": 7,
    }  # fmt: skip
    assert customers["ada"]["rfm_segment"] == "Champions"


def test_order_lines_after_as_of_are_left_out(customers: dict[str, dict[str, Any]]) -> None:
    assert picked(customers["bought later"], "total_orders", "rfm_segment") == (0, "Never bought")
    partly = customers["bought partly later"]
    assert picked(partly, "total_orders", "total_quantity", "last_order_date") == (1, 1, AS_OF)


def test_a_customer_is_inactive_on_the_first_day_after_the_threshold(customers: dict[str, dict[str, Any]]) -> None:
    columns = ("days_since_last_order", "is_inactive")
    assert picked(customers["180 days ago"], *columns) == (180, False)
    assert picked(customers["181 days ago"], *columns) == (181, True)


def test_who_bought_only_unknown_goods_is_a_buyer_who_spent_nothing(customers: dict[str, dict[str, Any]]) -> None:
    columns = ("total_orders", "total_spend", "avg_order_value", "historical_ltv", "favourite_category")
    assert picked(customers["only unknown goods"], *columns) == (1, Decimal(0), Decimal(0), Decimal(0), None)


def test_a_member_of_the_loyalty_programme_is_described_by_it(customers: dict[str, dict[str, Any]]) -> None:
    loyalty = ("phone", "loyalty_tier", "loyalty_points", "home_region")
    assert picked(customers["pos:C1"], "source_ids", *loyalty) == (["pos:C1"], "+1 555 0100", "gold", 120, "Northwest")
    assert picked(customers["ada"], *loyalty) == (None, None, None, None)


def test_the_home_region_does_not_say_where_the_latest_order_went(customers: dict[str, dict[str, Any]]) -> None:
    assert picked(customers["pos:C1"], "home_region", "region", "country") == ("Northwest", None, None)


def test_a_line_of_unknown_cost_is_spend_and_no_lifetime_value(customers: dict[str, dict[str, Any]]) -> None:
    money = ("total_spend", "total_margin", "historical_ltv")
    assert picked(customers["pos:C1"], *money) == tuple(map(Decimal, (8, 1, 1)))


def test_the_age_is_that_on_as_of(customers: dict[str, dict[str, Any]]) -> None:
    assert (customers["birthday today"]["age"], customers["ada"]["age"]) == (51, None)
