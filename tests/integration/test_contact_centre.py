"""Generated files of the contact centre: the lake finds what is wrong in them, and gold has all of the rest."""

from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from lib.generate.demo import generate_landing
from tests.builders import CONF, Lake
from tests.integration.truth import Landed, assert_quarantine_is_the_truth, landed

REASONS = {
    "customer_id_null": "customer_id is NULL",
    "birth_date_not_a_date": "is not a DATE",
    "email_invalid": "email has no @",
    "interaction_id_null": "interaction_id is NULL",
    "satisfaction_out_of_range": "satisfaction must be from 1 to 5",
    "started_at_not_a_date": "is not a TIMESTAMP",
    "amount_not_positive": "amount must be above zero",
    "amount_not_a_number": "is not a DECIMAL(14,2)",
    "status_unknown": "status is none of settled, pending, failed",
    "currency_unknown": "no exchange rate of the currency holds on that day",
    "malformed": "malformed record",
}

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Landed]:
    """A lake of what the contact centre has of 600 people, five times as much of it wrong; and the files as landed."""
    lake = Lake(spark, tmp_path_factory.mktemp("centre") / "lake", CONF)
    demo = lake.settings().demo
    often = {name: 5 * rate for name, rate in demo.crm.faults.items()}
    crm = demo.crm.model_copy(update={"faults": often})
    generate_landing(lake.settings(demo=demo.model_copy(update={"crm": crm})), source="crm", customers=600, seed=11)
    files = landed(lake, "*.*")
    outcome = lake.run(only=["customer_service", "crm_*"])
    assert outcome.status == 0, outcome.text
    return lake, files


@pytest.mark.parametrize("entity", ["customers", "interactions", "payments"])
def test_every_injected_fault_waits_in_quarantine_and_nothing_else_does(
    built: tuple[Lake, Landed], entity: str
) -> None:
    assert assert_quarantine_is_the_truth(*built, f"crm_{entity}", REASONS) > 0


def test_what_is_counted_of_customers_is_what_the_facts_have(built: tuple[Lake, Landed]) -> None:
    [found] = built[0].rows("gold.customer_service", "sum(interactions)", "sum(payments)", "sum(total_paid)")
    [contacts] = built[0].rows("gold.fact_interactions", "count(*)")
    signed = "CASE type WHEN 'payment' THEN amount_base ELSE -amount_base END"
    [paid] = built[0].rows(
        "gold.fact_payments", "count_if(type = 'payment')", f"sum(CASE status WHEN 'settled' THEN {signed} END)"
    )
    assert found == (*contacts, *paid)
    assert isinstance(found[2], Decimal)
    # what passed has a rate, and what is in dollars is worth what it says
    assert built[0].rows("gold.fact_payments", "count_if(amount_base IS NULL)") == [(0,)]
    assert built[0].rows("gold.fact_payments", "count_if(amount <> amount_base)", where="currency = 'USD'") == [(0,)]


def test_every_line_of_a_flat_file_is_in_bronze(built: tuple[Lake, Landed]) -> None:
    lake, files = built
    for entity in ("addresses", "agents", "customers", "exchange_rates", "phones"):
        lines = sum(len(text) - 1 for path, text in files.items() if path.startswith(f"crm/{entity}/"))
        assert lake.rows(f"bronze.crm_{entity}", "count(*)") == [(lines,)]
