-- The five products of the highest revenue, US dollars.
SELECT
    sales.product_id,
    products.product_name,
    products.category,
    sum(sales.quantity) AS quantity,
    CAST(sum(sales.total_value) AS numeric(19, 2)) AS revenue,
    CAST(sum(sales.total_value) - sum(sales.total_cost) AS numeric(19, 2)) AS margin
FROM fact_sales AS sales
LEFT JOIN dim_products AS products ON products.product_id = sales.product_id AND products.is_current
GROUP BY sales.product_id, products.product_name, products.category
ORDER BY revenue DESC, product_id
LIMIT 5
