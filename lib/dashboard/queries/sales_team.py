"""What the sales people of the stores sold."""

from lib.dashboard.filters import Filters
from lib.dashboard.periods import Period
from lib.dashboard.queries.query import Query


def months(filters: Filters, period: Period) -> Query:
    """One row per store, sales person and month that the period touches, or the one before it."""
    terms, params = ["sales_month BETWEEN %(start)s AND %(end)s"], {
        "start": f"{period.before().start:%Y-%m}", "end": f"{period.end:%Y-%m}",
    }  # fmt: skip
    lists = {name: list(filters.chosen(name)) for name in ("country", "region") if filters.chosen(name)}
    terms += [f"coalesce(s.{name}, 'unknown') = ANY(%({name})s)" for name in lists]
    return Query(
        f"""
        SELECT m.store_id, coalesce(s.name, m.store_id) AS store, coalesce(s.country, 'unknown') AS country,
               coalesce(s.region, 'unknown') AS region, m.sales_person_id,
               coalesce(m.full_name, m.sales_person_id) AS person, m.sales_month, m.total_sales, m.incentive,
               m.total_transactions AS orders, m.sales_growth_rate AS growth, m.suspicious_sales AS suspicious
        FROM mart_sales_team AS m LEFT JOIN dim_stores AS s USING (store_id)
        WHERE {" AND ".join(terms)}
        ORDER BY m.store_id, m.sales_person_id, m.sales_month
        """,
        params | lists,
    )


def suspicious(filters: Filters, period: Period, limit: int) -> Query:
    """One row per suspicious sale in a store in the period, the most severe first."""
    lists = {name: list(filters.chosen(name)) for name in ("country", "region") if filters.chosen(name)}
    terms = ["a.event = 'sale'", "a.channel = 'store'", "a.event_date BETWEEN %(start)s AND %(end)s"]
    terms += [f"coalesce(s.{name}, 'unknown') = ANY(%({name})s)" for name in lists]
    return Query(
        f"""
        SELECT a.severity, a.event_date AS day, coalesce(p.name, a.sales_person_id, 'unknown') AS person,
               coalesce(s.name, a.store_id, 'unknown') AS store, a.event_id AS sale, a.customer_id, a.value,
               array_to_string(a.reasons, '; ') AS why
        FROM sales_anomalies AS a LEFT JOIN dim_stores AS s USING (store_id)
        LEFT JOIN dim_sales_people AS p USING (sales_person_id)
        WHERE {" AND ".join(terms)}
        ORDER BY array_position(ARRAY['high', 'medium', 'low'], a.severity), a.event_date DESC, a.event_id
        LIMIT %(limit)s
        """,
        {"start": period.start, "end": period.end, "limit": limit} | lists,
    )
