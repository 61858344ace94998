"""A statement with parameters, and the conditions that filters come to."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from lib.dashboard.filters import SALES, Filters
from lib.dashboard.periods import Period


class Query(NamedTuple):
    """A statement over the tables of a publication by their plain names, and its parameters by theirs."""

    sql: str
    params: Mapping[str, Any] = {}


def sales_where(filters: Filters, period: Period, *, without: Collection[str] = ()) -> tuple[str, dict[str, Any]]:
    """The condition on a rollup of sales: the days, and all filters but those `without`."""
    return where(filters, period, [name for name in SALES if name not in without])


def where(
    filters: Filters, period: Period, dimensions: Collection[str], *, day: str = "order_date", table: str = ""
) -> tuple[str, dict[str, Any]]:
    """The condition on the columns of `dimensions`; names are the program's own, values are parameters."""
    prefix = f"{table}." if table else ""
    terms = [f"{prefix}{day} BETWEEN %(start)s AND %(end)s"]
    params: dict[str, Any] = {"start": period.start, "end": period.end}
    for name in dimensions:
        if filters.chosen(name):
            terms.append(f"{prefix}{name} = ANY(%({name})s)")
            params[name] = list(filters.chosen(name))
    return " AND ".join(terms), params
