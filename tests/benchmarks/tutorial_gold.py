"""Gold in Spark SQL, of the tills alone: each table is a query over silver and the tables before it.

A receipt is an order of one line, which makes some of it simpler than in the project. What only the ERP knows (costs,
genders, incomes) is not there, and without costs there is no margin.
"""

GOLD = {
    "dim_customers": """
        WITH everyone AS (
            SELECT customer_id, name, email, phone, loyalty_tier, loyalty_points, region, birth_date,
                   false AS is_inferred
            FROM customers
            UNION ALL
            SELECT DISTINCT customer_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true
            FROM sales LEFT ANTI JOIN customers USING (customer_id)
        ), named AS (
            SELECT concat('pos:', customer_id) AS id, * FROM everyone
        )
        SELECT id AS customer_id, array(id) AS source_ids, name AS full_name, if(name IS NULL, NULL, id) AS name_source,
               birth_date, if(birth_date IS NULL, NULL, id) AS birth_date_source, email,
               if(email IS NULL, NULL, id) AS email_source, phone, if(phone IS NULL, NULL, id) AS phone_source,
               loyalty_tier, loyalty_points, region AS home_region,
               if(coalesce(loyalty_tier, CAST(loyalty_points AS STRING), region) IS NULL, NULL, id) AS loyalty_source,
               is_inferred
        FROM named
        """,
    "dim_products": """
        SELECT concat('pos:', product_id) AS product_id, 'pos' AS source, product_id AS source_product_id,
               product_id AS sku, newest.*, false AS is_inferred
        FROM (
            SELECT product_id, max_by(struct(product_name, category, CAST(price AS DECIMAL(19,4)) AS unit_price),
                                      struct(updated_at, transaction_id)) AS newest
            FROM sales WHERE product_id IS NOT NULL GROUP BY product_id
        )
        """,
    "dim_territories": """
        SELECT DISTINCT concat('pos:', country, '/', region) AS territory_id, 'pos' AS source,
               concat(country, '/', region) AS source_territory_id, region, country, false AS is_inferred
        FROM stores
        """,
    "dim_stores": """
        SELECT concat('pos:', store_id) AS store_id, name, concat('pos:', country, '/', region) AS territory_id,
               region, country, opened_on, false AS is_inferred
        FROM stores
        """,
    "dim_sales_people": """
        SELECT concat('pos:', sales_person_id) AS sales_person_id, name, concat('pos:', store_id) AS store_id, hired_on,
               false AS is_inferred
        FROM sales_people
        """,
    "fact_sales": """
        SELECT transaction_id AS order_id, 1 AS order_line, concat('pos:', customer_id) AS customer_id,
               concat('pos:', product_id) AS product_id, territory_id, concat('pos:', s.store_id) AS store_id,
               concat('pos:', sales_person_id) AS sales_person_id, 'pos' AS source,
               customer_id AS source_customer_id, 'store' AS channel, quantity,
               CAST(price AS DECIMAL(19,4)) AS unit_price, discount,
               CAST(quantity * price * (1 - discount) AS DECIMAL(28,8)) AS total_value, to_date(sold_at) AS order_date,
               date_format(sold_at, 'yyyy-MM') AS order_month
        FROM sales s LEFT JOIN dim_stores d ON d.store_id = concat('pos:', s.store_id)
        """,
    "customer_360": """
        WITH sold AS (
            SELECT *, date_diff(order_date, lag(order_date) OVER (PARTITION BY customer_id
                                                                  ORDER BY order_date, order_id)) AS gap_days
            FROM fact_sales CROSS JOIN (SELECT max(order_date) AS as_of FROM fact_sales)
        ), lifetimes AS (
            SELECT customer_id, as_of, max_by(territory_id, struct(order_date, order_id)) AS territory_id,
                   count(*) AS total_orders, sum(quantity) AS total_quantity,
                   CAST(sum(total_value) AS DECIMAL(19,4)) AS total_spend,
                   CAST(avg(total_value) AS DECIMAL(19,4)) AS avg_order_value,
                   CAST(max(total_value) AS DECIMAL(19,4)) AS max_order_value,
                   count(DISTINCT product_id) AS distinct_products,
                   min(order_date) AS first_order_date, max(order_date) AS last_order_date,
                   avg(gap_days) AS avg_days_between_orders, max(gap_days) AS longest_gap_days,
                   sum(total_value) FILTER (WHERE order_date > date_sub(as_of, 90)) AS last_90_days,
                   sum(total_value) FILTER (WHERE order_date > add_months(as_of, -12)) AS last_12_months,
                   sum(total_value) FILTER (WHERE order_date > add_months(as_of, -24)
                                              AND order_date <= add_months(as_of, -12)) AS previous_12_months
            FROM sold GROUP BY customer_id, as_of
        ), favourites AS (
            SELECT customer_id, category, row_number() OVER (
                       PARTITION BY customer_id
                       ORDER BY category IS NULL, sum(quantity) DESC, sum(total_value) DESC, category) AS place
            FROM fact_sales LEFT JOIN dim_products USING (product_id) GROUP BY customer_id, category
        ), buyers AS (
            SELECT l.*, f.category AS favourite_category, t.country, t.region,
                   CAST(coalesce(last_90_days, 0) AS DECIMAL(19,4)) AS spend_last_90_days,
                   CAST(coalesce(last_12_months, 0) AS DECIMAL(19,4)) AS spend_last_12_months,
                   CAST(coalesce(previous_12_months, 0) AS DECIMAL(19,4)) AS spend_previous_12_months,
                   row_number() OVER (ORDER BY total_spend DESC, l.customer_id) AS spend_rank,
                   row_number() OVER (PARTITION BY country ORDER BY total_spend DESC, l.customer_id) AS rank_in_country,
                   count(*) OVER () AS n_buyers,
                   sum(total_spend) OVER (ORDER BY total_spend DESC, l.customer_id) AS spend_so_far,
                   sum(total_spend) OVER () AS all_spend,
                   6 - ntile(5) OVER (ORDER BY last_order_date DESC, l.customer_id) AS recency_score,
                   6 - ntile(5) OVER (ORDER BY total_orders DESC, l.customer_id) AS frequency_score,
                   6 - ntile(5) OVER (ORDER BY total_spend DESC, l.customer_id) AS monetary_score
            FROM lifetimes l JOIN favourites f ON f.customer_id = l.customer_id AND f.place = 1
            LEFT JOIN dim_territories t ON t.territory_id = l.territory_id
        )
        SELECT c.customer_id, array(c.customer_id) AS source_ids, full_name, email, phone, loyalty_tier, loyalty_points,
               home_region, birth_date, CAST(floor(months_between(a.as_of, birth_date) / 12) AS INT) AS age,
               country, region,
               coalesce(total_orders, 0) AS total_orders, coalesce(total_quantity, 0) AS total_quantity,
               coalesce(total_spend, CAST(0 AS DECIMAL(19,4))) AS total_spend,
               coalesce(total_spend, CAST(0 AS DECIMAL(19,4))) AS spend_store, avg_order_value, max_order_value,
               coalesce(distinct_products, 0) AS distinct_products, favourite_category, first_order_date,
               last_order_date, date_diff(a.as_of, last_order_date) AS days_since_last_order,
               date_diff(a.as_of, first_order_date) AS tenure_days, avg_days_between_orders, longest_gap_days,
               coalesce(spend_last_90_days, CAST(0 AS DECIMAL(19,4))) AS spend_last_90_days,
               coalesce(spend_last_12_months, CAST(0 AS DECIMAL(19,4))) AS spend_last_12_months,
               coalesce(spend_previous_12_months, CAST(0 AS DECIMAL(19,4))) AS spend_previous_12_months,
               CAST(try_divide(spend_last_12_months - spend_previous_12_months, spend_previous_12_months)
                    AS DECIMAL(19,6)) AS spend_trend,
               spend_rank, CASE WHEN country IS NOT NULL THEN rank_in_country END AS spend_rank_in_country,
               CASE WHEN n_buyers = 1 THEN 1 ELSE (n_buyers - spend_rank) / (n_buyers - 1) END AS spend_percentile,
               -- of two DECIMAL(38,4) the quotient has six digits and is rounded once
               CAST(try_divide(CAST(spend_so_far AS DECIMAL(38,4)), CAST(all_spend AS DECIMAL(38,4))) AS DECIMAL(19,6))
               AS cumulative_spend_share,
               recency_score, frequency_score, monetary_score,
               CASE WHEN recency_score IS NULL THEN 'Never bought'
                    WHEN recency_score >= 4 AND frequency_score + monetary_score >= 8 THEN 'Champions'
                    WHEN recency_score >= 3 AND frequency_score + monetary_score >= 7 THEN 'Loyal'
                    WHEN recency_score >= 4 AND frequency_score + monetary_score <= 4 THEN 'New'
                    WHEN recency_score >= 4 THEN 'Promising'
                    WHEN recency_score <= 2 AND frequency_score + monetary_score >= 8 THEN 'Cannot lose'
                    WHEN recency_score = 3 THEN 'Needs attention'
                    WHEN recency_score = 2 OR frequency_score + monetary_score >= 6 THEN 'At risk'
                    ELSE 'Lost' END AS rfm_segment,
               coalesce(date_diff(a.as_of, last_order_date) > 180, true) AS is_inactive, a.as_of
        FROM dim_customers c CROSS JOIN (SELECT max(order_date) AS as_of FROM fact_sales) a
        LEFT JOIN buyers b ON b.customer_id = c.customer_id
        """,
    "mart_customers": """
        WITH months AS (
            SELECT customer_id, trunc(order_date, 'month') AS month, sum(total_value) AS sales,
                   max(total_value) AS largest
            FROM fact_sales GROUP BY 1, 2
        ), spending AS (
            SELECT *, sum(sales) OVER customer
                      / CAST(months_between(max(month) OVER customer, min(month) OVER customer) + 1 AS INT) AS monthly
            FROM months WINDOW customer AS (PARTITION BY customer_id)
        )
        SELECT customer_id, full_name, home_region AS address, phone AS phone_number,
               date_format(month, 'yyyy-MM') AS sales_date_month, CAST(sales AS DECIMAL(19,4)) AS total_sales,
               date_format(first_order_date, 'yyyy-MM') AS first_purchase_month,
               date_format(last_order_date, 'yyyy-MM') AS last_purchase_month,
               total_orders AS purchase_frequency, total_spend AS monetary_value,
               CAST(monthly AS DECIMAL(19,4)) AS avg_monthly_spending,
               CAST(largest AS DECIMAL(19,4)) AS max_single_transaction,
               avg_days_between_orders AS avg_time_between_purchases,
               CASE WHEN is_inactive THEN 'inactive' ELSE 'active' END AS inactive_status,
               rfm_segment AS customer_segment
        FROM spending JOIN customer_360 USING (customer_id)
        """,
    "mart_sales_team": """
        WITH sold AS (
            SELECT coalesce(store_id, 'unknown') AS store_id, coalesce(sales_person_id, 'unknown') AS sales_person_id,
                   trunc(order_date, 'month') AS month, CAST(sum(total_value) AS DECIMAL(28,8)) AS sales,
                   count(*) AS transactions, max(total_value) AS largest
            FROM fact_sales GROUP BY 1, 2, 3
        ), pairs AS (
            SELECT store_id, sales_person_id, min(month) AS first_month, max(month) AS last_month
            FROM sold GROUP BY 1, 2
        ), calendar AS (
            SELECT *, explode(sequence(first_month, last_month, INTERVAL 1 MONTH)) AS month FROM pairs
        ), months AS (
            SELECT c.*, coalesce(sales, CAST(0 AS DECIMAL(28,8))) AS sales, coalesce(transactions, 0) AS transactions,
                   largest
            FROM calendar c LEFT JOIN sold USING (store_id, sales_person_id, month)
        ), compared AS (
            SELECT *, avg(sales) OVER pair AS mean,
                   lag(sales, 1, 0) OVER (PARTITION BY store_id, sales_person_id ORDER BY month) AS before,
                   sum(sales) OVER (PARTITION BY store_id, sales_person_id, year(month) ORDER BY month) AS year_to_date,
                   row_number() OVER (PARTITION BY store_id, month
                                      ORDER BY sales_person_id = 'unknown', sales DESC, sales_person_id) AS place,
                   sum(sales) OVER (PARTITION BY store_id, month) AS sales_of_store,
                   CASE WHEN sales >= 20000 THEN 0.03 WHEN sales >= 10000 THEN 0.02 WHEN sales >= 5000 THEN 0.01
                        ELSE 0 END AS rate
            FROM months WINDOW pair AS (PARTITION BY store_id, sales_person_id)
        )
        SELECT m.store_id, m.sales_person_id, d.name AS full_name, date_format(month, 'yyyy-MM') AS sales_month,
               CAST(sales AS DECIMAL(19,4)) AS total_sales, CAST(mean AS DECIMAL(19,4)) AS avg_sales_per_month,
               CASE WHEN m.sales_person_id <> 'unknown' THEN CAST(sales * rate AS DECIMAL(19,4)) END AS incentive,
               CAST(try_divide(CAST(sales - before AS DECIMAL(38,8)), CAST(before AS DECIMAL(38,8))) AS DECIMAL(19,6))
               AS sales_growth_rate,
               CASE WHEN m.sales_person_id <> 'unknown' THEN place END AS top_performance_rank,
               CAST(year_to_date AS DECIMAL(19,4)) AS year_to_date_sales,
               CAST(sales - before AS DECIMAL(19,4)) AS month_over_month_variance,
               date_format(first_month, 'yyyy-MM') AS first_sale_month,
               date_format(last_month, 'yyyy-MM') AS last_sale_month,
               transactions AS total_transactions,
               CAST(try_divide(sales, transactions) AS DECIMAL(19,4)) AS avg_transaction_value,
               CAST(largest AS DECIMAL(19,4)) AS max_single_transaction,
               CAST(try_divide(CAST(100 * sales AS DECIMAL(38,8)), CAST(sales_of_store AS DECIMAL(38,8)))
                    AS DECIMAL(19,6)) AS sales_contribution_percentage
        FROM compared m LEFT JOIN dim_sales_people d ON d.sales_person_id = m.sales_person_id
        """,
    "kpi_daily": """
        SELECT order_date AS date, count(DISTINCT customer_id) AS total_customers,
               CAST(sum(total_value) AS DECIMAL(19,4)) AS total_sales, count(*) AS total_transactions,
               CAST(avg(total_value) AS DECIMAL(19,4)) AS avg_transaction_value,
               count_if(total_value > 1000) AS high_value_transactions,
               CAST(sum(sum(total_value)) OVER (PARTITION BY year(order_date) ORDER BY order_date) AS DECIMAL(19,4))
               AS year_to_date_sales
        FROM fact_sales GROUP BY order_date
        """,
    "sales_by_region_month": """
        SELECT coalesce(country, 'unknown') AS country, coalesce(region, 'unknown') AS region,
               date_format(order_date, 'yyyy-MM') AS sales_month,
               CAST(sum(total_value) AS DECIMAL(19,4)) AS total_sales, count(*) AS total_orders,
               count(DISTINCT customer_id) AS total_customers,
               sum(quantity) AS total_quantity,
               CAST(try_divide(sum(quantity * unit_price) - sum(total_value), sum(quantity * unit_price))
                    AS DECIMAL(19,6)) AS avg_discount
        FROM fact_sales LEFT JOIN dim_territories USING (territory_id) GROUP BY 1, 2, 3
        """,
}
