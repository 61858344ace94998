"""What of customer_360 adds up from rows of a fact, and where these rows came from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """A fact's day, the columns of a row that are shown, and by source the entity that has it, and its key in both."""

    day: str
    shown: tuple[str, ...]
    rows_of: Mapping[str, tuple[str, Mapping[str, str]]]


FACTS = {
    "fact_sales": Fact(
        "order_date",
        ("order_date", "source", "order_id", "order_line", "product_id", "quantity") + ("total_value", "total_cost"),
        {
            "adventureworks": ("adventureworks_sales", {"order_number": "order_id", "order_line": "order_line"}),
            "pos": ("pos_sales", {"transaction_id": "order_id"}),
        },
    ),
    "fact_interactions": Fact(
        "interaction_date",
        ("interaction_date", "source", "interaction_id", "channel", "type", "outcome", "satisfaction")
        + ("follow_up_due_on", "follow_up_done_on"),
        {"crm": ("crm_interactions", {"interaction_id": "interaction_id"})},
    ),
    "fact_payments": Fact(
        "payment_date",
        ("payment_date", "source", "payment_id", "type", "status", "amount", "currency", "amount_base"),
        {"crm": ("crm_payments", {"payment_id": "payment_id"})},
    ),
}


@dataclass(frozen=True)
class Figure:
    """A column of customer_360 as an aggregate (`total`, SQL) over the customer's rows of a fact that hold `where`.

    With `of_orders` the rows are the orders that the fact's lines make up (`lib.gold.measures.orders_of`).
    """

    fact: str
    total: str
    where: str = "true"
    of_orders: bool = False


def _spend(where: str = "true") -> Figure:
    return Figure("fact_sales", "coalesce(sum(total_value), 0)", where)


def _contacts(where: str = "true") -> Figure:
    return Figure("fact_interactions", "count(*)", where)


_MARGIN = Figure("fact_sales", "coalesce(sum(total_value - total_cost), 0)")

FIGURES: dict[str, Figure] = {
    "total_spend": _spend(),
    "spend_web": _spend("channel = 'web'"),
    "spend_store": _spend("channel = 'store'"),
    "spend_last_90_days": _spend("order_date > date_sub(as_of, 90)"),
    "spend_last_12_months": _spend("order_date > add_months(as_of, -12)"),
    "spend_previous_12_months": _spend("order_date > add_months(as_of, -24) AND order_date <= add_months(as_of, -12)"),
    "total_margin": _MARGIN,
    "historical_ltv": _MARGIN,
    "total_quantity": Figure("fact_sales", "coalesce(sum(quantity), 0)"),
    "distinct_products": Figure("fact_sales", "count(DISTINCT product_id)"),
    "total_orders": Figure("fact_sales", "count(*)", of_orders=True),
    "avg_order_value": Figure("fact_sales", "avg(value)", of_orders=True),
    "max_order_value": Figure("fact_sales", "max(value)", of_orders=True),
    "first_order_date": Figure("fact_sales", "min(order_date)", of_orders=True),
    "last_order_date": Figure("fact_sales", "max(order_date)", of_orders=True),
    "interactions": _contacts(),
    **{f"interactions_by_{each}": _contacts(f"channel = '{each}'") for each in ("phone", "email", "chat")},
    "interactions_in_store": _contacts("channel = 'store'"),
    "complaints": _contacts("type = 'complaint'"),
    "open_follow_ups": _contacts("follow_up_due_on IS NOT NULL AND follow_up_done_on IS NULL"),
    "mean_satisfaction": Figure("fact_interactions", "avg(satisfaction)"),
    "last_interaction_on": Figure("fact_interactions", "max(interaction_date)"),
    "payments": Figure("fact_payments", "count(*)", "type = 'payment'"),
    "failed_payment_share": Figure(
        "fact_payments", "try_divide(count_if(status = 'failed'), count(*))", "type = 'payment' AND status <> 'pending'"
    ),
    "last_payment_on": Figure("fact_payments", "max(payment_date)", "type = 'payment' AND status = 'settled'"),
}
"""What can be added up from rows; a figure that moves with other customers (a rank) cannot."""
