"""All that is known of one customer."""

from lib.dashboard.queries.query import Query


def profile(customer: str) -> Query:
    """One row: the customer, by an id of now or before."""
    return Query(
        "SELECT * FROM customer_360 WHERE customer_id = %(id)s OR %(id)s = ANY(former_ids) LIMIT 1", {"id": customer}
    )


def golden(customer: str) -> Query:
    """One row: what holds now, and the record that each part of it is from."""
    return Query("SELECT * FROM dim_customers WHERE customer_id = %(id)s AND is_current", {"id": customer})


def timeline(customer: str, limit: int) -> Query:
    """One row per order, contact and payment, the newest first."""
    return Query(
        """
        SELECT order_date AS day, 'order' AS kind, order_id AS id, channel AS what,
               string_agg(DISTINCT coalesce(p.product_name, s.product_id), ', ') AS detail, sum(s.total_value) AS amount
        FROM fact_sales AS s
        LEFT JOIN (SELECT product_id, max(product_name) AS product_name FROM dim_products WHERE valid_to IS NULL
                   GROUP BY 1) AS p USING (product_id)
        WHERE customer_id = %(id)s GROUP BY source, order_date, order_id, channel
        UNION ALL
        SELECT interaction_date, 'contact', interaction_id, channel,
               concat_ws(', ', type, outcome, 'satisfaction ' || satisfaction), NULL
        FROM fact_interactions WHERE customer_id = %(id)s
        UNION ALL
        SELECT payment_date, CASE type WHEN 'refund' THEN 'refund' ELSE 'payment' END, payment_id, status,
               concat(amount, ' ', currency), amount_base
        FROM fact_payments WHERE customer_id = %(id)s
        ORDER BY day DESC, kind, id LIMIT %(limit)s
        """,
        {"id": customer, "limit": limit},
    )


def suspicious(customer: str) -> Query:
    """One row per sale or refund of the customer that is suspicious, the newest first."""
    return Query(
        """
        SELECT severity, event_date AS day, event, event_id AS id, value, array_to_string(reasons, '; ') AS why
        FROM sales_anomalies WHERE customer_id = %(id)s ORDER BY event_date DESC, event, event_id, event_line
        """,
        {"id": customer},
    )
