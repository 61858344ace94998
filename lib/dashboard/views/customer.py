"""One customer: who it is, what happened, the figures, and where each value comes from."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import streamlit as st

from lib.dashboard import charts, formats, layout, state
from lib.dashboard.database import plain
from lib.dashboard.queries import customer as queries
from lib.dashboard.queries import customers as search
from lib.dashboard.state import View

_HIDDEN = "hidden"
_GROUPS = {
    "name_source": ("full_name", "prefix"), "birth_date_source": ("birth_date",), "gender_source": ("gender",),
    "email_source": ("email",), "phone_source": ("phone",), "address_source": ("street", "location_id"),
    "loyalty_source": ("loyalty_tier", "loyalty_points", "home_region"),
    "household_source": ("marital_status", "total_children", "home_owner"),
    "work_source": ("annual_income", "education_level", "occupation"),
}  # fmt: skip
"""The columns of dim_customers that name a record, and those that are from it."""

_KINDS = ("order", "contact", "payment", "refund")
_MONEY = {
    "total_spend",
    "avg_order_value",
    "max_order_value",
    "historical_ltv",
    "spend_last_12_months",
    "annual_income",
    "predicted_value_12_months",
}
_METRICS = (
    "total_orders", "total_spend", "avg_order_value", "max_order_value", "historical_ltv", "spend_last_12_months",
    "spend_rank", "distinct_products", "favourite_category", "first_order_date", "last_order_date",
    "days_since_last_order", "avg_days_between_orders", "interactions", "complaints", "open_follow_ups",
    "mean_satisfaction", "payments", "failed_payment_share", "churn_probability", "probability_alive",
    "predicted_orders_90_days", "predicted_value_12_months",
)  # fmt: skip


def page(view: View) -> None:
    """Draw it."""
    _who(view)
    asked = view.filters.customer
    if not asked:
        layout.heading(view, "Customer", "One customer's page")
        st.info(
            "Enter an id in the side bar, or choose one on the Customers page.",
            icon=":material/person_search:",
        )
        return
    found = view.fetch(queries.profile(asked))
    if found.empty:
        found = view.fetch(search.found(asked, 1))
        found = found if found.empty else view.fetch(queries.profile(str(found.iloc[0]["customer_id"])))
    if found.empty:
        layout.heading(view, "Customer", "One customer's page")
        st.info(f"There is no customer “{asked}” in this publication.", icon=":material/person_off:")
        return
    who: dict[str, Any] = {name: plain(value) for name, value in found.iloc[0].to_dict().items()}
    _draw(view, who)


def _draw(view: View, who: dict[str, Any]) -> None:
    layout.heading(view, who["full_name"] or who["customer_id"], f"{who['customer_id']} · {who['rfm_segment']}")
    if view.hidden:
        st.caption(
            "Personal values are hidden from this dashboard's role: initials for a name, the year for a birth date."
        )
    layout.cards(
        [
            {"label": "Total spend", "value": formats.whole_dollars(who["total_spend"])},
            {"label": "Orders", "value": formats.count(who["total_orders"])},
            {"label": "Lifetime value", "value": formats.whole_dollars(who["historical_ltv"])},
            {"label": "Days since last order", "value": formats.count(who["days_since_last_order"])},
            {"label": "Loyalty points", "value": formats.count(who["loyalty_points"])},
        ]
    )
    _outlook(who)
    _timeline(view, who["customer_id"])
    _suspicions(view, who["customer_id"])
    left, right = st.columns([2, 3])
    with left, st.container(border=True):
        rows = pd.DataFrame([{"figure": _title(name), "value": _said(who[name], name)} for name in _METRICS])
        layout.table(rows, "metrics", {"figure": "Figure", "value": "Value"}, title="Figures", height="content")
    with right, st.container(border=True):
        rows = sources(view.fetch(queries.golden(who["customer_id"])), hidden=view.hidden)
        layout.table(
            rows, "profile", {"column": "Value", "value": "Says", "record": "From record"}, height="content",
            title="Profile, and where each value comes from",
        )  # fmt: skip
        if who["former_ids"]:
            st.caption(f"Former ids: {', '.join(who['former_ids'])}")
        st.caption(f"Known to: {', '.join(who['systems'] or ['none'])}")


def _outlook(who: dict[str, Any]) -> None:
    """What the models say, and why; nothing where none does."""
    if who["churn_probability"] is None and who["predicted_value_12_months"] is None:
        return
    with st.container(border=True):
        st.markdown("**Outlook**")
        if who["predicted_value_12_months"] is not None:
            st.markdown(
                f"Expected in the next 12 months: **{formats.whole_dollars(who['predicted_value_12_months'])}**, "
                f"in the next 90 days **{who['predicted_orders_90_days']:,.1f}** purchases."
            )
        if who["churn_probability"] is not None:
            st.markdown(f"Probability to leave: **{formats.percent(who['churn_probability'])}**")
            st.markdown("\n".join(f"- {reason}" for reason in who["churn_reasons"]))


def sources(found: pd.DataFrame, *, hidden: Collection[str] = ()) -> pd.DataFrame:
    """One row per value of a customer's current row, and the record that it is from."""
    if found.empty:
        return pd.DataFrame(columns=["column", "value", "record"])
    row = {name: plain(value) for name, value in found.iloc[0].to_dict().items()}
    said = []
    for source, names in _GROUPS.items():
        for name in names:
            nothing = _HIDDEN if name in hidden and row[source] else formats.NONE
            value = nothing if row[name] is None else _said(row[name], name)
            said.append({"column": _title(name), "value": value, "record": row[source] or formats.NONE})
    return pd.DataFrame(said)


def _who(view: View) -> None:
    with st.sidebar:
        st.session_state["who"] = view.filters.customer
        st.text_input(
            "Customer", key="who", placeholder="K000000487 or pos:C0000704", icon=":material/person_search:",
            on_change=lambda: state.change(lambda filters: replace(filters, customer=st.session_state["who"].strip())),
        )  # fmt: skip


def _timeline(view: View, customer: str) -> None:
    found = view.fetch(queries.timeline(customer, view.dashboard.rows_at_most))
    colours = dict(zip(_KINDS, view.dashboard.colours.palette, strict=False))
    drawn = found.assign(day=pd.to_datetime(found["day"]))
    layout.chart(
        lambda: charts.points(
            drawn, day="day", row="kind", colours=colours,
            tips={"kind": ("", "text"), "id": ("Number", "text"), "what": ("How", "text"), "detail": ("What", "text"),
                  "amount": ("US dollars", "dollars")},
        ),
        found, "Orders, contacts and payments", alt="Timeline: orders, contacts and payments", key="timeline",
    )  # fmt: skip
    if not found.empty:
        layout.table(
            found, "timeline",
            {"day": ("Day", "date"), "kind": "Event", "id": "Number", "what": "How", "detail": "What",
             "amount": ("US dollars", "dollars")}, height=260,
        )  # fmt: skip


def _suspicions(view: View, customer: str) -> None:
    found = view.fetch(queries.suspicious(customer))
    if not found.empty:
        layout.table(
            found, "suspicions",
            {"severity": "Severity", "day": ("Day", "date"), "event": "Event", "id": "Number",
             "value": ("US dollars", "dollars"), "why": "Why"}, height="content", title="Suspicious",
        )  # fmt: skip


def _title(name: str) -> str:
    return name.replace("_", " ").replace(" id", "").capitalize()


def _said(value: Any, name: str = "") -> str:
    if value is None:
        return formats.NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date | datetime):
        return f"{value:%Y-%m-%d}"
    return _number(value, name) if isinstance(value, int | float) else str(value)


def _number(value: float, name: str) -> str:
    if name in _MONEY:
        return formats.exact_dollars(value)
    if name.endswith("_share") or "probability" in name:
        return formats.percent(value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
