"""The parts that pages are put together from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lib.dashboard import formats, state
from lib.dashboard.charts import PICK, Chart
from lib.dashboard.state import View

_DOLLARS = "dollar"
_AS_SVG = {"embedOptions": {"renderer": "svg"}}
"""Marks that a screen reader finds, and a program that drives a browser."""


def heading(view: View, title: str, said: str = "") -> None:
    """A page's title, its period, and which publication it is from."""
    st.title(title)
    of = view.publication
    served = f"publication {of.publication_id}, run {of.run_id}, as of {of.as_of:%-d %b %Y}"
    st.caption(f"{said or view.period.in_words()} · {served}")
    ignored = state.notes()
    if ignored:
        st.info(f"Left out, as there is no such thing: {', '.join(ignored)}", icon=":material/link_off:")


def cards(figures: Sequence[Mapping[str, Any]]) -> None:
    """Figures in a row, each with its change; on a phone below each other."""
    with st.container(horizontal=True):
        for figure in figures:
            st.metric(border=True, height="stretch", **figure)


def chart(
    drawn: Callable[[], Chart], frame: pd.DataFrame, title: str, *, alt: str, key: str,
    on_click: Callable[[], None] | None = None, said: str = "", nothing: str = "",
) -> None:  # fmt: skip
    """A chart below its title, or a sentence where there is nothing to draw."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        if frame.empty:
            empty(nothing)
            return
        if said:
            st.caption(said)
        options: dict[str, Any] = {"on_select": on_click, "selection_mode": PICK} if on_click else {}
        st.altair_chart(drawn().properties(usermeta=_AS_SVG), width="stretch", key=key, alt=alt, **options)


def table(
    frame: pd.DataFrame, name: str, titles: Mapping[str, str | tuple[str, str]], *, title: str = "", **options: Any
) -> Any:
    """A table and its download; `titles` are its columns, with their kind where they are no text or whole number."""
    shown = frame[list(titles)]
    if title:
        st.markdown(f"**{title}**")
    if shown.empty:
        empty()
        return None
    config = {column: _column(said) for column, said in titles.items()}
    options = {"placeholder": formats.NONE, **options}
    event = st.dataframe(shown, hide_index=True, column_config=config, key=f"table-{name}", **options)
    st.download_button(
        "Download CSV",
        shown.to_csv(index=False).encode(),
        f"{name}.csv",
        "text/csv",
        key=f"download-{name}",
        icon=":material/download:",
        on_click="ignore",
        help=f"All {len(shown):,} rows of this table",
    )
    return event


def _column(said: str | tuple[str, str]) -> Any:
    if isinstance(said, str):
        return st.column_config.Column(said)
    title, kind = said
    if kind == "date":
        return st.column_config.DateColumn(title, format="YYYY-MM-DD")
    if kind == "time":
        return st.column_config.DatetimeColumn(title, format="YYYY-MM-DD HH:mm", timezone="UTC")
    return st.column_config.NumberColumn(title, format={"count": "localized", "dollars": _DOLLARS}.get(kind, kind))


def empty(said: str = "") -> None:
    """What is said where there is nothing."""
    st.info(said or "Nothing matches these filters. Choose fewer of them, or other days.", icon=":material/filter_alt:")


def changed(now: float, before: float) -> dict[str, Any]:
    """A card's change against a period before."""
    change = formats.change(now, before)
    if change is None:
        return {"delta": "none before", "delta_color": "off", "delta_arrow": "off"}
    return {"delta": change}
