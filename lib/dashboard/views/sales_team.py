"""Who sells in the stores: ranking, growth, incentive, contribution."""

import pandas as pd
import streamlit as st

from lib.dashboard import charts, formats, layout
from lib.dashboard.charts import Marks
from lib.dashboard.periods import Period
from lib.dashboard.queries import sales_team as queries
from lib.dashboard.state import View, clicked, slicers

_TITLES: dict[str, str | tuple[str, str]] = {
    "rank": ("Rank", "count"), "person": "Sales person", "store": "Store", "region": "Region",
    "orders": ("Orders", "count"), "sales": ("Sales", "dollars"), "growth": ("Growth, last month", "percent"),
    "contribution": ("Contribution", "percent"),
    "incentive": ("Incentive", "dollars"), "suspicious": ("Suspicious sales", "count"),
}  # fmt: skip
_SUSPICIOUS: dict[str, str | tuple[str, str]] = {
    "severity": "Severity", "day": ("Day", "date"), "person": "Sales person", "store": "Store", "sale": "Sale",
    "customer_id": "Customer", "value": ("US dollars", "dollars"), "why": "Why",
}  # fmt: skip
_TIPS = {
    "person": ("Sales person", "text"), "store": ("Store", "text"), "sales": ("Sales", "dollars"),
    "growth": ("Growth", "percent"), "contribution": ("Contribution", "percent"), "incentive": ("Incentive", "dollars"),
}  # fmt: skip
_UNKNOWN = "unknown"


def page(view: View) -> None:
    """Draw it."""
    period = Period(view.period.start.replace(day=1), view.period.end)
    months = view.fetch(queries.months(view.filters, view.period))
    stores = sorted(months["store"].unique())
    slicers(view, ("country", "region", "store"), extra={"store": stores})
    layout.heading(view, "Sales team", f"Sales in stores, whole months: {period.start:%b %Y} – {period.end:%b %Y}")
    if view.filters.store:
        months = months[months["store"].isin(view.filters.store)]
    people = ranking(months, view.period)
    _cards(people)
    top = people[people["rank"].notna()].head(view.dashboard.bars_shown)
    last = f"{view.period.end:%b %Y}"
    left, right = st.columns(2)
    with left:
        _bars(view, top, "sales", kind="dollars", title=f"Ranking: top {len(top)} by sales")
    with right:
        _bars(
            view, top.dropna(subset=["growth"]), "growth", kind="percent", title=f"Growth: {last} over the month before"
        )
    left, right = st.columns(2)
    with left:
        _bars(view, top, "incentive", kind="dollars", title="Incentive")
    with right:
        _bars(view, top, "contribution", kind="percent", title="Contribution to the sales shown")
    _months(view, months)
    layout.table(people.round(4), "sales-team", _TITLES, title="All sales people")
    found = view.fetch(queries.suspicious(view.filters, period, view.dashboard.rows_at_most))
    if view.filters.store:
        found = found[found["store"].isin(view.filters.store)]
    if not found.empty:
        layout.table(found, "suspicious-sales", _SUSPICIOUS, title="Suspicious sales")


def ranking(months: pd.DataFrame, period: Period) -> pd.DataFrame:
    """One row per store and sales person, ranked by the sales of the period; who is unknown has no rank."""
    keys = ["store_id", "store", "region", "sales_person_id", "person"]
    is_now = months["sales_month"] >= f"{period.start:%Y-%m}"
    now = months[is_now].groupby(keys, as_index=False)[["total_sales", "incentive", "orders", "suspicious"]].sum()
    before = months[~is_now].groupby(["store_id", "sales_person_id"])["total_sales"].sum()
    rows = now.rename(columns={"total_sales": "sales"}).merge(
        before.rename("before").reset_index(), on=["store_id", "sales_person_id"], how="left"
    )
    last = months[months["sales_month"] == f"{period.end:%Y-%m}"]
    growth = last.set_index(["store_id", "sales_person_id"])["growth"].astype(float).to_dict()
    rows = rows.sort_values(["sales", "sales_person_id"], ascending=[False, True]).fillna({"before": 0.0})
    is_known = rows["sales_person_id"] != _UNKNOWN
    is_double = rows["person"].duplicated(keep=False)
    return rows.assign(
        name=rows["person"].where(~is_double, rows["person"] + ", " + rows["store"]),
        growth=[growth.get(key) for key in zip(rows["store_id"], rows["sales_person_id"], strict=True)],
        contribution=rows["sales"] / rows["sales"].sum() if rows["sales"].sum() else 0.0,
        rank=is_known.cumsum().where(is_known),
    )


def _cards(people: pd.DataFrame) -> None:
    known = people[people["rank"].notna()]
    best = known.iloc[0] if len(known) else None
    layout.cards(
        [
            {"label": "Sales people", "value": formats.count(known["sales_person_id"].nunique())},
            {"label": "Sales in stores", "value": formats.dollars(people["sales"].sum())}
            | layout.changed(people["sales"].sum(), people["before"].sum()),
            {"label": "Incentives", "value": formats.dollars(people["incentive"].sum())},
            {"label": "Best", "value": best["person"] if best is not None else formats.NONE,
             "help": f"{formats.dollars(best['sales'])}, {best['store']}" if best is not None else None},
        ]
    )  # fmt: skip


def _bars(view: View, rows: pd.DataFrame, value: str, *, kind: str, title: str) -> None:
    key, picked = clicked(f"team-{value}", "person", "sales_person_id")
    layout.chart(
        lambda: charts.bars(
            rows,
            Marks(
                "sales_person_id", value, kind, view.dashboard.colours, label="name",
            chosen=view.filters.person, tips=_TIPS,
            ),
        ),
        rows, title, alt=f"Bars: {title.lower()} of sales people", key=key, on_click=picked,
        nothing="There is nothing to show for these sales people.",
    )  # fmt: skip


def _months(view: View, months: pd.DataFrame) -> None:
    rows = months[months["sales_month"] >= f"{view.period.start:%Y-%m}"]
    who = "all"
    if view.filters.person:
        rows = rows[rows["sales_person_id"].isin(view.filters.person)]
        who = ", ".join(rows["person"].unique())
    found = rows.groupby("sales_month", as_index=False)[["total_sales", "incentive", "orders"]].sum()
    key, picked = clicked("team-months", "month", "sales_month")
    layout.chart(
        lambda: charts.columns(
            found,
            Marks(
                "sales_month", "total_sales", "dollars", view.dashboard.colours,
                {"sales_month": ("Month", "text"), "total_sales": ("Sales", "dollars"), "orders": ("Orders", "count"),
                  "incentive": ("Incentive", "dollars")},
            ),
        ),
        found, f"Sales by month: {who}", alt="Columns: sales in stores by month", key=key, on_click=picked,
    )  # fmt: skip
