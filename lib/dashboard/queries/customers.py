"""The figures of the customers' page, and the search."""

from lib.dashboard.filters import Filters
from lib.dashboard.periods import Period
from lib.dashboard.queries.query import Query, sales_where


def groups(filters: Filters, period: Period, income_band: int) -> Query:
    """One row per segment, gender and band of income of those who bought, whatever segment and gender are chosen."""
    condition, params = sales_where(filters, period, without=("segment", "gender"))
    return Query(
        f"""
        WITH bought AS (
            SELECT customer_id, segment, gender, sum(total_value) AS sales, count(*) AS orders
            FROM rollup_orders WHERE {condition} GROUP BY 1, 2, 3
        )
        SELECT b.segment, b.gender, floor(c.annual_income / %(band)s) * %(band)s AS income, count(*) AS customers,
               sum(b.sales) AS sales, sum(b.orders) AS orders, count(*) FILTER (WHERE c.is_inactive) AS inactive,
               sum(c.historical_ltv) AS lifetime_value
        FROM bought AS b LEFT JOIN customer_360 AS c USING (customer_id) GROUP BY 1, 2, 3
        """,
        params | {"band": income_band},
    )


def top_customers(filters: Filters, period: Period, limit: int) -> Query:
    """One row per customer, those with most sales of the period first."""
    condition, params = sales_where(filters, period)
    return Query(
        f"""
        WITH bought AS (
            SELECT customer_id, sum(total_value) AS sales, count(*) AS orders
            FROM rollup_orders WHERE {condition} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(limit)s
        )
        SELECT customer_id, c.full_name, c.rfm_segment AS segment, c.country, c.region, b.orders, b.sales,
               c.total_spend, c.historical_ltv, c.last_order_date
        FROM bought AS b LEFT JOIN customer_360 AS c USING (customer_id) ORDER BY b.sales DESC, customer_id
        """,
        params | {"limit": limit},
    )


def cohorts(filters: Filters, period: Period) -> Query:
    """One row per month of first orders and month since: how many of those customers bought."""
    condition, params = sales_where(filters, period)
    return Query(
        f"""
        WITH active AS (SELECT customer_id, order_month FROM rollup_orders WHERE {condition} GROUP BY 1, 2)
        SELECT to_char(c.first_order_date, 'YYYY-MM') AS cohort, a.order_month, count(*) AS customers
        FROM active AS a JOIN customer_360 AS c USING (customer_id)
        WHERE c.first_order_date BETWEEN %(start)s AND %(end)s
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        params,
    )


def found(text: str, limit: int) -> Query:
    """One row per customer whom a search finds: by an id of now or before, a record, or a part of name or e-mail."""
    return Query(
        """
        SELECT c.customer_id, c.full_name, c.email, c.city, c.country, c.rfm_segment AS segment, c.total_orders,
               c.total_spend, c.last_order_date
        FROM customer_360 AS c
        WHERE c.customer_id = %(text)s OR %(text)s = ANY(c.former_ids) OR %(text)s = ANY(c.source_ids)
           OR position(lower(%(text)s) IN lower(c.full_name)) > 0 OR position(lower(%(text)s) IN lower(c.email)) > 0
        ORDER BY c.customer_id = %(text)s DESC, c.total_spend DESC NULLS LAST, c.customer_id LIMIT %(limit)s
        """,
        {"text": text, "limit": limit},
    )
