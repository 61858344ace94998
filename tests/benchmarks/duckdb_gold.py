"""Gold in DuckDB's SQL, of the tills alone: each table is a query over silver and the tables before it.

What its types do not do by themselves, the macros do: an exact quotient that is rounded once, half away from zero,
where DuckDB divides as DOUBLE; a whole number that `1.5` is not.
"""

MACROS = """
    CREATE MACRO money(amount) AS CAST(amount AS DECIMAL(19,4));
    CREATE MACRO whole(amount) AS CAST(CAST(amount AS DECIMAL(30,8)) * 100000000 AS HUGEINT);
    CREATE MACRO rounded(part, total) AS sign(part) * ((2 * abs(part) + total) // (2 * total));
    CREATE MACRO mean(total, n) AS money(CAST(rounded(whole(total), n * 10000) AS DECIMAL(19,0)) * 0.0001);
    CREATE MACRO ratio(part, total) AS
        CAST(CAST(rounded(whole(part) * 1000000, whole(total)) AS DECIMAL(19,0)) * 0.000001 AS DECIMAL(19,6));
    CREATE MACRO year_month(day) AS strftime(day, '%Y-%m');
    CREATE MACRO first_of_month(day) AS CAST(date_trunc('month', day) AS DATE);
    CREATE MACRO whole_number(text) AS
        CASE WHEN regexp_full_match(text, '\\s*[+-]?[0-9]+\\s*') THEN TRY_CAST(text AS INTEGER) END;
    CREATE MACRO moment(text) AS coalesce(
        TRY_CAST(text AS TIMESTAMPTZ),
        CAST(try_strptime(text, ['%d/%m/%Y %H:%M:%S', '%d/%m/%Y']) AS TIMESTAMPTZ)
    );
    CREATE MACRO unless(good, reason) AS CASE WHEN NOT coalesce(good, false) THEN reason END;
    CREATE MACRO not_a(name, text, is_null, what) AS
        CASE WHEN text IS NOT NULL AND is_null THEN name || ': ''' || text || ''' is not ' || what END;
    CREATE MACRO reasons(corrupt, failed) AS
        CASE WHEN corrupt IS NULL THEN list_filter(failed, lambda reason: reason IS NOT NULL)
             ELSE ['malformed record'] END;
    """

GOLD = {
    "dim_customers": """
        WITH everyone AS (
            SELECT customer_id, name, email, phone, loyalty_tier, loyalty_points, region, birth_date,
                   false AS is_inferred
            FROM customers
            UNION ALL
            SELECT DISTINCT customer_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL::DATE, true
            FROM sales ANTI JOIN customers USING (customer_id)
        ), named AS (
            SELECT 'pos:' || customer_id AS id, * FROM everyone
        )
        SELECT id AS customer_id, [id] AS source_ids, name AS full_name, if(name IS NULL, NULL, id) AS name_source,
               birth_date, if(birth_date IS NULL, NULL, id) AS birth_date_source, email,
               if(email IS NULL, NULL, id) AS email_source, phone, if(phone IS NULL, NULL, id) AS phone_source,
               loyalty_tier, loyalty_points, region AS home_region,
               if(coalesce(loyalty_tier, CAST(loyalty_points AS VARCHAR), region) IS NULL, NULL, id) AS loyalty_source,
               is_inferred
        FROM named
        """,
    "dim_products": """
        SELECT 'pos:' || product_id AS product_id, 'pos' AS source, product_id AS source_product_id, product_id AS sku,
               product_name, category, CAST(price AS DECIMAL(19,4)) AS unit_price, false AS is_inferred
        FROM sales WHERE product_id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY updated_at DESC, transaction_id DESC) = 1
        """,
    "dim_territories": """
        SELECT DISTINCT 'pos:' || country || '/' || region AS territory_id, 'pos' AS source,
               country || '/' || region AS source_territory_id, region, country, false AS is_inferred
        FROM stores
        """,
    "dim_stores": """
        SELECT 'pos:' || store_id AS store_id, name, 'pos:' || country || '/' || region AS territory_id, region,
               country, opened_on, false AS is_inferred
        FROM stores
        """,
    "dim_sales_people": """
        SELECT 'pos:' || sales_person_id AS sales_person_id, name, 'pos:' || store_id AS store_id, hired_on,
               false AS is_inferred
        FROM sales_people
        """,
    "fact_sales": """
        SELECT transaction_id AS order_id, 1 AS order_line, 'pos:' || customer_id AS customer_id,
               'pos:' || product_id AS product_id, territory_id, 'pos:' || s.store_id AS store_id,
               'pos:' || sales_person_id AS sales_person_id, 'pos' AS source, customer_id AS source_customer_id,
               'store' AS channel, quantity, CAST(price AS DECIMAL(19,4)) AS unit_price, discount,
               CAST(quantity * price * (1 - discount) AS DECIMAL(28,8)) AS total_value,
               CAST(sold_at AS DATE) AS order_date, strftime(CAST(sold_at AS DATE), '%Y-%m') AS order_month
        FROM sales s LEFT JOIN dim_stores d ON d.store_id = 'pos:' || s.store_id
        """,
    "customer_360": """
        WITH today AS (
            SELECT max(order_date) AS as_of FROM fact_sales
        ), sold AS (
            SELECT *, order_date - lag(order_date) OVER (PARTITION BY customer_id
                                                         ORDER BY order_date, order_id) AS gap_days
            FROM fact_sales CROSS JOIN today
        ), lifetimes AS (
            SELECT customer_id, as_of, arg_max(territory_id, (order_date, order_id)) AS territory_id,
                   count(*) AS total_orders, CAST(sum(quantity) AS BIGINT) AS total_quantity,
                   money(sum(total_value)) AS total_spend, mean(sum(total_value), count(*)) AS avg_order_value,
                   money(max(total_value)) AS max_order_value, count(DISTINCT product_id) AS distinct_products,
                   min(order_date) AS first_order_date, max(order_date) AS last_order_date,
                   avg(gap_days) AS avg_days_between_orders, CAST(max(gap_days) AS INTEGER) AS longest_gap_days,
                   sum(total_value) FILTER (order_date > as_of - 90) AS last_90_days,
                   sum(total_value) FILTER (order_date > as_of - INTERVAL 12 MONTH) AS last_12_months,
                   sum(total_value) FILTER (order_date > as_of - INTERVAL 24 MONTH
                                            AND order_date <= as_of - INTERVAL 12 MONTH) AS previous_12_months
            FROM sold GROUP BY customer_id, as_of
        ), favourites AS (
            SELECT customer_id, category
            FROM fact_sales LEFT JOIN dim_products USING (product_id) GROUP BY customer_id, category
            QUALIFY row_number() OVER (
                PARTITION BY customer_id
                ORDER BY category IS NULL, sum(quantity) DESC, sum(total_value) DESC, category
            ) = 1
        ), buyers AS (
            SELECT l.*, f.category AS favourite_category, t.country, t.region,
                   money(coalesce(last_90_days, 0)) AS spend_last_90_days,
                   money(coalesce(last_12_months, 0)) AS spend_last_12_months,
                   money(coalesce(previous_12_months, 0)) AS spend_previous_12_months,
                   row_number() OVER (ORDER BY total_spend DESC, l.customer_id) AS spend_rank,
                   row_number() OVER (PARTITION BY country ORDER BY total_spend DESC, l.customer_id) AS rank_in_country,
                   count(*) OVER () AS n_buyers,
                   sum(total_spend) OVER (ORDER BY total_spend DESC, l.customer_id) AS spend_so_far,
                   sum(total_spend) OVER () AS all_spend,
                   CAST(6 - ntile(5) OVER (ORDER BY last_order_date DESC, l.customer_id) AS INTEGER) AS recency_score,
                   CAST(6 - ntile(5) OVER (ORDER BY total_orders DESC, l.customer_id) AS INTEGER) AS frequency_score,
                   CAST(6 - ntile(5) OVER (ORDER BY total_spend DESC, l.customer_id) AS INTEGER) AS monetary_score
            FROM lifetimes l JOIN favourites f USING (customer_id) LEFT JOIN dim_territories t USING (territory_id)
        )
        SELECT c.customer_id, [c.customer_id] AS source_ids, full_name, email, phone, loyalty_tier, loyalty_points,
               home_region, birth_date, CAST(date_sub('year', birth_date, a.as_of) AS INTEGER) AS age, country, region,
               coalesce(total_orders, 0) AS total_orders, coalesce(total_quantity, 0) AS total_quantity,
               money(coalesce(total_spend, 0)) AS total_spend, money(coalesce(total_spend, 0)) AS spend_store,
               avg_order_value, max_order_value,
               coalesce(distinct_products, 0) AS distinct_products, favourite_category, first_order_date,
               last_order_date, CAST(a.as_of - last_order_date AS INTEGER) AS days_since_last_order,
               CAST(a.as_of - first_order_date AS INTEGER) AS tenure_days, avg_days_between_orders, longest_gap_days,
               money(coalesce(spend_last_90_days, 0)) AS spend_last_90_days,
               money(coalesce(spend_last_12_months, 0)) AS spend_last_12_months,
               money(coalesce(spend_previous_12_months, 0)) AS spend_previous_12_months,
               ratio(spend_last_12_months - spend_previous_12_months, nullif(spend_previous_12_months, 0))
               AS spend_trend,
               CAST(spend_rank AS INTEGER) AS spend_rank,
               CAST(if(country IS NULL, NULL, rank_in_country) AS INTEGER) AS spend_rank_in_country,
               if(n_buyers = 1, 1, (n_buyers - spend_rank) / (n_buyers - 1)) AS spend_percentile,
               ratio(spend_so_far, nullif(all_spend, 0)) AS cumulative_spend_share,
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
               coalesce(a.as_of - last_order_date > 180, true) AS is_inactive, a.as_of
        FROM dim_customers c CROSS JOIN today a LEFT JOIN buyers b ON b.customer_id = c.customer_id
        """,
    "mart_customers": """
        WITH months AS (
            SELECT customer_id, first_of_month(order_date) AS month, sum(total_value) AS sales,
                   max(total_value) AS largest
            FROM fact_sales GROUP BY 1, 2
        ), spending AS (
            SELECT *, sum(sales) OVER customer AS all_sales,
                   date_diff('month', min(month) OVER customer, max(month) OVER customer) + 1 AS n_months
            FROM months WINDOW customer AS (PARTITION BY customer_id)
        )
        SELECT customer_id, full_name, home_region AS address, phone AS phone_number,
               year_month(month) AS sales_date_month, money(sales) AS total_sales,
               year_month(first_order_date) AS first_purchase_month, year_month(last_order_date) AS last_purchase_month,
               total_orders AS purchase_frequency, total_spend AS monetary_value,
               mean(all_sales, n_months) AS avg_monthly_spending, money(largest) AS max_single_transaction,
               avg_days_between_orders AS avg_time_between_purchases,
               if(is_inactive, 'inactive', 'active') AS inactive_status, rfm_segment AS customer_segment
        FROM spending JOIN customer_360 USING (customer_id)
        """,
    "mart_sales_team": """
        WITH sold AS (
            SELECT coalesce(store_id, 'unknown') AS store_id, coalesce(sales_person_id, 'unknown') AS sales_person_id,
                   first_of_month(order_date) AS month, sum(total_value) AS sales, count(*) AS transactions,
                   max(total_value) AS largest
            FROM fact_sales GROUP BY 1, 2, 3
        ), pairs AS (
            SELECT store_id, sales_person_id, min(month) AS first_month, max(month) AS last_month
            FROM sold GROUP BY 1, 2
        ), calendar AS (
            SELECT *, CAST(unnest(generate_series(first_month, last_month, INTERVAL 1 MONTH)) AS DATE) AS month
            FROM pairs
        ), months AS (
            SELECT c.*, coalesce(sales, 0) AS sales, coalesce(transactions, 0) AS transactions, largest
            FROM calendar c LEFT JOIN sold USING (store_id, sales_person_id, month)
        ), compared AS (
            SELECT *, sum(sales) OVER pair AS all_sales, count(*) OVER pair AS n_months,
                   lag(sales, 1, 0) OVER (PARTITION BY store_id, sales_person_id ORDER BY month) AS before,
                   sum(sales) OVER (PARTITION BY store_id, sales_person_id, year(month) ORDER BY month) AS year_to_date,
                   row_number() OVER (PARTITION BY store_id, month
                                      ORDER BY sales_person_id = 'unknown', sales DESC, sales_person_id) AS place,
                   sum(sales) OVER (PARTITION BY store_id, month) AS sales_of_store,
                   CASE WHEN sales >= 20000 THEN 0.03 WHEN sales >= 10000 THEN 0.02 WHEN sales >= 5000 THEN 0.01
                        ELSE 0 END AS rate
            FROM months WINDOW pair AS (PARTITION BY store_id, sales_person_id)
        )
        SELECT m.store_id, m.sales_person_id, d.name AS full_name, year_month(month) AS sales_month,
               money(sales) AS total_sales, mean(all_sales, n_months) AS avg_sales_per_month,
               if(m.sales_person_id = 'unknown', NULL, money(sales * rate)) AS incentive,
               ratio(sales - before, nullif(before, 0)) AS sales_growth_rate,
               CAST(if(m.sales_person_id = 'unknown', NULL, place) AS INTEGER) AS top_performance_rank,
               money(year_to_date) AS year_to_date_sales, money(sales - before) AS month_over_month_variance,
               year_month(first_month) AS first_sale_month, year_month(last_month) AS last_sale_month,
               transactions AS total_transactions, mean(sales, nullif(transactions, 0)) AS avg_transaction_value,
               money(largest) AS max_single_transaction,
               ratio(100 * sales, nullif(sales_of_store, 0)) AS sales_contribution_percentage
        FROM compared m LEFT JOIN dim_sales_people d ON d.sales_person_id = m.sales_person_id
        """,
    "kpi_daily": """
        SELECT order_date AS date, count(DISTINCT customer_id) AS total_customers,
               money(sum(total_value)) AS total_sales, count(*) AS total_transactions, mean(sum(total_value), count(*))
               AS avg_transaction_value, count(*) FILTER (total_value > 1000) AS high_value_transactions,
               money(sum(sum(total_value)) OVER (PARTITION BY year(order_date) ORDER BY order_date))
               AS year_to_date_sales
        FROM fact_sales GROUP BY order_date
        """,
    "sales_by_region_month": """
        SELECT coalesce(country, 'unknown') AS country, coalesce(region, 'unknown') AS region,
               year_month(order_date) AS sales_month, money(sum(total_value)) AS total_sales, count(*) AS total_orders,
               count(DISTINCT customer_id) AS total_customers, CAST(sum(quantity) AS BIGINT) AS total_quantity,
               ratio(sum(quantity * unit_price) - sum(total_value), nullif(sum(quantity * unit_price), 0))
               AS avg_discount
        FROM fact_sales LEFT JOIN dim_territories USING (territory_id) GROUP BY 1, 2, 3
        """,
}
