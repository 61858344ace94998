"""The marts against a second definition of each: plain SQL over the same generated sales, run by DuckDB."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession

from lib.gold.marts.kpi_daily import kpi_daily
from lib.gold.marts.mart_customers import mart_customers
from lib.gold.marts.mart_sales_team import mart_sales_team
from lib.gold.marts.sales_by_customer_month import sales_by_customer_month
from lib.gold.marts.sales_by_day import sales_by_day
from lib.gold.marts.sales_by_person_month import sales_by_person_month
from lib.gold.marts.sales_by_region_month import sales_by_region_month
from lib.lakehouse import IncentiveTier
from tests.gold.builders import Row, customer_360_of, frame

AS_OF = date(2017, 6, 30)
INACTIVE_AFTER_DAYS = 60
HIGH_VALUE_ABOVE = Decimal(250)
TIERS = [IncentiveTier(**{"from": 200, "rate": "0.015"}), IncentiveTier(**{"from": 600, "rate": "0.04"})]


def generated_sales(n: int, seed: int) -> list[Row]:
    """Orders of one to three lines around AS_OF, with missing prices, costs, stores, people and territories."""
    rng = Random(seed)
    lines: list[Row] = []
    while len(lines) < n:
        channel = rng.choice(["web", "store", "store"])
        is_store = channel == "store"
        order: Row = {
            "order_id": f"o{len(lines):04}",
            "customer_id": f"c{rng.randint(1, 25):02}",
            "source": "pos" if is_store else "adventureworks",
            "channel": channel,
            # the last person and the last territory are in no dimension
            "store_id": rng.choice([None, "s1", "s2", "s3"]) if is_store else None,
            "sales_person_id": rng.choice([None, "p1", "p2", "p3", "p4"]) if is_store else None,
            "territory_id": rng.choice([None, "t1", "t2", "t3", "t4"]),
            "order_date": AS_OF + timedelta(rng.randint(-500, 30)),
        }
        lines += [{**order, "order_line": number, **generated_value(rng)} for number in range(1, rng.randint(2, 4))]
    return lines


def generated_value(rng: Random) -> Row:
    """What a line is worth, exact to the eighth decimal; some prices and costs are unknown, some values alike."""
    quantity, discount = rng.randint(1, 5), Decimal(rng.choice(["0", "0.1", "0.125", "0.3333"]))
    price = rng.choice([None, Decimal(20), Decimal(rng.randint(1, 2_000_000)) / 10_000])
    cost = rng.choice([None, Decimal(rng.randint(1, 1_000_000)) / 10_000])
    return {
        "quantity": quantity,
        "discount": discount,
        "unit_price": price,
        "total_value": None if price is None else quantity * price * (1 - discount),
        "total_cost": None if cost is None else quantity * cost,
    }


def some_of(lines: list[Row]) -> list[Row]:
    """Every tenth line as something suspicious."""
    copied = ("customer_id", "store_id", "sales_person_id", "channel")
    return [
        {
            **{name: line[name] for name in copied},
            "event_id": line["order_id"],
            "event_line": line["order_line"],
            "event_month": f"{line['order_date']:%Y-%m}",
        }
        for line in lines[::10]
    ]


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> dict[str, DataFrame]:
    """What the marts are made of."""
    customers = [{"customer_id": f"c{n:02}", "full_name": f"Customer {n}"} for n in range(1, 30)]
    # every third is in the loyalty programme
    members = [{**row, "home_region": "West", "phone": f"+1 {n}"} for n, row in enumerate(customers) if n % 3 == 0]
    others = [row for n, row in enumerate(customers) if n % 3]
    places = [
        {"territory_id": "t1", "country": "United States", "region": "West"},
        {"territory_id": "t2", "country": "United States", "region": "West"},
        {"territory_id": "t3", "country": None, "region": None},
    ]
    people = [{"sales_person_id": f"p{n}", "name": name} for n, name in enumerate(["Ada", "Bob", None], 1)]
    return {
        "fact_sales": frame(spark, "fact_sales", *generated_sales(700, seed=7)),
        "dim_customers": frame(spark, "dim_customers", *members, *others),
        "dim_products": frame(spark, "dim_products", {}),
        "dim_territories": frame(spark, "dim_territories", *places),
        "dim_sales_people": frame(spark, "dim_sales_people", *people),
        "sales_anomalies": frame(spark, "sales_anomalies", *some_of(generated_sales(700, seed=7))),
    }


@pytest.fixture(scope="module")
def sql(tables: dict[str, DataFrame]) -> duckdb.DuckDBPyConnection:
    """DuckDB with the same rows, the thresholds, and a view of orders."""
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table.toArrow())
    connection.execute(
        f"""
        CREATE MACRO money(amount) AS CAST(round(amount, 4) AS DECIMAL(19, 4));
        -- DuckDB divides as DOUBLE, in which the half of a last digit may lie a little below it
        CREATE MACRO mean(total, n) AS money(total / n + 1e-10);
        CREATE MACRO ratio(share) AS CAST(round(share, 6) AS DECIMAL(19, 6));
        CREATE MACRO year_month(day) AS strftime(day, '%Y-%m');
        CREATE MACRO as_of() AS DATE '{AS_OF}';
        -- lines of an order share customer, day, territory, store and person
        CREATE VIEW orders AS
        SELECT order_id, customer_id, channel, store_id, sales_person_id, territory_id, order_date,
               sum(quantity) AS quantity,
               coalesce(sum(total_value), 0) AS value,
               coalesce(sum(total_value - total_cost), 0) AS margin,
               coalesce(sum(CAST(quantity * unit_price AS DECIMAL(19, 4))), 0) AS list_value
        FROM fact_sales GROUP BY ALL
        """
    )
    return connection


def assert_same(mart: DataFrame, query: duckdb.DuckDBPyConnection) -> None:
    """The rows are the same in every column, and there are some; `query` has the mart's columns in their order."""
    assert query.columns == mart.columns
    found, expected = sorted(map(tuple, mart.collect()), key=str), sorted(query.fetchall(), key=str)
    assert len(found) == len(expected) > 20
    different = [
        (row[:3], column, value, other)
        for row, of_sql in zip(found, expected, strict=True)
        for column, value, other in zip(mart.columns, row, of_sql, strict=True)
        if value != other
    ]
    assert different == []


def test_mart_customers_is_what_sql_says(tables: dict[str, DataFrame], sql: duckdb.DuckDBPyConnection) -> None:
    dimensions = [tables[name] for name in ("dim_customers", "dim_products", "dim_territories")]
    customers = customer_360_of(*dimensions, tables["fact_sales"], AS_OF, INACTIVE_AFTER_DAYS)
    assert_same(
        mart_customers(customers, sales_by_customer_month(tables["fact_sales"], AS_OF)),
        sql.sql(
            f"""
            WITH sold AS (
                SELECT *, order_date - lag(order_date) OVER (PARTITION BY customer_id ORDER BY order_date) AS gap
                FROM orders WHERE order_date <= as_of()
            ), lifetimes AS (
                SELECT customer_id, sum(value) AS spend, sum(margin) AS margin, count(*) AS orders,
                       min(order_date) AS first, max(order_date) AS last, avg(gap) AS mean_gap
                FROM sold GROUP BY customer_id
            ), scored AS (
                SELECT *, 6 - ntile(5) OVER (ORDER BY last DESC, customer_id) AS r,
                       6 - ntile(5) OVER (ORDER BY orders DESC, customer_id) AS f,
                       6 - ntile(5) OVER (ORDER BY spend DESC, customer_id) AS m
                FROM lifetimes
            )
            SELECT s.customer_id, any_value(c.full_name) AS full_name, any_value(c.home_region) AS address,
                   any_value(c.phone) AS phone_number, year_month(s.order_date) AS sales_date_month,
                   money(sum(s.value)) AS total_sales,
                   money(any_value(l.margin)) AS customer_lifetime_value,
                   year_month(any_value(l.first)) AS first_purchase_month,
                   year_month(any_value(l.last)) AS last_purchase_month,
                   any_value(l.orders) AS purchase_frequency,
                   money(any_value(l.spend)) AS monetary_value,
                   mean(any_value(l.spend), any_value(date_diff('month', l.first, l.last) + 1)) AS avg_monthly_spending,
                   money(max(s.value)) AS max_single_transaction,
                   any_value(l.mean_gap) AS avg_time_between_purchases,
                   any_value(if(as_of() - l.last > {INACTIVE_AFTER_DAYS}, 'inactive', 'active')) AS inactive_status,
                   any_value(CASE WHEN r >= 4 AND f + m >= 8 THEN 'Champions'
                                  WHEN r >= 3 AND f + m >= 7 THEN 'Loyal'
                                  WHEN r >= 4 AND f + m <= 4 THEN 'New'
                                  WHEN r >= 4 THEN 'Promising'
                                  WHEN r <= 2 AND f + m >= 8 THEN 'Cannot lose'
                                  WHEN r = 3 THEN 'Needs attention'
                                  WHEN r = 2 OR f + m >= 6 THEN 'At risk'
                                  ELSE 'Lost' END) AS customer_segment
            FROM sold s JOIN scored l USING (customer_id) JOIN dim_customers c USING (customer_id)
            GROUP BY s.customer_id, year_month(s.order_date)
            """
        ),
    )


def test_mart_sales_team_is_what_sql_says(tables: dict[str, DataFrame], sql: duckdb.DuckDBPyConnection) -> None:
    assert_same(
        mart_sales_team(
            tables["dim_sales_people"],
            tables["sales_anomalies"],
            sales_by_person_month(tables["fact_sales"]),
            TIERS,
        ),
        sql.sql(
            """
            WITH sold AS (
                SELECT coalesce(store_id, 'unknown') AS store, coalesce(sales_person_id, 'unknown') AS person,
                       date_trunc('month', order_date) AS month, value
                FROM orders WHERE channel = 'store'
            ), calendar AS (
                SELECT unnest(generate_series(TIMESTAMP '2015-01-01', TIMESTAMP '2018-12-01', INTERVAL 1 MONTH))::DATE
                       AS month
            ), pairs AS (
                SELECT store, person, min(month) AS first, max(month) AS last FROM sold GROUP BY ALL
            ), months AS (
                SELECT p.*, c.month, coalesce(sum(s.value), 0) AS sales, count(s.value) AS orders,
                       max(s.value) AS largest
                FROM pairs p JOIN calendar c ON c.month BETWEEN p.first AND p.last
                LEFT JOIN sold s ON s.store = p.store AND s.person = p.person AND s.month = c.month
                GROUP BY ALL
            )
            SELECT m.store AS store_id, m.person AS sales_person_id, d.name AS full_name,
                   year_month(m.month) AS sales_month,
                   money(m.sales) AS total_sales,
                   (SELECT mean(sum(o.sales), count(*)) FROM months o WHERE (o.store, o.person) = (m.store, m.person))
                   AS avg_sales_per_month,
                   CASE WHEN m.person = 'unknown' THEN NULL WHEN m.sales >= 600 THEN money(m.sales * 0.04)
                        WHEN m.sales >= 200 THEN money(m.sales * 0.015) ELSE 0 END AS incentive,
                   ratio((m.sales - b.sales) / nullif(b.sales, 0)) AS sales_growth_rate,
                   if(m.person = 'unknown', NULL, (
                       SELECT count(*) + 1 FROM months o
                       WHERE o.store = m.store AND o.month = m.month AND o.person <> 'unknown'
                         AND (o.sales > m.sales OR (o.sales = m.sales AND o.person < m.person))
                   )) AS top_performance_rank,
                   money((SELECT coalesce(sum(s.value), 0) FROM sold s WHERE (s.store, s.person) = (m.store, m.person)
                          AND year(s.month) = year(m.month) AND s.month <= m.month)) AS year_to_date_sales,
                   money(m.sales - coalesce(b.sales, 0)) AS month_over_month_variance,
                   year_month(m.first) AS first_sale_month, year_month(m.last) AS last_sale_month,
                   m.orders AS total_transactions,
                   mean(m.sales, nullif(m.orders, 0)) AS avg_transaction_value,
                   money(m.largest) AS max_single_transaction,
                   ratio(100 * m.sales / nullif((SELECT sum(s.value) FROM sold s
                                                 WHERE s.store = m.store AND s.month = m.month), 0))
                   AS sales_contribution_percentage,
                   (SELECT count(*) FROM sales_anomalies a
                    WHERE a.event = 'sale' AND a.channel = 'store' AND coalesce(a.store_id, 'unknown') = m.store
                      AND coalesce(a.sales_person_id, 'unknown') = m.person
                      AND a.event_month = year_month(m.month)) AS suspicious_sales
            FROM months m
            LEFT JOIN months b ON (b.store, b.person) = (m.store, m.person) AND b.month = m.month - INTERVAL 1 MONTH
            LEFT JOIN dim_sales_people d ON d.sales_person_id = m.person
            """
        ),
    )


def test_kpi_daily_is_what_sql_says(tables: dict[str, DataFrame], sql: duckdb.DuckDBPyConnection) -> None:
    assert_same(
        kpi_daily(sales_by_day(tables["fact_sales"], HIGH_VALUE_ABOVE)),
        sql.sql(
            f"""
            SELECT order_date AS date, count(DISTINCT customer_id) AS total_customers, money(sum(value)) AS total_sales,
                   count(*) AS total_transactions, mean(sum(value), count(*)) AS avg_transaction_value,
                   count(*) FILTER (value > {HIGH_VALUE_ABOVE}) AS high_value_transactions,
                   money((SELECT coalesce(sum(s.value), 0) FROM orders s WHERE year(s.order_date) = year(o.order_date)
                          AND s.order_date <= o.order_date)) AS year_to_date_sales
            FROM orders o GROUP BY order_date
            """
        ),
    )


def test_sales_by_region_month_is_what_sql_says(tables: dict[str, DataFrame], sql: duckdb.DuckDBPyConnection) -> None:
    assert_same(
        sales_by_region_month(tables["fact_sales"], tables["dim_territories"]),
        sql.sql(
            """
            SELECT coalesce(country, 'unknown') AS country, coalesce(region, 'unknown') AS region,
                   year_month(order_date) AS sales_month, money(coalesce(sum(total_value), 0)) AS total_sales,
                   count(DISTINCT order_id) AS total_orders, count(DISTINCT customer_id) AS total_customers,
                   sum(quantity) AS total_quantity,
                   ratio(sum(discount * quantity * unit_price) / nullif(sum(quantity * unit_price), 0)) AS avg_discount
            FROM fact_sales LEFT JOIN dim_territories USING (territory_id) GROUP BY 1, 2, 3
            """
        ),
    )


def test_the_generated_sales_have_what_is_hard(sql: duckdb.DuckDBPyConnection) -> None:
    def count(condition: str) -> Any:
        return sql.sql(f"SELECT count(*) FROM fact_sales WHERE {condition}").fetchall()[0][0]

    hard = ["total_value IS NULL", "total_cost IS NULL", "channel = 'store' AND store_id IS NULL"]
    hard += ["channel = 'store' AND sales_person_id IS NULL", "territory_id IS NULL", "order_date > as_of()"]
    assert [condition for condition in hard if count(condition) < 10] == []
