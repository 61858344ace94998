"""How sales are: figures against the period before, places, months, products, loyalty."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from lib.dashboard import charts, formats, layout
from lib.dashboard.charts import Marks
from lib.dashboard.periods import Period
from lib.dashboard.queries import overview as queries
from lib.dashboard.state import View, clicked, slicers

_OTHERS = "Other regions"
_SALES_TIPS = {"sales": ("Sales", "dollars"), "orders": ("Orders", "count")}


@dataclass(frozen=True)
class Figures:
    """Sums over days."""

    sales: float
    orders: int

    @property
    def average(self) -> float:
        """Mean value of an order."""
        return self.sales / self.orders if self.orders else 0.0


def page(view: View) -> None:
    """Draw it."""
    slicers(view)
    layout.heading(view, "Overview")
    before = view.period.before()
    to_date = view.period.year_to_date()
    since = min(view.period.start, before.start, to_date.year_before().start)
    days, people, products = view.together(
        queries.sales_by_day(view.filters, Period(since, view.period.end)),
        queries.customers(view.filters, view.period, before, view.high_value_above),
        queries.top_products(view.filters, view.period, view.dashboard.top_products),
    )
    _cards(view, chosen(days, view), people)
    now = within(days, view.period)
    left, right = st.columns([2, 3])
    with left:
        _regions(view, now)
    with right:
        _map(view, now)
    _months(view, chosen(now, view))
    left, right = st.columns(2)
    with left:
        _products(view, products)
    with right:
        _loyalty(view, people)
    _tables(chosen(now, view), products, people)


def within(days: pd.DataFrame, period: Period) -> pd.DataFrame:
    """The rows of the days of a period."""
    return days[(days["order_date"] >= period.start) & (days["order_date"] <= period.end)]


def chosen(days: pd.DataFrame, view: View, *, without: str = "") -> pd.DataFrame:
    """The rows of the places that were chosen, as if none of `without` were."""
    for name in ("country", "region"):
        if name != without and view.filters.chosen(name):
            days = days[days[name].isin(view.filters.chosen(name))]
    return days


def figures(days: pd.DataFrame, period: Period) -> Figures:
    """What the days of a period come to."""
    rows = within(days, period)
    return Figures(float(rows["sales"].sum()), int(rows["orders"].sum()))


def _cards(view: View, days: pd.DataFrame, people: pd.DataFrame) -> None:
    before, to_date = view.period.before(), view.period.year_to_date()
    now, then = figures(days, view.period), figures(days, before)
    year, year_before = figures(days, to_date), figures(days, to_date.year_before())
    counted = ("customers", "customers_before", "high_value", "high_value_before")
    customers, customers_before, high, high_before = (int(people[name].sum()) for name in counted)
    said = [
        ("Total customers", formats.count(customers), customers, customers_before),
        ("Total sales", formats.dollars(now.sales), now.sales, then.sales),
        ("Average sale", formats.dollars(now.average), now.average, then.average),
        ("High-value orders", formats.count(high), high, high_before),
        ("Sales year to date", formats.dollars(year.sales), year.sales, year_before.sales),
    ]
    layout.cards([{"label": name, "value": value} | layout.changed(new, old) for name, value, new, old in said])
    st.caption(
        f"Changes are against {before.in_words()}, that of the year to date against the same days a year before. "
        f"High-value orders are transactions above {formats.dollars(view.high_value_above)}."
    )


def _regions(view: View, now: pd.DataFrame) -> None:
    found = (
        chosen(now, view, without="region").groupby(["region", "country"], as_index=False)[["sales", "orders"]].sum()
    )
    key, picked = clicked("regions", "region", "region")
    layout.chart(
        lambda: charts.bars(
            found,
            Marks(
                "region", "sales", "dollars", view.dashboard.colours,
                {"region": ("Region", "text"), "country": ("Country", "text"), **_SALES_TIPS},
                chosen=view.filters.region, height=340,
            ),
        ),
        found, "Sales by region", alt="Bars: sales by region", key=key, on_click=picked,
    )  # fmt: skip


def _map(view: View, now: pd.DataFrame) -> None:
    found = chosen(now, view, without="country").groupby("country", as_index=False)[["sales", "orders"]].sum()
    key, picked = clicked("map", "country", "country")
    layout.chart(
        lambda: charts.world(
            found, "sales", colours=view.dashboard.colours, names=view.dashboard.map_names, chosen=view.filters.country
        ),
        found, "Sales by country", alt="Map of the world: sales by country", key=key, on_click=picked,
    )  # fmt: skip


def _months(view: View, now: pd.DataFrame) -> None:
    found = now.groupby("order_month", as_index=False)[["sales", "orders"]].sum()
    key, picked = clicked("months", "month", "order_month")
    layout.chart(
        lambda: charts.columns(
            found,
            Marks(
                "order_month", "sales", "dollars", view.dashboard.colours,
                {"order_month": ("Month", "text"), **_SALES_TIPS},
            ),
        ),
        found, "Monthly trend", alt="Columns: sales by month", key=key, on_click=picked,
    )  # fmt: skip


def _products(view: View, found: pd.DataFrame) -> None:
    layout.chart(
        lambda: charts.bars(
            found,
            Marks(
                "product", "sales", "dollars", view.dashboard.colours,
                {"product": ("Product", "text"), "category": ("Category", "text"), "sales": ("Sales", "dollars"),
                  "units": ("Units", "count")},
                height=340,
            ),
        ),
        found, f"Top {view.dashboard.top_products} products", alt="Bars: the products with most sales", key="products",
    )  # fmt: skip


def _loyalty(view: View, people: pd.DataFrame) -> None:
    found = largest(people[people["loyalty_points"] > 0], len(view.dashboard.colours.palette))
    key, picked = clicked("loyalty", "region", "region", ignore=_OTHERS)
    layout.chart(
        lambda: charts.donut(
            found, "region", "loyalty_points", colours=view.dashboard.colours, others=_OTHERS,
            tips={"region": ("Region", "text"), "loyalty_points": ("Points", "count"), "members": ("Members", "count"),
                  "share": ("Share", "percent")},
        ),
        found, "Loyalty points by region", alt="Donut: loyalty points by region of the customers", key=key,
        on_click=picked, said=f"{formats.count(people['loyalty_points'].sum())} points of who bought in the period",
    )  # fmt: skip


def largest(people: pd.DataFrame, most: int) -> pd.DataFrame:
    """The regions with most points, at most so many, the rest as one, and each one's share."""
    rows = people.sort_values("loyalty_points", ascending=False)[["region", "loyalty_points", "members"]]
    if len(rows) > most:
        rest = rows.iloc[most:][["loyalty_points", "members"]].sum()
        rows = pd.concat([rows.iloc[:most], pd.DataFrame([{"region": _OTHERS, **rest}])], ignore_index=True)
    return rows.assign(share=rows["loyalty_points"] / rows["loyalty_points"].sum())


def _tables(now: pd.DataFrame, products: pd.DataFrame, people: pd.DataFrame) -> None:
    with st.expander("The figures as tables", icon=":material/table:"):
        sums: dict[str, str | tuple[str, str]] = {
            "orders": ("Orders", "count"), "sales": ("Sales", "dollars"),
        }  # fmt: skip
        places = now.groupby(["country", "region"], as_index=False)[["orders", "sales"]].sum()
        months = now.groupby("order_month", as_index=False)[["orders", "sales"]].sum()
        layout.table(
            places.round(2), "sales-by-region", {"country": "Country", "region": "Region", **sums}, title="Regions"
        )
        layout.table(months.round(2), "sales-by-month", {"order_month": "Month", **sums}, title="Months")
        layout.table(
            products.round(2), "top-products",
            {"product_id": "Product id", "product": "Product", "category": "Category", "units": ("Units", "count"),
             "sales": ("Sales", "dollars")}, title="Top products",
        )  # fmt: skip
        layout.table(
            people.sort_values("loyalty_points", ascending=False), "loyalty-by-region",
            {"region": "Region of the customer", "customers": ("Customers", "count"), "members": ("Members", "count"),
             "loyalty_points": ("Points", "count")}, title="Loyalty",
        )  # fmt: skip
