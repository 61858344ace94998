"""Charts of frames: what they look like is all here, what is in them is not. A click on a mark picks its value."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from lib.dashboard.formats import DOLLARS_AXIS
from lib.dashboard.settings import Colours

PICK = "pick"
"""The name of the selection of a chart that can be clicked."""

_LAND = Path(__file__).parent / "assets" / "countries.json"
_ROW = 30
_FORMATS = {"dollars": "$,.2f", "count": ",.0f", "percent": ".1%"}
_AXES: dict[str, Any] = {
    "dollars": {"labelExpr": DOLLARS_AXIS},
    "count": {"format": "~s"},
    "percent": {"format": ".0%"},
}
Chart = alt.Chart | alt.LayerChart


def tooltips(columns: Mapping[str, tuple[str, str]]) -> list[alt.Tooltip]:
    """Of columns: their titles and kinds (dollars, count, percent or text)."""
    return [
        alt.Tooltip(f"{name}:N", title=title)
        if kind == "text"
        else alt.Tooltip(f"{name}:Q", title=title, format=_FORMATS[kind])
        for name, (title, kind) in columns.items()
    ]


def bars(
    frame: pd.DataFrame,
    field: str,
    value: str,
    *,
    kind: str,
    title: str,
    colours: Colours,
    chosen: Sequence[str] = (),
    tips: Mapping[str, tuple[str, str]],
    by_value: Mapping[str, str] | None = None,
    label: str | None = None,
    keep_order: bool = False,
) -> Chart:
    """Horizontal bars, the longest first; those not chosen are grey, and `by_value` has colours of their own."""
    data = frame.assign(_colour=_colours_of(frame[field], chosen, colours, by_value))
    order: Any = None if keep_order else "-x"
    return (
        alt.Chart(data)
        .mark_bar(cornerRadiusEnd=3, cursor="pointer")
        .encode(
            y=alt.Y(f"{label or field}:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, ticks=False)),
            x=alt.X(f"{value}:Q", title=title, axis=alt.Axis(tickCount=4, **_AXES[kind])),
            color=alt.Color("_colour:N", scale=None),
            tooltip=tooltips(tips),
        )
        .add_params(alt.selection_point(name=PICK, fields=[field]))
        .properties(height=max(3, len(data)) * _ROW)
    )


def columns(
    frame: pd.DataFrame,
    field: str,
    value: str,
    *,
    kind: str,
    title: str,
    colours: Colours,
    chosen: Sequence[str] = (),
    tips: Mapping[str, tuple[str, str]],
    height: int = 260,
) -> Chart:
    """Upright bars in the order of the frame, such as of months."""
    data = frame.assign(_colour=_colours_of(frame[field], chosen, colours, None))
    return (
        alt.Chart(data)
        .mark_bar(cornerRadiusEnd=3, cursor="pointer")
        .encode(
            x=alt.X(f"{field}:O", title=None, axis=alt.Axis(labelAngle=-45, labelOverlap="greedy", ticks=False)),
            y=alt.Y(f"{value}:Q", title=title, axis=alt.Axis(tickCount=5, **_AXES[kind])),
            color=alt.Color("_colour:N", scale=None),
            tooltip=tooltips(tips),
        )
        .add_params(alt.selection_point(name=PICK, fields=[field]))
        .properties(height=height)
    )


def lines(
    frame: pd.DataFrame, field: str, value: str, series: str, *, kind: str, title: str, colours: Mapping[str, str]
) -> Chart:
    """A line per series over the values of a field, which are in order."""
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=50, filled=True))
        .encode(
            x=alt.X(f"{field}:O", title=None, axis=alt.Axis(labelAngle=-45, labelOverlap="greedy")),
            y=alt.Y(f"{value}:Q", title=title, axis=alt.Axis(tickCount=5, **_AXES[kind])),
            color=alt.Color(f"{series}:N", scale=scale, title=None, legend=alt.Legend(orient="top")),
            strokeDash=alt.StrokeDash(f"{series}:N", scale=alt.Scale(domain=list(colours)), legend=None),
            tooltip=tooltips({field: ("Month", "text"), series: ("", "text"), value: (title, kind)}),
        )
        .properties(height=260)
    )


def donut(
    frame: pd.DataFrame, field: str, value: str, *, colours: Colours, others: str, tips: Mapping[str, tuple[str, str]]
) -> Chart:
    """Shares of a whole, the largest first; `others`, which is grey, may be the last."""
    names = list(frame[field])
    range_ = [colours.muted if name == others else colours.palette[at] for at, name in enumerate(names)]
    return (
        alt.Chart(frame.assign(_order=range(len(frame))))
        .mark_arc(innerRadius=62, outerRadius=108, padAngle=0.015, cursor="pointer")
        .encode(
            theta=alt.Theta(f"{value}:Q", stack=True),
            order=alt.Order("_order:Q"),
            color=alt.Color(
                f"{field}:N",
                scale=alt.Scale(domain=names, range=range_),
                title=None,
                legend=alt.Legend(orient="bottom", columns=3, labelLimit=110),
            ),
            tooltip=tooltips(tips),
        )
        .add_params(alt.selection_point(name=PICK, fields=[field]))
        .properties(height=300)
    )


def world(
    frame: pd.DataFrame, value: str, *, colours: Colours, names: Mapping[str, str], chosen: Sequence[str] = ()
) -> Chart:
    """Countries by a value; `names` are those on the map of countries that gold calls otherwise."""
    data = frame.assign(_name=frame["country"].replace(dict(names)))
    if chosen:
        data = data.assign(_stroke=[2.0 if each in chosen else 0.3 for each in data["country"]])
    else:
        data = data.assign(_stroke=0.3)
    land = alt.Data(values=_land(), format=alt.TopoDataFormat(type="topojson", feature="countries"))
    fields = ["country", value, "orders", "_stroke"]
    base = alt.Chart(land).mark_geoshape(fill=colours.muted, fillOpacity=0.25, stroke=colours.muted, strokeWidth=0.3)
    sold = (
        alt.Chart(land)
        .transform_lookup(lookup="properties.name", from_=alt.LookupData(data, key="_name", fields=fields))
        .transform_filter(f"isValid(datum.{value})")
        .mark_geoshape(stroke=colours.second, cursor="pointer")
        .encode(
            color=alt.Color(
                f"{value}:Q",
                scale=alt.Scale(range=["#A6CBE3", colours.main], zero=True),
                legend=alt.Legend(orient="bottom", title=None, gradientLength=180, labelExpr=DOLLARS_AXIS, tickCount=3),
            ),
            strokeWidth=alt.StrokeWidth("_stroke:Q", scale=None),
            tooltip=tooltips(
                {"country": ("Country", "text"), value: ("Sales", "dollars"), "orders": ("Orders", "count")}
            ),
        )
        .add_params(alt.selection_point(name=PICK, fields=["country"]))
    )
    return alt.layer(base, sold).project("equalEarth").properties(height=300)


def bubbles(
    frame: pd.DataFrame, x: str, y: str, *, size: str, series: str, colours: Mapping[str, str],
    titles: Mapping[str, str],
) -> Chart:  # fmt: skip
    """A value against another one, with a bubble as large as the group."""
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return (
        alt.Chart(frame)
        .mark_circle(opacity=0.85)
        .encode(
            x=alt.X(f"{x}:Q", title=titles[x], axis=alt.Axis(tickCount=5, labelExpr=DOLLARS_AXIS)),
            y=alt.Y(f"{y}:Q", title=titles[y], axis=alt.Axis(tickCount=5, labelExpr=DOLLARS_AXIS)),
            size=alt.Size(f"{size}:Q", legend=None, scale=alt.Scale(range=[30, 700])),
            color=alt.Color(f"{series}:N", scale=scale, title=None, legend=alt.Legend(orient="top")),
            shape=alt.Shape(f"{series}:N", legend=None),
            tooltip=tooltips(
                {
                    series: ("", "text"),
                    x: (titles[x], "dollars"),
                    y: (titles[y], "dollars"),
                    size: ("Customers", "count"),
                }
            ),
        )
        .properties(height=300)
    )


def heatmap(frame: pd.DataFrame, *, colours: Colours) -> Chart:
    """Cohorts by months since their first order: the share that bought."""
    base = alt.Chart(frame).encode(
        x=alt.X("since:O", title="Months since the first order", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("cohort:O", title=None),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(range=["#D6E6F1", colours.main], domain=[0, max(0.01, float(frame["share"].max()))]),
            legend=None,
        ),
        tooltip=tooltips(
            {
                "cohort": ("First order", "text"),
                "since": ("Months since", "count"),
                "customers": ("Bought", "count"),
                "size": ("Of customers", "count"),
                "share": ("Share", "percent"),
            }
        ),  # fmt: skip
    )
    dark = alt.datum.share > 0.55 * max(0.01, float(frame["share"].max()))
    texts = base.mark_text(fontSize=11).encode(
        text=alt.Text("share:Q", format=".0%"), color=alt.condition(dark, alt.value("white"), alt.value("#10222E"))
    )
    return (cells + texts).properties(height=max(3, frame["cohort"].nunique()) * 26 + 40)


def points(
    frame: pd.DataFrame, *, day: str, row: str, colours: Mapping[str, str], tips: Mapping[str, tuple[str, str]]
) -> Chart:
    """Events on a line of time, a row for each kind."""
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    days = alt.Tooltip(f"{day}:T", title="Day", format="%-d %b %Y")
    return (
        alt.Chart(frame)
        .mark_circle(size=90, opacity=0.8)
        .encode(
            x=alt.X(f"{day}:T", title=None, axis=alt.Axis(format="%b %Y", labelAngle=-45, tickCount=8)),
            y=alt.Y(f"{row}:N", title=None, sort=list(colours), axis=alt.Axis(ticks=False)),
            color=alt.Color(f"{row}:N", scale=scale, legend=None),
            tooltip=[days, *tooltips(tips)],
        )
        .properties(height=180)
    )


def _colours_of(
    values: pd.Series, chosen: Sequence[str], colours: Colours, by_value: Mapping[str, str] | None
) -> list[str]:
    own = by_value or {}
    return [own.get(each, colours.main) if not chosen or each in chosen else colours.muted for each in values]


@lru_cache(maxsize=1)
def _land() -> Any:
    return json.loads(_LAND.read_text("utf-8"))
