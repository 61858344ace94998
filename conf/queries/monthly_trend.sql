-- Sales, orders and customers of each month, and the growth against the calendar's previous month.
WITH months AS (
    SELECT
        order_month,
        CAST(substr(order_month, 1, 4) AS integer) * 12 + CAST(substr(order_month, 6, 2) AS integer) AS number,
        sum(total_value) AS total_value,
        count(DISTINCT order_id) AS orders,
        count(DISTINCT customer_id) AS customers
    FROM fact_sales
    GROUP BY order_month
)

SELECT
    months.order_month,
    CAST(months.total_value AS numeric(19, 2)) AS total_sales,
    months.orders,
    months.customers,
    CAST((months.total_value - before.total_value) / nullif(before.total_value, 0) AS numeric(19, 6)) AS growth
FROM months
LEFT JOIN months AS before ON before.number = months.number - 1
ORDER BY months.order_month
