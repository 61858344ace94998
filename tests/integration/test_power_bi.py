"""Power BI over a published gold: what it loads is there, keys are unique, and measures say what the queries say."""

from decimal import Decimal
from typing import Any

import pytest

from lib.powerbi.model import Table
from lib.serving.database import serving
from tests.builders import Lake
from tests.integration.published import ask
from tests.powerbi.engine import Data, by, loaded, model, told

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def columns_of(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.dax is None]


def rows(table: Table) -> str:
    """The rows that Power Query's steps ask the database for."""
    columns = ", ".join(f'"{name}"' for name in columns_of(table))
    where = " WHERE is_current" if table.only_current else ""
    return f"SELECT {columns} FROM {table.schema or 'gold'}.{table.item}{where}"


@pytest.fixture(scope="module")
def data(served: Lake) -> Data:
    """What Power BI would have in memory."""
    with serving(served.settings()) as server, server.reader() as reader:
        found = {name: reader.execute(rows(table)).fetchall() for name, table in model().tables.items()}
    rows_of = {
        name: [dict(zip(columns_of(model().tables[name]), row, strict=True)) for row in all_rows]
        for name, all_rows in found.items()
    }
    return loaded(
        rows_of, without=["income_tenth"]
    )  # each row of which is compared with all: the tests' engine is slow


def test_a_reader_may_load_every_table_and_its_keys_are_unique(served: Lake) -> None:
    keys = {each.to_table: f'"{each.to_column}"' for each in model().relationships}
    counts = [
        f"SELECT '{name}', count(*), count(DISTINCT {keys.get(name, 'loaded')}) FROM ({rows(table)}) AS loaded"
        for name, table in model().tables.items()
    ]
    for name, all_rows, different in ask(served, " UNION ALL ".join(counts)):
        assert name not in keys or all_rows == different, f"{name} has a key twice"
        assert all_rows or name == "reader_countries", f"{name} is empty"


def test_a_fact_has_its_row_in_each_table_that_it_names(served: Lake) -> None:
    tables = model().tables
    missing = [
        f"SELECT '{each.table}.{each.column}', count(*) FROM ({rows(tables[each.table])}) AS here "
        f'WHERE "{each.column}" IS NOT NULL AND "{each.column}" NOT IN '
        f'(SELECT "{each.to_column}" FROM ({rows(tables[each.to_table])}) AS there)'
        for each in model().relationships
        if each.table.startswith("fact_")
    ]
    assert len(missing) > 10
    assert {column: count for column, count in ask(served, " UNION ALL ".join(missing)) if count} == {}


@pytest.mark.parametrize(
    ("measure", "column", "query"),
    [
        ("Total sales", "dim_date__year_month", "SELECT order_month, total_sales FROM gold.monthly_trend"),
        ("Orders", "dim_date__year_month", "SELECT order_month, orders FROM gold.monthly_trend"),
        ("Total customers", "dim_date__year_month", "SELECT order_month, customers FROM gold.monthly_trend"),
        ("Sales growth", "dim_date__year_month", "SELECT order_month, growth FROM gold.monthly_trend"),
        (
            "Total sales", "dim_products__category",
            "SELECT category, sum(total_value) FROM gold.fact_sales JOIN gold.dim_products USING (product_id) "
            "WHERE is_current GROUP BY 1",
        ),
        (
            "Total sales", "dim_territories__region",
            "SELECT region, sum(total_value) FROM gold.fact_sales JOIN gold.dim_territories USING (territory_id) "
            "GROUP BY 1",
        ),
        (
            "Average discount", "dim_territories__region",
            "SELECT region, average_discount FROM gold.average_discount_by_region",
        ),
        ("Customers on record", "customer_360__rfm_segment", "SELECT segment, customers FROM gold.customer_segments"),
        ("Total spend", "customer_360__rfm_segment", "SELECT segment, spend FROM gold.customer_segments"),
        ("Average orders", "customer_360__rfm_segment", "SELECT segment, average_orders FROM gold.customer_segments"),
        (
            "Cohort customers", "customer_360__cohort",
            "SELECT DISTINCT cohort, cohort_customers FROM gold.retention_by_cohort",
        ),
        (
            "High-value transactions", "dim_date__year",
            "SELECT CAST(extract(year FROM order_date) AS int), count(*) FROM gold.high_value_transactions GROUP BY 1",
        ),
        (
            "Sales in stores", "dim_date__year_month",
            "SELECT sales_month, sum(total_sales) FROM gold.mart_sales_team GROUP BY 1",
        ),
    ],
)  # fmt: skip
def test_a_measure_says_what_a_query_says(served: Lake, data: Data, measure: str, column: str, query: str) -> None:
    expected = {key: value for key, value in ask(served, query) if key is not None and value is not None}
    found = by(data, measure, column)
    assert len(expected) > 1
    assert found.keys() == {key for key, value in expected.items() if value or key in found}
    for key, value in expected.items():
        assert near(found.get(key, 0), value), key


def test_who_comes_back_is_who_the_query_says(served: Lake, data: Data) -> None:
    query = "SELECT cohort, months_later, retention FROM gold.retention_by_cohort ORDER BY cohort LIMIT 12"
    expected = ask(served, query)
    assert len(expected) == 12
    for cohort, later, retention in expected:
        chosen = {"customer_360__cohort": [cohort], "fact_sales__months_later": [later]}
        assert near(told(data, "Retention", **chosen), retention), (cohort, later)


def test_the_five_best_products_are_the_querys(served: Lake, data: Data) -> None:
    expected = ask(served, "SELECT product_id, revenue, quantity, margin FROM gold.top_five_products")
    assert len(expected) == 5
    for product, revenue, quantity, margin in expected:
        chosen = {"dim_products__product_id": [product]}
        assert near(told(data, "Total sales", **chosen), revenue)
        assert told(data, "Units sold", **chosen) == quantity
        assert near(told(data, "Margin", **chosen), margin)


def near(found: Any, expected: Any) -> bool:
    """Equal to the last decimal that the database tells."""
    if not isinstance(expected, Decimal):
        return bool(found == expected)
    unit = Decimal(1).scaleb(int(expected.as_tuple().exponent))
    return bool(found == pytest.approx(float(expected), abs=float(unit)))
