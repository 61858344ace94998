"""mart_sales_team: how the sales people of the stores do, month by month."""

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.gold.marts.mart_sales_team import mart_sales_team
from lib.lakehouse import IncentiveTier
from tests.builders import assert_rows
from tests.gold.builders import Row, made

Months = dict[tuple[str, str, str], dict[str, Any]]


def sale(store: str | None, person: str | None, day: str, value: Any, **more: Any) -> Row:
    """A till's transaction: an order of one line."""
    order = f"{store} {person} {day} {value}"
    return {
        "store_id": store, "sales_person_id": person, "order_date": day, "total_value": value, "order_id": order,
        "source": "pos", "channel": "store", **more,
    }  # fmt: skip


SALES: tuple[Row, ...] = (
    sale("gaps", "ada", "2016-11-03", 100),
    sale("gaps", "ada", "2016-11-30", 20),
    sale("gaps", "ada", "2017-02-01", 60),
    sale("gaps", "ada", "2017-03-31", 90),
    sale("gaps", "bob", "2016-12-31", 40),
    sale("ties", "dan", "2017-01-01", 50),
    sale("ties", "cyd", "2017-01-01", 50),
    sale("ties", "eve", "2017-01-01", 80),
    sale("ties", None, "2017-01-01", 120),
    sale(None, "ada", "2017-01-01", 30),
    sale(None, None, "2017-01-01", 5),
    sale("gaps", "no price", "2017-05-01", None),
)
WEB: Row = {"channel": "web", "order_id": "SO1", "total_value": 1_000_000}


@pytest.fixture(scope="module")
def months(spark: SparkSession) -> Months:
    """All columns of each row, by store, sales person and month."""
    people = [{"sales_person_id": "ada", "name": "Ada"}, {"sales_person_id": "eve", "name": None, "is_inferred": True}]
    made_of = made(spark, mart_sales_team, fact_sales=[*SALES, WEB], dim_sales_people=people, sales_anomalies=[])
    rows = [row.asDict() for row in made_of.collect()]
    found = {(row["store_id"], row["sales_person_id"], row["sales_month"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def of_ada(months: Months, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of Ada's months in the store `gaps`, in time."""
    picked = sorted((key, row) for key, row in months.items() if key[:2] == ("gaps", "ada"))
    return [(key[2], *(row[column] for column in columns)) for key, row in picked]


def test_a_month_without_a_sale_has_a_row_between_the_first_and_the_last(months: Months) -> None:
    assert of_ada(months, "total_sales", "total_transactions", "avg_transaction_value", "max_single_transaction") == [
        ("2016-11", 120, 2, 60, 100),
        ("2016-12", 0, 0, None, None),
        ("2017-01", 0, 0, None, None),
        ("2017-02", 60, 1, 60, 60),
        ("2017-03", 90, 1, 90, 90),
    ]


def test_nobody_has_a_row_before_the_first_or_after_the_last_sale(months: Months) -> None:
    assert [key[2] for key in months if key[:2] == ("gaps", "bob")] == ["2016-12"]
    assert {row[1:] for row in of_ada(months, "first_sale_month", "last_sale_month")} == {("2016-11", "2017-03")}


def test_a_growth_rate_is_rounded_once(spark: SparkSession) -> None:
    # -0.54690649961…: of nine digits -0.546906500, which would go on to -0.546907
    sales = [sale("s", "ada", "2017-03-01", "1247.5350"), sale("s", "ada", "2017-04-01", "565.2500")]
    found = made(spark, mart_sales_team, fact_sales=sales, dim_sales_people=[], sales_anomalies=[])
    assert_rows(found, ["sales_month", "sales_growth_rate"], [("2017-03", None), ("2017-04", Decimal("-0.546906"))])


def test_growth_and_variance_are_against_the_calendars_previous_month(months: Months) -> None:
    assert of_ada(months, "sales_growth_rate", "month_over_month_variance") == [
        ("2016-11", None, 120),
        ("2016-12", -1, -120),
        ("2017-01", None, 0),
        ("2017-02", None, 60),
        ("2017-03", Decimal("0.5"), 30),
    ]


def test_the_average_counts_the_months_without_a_sale(months: Months) -> None:
    assert {row[1] for row in of_ada(months, "avg_sales_per_month")} == {Decimal(270) / 5}


def test_the_year_to_date_begins_anew_in_january(months: Months) -> None:
    assert of_ada(months, "year_to_date_sales") == [
        ("2016-11", 120), ("2016-12", 120), ("2017-01", 0), ("2017-02", 60), ("2017-03", 150),
    ]  # fmt: skip


def test_the_best_of_a_store_is_first_and_equals_are_parted_by_their_id(months: Months) -> None:
    ranks = {key[1]: row["top_performance_rank"] for key, row in months.items() if key[0] == "ties"}
    assert ranks == {"eve": 1, "cyd": 2, "dan": 3, "unknown": None}


def test_a_month_without_a_sale_is_ranked_below_those_who_sold(months: Months) -> None:
    ranks = {key[1]: row["top_performance_rank"] for key, row in months.items() if key[::2] == ("gaps", "2016-12")}
    assert ranks == {"bob": 1, "ada": 2}


def test_shares_are_in_percent_of_the_sales_of_the_store_in_the_month(months: Months) -> None:
    shares = {key[1]: row["sales_contribution_percentage"] for key, row in months.items() if key[0] == "ties"}
    assert shares == {
        "cyd": Decimal("16.666667"), "dan": Decimal("16.666667"), "eve": Decimal("26.666667"), "unknown": 40,
    }  # fmt: skip
    assert months["gaps", "ada", "2017-01"]["sales_contribution_percentage"] is None


def test_sales_without_a_store_or_a_person_are_of_the_unknown_one(months: Months) -> None:
    unknown = {key: row["total_sales"] for key, row in months.items() if "unknown" in key}
    assert unknown == {
        ("ties", "unknown", "2017-01"): 120,
        ("unknown", "ada", "2017-01"): 30,
        ("unknown", "unknown", "2017-01"): 5,
    }


def test_there_is_nobody_to_rank_or_to_pay_for_the_sales_of_the_unknown_person(months: Months) -> None:
    row = months["ties", "unknown", "2017-01"]
    assert (row["full_name"], row["top_performance_rank"], row["incentive"]) == (None, None, None)
    assert months["unknown", "ada", "2017-01"]["top_performance_rank"] == 1


def test_a_person_has_the_name_of_the_dimension_and_stays_without_one(months: Months) -> None:
    assert {key[1]: row["full_name"] for key, row in months.items()} == {
        "ada": "Ada", "bob": None, "cyd": None, "dan": None, "eve": None, "no price": None, "unknown": None,
    }  # fmt: skip


def test_a_sale_of_unknown_price_is_an_order_without_money(months: Months) -> None:
    row = months["gaps", "no price", "2017-05"]
    assert (row["total_transactions"], row["total_sales"], row["avg_transaction_value"]) == (1, 0, 0)
    assert (row["sales_growth_rate"], row["sales_contribution_percentage"]) == (None, None)


def test_the_sales_of_all_rows_are_the_store_sales_of_fact_sales(months: Months) -> None:
    assert sum(row["total_sales"] for row in months.values()) == sum(row["total_value"] or 0 for row in SALES)
    assert sum(row["total_transactions"] for row in months.values()) == len(SALES)


def test_the_rate_of_the_last_tier_that_is_reached_is_paid_on_all_sales_of_the_month(spark: SparkSession) -> None:
    values = ("99.99", "100", "999.99", "1000", "2000")
    lines = [sale("s", f"sold {value}", "2017-01-01", value) for value in values]
    assert_rows(
        made(spark, mart_sales_team, fact_sales=lines, sales_anomalies=[]),
        ["sales_person_id", "CAST(incentive AS STRING)"],
        [
            ("sold 99.99", "0.0000"),
            ("sold 100", "1.0000"),
            ("sold 999.99", "9.9999"),
            ("sold 1000", "50.0000"),
            ("sold 2000", "100.0000"),
        ],
    )


def test_a_single_tier_from_zero_pays_everyone(spark: SparkSession) -> None:
    rows = made(
        spark,
        mart_sales_team,
        fact_sales=[sale("s", "p", "2017-01-01", 30)],
        sales_anomalies=[],
        incentive_tiers=[IncentiveTier(**{"from": 0, "rate": 1})],
    )
    assert_rows(rows, ["incentive"], [(Decimal("30.0000"),)])


def test_an_order_of_two_lines_is_one_transaction_and_of_two_people_one_of_each(spark: SparkSession) -> None:
    lines = [
        sale("s", "p", "2017-01-01", 10, order_id="o1", order_line=1),
        sale("s", "p", "2017-01-01", 20, order_id="o1", order_line=2),
        sale("s", "q", "2017-01-01", 40, order_id="o1", order_line=3),
    ]
    assert_rows(
        made(spark, mart_sales_team, fact_sales=lines, sales_anomalies=[]),
        ["sales_person_id", "total_transactions", "max_single_transaction"],
        [("p", 1, Decimal("30.0000")), ("q", 1, Decimal("40.0000"))],
    )
