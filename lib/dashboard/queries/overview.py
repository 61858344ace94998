"""The figures of the overview."""

from lib.dashboard.filters import Filters
from lib.dashboard.periods import Period
from lib.dashboard.queries.query import Query, sales_where

_PLACE = ("country", "region")


def sales_by_day(filters: Filters, period: Period) -> Query:
    """One row per day, country and region of all places: a click on one of them needs no other query."""
    condition, params = sales_where(filters, period, without=_PLACE)
    return Query(
        f"""
        SELECT order_date, order_month, country, region, sum(orders) AS orders, sum(total_value) AS sales
        FROM rollup_days WHERE {condition} GROUP BY 1, 2, 3, 4
        """,
        params,
    )


def customers(filters: Filters, period: Period, before: Period, high_value_above: float) -> Query:
    """One row per region of customers: those who bought in the period and in the one before, their points and orders.

    The orders are those above `high_value_above`.
    """
    condition, params = sales_where(filters, Period(before.start, period.end))
    return Query(
        f"""
        WITH bought AS (
            SELECT customer_id, max(order_date) >= %(now)s AS now, min(order_date) < %(now)s AS before,
                   count(*) FILTER (WHERE total_value > %(high)s AND order_date >= %(now)s) AS high_value,
                   count(*) FILTER (WHERE total_value > %(high)s AND order_date < %(now)s) AS high_value_before
            FROM rollup_orders WHERE {condition} GROUP BY 1
        )
        SELECT coalesce(c.region, c.home_region, 'unknown') AS region, count(*) FILTER (WHERE now) AS customers,
               count(*) FILTER (WHERE before) AS customers_before, sum(high_value) AS high_value,
               sum(high_value_before) AS high_value_before,
               coalesce(sum(c.loyalty_points) FILTER (WHERE now), 0) AS loyalty_points,
               count(c.loyalty_points) FILTER (WHERE now) AS members
        FROM bought LEFT JOIN customer_360 AS c USING (customer_id) GROUP BY 1
        """,
        params | {"now": period.start, "high": high_value_above},
    )


def top_products(filters: Filters, period: Period, limit: int) -> Query:
    """One row per product, those with most sales first."""
    condition, params = sales_where(filters, period)
    return Query(
        f"""
        WITH sold AS (
            SELECT product_id, sum(total_value) AS sales, sum(quantity) AS units
            FROM rollup_products WHERE {condition} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
        )
        SELECT product_id, coalesce(p.product_name, product_id) AS product, coalesce(p.category, 'unknown') AS category,
               sales, units
        FROM sold LEFT JOIN dim_products AS p USING (product_id)
        WHERE p.product_id IS NULL OR p.valid_to IS NULL
        ORDER BY sales DESC, product_id
        """,
        params | {"limit": limit},
    )
