"""dim_agents, fact_interactions, fact_payments and customer_service: what the contact centre has on record."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import SparkSession

from lib.gold.dimensions.dim_agents import dim_agents
from lib.gold.dimensions.dim_customers import dim_customers
from lib.gold.facts.fact_interactions import fact_interactions
from lib.gold.facts.fact_payments import fact_payments
from lib.gold.marts.customer_360 import customer_360
from lib.gold.marts.customer_service import customer_service
from tests.builders import assert_rows
from tests.gold.builders import made

RATES = [
    {"currency": "USD", "valid_from": "2016-12-01", "rate": "1"},
    {"currency": "EUR", "valid_from": "2017-01-01", "rate": "1.05"},
    {"currency": "EUR", "valid_from": "2017-02-01", "rate": "1.08"},
]


def test_an_agent_whom_only_an_interaction_names_is_inferred(spark: SparkSession) -> None:
    agents = made(
        spark,
        dim_agents,
        crm_agents=[{"agent_id": "A1", "name": "Ada", "team": "Returns"}],
        crm_interactions=[{"agent_id": "A1"}, {"agent_id": "A2"}, {"agent_id": "A2"}, {"agent_id": None}],
    )
    columns = ["agent_id", "source", "name", "team", "is_inferred"]
    assert_rows(agents, columns, [("crm:A1", "crm", "Ada", "Returns", False), ("crm:A2", "crm", None, None, True)])


def test_a_customer_of_the_contact_centre_has_versions_and_who_is_only_named_is_inferred(spark: SparkSession) -> None:
    versions = [
        {"customer_id": "P1", "last_name": "Byron", "updated_at": "2016-01-01T00:00:00Z"},
        {"customer_id": "P1", "last_name": "Lovelace", "updated_at": "2017-01-01T00:00:00Z"},
    ]
    customers = made(
        spark,
        dim_customers,
        crm_customers_history=versions,
        crm_interactions=[{"customer_id": "P1"}, {"customer_id": "P2"}],
        crm_payments=[{"customer_id": "P3"}],
    )
    columns = ["customer_id", "source_ids", "full_name", "is_inferred", "is_current"]
    assert_rows(
        customers,
        columns,
        [
            ("crm:P1", ["crm:P1"], "Ada Byron", False, False),
            ("crm:P1", ["crm:P1"], "Ada Lovelace", False, True),
            ("crm:P2", ["crm:P2"], None, True, True),
            ("crm:P3", ["crm:P3"], None, True, True),
        ],
    )


def test_an_interaction_is_of_its_day_in_utc(spark: SparkSession) -> None:
    facts = made(
        spark,
        fact_interactions,
        crm_interactions=[{"started_at": "2017-01-31T23:30:00-02:00", "agent_id": "A1"}, {"agent_id": None}],
    )
    columns = ["customer_id", "agent_id", "CAST(interaction_date AS STRING)"]
    assert_rows(facts, columns, [("crm:P1", "crm:A1", "2017-02-01"), ("crm:P1", None, "2017-01-01")])


def test_a_payment_is_worth_what_its_currency_was_worth_on_its_day(spark: SparkSession) -> None:
    payments = [
        {"payment_id": "Y1", "currency": "USD", "amount": "10.00", "paid_on": "2017-03-01"},
        {"payment_id": "Y2", "currency": "EUR", "amount": "10.01", "paid_on": "2017-01-31"},
        {"payment_id": "Y3", "currency": "EUR", "amount": "10.01", "paid_on": "2017-02-01"},
        {"payment_id": "Y4", "currency": "EUR", "amount": "10.00", "paid_on": "2016-12-31"},
        {"payment_id": "Y5", "currency": "XXX", "amount": "10.00", "paid_on": "2017-02-01"},
    ]
    facts = made(spark, fact_payments, crm_payments=payments, crm_exchange_rates=RATES)
    assert_rows(
        facts,
        ["payment_id", "exchange_rate", "amount_base"],
        [
            ("Y1", Decimal("1.00000000"), Decimal("10.0000")),
            ("Y2", Decimal("1.05000000"), Decimal("10.5105")),
            ("Y3", Decimal("1.08000000"), Decimal("10.8108")),
            ("Y4", None, None),
            ("Y5", None, None),
        ],
    )


def contact(**said: Any) -> dict[str, Any]:
    return {"customer_id": "ada", **said}


def test_contacts_are_counted_by_channel_and_what_is_open_stays_open_until_it_is_done(spark: SparkSession) -> None:
    contacts = [
        contact(channel="phone", satisfaction=5, interaction_date="2017-01-01"),
        contact(channel="phone", satisfaction=2, type="complaint", follow_up_due_on="2017-01-09"),
        contact(channel="email", follow_up_due_on="2017-01-09", follow_up_done_on="2017-03-01"),
        contact(channel="fax", interaction_date="2017-02-02"),
        contact(customer_id="bob", channel="chat", interaction_date="2017-05-05"),
    ]
    columns = [
        "customer_id", "interactions", "interactions_by_phone", "interactions_by_email", "interactions_by_chat",
        "interactions_in_store", "complaints", "open_follow_ups", "mean_satisfaction",
        "CAST(last_interaction_on AS STRING)", "payments",
    ]  # fmt: skip
    found = made(spark, customer_service, fact_interactions=contacts)
    assert_rows(
        found,
        columns,
        [
            ("ada", 4, 2, 1, 0, 0, 1, 1, 3.5, "2017-02-02", 0),
            ("bob", 1, 0, 0, 1, 0, 0, 0, None, "2017-05-05", 0),
        ],
    )
    # on a day before it was done it is open, and what came later is not there
    then = made(spark, customer_service, fact_interactions=contacts, held_at=datetime(2017, 2, 28, 23, 59))
    assert_rows(then, columns, [("ada", 4, 2, 1, 0, 0, 1, 2, 3.5, "2017-02-02", 0)])


def test_a_share_of_the_payments_that_ended_failed_and_refunds_go_off_what_was_paid(spark: SparkSession) -> None:
    payments = [
        contact(amount_base="10.0000", payment_date="2017-01-01"),
        contact(amount_base="20.0000", payment_date="2017-01-02"),
        contact(amount_base="99.0000", payment_date="2017-01-03", status="failed"),
        contact(amount_base="99.0000", payment_date="2017-01-04", status="pending"),
        contact(amount_base="5.5000", payment_date="2017-01-05", type="refund"),
        contact(amount_base="5.5000", payment_date="2017-01-06", type="refund", status="pending"),
        contact(customer_id="bob", status="pending"),
    ]
    found = made(spark, customer_service, fact_payments=payments)
    columns = [
        "customer_id", "payments", "failed_payment_share", "total_paid", "CAST(last_payment_on AS STRING)",
        "interactions",
    ]  # fmt: skip
    assert_rows(
        found,
        columns,
        [
            ("ada", 4, Decimal("0.333333"), Decimal("24.5000"), "2017-01-02", 0),
            ("bob", 1, None, Decimal("0.0000"), None, 0),
        ],
    )


def test_customer_360_has_it_and_says_zero_of_who_was_never_there(spark: SparkSession) -> None:
    customers = made(
        spark,
        customer_360,
        dim_customers=[{"customer_id": "ada"}, {"customer_id": "eve"}],
        customer_service=[{"customer_id": "ada", "interactions": 3, "mean_satisfaction": 4.5, "payments": 2}],
    )
    columns = ["customer_id", "interactions", "open_follow_ups", "mean_satisfaction", "payments"]
    assert_rows(customers, columns, [("ada", 3, 0, 4.5, 2), ("eve", 0, 0, None, 0)])
