"""Statements of filters: what somebody chose is never part of the text."""

from datetime import date

from lib.dashboard.filters import Filters
from lib.dashboard.periods import Period
from lib.dashboard.queries import customers, overview, products, sales_team
from lib.dashboard.queries.query import sales_where

PERIOD = Period(date(2017, 1, 1), date(2017, 1, 31))
EVIL = "x'; DROP TABLE fact_sales; --"


def test_a_condition_has_the_days_and_the_dimensions_chosen() -> None:
    condition, params = sales_where(Filters(country=("Canada",), gender=("F", "M")), PERIOD, without=["gender"])
    assert condition == "order_date BETWEEN %(start)s AND %(end)s AND country = ANY(%(country)s)"
    assert params == {"start": date(2017, 1, 1), "end": date(2017, 1, 31), "country": ["Canada"]}


def test_what_was_chosen_is_a_parameter() -> None:
    filters = Filters(**dict.fromkeys(("country", "region", "channel", "segment", "gender", "store"), (EVIL,)))
    asked = [
        overview.sales_by_day(filters, PERIOD), overview.customers(filters, PERIOD, PERIOD.before(), 1000),
        overview.top_products(filters, PERIOD, 5), customers.groups(filters, PERIOD, 20000),
        customers.top_customers(filters, PERIOD, 20), customers.cohorts(filters, PERIOD), customers.found(EVIL, 5),
        products.sold(filters, PERIOD), products.returned(filters, PERIOD), sales_team.months(filters, PERIOD),
        sales_team.suspicious(filters, PERIOD, 100),
    ]  # fmt: skip
    assert [query.sql for query in asked if EVIL in query.sql] == []
    assert [
        query.sql for query in asked if EVIL not in query.params.values() and [EVIL] not in query.params.values()
    ] == []
