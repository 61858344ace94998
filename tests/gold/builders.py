"""Builders of the frames that gold functions take: a row says what matters, the defaults below fill the rest."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lib.config import load_settings, read_contracts
from lib.gold.marts.customer_360 import customer_360
from lib.gold.marts.customer_metrics import customer_metrics
from lib.gold.marts.sales_by_customer_month import sales_by_customer_month
from lib.gold.registry import gold_tables
from lib.identity.tables import SCHEMAS
from lib.lakehouse import Anomalies, IncentiveTier
from lib.models.champions import Champions
from lib.session import local_frame
from tests.builders import CONF

Row = dict[str, Any]

_LINEAGE = {
    "_source_file": "string", "_source_modified_at": "timestamp", "_batch_id": "bigint", "_row_id": "bigint",
    "_content_hash": "bigint", "_is_live": "boolean",
}  # fmt: skip
_VERSION: Row = {
    "_source_modified_at": "2017-01-01T00:00:00Z", "_source_file": "f.csv", "_content_hash": 1, "_is_live": True,
}  # fmt: skip
_NOW: Row = {"valid_from": "1900-01-01T00:00:00Z", "is_current": True, "is_inferred": False}

DEFAULTS: dict[str, Row] = {
    "adventureworks_calendar": {"date": "2017-01-01"},
    "adventureworks_customers_history": {"customer_key": 1, "first_name": "Ada", "last_name": "Lovelace", **_VERSION},
    "adventureworks_product_categories": {"category_key": 1, "category_name": "Bikes"},
    "adventureworks_product_subcategories": {"subcategory_key": 1, "subcategory_name": "Road", "category_key": 1},
    "adventureworks_products_history": {
        "product_key": 1, "subcategory_key": 1, "unit_price": "10.0000", "unit_cost": "6.0000", **_VERSION,
    },
    "adventureworks_returns": {"return_date": "2017-01-01", "territory_key": 1, "product_key": 1, "quantity": 1},
    "adventureworks_sales": {
        "order_number": "SO1", "order_line": 1, "order_date": "2017-01-01", "product_key": 1, "customer_key": 1,
        "territory_key": 1, "quantity": 1,
    },
    "adventureworks_territories": {"territory_key": 1, "region": "Northwest", "country": "United States"},
    "crm_addresses": {
        "address_id": "D1", "customer_id": "P1", "type": "home", "street": "1 Elm Street", "city": "Seattle",
        "postcode": "98101", "region": "Northwest", "country": "United States", "updated_at": "2017-01-01T00:00:00Z",
    },
    "crm_agents": {"agent_id": "A1", "name": "Ada"},
    "crm_customers_history": {
        "customer_id": "P1", "first_name": "Ada", "last_name": "Byron", "updated_at": "2017-01-01T00:00:00Z",
        **_VERSION,
    },
    "crm_exchange_rates": {"currency": "USD", "valid_from": "2016-01-01", "rate": "1"},
    "crm_interactions": {
        "interaction_id": "I1", "customer_id": "P1", "agent_id": "A1", "channel": "phone", "type": "question",
        "started_at": "2017-01-01T10:00:00Z", "updated_at": "2017-01-01T10:00:00Z",
    },
    "crm_payments": {
        "payment_id": "Y1", "customer_id": "P1", "amount": "10.00", "currency": "USD", "type": "payment",
        "status": "settled", "paid_on": "2017-01-01", "updated_at": "2017-01-01T10:00:00Z",
    },
    "crm_phones": {
        "phone_id": "N1", "customer_id": "P1", "type": "mobile", "number": "206 555 0100",
        "updated_at": "2017-01-01T00:00:00Z",
    },
    "customer_360": {
        "customer_id": "ada", "full_name": "Ada Lovelace", "total_orders": 1, "rfm_segment": "New",
        "is_inactive": False,
    },
    "customer_identities": {"source": "pos", "source_customer_id": "C1", "customer_id": "K1"},
    "customer_features": {"customer_id": "ada", "purchases": 1},
    "customer_metrics": {"customer_id": "ada", "total_orders": 1},
    "customer_scores": {"customer_id": "ada"},
    "customer_service": {"customer_id": "ada"},
    "dim_customers": {"customer_id": "web:ada", "source_ids": ["web:ada"], "systems": ["web"], **_NOW},
    "dim_locations": {"location_id": "SEATTLE", "city": "Seattle"},
    "dim_products": {"product_id": "bike", "category": "Bikes", **_NOW},
    "dim_sales_people": {"sales_person_id": "pos:P1", "name": "Alan Turing", "is_inferred": False},
    "dim_territories": {"territory_id": "west", "region": "Northwest", "country": "United States"},
    "former_customer_ids": {"former_id": "K2", "customer_id": "K1"},
    "pos_customers_history": {
        "customer_id": "C1", "name": "Grace Hopper", "updated_at": "2017-01-01T00:00:00Z", **_VERSION,
    },
    "pos_sales": {
        "transaction_id": "T1", "customer_id": "C1", "store_id": "S1", "sales_person_id": "P1", "product_id": "MUG",
        "product_name": "Mug", "category": "Gifts", "price": "10.00", "quantity": 1, "discount": 0,
        "sold_at": "2017-01-01T10:00:00Z", "updated_at": "2017-01-01T10:00:00Z",
    },
    "pos_sales_people": {"sales_person_id": "P1", "name": "Alan Turing", "store_id": "S1"},
    "pos_stores": {"store_id": "S1", "name": "Main Street", "region": "Northwest", "country": "United States"},
    "sales_anomalies": {
        "source": "pos", "event": "sale", "event_id": "o1", "event_line": 1, "customer_id": "ada", "channel": "store",
        "kinds": ["value"], "reasons": ["much"], "severity": "low", "event_date": "2017-01-01",
        "event_month": "2017-01",
    },
    "sales_baselines": {"subject": "product", "subject_id": "bike", "sales_month": "2017-01", "sales": 100},
    "sales_by_customer_month": {"customer_id": "ada", "sales_month": "2017-01", "total_value": 10},
    "sales_by_level_month": {
        "subject": "product", "subject_id": "bike", "sales_month": "2017-01", "measure": "quantity", "level": 1,
        "sales": 1,
    },
    "sales_by_day": {"date": "2017-01-01", "total_value": 10},
    "sales_by_person_month": {
        "store_id": "pos:S1", "sales_person_id": "pos:P1", "sales_month": "2017-01", "total_value": 10,
    },
    "fact_interactions": {
        "interaction_id": "I1", "customer_id": "ada", "channel": "phone", "type": "question",
        "interaction_date": "2017-01-01",
    },
    "fact_payments": {
        "payment_id": "Y1", "customer_id": "ada", "type": "payment", "status": "settled", "amount_base": 10,
        "payment_date": "2017-01-01",
    },
    "fact_sales": {
        "order_id": "o1", "order_line": 1, "customer_id": "ada", "product_id": "bike", "territory_id": "west",
        "source": "web", "channel": "web", "quantity": 1, "total_value": 10, "total_cost": 6,
        "order_date": "2017-01-01",
    },
}  # fmt: skip

SETTINGS: Row = {
    "as_of": date(2017, 6, 30),
    "sales_until": None,
    "held_at": None,
    "inactive_after_days": 180,
    "high_value_above": Decimal(1000),
    "champions": Champions(),
    "reasons_of_score": 3,
    "survivorship": load_settings(CONF).measures["survivorship"],
    "anomalies": Anomalies(
        z_above=3.5,
        rare_below=0.01,
        least_sales={"customer": 4, "product": 4, "place": 4},
        least_scale={"value": 0.3, "quantity": 1, "discount": 0.1},
        orders_of_a_day=3,
        nobody_from=6,
        refunds=2,
        refund_days=30,
        refund_share=0.5,
        medium_from=1.5,
        high_from=2.5,
    ),
    "incentive_tiers": [
        IncentiveTier(**{"from": "100", "rate": "0.01"}),
        IncentiveTier(**{"from": 1000, "rate": 0.05}),
    ],
}
"""The parameters of gold functions that are no tables."""


def frame(spark: SparkSession, table: str, *rows: Row) -> DataFrame:
    """A silver or gold table of these rows, with the columns and types that its contract or its docstring gives it."""
    columns = columns_of(table)
    unknown = {name for row in rows for name in row} - set(columns)
    assert not unknown, f"{table} has no column {', '.join(sorted(unknown))}"
    schema = ", ".join(f"`{name}` {type_name}" for name, type_name in columns.items())
    return local_frame(spark, [{**DEFAULTS[table], **_following(table, row), **row} for row in rows], schema)


def _following(table: str, row: Row) -> Row:
    """What other columns of a row decide."""
    day = {**DEFAULTS[table], **row}.get("order_date")
    return {"order_month": f"{day}"[:7]} if table == "fact_sales" and day else {}


def made(spark: SparkSession, table: Callable[..., DataFrame], **inputs: Any) -> DataFrame:
    """The gold table made of these rows; a table that is not named is empty, a setting is as in SETTINGS.

    Of a gold table that is not named, but reads one that is, it is what is made of that.
    """
    read: set[str] = set()

    def of(name: str) -> Any:
        read.add(name)
        if name in SETTINGS:
            return inputs.get(name, SETTINGS[name])
        between = gold_tables().get(name)
        if name in inputs or between is None or not inputs.keys() & {*between.inputs}:
            return frame(spark, name, *inputs.get(name, ()))
        return between.function(**{each: of(each) for each in between.inputs})

    result = table(**{name: of(name) for name in gold_tables()[table.__name__].inputs})
    unknown = set(inputs) - read
    assert not unknown, f"{table.__name__} does not read {', '.join(sorted(unknown))}"
    return result


def sales(spark: SparkSession, *rows: Row) -> DataFrame:
    """Lines of fact_sales."""
    return frame(spark, "fact_sales", *rows)


def line(customer: str, order: str, day: str, **more: object) -> Row:
    """A line of fact_sales; 10 dollars unless told otherwise."""
    return {"customer_id": customer, "order_id": order, "order_date": day, **more}


def customer_360_of(
    customers: DataFrame,
    products: DataFrame,
    territories: DataFrame,
    facts: DataFrame,
    as_of: date,
    inactive: int,
    *suspicious: Row,
) -> DataFrame:
    """customer_360 with the customer_metrics of the same day; `suspicious` are rows of sales_anomalies."""
    metrics, months = customer_metrics(facts, products, as_of, None), sales_by_customer_month(facts, as_of)
    others = ("customer_scores", "customer_service", "dim_locations", "former_customer_ids")
    scores, service, homes, former = (frame(facts.sparkSession, name) for name in others)
    anomalies = frame(facts.sparkSession, "sales_anomalies", *suspicious)
    return customer_360(
        metrics, scores, service, customers, homes, territories, facts, former, anomalies, months, as_of, None, inactive
    )


@cache
def columns_of(table: str) -> dict[str, str]:
    """The columns of a silver or gold table and their types; those of its lineage too where it is a history."""
    if table in gold_tables():
        return {name: column.type for name, column in gold_tables()[table].definitions.items()}
    if f"silver.{table}" in SCHEMAS:
        return dict(column.split(" ") for column in SCHEMAS[f"silver.{table}"].split(", "))  # type: ignore[misc]
    contracts, mistakes = read_contracts(CONF / "contracts")
    assert not mistakes
    is_history = table not in contracts
    contract = contracts[table.removesuffix("_history")]
    columns = {name: column.type for name, column in contract.columns.items()}
    return {**columns, **_LINEAGE} if is_history else columns
