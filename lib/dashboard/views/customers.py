"""Who buys: segments, gender, income against spend, the best, and who comes back."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from lib.dashboard import charts, formats, layout, state
from lib.dashboard.charts import Marks
from lib.dashboard.queries import customers as queries
from lib.dashboard.state import View, clicked, slicers

_TIPS = {"customers": ("Customers", "count"), "sales": ("Sales", "dollars"), "mean": ("Sales per customer", "dollars")}
_SUMS = ["customers", "sales", "orders", "inactive", "lifetime_value"]
_FOUND: dict[str, str | tuple[str, str]] = {
    "customer_id": "Customer", "full_name": "Name", "email": "E-mail", "city": "City", "country": "Country",
    "segment": "Segment", "total_orders": ("Orders", "count"), "total_spend": ("Total spend", "dollars"),
    "last_order_date": ("Last order", "date"),
}  # fmt: skip
_TOP: dict[str, str | tuple[str, str]] = {
    "customer_id": "Customer", "full_name": "Name", "segment": "Segment", "country": "Country", "region": "Region",
    "orders": ("Orders in the period", "count"), "sales": ("Sales in the period", "dollars"),
    "total_spend": ("Total spend", "dollars"), "historical_ltv": ("Lifetime value", "dollars"),
    "last_order_date": ("Last order", "date"),
}  # fmt: skip


def page(view: View) -> None:
    """Draw it."""
    slicers(view)
    layout.heading(view, "Customers", f"Those who bought {view.period.in_words()}")
    _search(view)
    groups, top, _ = view.together(
        queries.groups(view.filters, view.period, view.dashboard.income_band),
        queries.top_customers(view.filters, view.period, view.dashboard.top_customers),
        queries.cohorts(view.filters, view.period),  # asked for again further down, and then there
    )
    _cards(chosen(groups, view))
    left, right = st.columns(2)
    with left:
        _segments(view, groups)
    with right:
        _genders(view, groups)
    left, right = st.columns(2)
    with left:
        _income(view, chosen(groups, view))
    with right:
        _cohorts(view)
    _people(top, "top-customers", _TOP, f"Top {view.dashboard.top_customers} customers")
    with st.expander("The figures as tables", icon=":material/table:"):
        found = chosen(groups, view).groupby(["segment", "gender"], as_index=False)[_SUMS].sum().round(2)
        layout.table(
            found, "customers-by-segment",
            {"segment": "Segment", "gender": "Gender", "customers": ("Customers", "count"),
             "orders": ("Orders", "count"), "sales": ("Sales", "dollars"),
             "lifetime_value": ("Lifetime value", "dollars"), "inactive": ("Inactive", "count")}, title="Segments",
        )  # fmt: skip
        layout.table(
            _retained(view).round(4), "cohorts",
            {"cohort": "First order", "since": ("Months since", "count"), "customers": ("Bought", "count"),
             "size": ("Of customers", "count"), "share": ("Share", "percent")}, title="Cohorts",
        )  # fmt: skip


def chosen(groups: pd.DataFrame, view: View, *, without: str = "") -> pd.DataFrame:
    """The rows of the segments and genders that were chosen, as if none of `without` were."""
    for name in ("segment", "gender"):
        if name != without and view.filters.chosen(name):
            groups = groups[groups[name].isin(view.filters.chosen(name))]
    return groups


def opened(customer: str | None) -> None:
    """Look at one customer's page."""
    if customer is None:
        return
    state.change(lambda filters: replace(filters, customer=customer))
    st.session_state["open"] = "customer"


def _search(view: View) -> None:
    st.session_state["search"] = view.filters.search
    hint = "an id" + (
        "" if view.hidden else ", a record such as pos:C0000704, or a part of a name or an e-mail address"
    )
    st.text_input(
        "Find a customer", key="search", placeholder=hint, icon=":material/search:",
        on_change=lambda: state.change(lambda filters: replace(filters, search=st.session_state["search"].strip())),
    )  # fmt: skip
    if view.filters.search:
        found = view.fetch(queries.found(view.filters.search, view.dashboard.found_at_most))
        if found.empty:
            st.info(
                f"No customer is found by “{view.filters.search}”. Search takes {hint}.", icon=":material/person_off:"
            )
        else:
            _people(found, "found-customers", _FOUND, f"Found by “{view.filters.search}”")


def _people(found: pd.DataFrame, name: str, titles: dict[str, Any], title: str) -> None:
    with st.container(border=True):
        layout.table(found, name, titles, title=title, height="content" if len(found) < 8 else 320)
        names = dict(zip(found["customer_id"], found["full_name"], strict=True))
        key = f"open-{name}"
        st.selectbox(
            "Open a customer's page", list(names), index=None, key=key, placeholder="Choose one",
            format_func=lambda customer: f"{customer} {names[customer] or ''}".strip(),
            on_change=lambda: opened(st.session_state[key]),
        )  # fmt: skip


def _cards(groups: pd.DataFrame) -> None:
    sums = groups[_SUMS].sum()
    count = sums["customers"]
    layout.cards(
        [
            {"label": "Customers", "value": formats.count(count), "help": "Different ones who bought in the period."},
            {"label": "Sales each", "value": formats.dollars(sums["sales"] / count if count else None)},
            {"label": "Orders each", "value": f"{sums['orders'] / count:.1f}" if count else formats.NONE},
            {"label": "Lifetime value", "value": formats.dollars(sums["lifetime_value"] / count if count else None),
             "help": "Mean margin of all orders so far."},
            {"label": "Inactive", "value": formats.percent(sums["inactive"] / count if count else None),
             "help": "Share without an order for long, as of the publication."},
        ]
    )  # fmt: skip


def _segments(view: View, groups: pd.DataFrame) -> None:
    found = chosen(groups, view, without="segment").groupby("segment", as_index=False)[_SUMS].sum()
    found = found.assign(mean=found["sales"] / found["customers"])
    key, picked = clicked("segments", "segment", "segment")
    layout.chart(
        lambda: charts.bars(
            found,
            Marks(
                "segment", "customers", "count", view.dashboard.colours, {"segment": ("Segment", "text"), **_TIPS},
                chosen=view.filters.segment,
            ),
        ),
        found, "Segments", alt="Bars: customers by segment", key=key, on_click=picked,
        said="By recency, frequency and value of their orders so far",
    )  # fmt: skip


def _genders(view: View, groups: pd.DataFrame) -> None:
    found = chosen(groups, view, without="gender").groupby("gender", as_index=False)[_SUMS].sum()
    found = found.assign(mean=found["sales"] / found["customers"], name=found["gender"].map(state.named))
    key, picked = clicked("genders", "gender", "gender")
    layout.chart(
        lambda: charts.bars(
            found,
            Marks(
                "gender", "customers", "count", view.dashboard.colours, label="name",
            chosen=view.filters.gender, tips={"name": ("Gender", "text"), **_TIPS},
            own=view.dashboard.colours.genders,
                height=280,
            ),
        ),
        found, "Gender", alt="Bars: customers by gender", key=key, on_click=picked,
    )  # fmt: skip


def _income(view: View, groups: pd.DataFrame) -> None:
    found = groups.dropna(subset=["income"]).groupby(["income", "gender"], as_index=False)[_SUMS].sum()
    found = found.assign(spend=found["sales"] / found["customers"], name=found["gender"].map(state.named))
    colours = {state.named(name): colour for name, colour in view.dashboard.colours.genders.items()}
    layout.chart(
        lambda: charts.bubbles(
            found, "income", "spend", size="customers", series="name", colours=colours,
            titles={"income": "Income a year", "spend": "Mean sales per customer"},
        ),
        found, "Income against spend", alt="Bubbles: mean sales per customer by income and gender", key="income",
        said=f"Bands of {formats.dollars(view.dashboard.income_band)}, a bubble as large as its number of customers",
    )  # fmt: skip


def _cohorts(view: View) -> None:
    found = _retained(view)
    found = found[found["since"] > 0]
    layout.chart(
        lambda: charts.heatmap(found, colours=view.dashboard.colours),
        found, "Cohort retention", alt="Heat map: share of each month's new customers who bought again", key="cohorts",
        said="Of each month's new customers, the share who bought again so many months later",
        nothing="Nobody's first order was in this period, or nobody bought again.",
    )  # fmt: skip


def _retained(view: View) -> pd.DataFrame:
    return retention(view.fetch(queries.cohorts(view.filters, view.period)), view.dashboard.cohorts_shown)


def retention(found: pd.DataFrame, most: int) -> pd.DataFrame:
    """The newest cohorts: months since their first order, and of how many customers it was that bought."""
    if found.empty:
        return found.assign(since=[], size=[], share=[], name=[])
    months = {
        name: found[name].str[:4].astype(int) * 12 + found[name].str[5:].astype(int)
        for name in ("cohort", "order_month")
    }
    rows = found.assign(since=months["order_month"] - months["cohort"])
    rows = rows[rows["cohort"].isin(sorted(rows["cohort"].unique())[-most:])]
    size = rows[rows["since"] == 0].set_index("cohort")["customers"]
    rows = rows.assign(size=rows["cohort"].map(size)).dropna(subset=["size"])
    sizes = rows["size"].astype(int)
    names = [f"{cohort} ({size:,})" for cohort, size in zip(rows["cohort"], sizes, strict=True)]
    return rows.assign(size=sizes, share=rows["customers"] / rows["size"], name=names)
