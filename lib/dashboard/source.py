"""Where the pages' figures come from: the one reader of the process, opened when somebody first looks."""

from functools import partial
from threading import Lock

import pandas as pd

from lib.config import Settings
from lib.dashboard import state
from lib.dashboard.database import Publication, Reader
from lib.dashboard.periods import Period
from lib.dashboard.queries.common import CHOICES, DAYS
from lib.dashboard.queries.query import Query
from lib.dashboard.settings import DashboardFile
from lib.dashboard.state import View
from lib.serving.database import READER_PII

_asked: list[tuple[Settings, DashboardFile, str]] = []
_open: list[Reader] = []
_opening = Lock()
_NEVER_FIXED = ("operations.", "serving.")
"""What is written anew at any time; a publication's tables never are."""


def opened(settings: Settings, dashboard: DashboardFile, role: str) -> None:
    """Say whose gold is read and as whom; nothing is connected yet."""
    _asked[:] = [(settings, dashboard, role)]


def closed() -> None:
    """Give the database up."""
    while _open:
        _open.pop().close()


def view() -> View:
    """What a page is drawn from: the publication that is live now, by what the URL says.

    Raises:
        LakehouseError: if nothing was published, or the database cannot be read.
    """
    settings, dashboard, role = _asked[0]
    publication = _reader().publication()
    fetch = partial(_fetch, publication)
    choices = fetch(CHOICES)
    known = {name: sorted(choices[name].unique()) for name in choices.columns}
    days = fetch(DAYS).iloc[0]
    span = Period(days["first"] or publication.as_of, days["last"] or publication.as_of)
    filters = state.checked(state.adopted(), known)
    if filters.country:
        known["region"] = sorted(choices[choices["country"].isin(filters.country)]["region"].unique())
    return View(
        publication, dashboard, float(settings.measures["high_value_above"]), _hidden(settings, role), filters,
        state.period_of(filters, span, dashboard.default_months), known, span, fetch,
    )  # fmt: skip


def _hidden(settings: Settings, role: str) -> frozenset[str]:
    """The columns of a customer that the role does not see at all."""
    if role == READER_PII:
        return frozenset()
    return frozenset(name for name, mask in settings.serving.personal["dim_customers"].items() if mask == "hidden")


def _reader() -> Reader:
    settings, dashboard, role = _asked[0]
    with _opening:
        if not _open:
            _open.append(Reader(settings, dashboard, role))
        return _open[0]


def _fetch(publication: Publication, query: Query) -> pd.DataFrame:
    is_fixed = not any(name in query.sql for name in _NEVER_FIXED)
    return _reader().kept(publication.schema, query) if is_fixed else _reader().fetch(publication.schema, query)
