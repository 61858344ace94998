-- Orders above the threshold of a high value, US dollars, the highest first.
SELECT
    sales.order_id,
    sales.source,
    sales.order_date,
    sales.customer_id,
    customers.full_name,
    customers.country,
    CAST(sum(sales.total_value) AS numeric(19, 2)) AS total_value
FROM fact_sales AS sales
LEFT JOIN customer_360 AS customers ON customers.customer_id = sales.customer_id
GROUP BY
    sales.order_id, sales.source, sales.order_date, sales.customer_id, customers.full_name, customers.country
HAVING sum(sales.total_value) > {high_value_above}
ORDER BY total_value DESC, source, order_id
