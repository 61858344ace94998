"""What was sold and came back."""

from lib.dashboard.filters import Filters
from lib.dashboard.periods import Period
from lib.dashboard.queries.query import Query, sales_where, where

PRODUCTS = Query("""
    SELECT DISTINCT ON (product_id) product_id, coalesce(product_name, product_id) AS product, sku,
           coalesce(category, 'unknown') AS category, coalesce(subcategory, 'unknown') AS subcategory
    FROM dim_products ORDER BY product_id, valid_from DESC
""")


def sold(filters: Filters, period: Period) -> Query:
    """One row per product and month, whatever category is chosen: the way down needs no other query."""
    condition, params = sales_where(filters, period)
    return Query(
        f"""
        SELECT product_id, order_month, sum(total_value) AS sales, sum(quantity) AS units,
               coalesce(sum(value_of_known_cost), 0) AS value_of_known_cost, coalesce(sum(total_cost), 0) AS cost
        FROM rollup_products WHERE {condition} GROUP BY 1, 2
        """,
        params,
    )


def returned(filters: Filters, period: Period) -> Query:
    """One row per product: units that came back, and their list value; who brought them is not on record."""
    condition, params = where(filters, period, ("country", "region"), day="return_date")
    return Query(
        f"""
        SELECT product_id, sum(r.quantity) AS returned, coalesce(sum(r.total_value), 0) AS returned_value
        FROM fact_returns AS r LEFT JOIN dim_territories AS t USING (territory_id)
        WHERE {condition} GROUP BY 1
        """,
        params,
    )
