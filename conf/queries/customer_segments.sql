-- Customers and spend of each segment.
SELECT
    coalesce(rfm_segment, 'no purchase') AS segment,
    count(*) AS customers,
    CAST(sum(total_spend) AS numeric(19, 2)) AS spend,
    CAST(avg(total_orders) AS numeric(19, 4)) AS average_orders,
    CAST(sum(total_spend) / nullif(sum(sum(total_spend)) OVER (), 0) AS numeric(9, 6)) AS share_of_spend
FROM customer_360
GROUP BY coalesce(rfm_segment, 'no purchase')
ORDER BY spend DESC, segment
