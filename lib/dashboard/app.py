"""The app that Streamlit runs: finds the publication, and hands it to the page that was asked for."""

from functools import partial
from pathlib import Path

import psycopg
import streamlit as st

from lib.dashboard import source
from lib.dashboard.database import NothingPublished, PublishedBefore
from lib.dashboard.views import customer, customers, operations, overview, products, sales_team
from lib.errors import LakehouseError

_SIDE_BAR = 290
_ICON = Path(__file__).parent / "assets" / "icon.svg"
PAGES = (
    ("Overview", "overview", overview.page, ":material/dashboard:"),
    ("Customers", "customers", customers.page, ":material/groups:"),
    ("Customer", "customer", customer.page, ":material/person:"),
    ("Products", "products", products.page, ":material/inventory_2:"),
    ("Sales team", "sales_team", sales_team.page, ":material/leaderboard:"),
    ("Operations", "operations", operations.page, ":material/monitor_heart:"),
)


def _help(error: Exception) -> None:
    """What to do where there is nothing to show yet."""
    st.title("Customer 360")
    if isinstance(error, NothingPublished) or "nothing was published" in str(error):
        st.info(
            "Nothing was published yet. This page shows it as soon as something is.", icon=":material/hourglass_empty:"
        )
        st.markdown("Make a small lake from generated files, or publish the one that is there:")
        st.code("make demo\nmake publish", language="shell")
    elif isinstance(error, PublishedBefore):
        st.info("What is served was published by an earlier version of this project.", icon=":material/history:")
        st.markdown("A run brings gold and what is served up to this one:")
        st.code("make run", language="shell")
    else:
        st.warning("The database cannot be read.", icon=":material/cloud_off:")
        st.markdown("See that it runs, and what `conf/lakehouse.yml` says of it under `serving`; then look again:")
        st.code("make dashboard", language="shell")
    st.caption(str(error))
    st.button("Look again", icon=":material/refresh:")


def main() -> None:
    """Draw the page of the URL."""
    st.set_page_config("Customer 360", page_icon=str(_ICON), layout="wide", initial_sidebar_state=_SIDE_BAR)
    try:
        view = source.view()
        pages = {
            path: st.Page(partial(draw, view), title=title, icon=icon, url_path=path, default=path == "overview")
            for title, path, draw, icon in PAGES
        }
        page = st.navigation(list(pages.values()))
        asked = st.session_state.pop("open", None)
        if asked:
            st.switch_page(pages[asked])
        page.run()
    except (LakehouseError, psycopg.Error) as error:
        _help(error)


main()
