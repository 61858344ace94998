"""Charts of frames: what they look like is all here, what is in them is not. A click on a mark picks its value."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from lib.dashboard.formats import DOLLARS_AXIS
from lib.dashboard.settings import Colours

PICK = "pick"
"""The name of the selection of a chart that can be clicked."""

OUTLINES = "/outlines.json"
"""Where the app's own server has the countries: a browser keeps them, and a chart need not carry them."""

_ROW, _AXIS, _HEIGHT = 30, 40, 300
_MONTHS = alt.Axis(labelAngle=-45, labelOverlap="greedy", ticks=False)
_FORMATS = {"dollars": "$,.2f", "count": ",.0f", "percent": ".1%"}
_AXES: dict[str, Any] = {
    "dollars": {"labelExpr": DOLLARS_AXIS},
    "count": {"format": ",d", "tickMinStep": 1},
    "percent": {"format": "~%"},
}
Chart = Any
"""What Altair's chained calls come to, which it does not say."""


def tooltips(columns: Mapping[str, tuple[str, str]]) -> list[alt.Tooltip]:
    """Of columns: their titles and kinds (dollars, count, percent or text)."""
    return [
        alt.Tooltip(f"{name}:N", title=title)
        if kind == "text"
        else alt.Tooltip(f"{name}:Q", title=title, format=_FORMATS[kind])
        for name, (title, kind) in columns.items()
    ]


@dataclasses.dataclass(frozen=True)
class Marks:
    """Bars of a frame: a `value` of a `kind` for each value of `field`, which `label` has in words.

    Those not chosen are grey, where any are; `own` has colours for values; `negative` the one for values below zero.
    """

    field: str
    value: str
    kind: str
    colours: Colours
    tips: Mapping[str, tuple[str, str]]
    chosen: Sequence[str] = ()
    own: Mapping[str, str] = dataclasses.field(default_factory=dict)
    label: str = ""
    height: int = 0

    def coloured(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with the colour of each bar."""
        pairs = zip(frame[self.field], frame[self.value], strict=True)
        return frame.assign(_colour=[self._colour(name, value) for name, value in pairs])

    def _colour(self, name: str, value: float) -> str:
        if self.chosen and name not in self.chosen:
            return self.colours.muted
        return self.own.get(name, self.colours.main if value >= 0 else self.colours.second)


def bars(frame: pd.DataFrame, marks: Marks) -> Chart:
    """Horizontal bars, the longest first."""
    return (
        alt.Chart(marks.coloured(frame))
        .mark_bar(cornerRadiusEnd=3, cursor="pointer", size=18)
        .encode(
            y=alt.Y(
                f"{marks.label or marks.field}:N", sort="-x", title=None, axis=alt.Axis(labelLimit=170, ticks=False)
            ),
            x=alt.X(f"{marks.value}:Q", title=None, axis=alt.Axis(tickCount=4, **_AXES[marks.kind])),
            color=alt.Color("_colour:N", scale=None),
            tooltip=tooltips(marks.tips),
        )
        .add_params(alt.selection_point(name=PICK, fields=[marks.field]))
        .properties(height=marks.height or len(frame) * _ROW + _AXIS)
    )


def columns(frame: pd.DataFrame, marks: Marks) -> Chart:
    """Upright bars in the order of the frame, such as of months."""
    return (
        alt.Chart(marks.coloured(frame))
        .mark_bar(cornerRadiusEnd=3, cursor="pointer")
        .encode(
            x=alt.X(f"{marks.field}:O", title=None, axis=_MONTHS),
            y=alt.Y(f"{marks.value}:Q", title=None, axis=alt.Axis(tickCount=5, **_AXES[marks.kind])),
            color=alt.Color("_colour:N", scale=None),
            tooltip=tooltips(marks.tips),
        )
        .add_params(alt.selection_point(name=PICK, fields=[marks.field]))
        .properties(height=marks.height or _HEIGHT)
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
            x=alt.X(f"{field}:O", title=None, axis=_MONTHS),
            y=alt.Y(f"{value}:Q", title=None, axis=alt.Axis(tickCount=5, **_AXES[kind])),
            color=alt.Color(f"{series}:N", scale=scale, title=None, legend=alt.Legend(orient="top")),
            tooltip=tooltips({field: ("Month", "text"), series: ("", "text"), value: (title, kind)}),
        )
        .properties(height=_HEIGHT)
    )


def donut(
    frame: pd.DataFrame, field: str, value: str, *, colours: Colours, others: str, tips: Mapping[str, tuple[str, str]]
) -> Chart:
    """Shares of a whole, the largest first; `others`, which is grey, may be the last."""
    names = list(frame[field])
    range_ = [colours.muted if name == others else colours.palette[at] for at, name in enumerate(names)]
    return (
        alt.Chart(frame.assign(_order=range(len(frame))))
        .mark_arc(innerRadius=54, outerRadius=92, padAngle=0.015, cursor="pointer")
        .encode(
            theta=alt.Theta(f"{value}:Q", stack=True),
            order=alt.Order("_order:Q"),
            color=alt.Color(
                f"{field}:N",
                scale=alt.Scale(domain=names, range=range_),
                legend=alt.Legend(orient="bottom", columns=3, labelLimit=110, title=None),
            ),
            tooltip=tooltips(tips),
        )
        .add_params(alt.selection_point(name=PICK, fields=[field]))
        .properties(height=_HEIGHT + _AXIS)
    )


def world(
    frame: pd.DataFrame, value: str, *, colours: Colours, names: Mapping[str, str], chosen: Sequence[str] = ()
) -> Chart:
    """Countries by a value; `names` are those on the map of countries that gold calls otherwise."""
    data = frame.assign(_name=frame["country"].replace(dict(names)))
    data = data.assign(
        _edge=[colours.second if each in chosen else colours.muted for each in data["country"]],
        _width=[2.0 if each in chosen else 0.3 for each in data["country"]],
    )
    land = alt.UrlData(url=OUTLINES, format=alt.TopoDataFormat(type="topojson", feature="countries"))
    fields = ["country", value, "orders", "_edge", "_width"]
    base = alt.Chart().mark_geoshape(fill=colours.muted, fillOpacity=0.25, stroke=colours.muted, strokeWidth=0.3)
    sold = (
        alt.Chart()
        .transform_lookup(lookup="properties.name", from_=alt.LookupData(data, key="_name", fields=fields))
        .transform_filter(f"isValid(datum.{value})")
        .mark_geoshape(cursor="pointer")
        .encode(
            color=alt.Color(
                f"{value}:Q",
                scale=alt.Scale(range=[colours.pale, colours.main], zero=True),
                legend=alt.Legend(orient="bottom", title=None, gradientLength=180, labelExpr=DOLLARS_AXIS, tickCount=3),
            ),
            stroke=alt.Stroke("_edge:N", scale=None),
            strokeWidth=alt.StrokeWidth("_width:Q", scale=None),
            tooltip=tooltips(
                {"country": ("Country", "text"), value: ("Sales", "dollars"), "orders": ("Orders", "count")}
            ),
        )
        .add_params(alt.selection_point(name=PICK, fields=["country"]))
    )
    return alt.layer(base, sold, data=land).project("equalEarth").properties(height=_HEIGHT)


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
            tooltip=tooltips(
                {
                    series: ("", "text"),
                    x: (titles[x], "dollars"),
                    y: (titles[y], "dollars"),
                    size: ("Customers", "count"),
                }
            ),
        )
        .properties(height=_HEIGHT)
    )


def heatmap(frame: pd.DataFrame, *, colours: Colours) -> Chart:
    """Cohorts by months since their first order: the share that bought."""
    most = max(0.01, float(frame["share"].max()))
    base = alt.Chart(frame).encode(
        x=alt.X("since:O", title="Months since the first order", axis=alt.Axis(labelAngle=0, ticks=False)),
        y=alt.Y("name:O", title=None, axis=alt.Axis(ticks=False, labelLimit=170)),
    )
    tips = {
        "cohort": ("First order", "text"), "since": ("Months since", "count"), "customers": ("Bought", "count"),
        "size": ("Of customers", "count"), "share": ("Share", "percent"),
    }  # fmt: skip
    scale = alt.Scale(range=[colours.pale, colours.main], domain=[0, most])
    cells = base.mark_rect().encode(color=alt.Color("share:Q", scale=scale, legend=None), tooltip=tooltips(tips))
    ink = alt.condition(alt.datum.share > 0.55 * most, alt.value("white"), alt.value("#10222E"))
    texts = base.mark_text(fontSize=11).encode(text=alt.Text("share:Q", format=".0%"), color=ink)
    return (cells + texts).properties(height=frame["cohort"].nunique() * 26 + 60)


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
