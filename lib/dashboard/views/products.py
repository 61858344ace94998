"""What is sold: from categories down to products; revenue, margin, returns."""

import pandas as pd
import streamlit as st

from lib.dashboard import charts, formats, layout, state
from lib.dashboard.charts import Marks
from lib.dashboard.filters import Filters
from lib.dashboard.queries import products as queries
from lib.dashboard.state import View, clicked, slicers

_LEVELS = ("category", "subcategory", "product")
_SUMS = ["sales", "units", "value_of_known_cost", "cost"]
_TITLES: dict[str, str | tuple[str, str]] = {
    "units": ("Units", "count"), "sales": ("Revenue", "dollars"), "margin": ("Margin", "dollars"),
    "margin_share": ("Margin share", "percent"), "returned": ("Returned", "count"),
    "return_rate": ("Return rate", "percent"),
}  # fmt: skip
_TIPS = {
    "sales": ("Revenue", "dollars"), "margin": ("Margin", "dollars"), "margin_share": ("Margin share", "percent"),
    "units": ("Units", "count"), "returned": ("Returned", "count"), "return_rate": ("Return rate", "percent"),
}  # fmt: skip


def page(view: View) -> None:
    """Draw it."""
    known = view.fetch(queries.PRODUCTS)
    slicers(view, extra={}, names=("country", "region", "channel", "segment", "gender"))
    layout.heading(view, "Products")
    sold = view.fetch(queries.sold(view.filters, view.period)).merge(known, on="product_id", how="left")
    returned = view.fetch(queries.returned(view.filters, view.period)).merge(known, on="product_id", how="left")
    level = level_of(view.filters)
    _way(view, level)
    below = shown(sold, view.filters)
    _cards(below, shown(returned, view.filters))
    groups = by_level(below, shown(returned, view.filters), level)
    left, right = st.columns(2)
    with left:
        _bars(view, groups, level, "sales", kind="dollars", title="Revenue")
    with right:
        _bars(view, groups, level, "margin_share", kind="percent", title="Margin share")
    left, right = st.columns(2)
    with left:
        _months(view, below)
    with right:
        _bars(view, groups[groups["returned"] > 0], level, "return_rate", kind="percent", title="Return rate",
              said="Units returned of units sold; returns are of the web shop, whoever bought")  # fmt: skip
    title = {"category": "Category", "subcategory": "Subcategory", "product": "Product"}
    layout.table(groups.round(4), f"products-by-{level}", {level: title[level], **_TITLES}, title=f"By {level}")


def level_of(filters: Filters) -> str:
    """What is compared: the first level of which nothing is chosen, or the last."""
    return next((name for name in _LEVELS[:-1] if not filters.chosen(name)), _LEVELS[-1])


def shown(rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The rows of what is chosen above a product."""
    for name in _LEVELS[:-1]:
        if filters.chosen(name):
            rows = rows[rows[name].isin(filters.chosen(name))]
    return rows


def by_level(sold: pd.DataFrame, returned: pd.DataFrame, level: str) -> pd.DataFrame:
    """One row per member of a level, the largest first."""
    rows = sold.groupby(level)[_SUMS].sum()
    rows = rows.join(returned.groupby(level)[["returned"]].sum()).fillna({"returned": 0}).reset_index()
    return rows.assign(
        margin=rows["value_of_known_cost"] - rows["cost"],
        margin_share=((rows["value_of_known_cost"] - rows["cost"]) / rows["value_of_known_cost"]).where(
            rows["value_of_known_cost"] > 0
        ),
        return_rate=(rows["returned"] / rows["units"]).where(rows["units"] > 0),
    ).sort_values("sales", ascending=False)


def _way(view: View, level: str) -> None:
    """Where one is, and the way back up."""
    steps = [("All products", lambda filters: filters.with_values("category", ()))]
    if view.filters.category:
        steps.append((", ".join(view.filters.category), lambda filters: filters.with_values("subcategory", ())))
    if view.filters.subcategory:
        steps.append((", ".join(view.filters.subcategory), lambda filters: filters.with_values("product", ())))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for at, (label, back) in enumerate(steps):
            is_last = at == len(steps) - 1
            st.button(
                label, key=f"way-{at}", disabled=is_last and not (is_last and view.filters.product), type="tertiary",
                icon=":material/home:" if at == 0 else ":material/chevron_right:",
                on_click=state.change, args=(back,),
            )  # fmt: skip
        st.caption(f"by {level}: click a bar to go down" if level != "product" else "by product")


def _cards(sold: pd.DataFrame, returned: pd.DataFrame) -> None:
    sums = sold[_SUMS].sum()
    margin, of = sums["value_of_known_cost"] - sums["cost"], sums["value_of_known_cost"]
    back = returned["returned"].sum()
    layout.cards(
        [
            {"label": "Revenue", "value": formats.dollars(sums["sales"])},
            {"label": "Margin", "value": formats.dollars(margin), "help": "Of lines whose cost is known."},
            {"label": "Margin share", "value": formats.percent(margin / of if of else None)},
            {"label": "Units sold", "value": formats.count(sums["units"])},
            {"label": "Units returned", "value": formats.count(back)},
        ]
    )


def _bars(view: View, groups: pd.DataFrame, level: str, value: str, *, kind: str, title: str, said: str = "") -> None:
    rows = groups.dropna(subset=[value]).sort_values(value, ascending=False).head(view.dashboard.bars_shown)
    key, picked = clicked(f"{value}-{level}", level, level)
    layout.chart(
        lambda: charts.bars(
            rows,
            Marks(
                level, value, kind, view.dashboard.colours, {level: (level.capitalize(), "text"), **_TIPS},
                chosen=view.filters.chosen(level),
            ),
        ),
        rows, f"{title} by {level}" + (f", top {len(rows)}" if len(rows) < len(groups) else ""),
        alt=f"Bars: {title.lower()} by {level}", key=key, on_click=picked, said=said,
    )  # fmt: skip


def _months(view: View, sold: pd.DataFrame) -> None:
    if view.filters.product:
        sold = sold[sold["product"].isin(view.filters.product)]
    months = sold.groupby("order_month", as_index=False)[_SUMS].sum()
    months = months.assign(margin=months["value_of_known_cost"] - months["cost"])
    rows = months.rename(columns={"sales": "Revenue", "margin": "Margin"}).melt(
        "order_month", ["Revenue", "Margin"], var_name="measure", value_name="amount"
    )
    colours = {"Revenue": view.dashboard.colours.main, "Margin": view.dashboard.colours.second}
    of = f" of {', '.join(view.filters.product)}" if view.filters.product else ""
    layout.chart(
        lambda: charts.lines(
            rows, "order_month", "amount", "measure", kind="dollars", title="US dollars", colours=colours
        ),
        rows, f"Revenue and margin by month{of}", alt="Lines: revenue and margin by month", key="product-months",
    )  # fmt: skip
