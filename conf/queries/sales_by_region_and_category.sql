-- Total sales by region and category, US dollars.
SELECT
    territories.country,
    territories.region,
    coalesce(products.category, 'unknown') AS category,
    CAST(sum(sales.total_value) AS numeric(19, 2)) AS total_sales,
    count(DISTINCT sales.order_id) AS orders
FROM fact_sales AS sales
LEFT JOIN dim_territories AS territories ON territories.territory_id = sales.territory_id
LEFT JOIN dim_products AS products ON products.product_id = sales.product_id AND products.is_current
GROUP BY territories.country, territories.region, coalesce(products.category, 'unknown')
ORDER BY total_sales DESC, country, region, category
