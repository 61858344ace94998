-- One row per day and slice of the dashboard's slicers: the orders, and what they came to.
-- index: order_date
SELECT
    order_date, order_month, country, region, channel, segment, gender,
    count(*) AS orders,
    sum(total_value) AS total_value
FROM rollup_orders
GROUP BY order_date, order_month, country, region, channel, segment, gender
ORDER BY order_date
