"""What somebody who looks has chosen: kept between reruns and pages, and always what the URL says."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from lib.dashboard.database import Publication
from lib.dashboard.filters import SALES, Filters, from_query, to_query, without_unknown
from lib.dashboard.periods import Period, last_months, month_of
from lib.dashboard.queries.query import Query
from lib.dashboard.settings import DashboardFile

_FILTERS, _TOUCHED, _NOTES, _CLICKS = "filters", "touched", "notes", "clicks"
_LABELS = {
    "country": "Country", "region": "Region", "channel": "Channel", "segment": "Segment", "gender": "Gender",
    "category": "Category", "subcategory": "Subcategory", "product": "Product", "store": "Store",
    "person": "Sales person",
}  # fmt: skip
_NAMES = {"F": "Female", "M": "Male", "unknown": "Unknown", "web": "Web", "store": "Store"}


@dataclass(frozen=True)
class View:
    """What a page is drawn from: one publication, and what was chosen."""

    publication: Publication
    dashboard: DashboardFile
    high_value_above: float
    hidden: frozenset[str]
    filters: Filters
    period: Period
    choices: dict[str, list[str]]
    days: Period
    fetch: Callable[[Query], pd.DataFrame]

    def together(self, *queries: Query) -> list[pd.DataFrame]:
        """The rows of several queries, which the database works on at the same time."""
        with ThreadPoolExecutor(len(queries)) as threads:
            return list(threads.map(self.fetch, queries))


def named(value: str) -> str:
    """A value as people read it."""
    return _NAMES.get(value, value)


def adopted() -> Filters:
    """The filters: those of the URL, unless a widget was just used or the page was just changed."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    state = st.session_state
    if _FILTERS not in state or (query and not state.get(_TOUCHED)):
        state[_FILTERS], state[_NOTES] = from_query(query)
    state[_TOUCHED] = False
    filters: Filters = state[_FILTERS]
    return filters


def checked(filters: Filters, known: dict[str, list[str]]) -> Filters:
    """The filters without values that there are not; what was left out is said. The URL follows."""
    kept, unknown = without_unknown(filters, known)
    if unknown:
        st.session_state[_NOTES] = [*st.session_state.get(_NOTES, []), *unknown]
    st.session_state[_FILTERS] = kept
    written = to_query(kept)
    if written != {name: _one_or_more(st.query_params.get_all(name)) for name in st.query_params}:
        st.query_params.from_dict(written)
    return kept


def _one_or_more(values: list[str]) -> list[str]:
    return values


def notes() -> list[str]:
    """What the URL asked for that there is not; said once."""
    said: list[str] = st.session_state.pop(_NOTES, [])
    return list(dict.fromkeys(said))


def period_of(filters: Filters, days: Period, months: int) -> Period:
    """The days chosen, or the default: the last months that there are sales of."""
    usual = last_months(days.end, months)
    return Period(
        filters.start or min(usual.start, filters.end or usual.start),
        filters.end or max(usual.end, filters.start or usual.end),
    )


def change(update: Callable[[Filters], Filters]) -> None:
    """Choose otherwise; the script that runs next finds it."""
    st.session_state[_FILTERS] = update(st.session_state[_FILTERS])
    st.session_state[_TOUCHED] = True


def slicers(view: View, names: Sequence[str] = SALES, *, extra: dict[str, list[str]] | None = None) -> None:
    """The widgets of a page's filters, in the side bar: the days, and those named."""
    with st.sidebar:
        st.subheader("Filters")
        _days(view)
        for name in names:
            options = (extra or {}).get(name) or view.choices.get(name, [])
            _one(view, name, options)
        st.button(
            "Clear filters", icon=":material/filter_alt_off:", width="stretch",
            on_click=partial(change, Filters.cleared), disabled=view.filters == view.filters.cleared(),
        )  # fmt: skip


def _days(view: View) -> None:
    for at, (key, label, day) in zip(
        st.columns(2), (("start", "From", view.period.start), ("end", "To", view.period.end)), strict=True
    ):
        st.session_state[f"slicer-{key}"] = day
        at.date_input(
            label, key=f"slicer-{key}", format="YYYY-MM-DD", on_change=partial(_days_changed, view.period),
            min_value=min(view.days.start, view.period.start), max_value=max(view.days.end, view.period.end),
        )  # fmt: skip


def _days_changed(period: Period) -> None:
    start: date = st.session_state["slicer-start"] or period.start
    end: date = st.session_state["slicer-end"] or period.end
    change(lambda filters: filters.with_dates(start, end))


def _one(view: View, name: str, options: Sequence[str]) -> None:
    key = f"slicer-{name}"
    st.session_state[key] = [value for value in view.filters.chosen(name) if value in options]
    given: dict[str, Any] = {"key": key, "format_func": named, "on_change": partial(_values_changed, name)}
    if name in {"channel", "gender"}:
        st.pills(_LABELS[name], options, selection_mode="multi", **given)
    else:
        st.multiselect(_LABELS[name], options, placeholder="All", **given)


def _values_changed(name: str) -> None:
    values = st.session_state[f"slicer-{name}"]
    change(lambda filters: filters.with_values(name, values))


def clicked(name: str, dimension: str, field: str, *, ignore: str = "") -> tuple[str, Callable[[], None]]:
    """The key of a chart, and what a click on one of its marks does: choose its value, or let it go."""
    clicks = st.session_state.setdefault(_CLICKS, {})
    key = f"chart-{name}-{clicks.get(name, 0)}"

    def picked() -> None:
        marks = st.session_state[key]["selection"].get("pick", [])
        # a chart with another key has nothing selected: the same mark can be clicked again
        clicks[name] = clicks.get(name, 0) + 1
        if marks and field in marks[0] and marks[0][field] != ignore:
            change(partial(_after_click, dimension=dimension, value=str(marks[0][field])))

    return key, picked


def _after_click(filters: Filters, *, dimension: str, value: str) -> Filters:
    if dimension != "month":
        return filters.toggled(dimension, value)
    days = month_of(value)
    if (filters.start, filters.end) == (days.start, days.end):
        return replace(filters, start=None, end=None)
    return filters.with_dates(days.start, days.end)
