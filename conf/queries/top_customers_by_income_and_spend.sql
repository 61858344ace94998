-- The fifty customers of the highest spend among the tenth of the highest income, US dollars.
WITH by_income AS (
    SELECT
        customer_id,
        full_name,
        country,
        rfm_segment,
        annual_income,
        total_spend,
        total_orders,
        ntile(10) OVER (ORDER BY annual_income DESC, total_spend DESC, customer_id) AS tenth
    FROM customer_360
    WHERE annual_income IS NOT NULL AND total_spend > 0
)

SELECT
    customer_id,
    full_name,
    country,
    rfm_segment AS segment,
    annual_income,
    CAST(total_spend AS numeric(19, 2)) AS total_spend,
    total_orders
FROM by_income
WHERE tenth = 1
ORDER BY total_spend DESC, annual_income DESC, customer_id
LIMIT 50
