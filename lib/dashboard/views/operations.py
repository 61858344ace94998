"""How the lake is: what is served, last runs, freshness, quarantine, conservation."""

from datetime import datetime, timezone

import pandas as pd
import psycopg
import streamlit as st

from lib.dashboard import charts, formats, layout
from lib.dashboard.charts import Marks
from lib.dashboard.queries import operations as queries
from lib.dashboard.state import View


def page(view: View) -> None:
    """Draw it."""
    layout.heading(view, "Operations", f"Served since {view.publication.published_at:%-d %b %Y, %H:%M} UTC")
    try:
        runs, fresh, waiting, conserved, served = (
            view.fetch(query)
            for query in (
                queries.RUNS,
                queries.FRESHNESS,
                queries.QUARANTINE,
                queries.CONSERVATION,
                queries.PUBLICATIONS,
            )
        )
    except psycopg.errors.UndefinedTable:
        st.info("No run has reported yet: `make run` does at its end.", icon=":material/monitor_heart:")
        return
    judged = fresh.assign(verdict=[verdict(row, datetime.now(timezone.utc)) for row in fresh.to_dict("records")])
    _cards(view, runs, judged, waiting, conserved)
    _runs(runs)
    left, right = st.columns(2)
    with left, st.container(border=True):
        layout.table(
            judged, "freshness",
            {"table_name": "Table", "verdict": "Verdict", "newest": ("Newest file", "time"), "warn_after": "Warn after",
             "error_after": "Error after"}, title="Freshness",
        )  # fmt: skip
    with right:
        _waiting(view, waiting)
    with st.container(border=True):
        layout.table(
            conserved, "conservation",
            {"layer": "Layer", "table_name": "Table", "is_conserved": "Conserved", "rows_in": ("Rows in", "count"),
             "accepted": ("Accepted", "count"), "superseded": ("Superseded", "count"),
             "quarantined": ("Quarantined", "count"), "run_id": "Run"}, title="Conservation: no row is lost",
        )  # fmt: skip
    with st.container(border=True):
        layout.table(
            served, "publications",
            {"publication_id": "Publication", "run_id": "Run", "as_of": ("As of", "date"), "status": "Status",
             "published_at": ("Published", "time"), "replaced_at": ("Replaced", "time")}, title="Publications",
        )  # fmt: skip


def verdict(row: dict[str, object], now: datetime) -> str:
    """ok, warn or error by the times from which on the newest file is too old; none where nothing is asked."""
    late = {name: row[f"{name}_at"] for name in ("error", "warn")}
    for name, at in late.items():
        if isinstance(at, datetime) and not pd.isna(at) and now > at:
            return f"{name}: older than {row[f'{name}_after']}"
    if pd.isna(row["newest"]):
        return "error: never loaded" if row["error_after"] else "never loaded"
    return "ok"


def _cards(
    view: View, runs: pd.DataFrame, judged: pd.DataFrame, waiting: pd.DataFrame, conserved: pd.DataFrame
) -> None:
    last = runs.iloc[0] if len(runs) else None
    old = int(judged["verdict"].str.startswith("error").sum())
    lost = int((~conserved["is_conserved"].astype(bool)).sum())
    rows = waiting.drop_duplicates("table_name")["waiting"].sum()
    layout.cards(
        [
            {"label": "Served", "value": f"Run {view.publication.run_id}", "help": f"As of {view.publication.as_of}"},
            {"label": "Last run", "value": _ended(last),
             "help": None if last is None else f"Run {last['run_id']}: exit status {last['exit_status']}"},
            {"label": "Too old", "value": f"{old} of {len(judged)}", "help": "Newest file older than allowed."},
            {"label": "Rows in quarantine", "value": formats.count(rows)},
            {"label": "Not conserved", "value": f"{lost} of {len(conserved)}", "help": "Whose rows do not add up."},
        ]
    )  # fmt: skip


def _ended(last: pd.Series | None) -> str:
    if last is None:
        return formats.NONE
    return "failed" if last["exit_status"] else "good"


def _runs(runs: pd.DataFrame) -> None:
    shown = runs.assign(
        warnings=[len(each or []) for each in runs["warnings"]],
        failure=[(each or [""])[0] for each in runs["failures"]],
    )
    with st.container(border=True):
        layout.table(
            shown, "runs",
            {"run_id": "Run", "started_at": ("Started (UTC)", "time"), "seconds": ("Seconds", "%.1f"),
             "exit_status": "Exit status", "as_of": ("As of", "date"), "tables_changed": ("Tables changed", "count"),
             "warnings": ("Warnings", "count"), "failure": "First failure"}, title="Last runs",
        )  # fmt: skip


def _waiting(view: View, waiting: pd.DataFrame) -> None:
    reasons = waiting.groupby("reason", as_index=False)["rows"].sum().sort_values("rows", ascending=False).head(15)
    layout.chart(
        lambda: charts.bars(
            reasons,
            Marks(
                "reason", "rows", "count", view.dashboard.colours,
                {"reason": ("Reason", "text"), "rows": ("Rows", "count")},
            ),
        ),
        reasons, "Quarantine by reason", alt="Bars: rows in quarantine by reason", key="quarantine",
    )  # fmt: skip
    with st.expander("Quarantine as a table", icon=":material/table:"):
        layout.table(
            waiting, "quarantine",
            {"table_name": "Table", "reason": "Reason", "rows": ("Rows", "count"),
             "waiting": ("Waiting in the table", "count"), "oldest": ("Oldest", "time")},
        )  # fmt: skip
