-- One row per order: what the slicers of the dashboard go by, and what it came to.
-- index: order_date
SELECT
    s.order_date,
    to_char(s.order_date, 'YYYY-MM') AS order_month,
    s.customer_id,
    coalesce(t.country, 'unknown') AS country,
    coalesce(t.region, 'unknown') AS region,
    s.channel,
    coalesce(c.rfm_segment, 'unknown') AS segment,
    coalesce(c.gender, 'unknown') AS gender,
    s.total_value
FROM (
    SELECT
        min(order_date) AS order_date, min(customer_id) AS customer_id, min(territory_id) AS territory_id,
        min(channel) AS channel, coalesce(sum(total_value), 0) AS total_value
    FROM fact_sales
    GROUP BY source, order_id
) AS s
LEFT JOIN dim_territories AS t USING (territory_id)
LEFT JOIN customer_360 AS c USING (customer_id)
ORDER BY s.order_date
