-- The average discount of a line of sales in each region, as a share of its price.
SELECT
    territories.country,
    territories.region,
    count(*) AS lines,
    CAST(avg(sales.discount) AS numeric(9, 6)) AS average_discount
FROM fact_sales AS sales
LEFT JOIN dim_territories AS territories ON territories.territory_id = sales.territory_id
GROUP BY territories.country, territories.region
ORDER BY average_discount DESC, country, region
