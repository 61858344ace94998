-- One row per day and slice of the dashboard's slicers: the orders, and what they came to.
-- index: order_date
SELECT
    s.order_date,
    to_char(s.order_date, 'YYYY-MM') AS order_month,
    coalesce(t.country, 'unknown') AS country,
    coalesce(t.region, 'unknown') AS region,
    s.channel,
    coalesce(c.rfm_segment, 'unknown') AS segment,
    coalesce(c.gender, 'unknown') AS gender,
    count(*) AS orders,
    sum(s.total_value) AS total_value
FROM (
    SELECT
        min(order_date) AS order_date, min(customer_id) AS customer_id, min(territory_id) AS territory_id,
        min(channel) AS channel, coalesce(sum(total_value), 0) AS total_value
    FROM fact_sales
    GROUP BY source, order_id
) AS s
LEFT JOIN dim_territories AS t USING (territory_id)
LEFT JOIN customer_360 AS c USING (customer_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY s.order_date
