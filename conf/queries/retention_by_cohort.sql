-- Of the customers who first bought in a month, those who bought again so many months later.
WITH months AS (
    SELECT
        customer_id,
        sales_month,
        CAST(substr(sales_month, 1, 4) AS integer) * 12 + CAST(substr(sales_month, 6, 2) AS integer) AS number
    FROM sales_by_customer_month
),

cohorts AS (
    SELECT
        customer_id,
        min(sales_month) AS cohort,
        min(number) AS first_number
    FROM months
    GROUP BY customer_id
),

sizes AS (
    SELECT
        cohort,
        count(*) AS cohort_customers
    FROM cohorts
    GROUP BY cohort
)

SELECT
    cohorts.cohort,
    sizes.cohort_customers,
    months.number - cohorts.first_number AS months_later,
    count(*) AS customers,
    CAST(CAST(count(*) AS numeric(19, 0)) / sizes.cohort_customers AS numeric(9, 6)) AS retention
FROM months
INNER JOIN cohorts ON cohorts.customer_id = months.customer_id
INNER JOIN sizes ON sizes.cohort = cohorts.cohort
GROUP BY cohorts.cohort, sizes.cohort_customers, months.number - cohorts.first_number
ORDER BY cohorts.cohort, months_later
