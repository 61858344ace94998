"""What holds for fact_sales and customer_360 whatever the rows are."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.gold.dimensions.dim_customers import dim_customers
from lib.gold.dimensions.dim_products import dim_products
from lib.gold.dimensions.dim_territories import dim_territories
from lib.gold.facts.fact_sales import fact_sales
from lib.gold.registry import gold_tables
from tests.gold.builders import SETTINGS, Row, customer_360_of, frame

AS_OF = date(2017, 6, 30)
N_PRODUCTS = 5

# few examples of many rows each: a Spark job costs as much for one row as for a hundred
few = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

prices = st.decimals(min_value=0, max_value=10**9, places=4)
lines = st.lists(
    st.fixed_dictionaries(
        {
            "customer_key": st.integers(1, 12),
            # the last product and the last territory are known to nobody
            "product_key": st.integers(1, N_PRODUCTS + 1),
            "territory_key": st.none() | st.integers(1, 4),
            "quantity": st.integers(1, 1000),
            "order_date": st.integers(0, 1000).map(lambda days: AS_OF - timedelta(days)),
        }
    ),
    min_size=30,
    max_size=80,
)
till_lines = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.integers(1, 6).map("C{}".format),
            # the last SKU is known to the till alone, the last store to nobody
            "product_id": st.integers(1, N_PRODUCTS + 1).map("SKU{}".format),
            "store_id": st.none() | st.integers(1, 4).map("S{}".format),
            "price": st.decimals(min_value=0, max_value=10**6, places=2),
            # of these a value has four decimals, so that sums of rounded sums are exact
            "discount": st.sampled_from(["0", "0.25", "0.5"]),
            "quantity": st.integers(1, 1000),
            "sold_at": st.integers(0, 1000).map(lambda days: f"{AS_OF - timedelta(days)}T23:59:59Z"),
        }
    ),
    min_size=20,
    max_size=40,
)
price_lists = st.lists(st.tuples(prices, prices), min_size=N_PRODUCTS, max_size=N_PRODUCTS)


def built(
    spark: SparkSession,
    sold: list[Row],
    rung_up: list[Row],
    price_list: list[tuple[Decimal, Decimal]],
    *,
    partitions: int = 1,
) -> tuple[DataFrame, DataFrame]:
    """fact_sales and customer_360 of these lines; customers 1 to 10 are known, so that some never bought."""
    sales = frame(spark, "adventureworks_sales", *sold).repartition(partitions)
    till = frame(spark, "pos_sales", *rung_up).repartition(partitions)
    returns = frame(spark, "adventureworks_returns")
    products = frame(
        spark,
        "adventureworks_products_history",
        *[
            {"product_key": n, "sku": f"sku{n}", "unit_price": price, "unit_cost": cost}
            for n, (price, cost) in enumerate(price_list, 1)
        ],
    )
    groups = [frame(spark, f"adventureworks_product_{name}", {}) for name in ("subcategories", "categories")]
    territories = frame(
        spark, "adventureworks_territories", *[{"territory_key": n, "country": f"country {n % 2}"} for n in (1, 2, 3)]
    )
    stores = frame(spark, "pos_stores", *[{"store_id": f"S{n}", "country": f"Country {n}"} for n in (1, 2, 3)])
    customers = frame(spark, "adventureworks_customers_history", *[{"customer_key": n} for n in range(1, 11)])
    members = frame(spark, "pos_customers_history", *[{"customer_id": f"C{n}"} for n in range(1, 6)])
    told = {
        "adventureworks_customers_history": customers, "adventureworks_sales": sales, "pos_customers_history": members,
        "pos_sales": till, "survivorship": SETTINGS["survivorship"],
    }  # fmt: skip
    names = gold_tables()["dim_customers"].inputs
    people = {name: told[name] if name in told else frame(spark, name) for name in names}
    facts = fact_sales(sales, products, territories, frame(spark, "customer_identities"), till, stores)
    return facts, customer_360_of(
        dim_customers(**people),
        dim_products(products, *groups, sales, returns, till),
        dim_territories(territories, sales, returns, stores),
        facts,
        AS_OF,
        180,
    )


def numbered(sold: list[Row]) -> list[Row]:
    """The lines with the number of their order, three to one, and their own within it."""
    return [{**line, "order_number": f"SO{n // 3}", "order_line": n % 3} for n, line in enumerate(sold)]


def with_transactions(rung_up: list[Row]) -> list[Row]:
    """The till's lines with a number each."""
    return [{**line, "transaction_id": f"T{n}"} for n, line in enumerate(rung_up)]


@pytest.mark.slow
@few
@given(sold=lines, rung_up=till_lines, price_list=price_lists, seed=st.integers(0, 1000))
def test_the_rows_do_not_depend_on_the_order_in_which_lines_come(
    spark: SparkSession, sold: list[Row], rung_up: list[Row], price_list: list[tuple[Decimal, Decimal]], seed: int
) -> None:
    web, till = numbered(sold), with_transactions(rung_up)
    _, expected = built(spark, web, till, price_list)
    Random(seed).shuffle(web)
    Random(seed).shuffle(till)
    _, found = built(spark, web, till, price_list, partitions=3)
    assert by_customer(found) == by_customer(expected)


@few
@given(sold=lines, rung_up=till_lines, price_list=price_lists)
def test_spend_margin_and_units_of_all_customers_are_those_of_all_lines(
    spark: SparkSession, sold: list[Row], rung_up: list[Row], price_list: list[tuple[Decimal, Decimal]]
) -> None:
    facts, customers = built(spark, numbered(sold), with_transactions(rung_up), price_list)
    of_lines = facts.agg(*_sums("total_value", "total_value - total_cost", "quantity"))
    of_customers = customers.agg(*_sums("total_spend", "total_margin", "total_quantity"))
    expected, found = of_lines.unionByName(of_customers).collect()
    assert found == expected
    assert facts.count() == len(sold) + len(rung_up)


def by_customer(rows: DataFrame) -> dict[str, Any]:
    return {row["customer_id"]: row for row in rows.collect()}


def _sums(*expressions: str) -> list[Any]:
    """Sums rounded once, at the end; 0 where there is nothing."""
    return [
        F.coalesce(F.sum(F.expr(each)), F.lit(0)).cast("decimal(30,4)").alias(f"sum_{n}")
        for n, each in enumerate(expressions)
    ]
