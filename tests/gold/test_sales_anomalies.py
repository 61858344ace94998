"""sales_anomalies: sales and refunds that somebody should look at, and why."""

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.gold.marts.sales_anomalies import sales_anomalies
from lib.gold.marts.sales_baselines import sales_baselines
from tests.gold.builders import SETTINGS, Row, frame, line, made

PLACES = [{"territory_id": "west", "country": "United States"}, {"territory_id": "paris", "country": "France"}]


def sale(order: str, customer: str, day: str, product: str = "bike", **more: Any) -> Row:
    """A till's sale of one unit for 10 dollars, in a store of its own."""
    said = {"source": "pos", "channel": "store", "store_id": order, "product_id": product, "discount": 0, **more}
    return line(customer, order, day, **said)


def usual(customer: str, product: str, month: str = "2017-01", count: int = 4, **more: Any) -> list[Row]:
    """So many sales on different days of a month."""
    days = [f"{month}-{10 + number}" for number in range(count)]
    return [sale(f"{customer} {product} {day}", customer, day, product, **more) for day in days]


SALES: list[Row] = [
    *usual("a", "bike"),
    sale("many", "a", "2017-02-01", quantity=6, total_value=60),
    sale("few", "a", "2017-02-02", quantity=4, total_value=40),
    # both in one month: the second is none of the first's history
    sale("dear", "b", "2017-02-03", total_value=30),
    sale("dearer", "b", "2017-02-03", total_value=28),
    # a history of three says nothing
    *usual("c", "rare", count=3),
    sale("unknown", "c", "2017-02-01", "rare", quantity=50, total_value=5000),
    # by the dozen as ever
    *usual("wholesale", "cap", quantity=12, total_value=120),
    *usual("d", "cap", count=8),
    sale("by the dozen", "wholesale", "2017-02-01", "cap", quantity=12, total_value=120),
    # it is the store that lets off, and who always gets it may go on
    *usual("e", "hat", store_id="S3", discount="0.1"),
    *usual("staff", "sock", discount="0.6"),
    sale("let off", "f", "2017-02-01", "new", store_id="S3", discount="0.6"),
    sale("of the staff", "staff", "2017-02-01", "new", store_id="S3", discount="0.6"),
    # two units of the middle: the median of 1, 1, 3, 3 is 2, and their distance from it 1
    *usual("g", "even", count=2),
    *usual("h", "even", count=2, quantity=3, total_value=30),
    sale("edge", "g", "2017-02-01", "even", quantity=7, total_value=70),
    sale("beyond", "g", "2017-02-02", "even", quantity=8, total_value=80),
    sale("both", "a", "2017-02-03", quantity=7, total_value=300),
    sale("strong", "a", "2017-02-04", quantity=11, total_value=110),
    # long ago
    *usual("i", "old", month="2015-01"),
    sale("forgotten", "i", "2017-02-01", "old", quantity=50, total_value=500),
    # days
    *usual("j", "tyre", count=1),
    *[sale(f"j{number}", "j", "2017-02-01", "tyre") for number in range(5)],
    *[sale(f"busy {day} {n}", "busy", day, "tyre") for day in ("2017-01-10", "2017-02-10") for n in range(4)],
    *[sale(f"till {number}", "till", "2017-02-01", "tyre") for number in range(6)],
    *[sale(f"nobody {number}", None, "2017-02-01", "tyre") for number in range(3)],
    # countries
    *usual("k", "pump"),
    sale("k home", "k", "2017-02-01", "pump"),
    sale("k away", "k", "2017-02-01", "pump", territory_id="paris"),
    sale("l one", "l", "2017-02-01", "pump"),
    sale("l other", "l", "2017-02-01", "pump", territory_id="paris"),
    sale("m shop", "m", "2017-02-01", "pump"),
    line("m", "m web", "2017-02-01", territory_id="paris"),
    *[sale(f"traveller {n} {where}", "traveller", f"2017-0{1 + n // 3}-15", "pump", territory_id=where)
      for n in (0, 3) for where in ("west", "paris")],
]  # fmt: skip


def refund(number: str, customer: str, day: str, **more: Any) -> Row:
    return {
        "payment_id": number,
        "customer_id": customer,
        "type": "refund",
        "payment_date": day,
        "source": "crm",
        **more,
    }


PAYMENTS: list[Row] = [
    refund("r1", "n", "2017-01-01"),
    refund("r2", "n", "2017-01-30"),
    refund("r3", "n", "2017-03-31"),
    refund("p1", "n", "2017-01-02", type="payment", amount_base=39),
    refund("r4", "o", "2017-01-01"),
    refund("r5", "o", "2017-01-02"),
    refund("p2", "o", "2016-12-01", type="payment", amount_base=40),
    refund("r6", "p", "2017-01-01"),
    refund("r7", "p", "2017-01-02", status="failed"),
]


def found(spark: SparkSession, sales: list[Row], payments: list[Row] = []) -> dict[str, dict[str, Any]]:  # noqa: B006
    """All columns of what is suspicious, by the number of the sale or refund."""
    limits, places = SETTINGS["anomalies"], frame(spark, "dim_territories", *PLACES)
    paid = frame(spark, "fact_payments", *payments)
    baselines = made(spark, sales_baselines, fact_sales=sales)
    rows = sales_anomalies(places, paid, frame(spark, "fact_sales", *sales), baselines, limits).collect()
    assert len({row["event_id"] for row in rows}) == len(rows)
    return {row["event_id"]: row.asDict() for row in rows}


@pytest.fixture(scope="module")
def anomalies(spark: SparkSession) -> dict[str, dict[str, Any]]:
    return found(spark, SALES, PAYMENTS)


def kinds(anomalies: dict[str, dict[str, Any]], *events: str) -> dict[str, list[str]]:
    """Of what kinds some events are, as far as they are suspicious."""
    return {event: anomalies[event]["kinds"] for event in events if event in anomalies}


def test_nothing_else_is_suspicious(anomalies: dict[str, dict[str, Any]]) -> None:
    # of their first month nobody knows what is usual for a customer
    before = [*(f"busy 2017-01-10 {number}" for number in range(4)), "traveller 0 paris", "traveller 0 west"]
    days = [f"j{number}" for number in range(5)]
    assert sorted(anomalies) == sorted(
        [
            "many",
            "both",
            "strong",
            "dear",
            "let off",
            "beyond",
            *days,
            "k away",
            "l one",
            "l other",
            "r1",
            "r2",
            *before,
        ]
    )


def test_more_units_than_the_product_and_the_customer_ever_had(anomalies: dict[str, dict[str, Any]]) -> None:
    many = anomalies["many"]
    assert (many["kinds"], many["event"], many["severity"], many["quantity_z_product"]) == (
        ["quantity"],
        "sale",
        "low",
        5,
    )
    assert many["reasons"] == [
        "6 units; for this product 1 is usual, more than 1 rare",
        "6 units; for this customer 1 is usual, more than 1 rare",
    ]


def test_a_unit_dearer_than_three_times_what_it_usually_is(anomalies: dict[str, dict[str, Any]]) -> None:
    assert kinds(anomalies, "dear", "dearer") == {"dear": ["value"]}
    assert anomalies["dear"]["reasons"] == [
        "30.00 dollars a unit; for this product 10.00 is usual, more than 10.00 rare"
    ]
    assert anomalies["dear"]["value_z_product"] == pytest.approx(1.0986 / 0.3)
    assert anomalies["dear"]["value_z_customer"] is None


def test_too_little_history_says_nothing(anomalies: dict[str, dict[str, Any]]) -> None:
    assert kinds(anomalies, "unknown", "forgotten") == {}


def test_what_a_customer_always_does_is_not_suspicious(anomalies: dict[str, dict[str, Any]]) -> None:
    assert kinds(anomalies, "by the dozen", "of the staff", "busy 2017-02-10 0") == {}


def test_a_discount_is_judged_by_the_stores_habit(anomalies: dict[str, dict[str, Any]]) -> None:
    assert anomalies["let off"]["reasons"] == ["60 % off; in this store 10 is usual, more than 10 rare"]


def test_the_median_of_an_even_number_is_the_middle_of_two_and_the_cut_is_above(
    anomalies: dict[str, dict[str, Any]],
) -> None:
    # 0.6745 × (7 − 2) / 1 is 3.37, of 8 it is 4.05
    assert kinds(anomalies, "edge", "beyond") == {"beyond": ["quantity"]}
    assert anomalies["beyond"]["quantity_z_product"] == pytest.approx(4.047)


def test_many_orders_on_one_day_are_suspicious_but_not_of_an_id_that_is_no_person(
    anomalies: dict[str, dict[str, Any]],
) -> None:
    assert kinds(anomalies, "j0", "till 0", "nobody 0") == {"j0": ["velocity"]}
    assert anomalies["j0"]["reasons"] == ["5 orders on one day; the customer's days have 1"]


def test_in_stores_of_two_countries_on_one_day_it_is_the_one_away_from_home(
    anomalies: dict[str, dict[str, Any]],
) -> None:
    assert kinds(anomalies, "k home", "k away", "l one", "l other", "m shop", "m web", "traveller 3 west") == {
        "k away": ["geography"], "l one": ["geography"], "l other": ["geography"],
    }  # fmt: skip
    assert anomalies["k away"]["reasons"] == [
        "in stores of France and United States on one day; the customer is usually in United States"
    ]


def test_refunds_close_together_are_suspicious_if_they_are_much_of_what_was_paid(
    anomalies: dict[str, dict[str, Any]],
) -> None:
    assert kinds(anomalies, *(f"r{number}" for number in range(1, 8))) == {"r1": ["refunds"], "r2": ["refunds"]}
    assert anomalies["r1"]["reasons"] == ["2 refunds within 30 days, 20.00 dollars; paid in the year before: 39.00"]
    assert anomalies["r1"]["store_id"] is anomalies["r1"]["value_z_product"] is None


def test_a_later_sale_does_not_change_what_was_said_of_an_earlier_one(
    spark: SparkSession, anomalies: dict[str, dict[str, Any]]
) -> None:
    later = [*usual("a", "bike", month="2017-03", count=9, quantity=9), sale("later", "b", "2017-02-28", quantity=90)]
    now = found(spark, [*SALES, *later], PAYMENTS)
    assert {event: now.get(event) for event in anomalies} == anomalies


def test_two_kinds_at_once_are_more_severe_than_one(anomalies: dict[str, dict[str, Any]]) -> None:
    assert {event: (anomalies[event]["kinds"], anomalies[event]["severity"]) for event in ("both", "strong")} == {
        "both": (["quantity", "value"], "high"), "strong": (["quantity"], "high"),
    }  # fmt: skip
    assert anomalies["strong"]["strength"] == pytest.approx(10 / 3.5)


def test_a_baseline_is_of_the_twelve_months_before(spark: SparkSession) -> None:
    first = date(2016, 1, 15)
    days = [(first + timedelta(31 * number)).replace(day=15) for number in range(14)]
    sales = [sale(f"{day} {n}", "a", f"{day}", quantity=1 + at) for at, day in enumerate(days) for n in range(4)]
    rows = made(spark, sales_baselines, fact_sales=sales).filter("subject = 'product'").collect()
    assert {row["sales_month"]: (row["sales"], row["quantity_median"]) for row in rows} == {
        **{f"2016-{month:02}": (4 * (month - 1), month / 2) for month in range(2, 13)},
        "2017-01": (48, 6.5),
        "2017-02": (48, 7.5),
    }
