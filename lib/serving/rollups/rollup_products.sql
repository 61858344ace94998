-- One row per day, product and slice of the dashboard's slicers: what was sold of the product.
-- index: order_date
SELECT
    s.order_date,
    to_char(s.order_date, 'YYYY-MM') AS order_month,
    s.product_id,
    coalesce(t.country, 'unknown') AS country,
    coalesce(t.region, 'unknown') AS region,
    s.channel,
    coalesce(c.rfm_segment, 'unknown') AS segment,
    coalesce(c.gender, 'unknown') AS gender,
    sum(s.quantity) AS quantity,
    coalesce(sum(s.total_value), 0) AS total_value,
    sum(s.total_value) FILTER (WHERE s.total_cost IS NOT NULL) AS value_of_known_cost,
    sum(s.total_cost) FILTER (WHERE s.total_value IS NOT NULL) AS total_cost
FROM fact_sales AS s
LEFT JOIN dim_territories AS t USING (territory_id)
LEFT JOIN customer_360 AS c USING (customer_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY s.order_date
