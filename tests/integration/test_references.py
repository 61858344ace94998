"""A row that refers to one of another entity waits until that has come, and then comes back by itself."""

import json

import pytest

from tests.builders import Lake

LAYERS = ["bronze", "silver"]
QUARANTINE = "silver.crm_payments_quarantine"

pytestmark = pytest.mark.integration


def payment(number: int, currency: str, day: str) -> str:
    return json.dumps(
        {"payment_id": f"Y{number}", "customer_id": "P1", "amount": "10.00", "currency": currency, "type": "payment",
         "status": "settled", "paid_on": day, "updated_at": f"{day}T10:00:00Z"}
    )  # fmt: skip


def land(lake: Lake, name: str, *lines: str) -> None:
    lake.land(name, "\n".join(lines) + "\n", source="crm")


def paid(lake: Lake) -> list[tuple[str, ...]]:
    return lake.rows("silver.crm_payments", "payment_id")


@pytest.mark.slow
def test_a_payment_waits_for_its_rate_and_comes_back_with_it(lake: Lake) -> None:
    land(lake, "exchange_rates/1.csv", "currency,valid_from,rate", "USD,2017-01-01,1", "EUR,2017-02-01,1.1")
    lines = [payment(1, "USD", "2017-01-05"), payment(2, "EUR", "2017-01-05"), payment(3, "GBP", "2017-02-05")]
    land(lake, "payments/1.jsonl", *lines, payment(4, "EUR", "2017-02-05"), payment(5, "gbp.", "2017-02-05"))
    first = lake.run(layers=LAYERS)
    assert first.status == 0, first.text
    # though their files are of one run: the rates are refined first
    assert paid(lake) == [("Y1",), ("Y4",)]
    lacks = "no exchange rate of the currency holds on that day"
    assert lake.rows(QUARANTINE, "get_json_object(raw, '$.payment_id')", "array_join(dq_errors, ', ')") == [
        ("Y2", lacks), ("Y3", lacks), ("Y5", f"currency is no code of three letters, {lacks}"),
    ]  # fmt: skip
    before = lake.versions()
    assert lake.run(layers=LAYERS).status == 0
    assert lake.versions() == before

    # a rate of another day, and one of another currency
    land(lake, "exchange_rates/2.csv", "currency,valid_from,rate", "GBP,2017-02-01,1.3", "GBP.,2017-03-01,1")
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 0, outcome.text
    assert "conserved at 2 of 2 hops" in outcome.text
    assert paid(lake) == [("Y1",), ("Y3",), ("Y4",)]
    assert lake.rows(QUARANTINE, "get_json_object(raw, '$.payment_id')", "status", "size(history)") == [
        ("Y2", "waiting", 1), ("Y3", "accepted", 2), ("Y5", "waiting", 1),
    ]  # fmt: skip

    # a plan knows of it too
    land(lake, "exchange_rates/3.csv", "currency,valid_from,rate", "EUR,2017-01-01,1.2")
    assert lake.run(layers=LAYERS, only=["crm_exchange_rates"]).status == 0
    assert "2 rows of quarantine are judged again" in lake.plan(layers=LAYERS).text
    assert lake.run(layers=LAYERS).status == 0
    assert paid(lake) == [("Y1",), ("Y2",), ("Y3",), ("Y4",)]
    found = lake.rows("silver.crm_payments", "*")
    again = lake.run(layers=LAYERS, from_bronze=["crm_payments"])
    assert again.status == 0, again.text
    assert lake.rows("silver.crm_payments", "*") == found
    assert lake.plan(layers=LAYERS).last_line == "nothing to do · 0 warnings"


def test_a_payment_waits_where_no_rate_was_ever_landed(lake: Lake) -> None:
    land(lake, "payments/1.jsonl", payment(1, "USD", "2017-01-05"))
    outcome = lake.run(layers=LAYERS, only=["crm_payments"])
    assert outcome.status == 0, outcome.text
    assert paid(lake) == []
    assert lake.rows(QUARANTINE, "status") == [("waiting",)]
