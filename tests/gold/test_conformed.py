"""What the till and the ERP both know has one id: products by SKU, territories by country and region."""

from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from lib.gold.conformed import stores_in_territories, till_sales
from lib.gold.dimensions.dim_products import dim_products
from lib.gold.dimensions.dim_stores import dim_stores
from lib.gold.dimensions.dim_territories import dim_territories
from lib.history import intervals
from tests.builders import assert_rows
from tests.gold.builders import Row, frame, made

PRODUCTS: list[Row] = [
    {"product_key": 9, "sku": "HL-1"},
    {"product_key": 5, "sku": " hl-1 "},
    {"product_key": 7, "sku": None},
    # had it once
    {"product_key": 3, "sku": "HL-1"},
    {"product_key": 3, "sku": "HL-3", "_source_modified_at": "2017-01-02T00:00:00Z"},
]
TERRITORIES: list[Row] = [
    {"territory_key": 4, "region": "Southwest", "country": "United States"},
    {"territory_key": 2, "region": "southwest", "country": "united states"},
    {"territory_key": 6, "region": "Canada", "country": "Canada"},
]
STORES: list[Row] = [
    {"store_id": "S1", "region": "SOUTHWEST", "country": "United states"},
    {"store_id": "S2", "region": "Southwest", "country": "Canada"},
    {"store_id": "S4", "region": "north", "country": "ICELAND"},
    {"store_id": "S3", "region": "North", "country": "Iceland"},
]


@pytest.fixture(scope="module")
def sold(spark: SparkSession) -> DataFrame:
    """Sales of a SKU that two products of the ERP share, of one that only the till knows, and of no product."""
    skus = {"T1": "HL-1", "T2": " hl-1", "T3": "Mug ", "T4": None}
    rows = [{"transaction_id": number, "product_id": sku} for number, sku in skus.items()]
    products = intervals(frame(spark, "adventureworks_products_history", *PRODUCTS), ["product_key"])
    return till_sales(frame(spark, "pos_sales", *rows), products)


def test_a_sku_is_the_first_product_of_the_erp_that_has_it_and_no_sale_is_doubled(sold: DataFrame) -> None:
    assert_rows(
        sold.filter("transaction_id IN ('T1', 'T2')"),
        ["transaction_id", "product_id", "product_key"],
        [("T1", "adventureworks:5", 5), ("T2", "adventureworks:5", 5)],
    )


def test_a_sku_that_the_erp_does_not_have_is_a_product_of_the_till(sold: DataFrame) -> None:
    assert_rows(
        sold.filter("transaction_id IN ('T3', 'T4')"),
        ["transaction_id", "product_id", "product_key"],
        [("T3", "pos:MUG", None), ("T4", None, None)],
    )


def test_a_product_that_only_the_till_knows_is_as_its_newest_sale_describes_it(spark: SparkSession) -> None:
    newest = {"updated_at": "2017-01-02T00:00:00.000001Z"}
    products = made(
        spark,
        dim_products,
        adventureworks_products_history=PRODUCTS[:1],
        adventureworks_product_subcategories=[{}],
        adventureworks_product_categories=[{}],
        pos_sales=[
            {"transaction_id": "T1", "product_id": "HL-1", "product_name": "the ERP knows better"},
            {"transaction_id": "T9", "updated_at": "2017-01-02T00:00:00Z", "product_name": "older, though sold later"}
            | {"sold_at": "2017-06-30T00:00:00Z"},
            {"transaction_id": "T3", "product_name": "Mug", "category": "Gifts", "price": "7.50", **newest},
            {"transaction_id": "T2", "product_name": "of an earlier number", **newest},
            {"transaction_id": "T4", "product_id": None},
        ],
    )
    assert_rows(
        products,
        ["product_id", "source", "source_product_id", "sku", "product_name", "category", "unit_price", "is_inferred"],
        [
            ("adventureworks:9", "adventureworks", "9", "HL-1", None, "Bikes", Decimal(10), False),
            ("pos:MUG", "pos", "MUG", "MUG", "Mug", "Gifts", Decimal("7.5"), False),
        ],
    )


def test_a_store_is_in_the_erps_territory_of_its_country_and_region_in_any_case(spark: SparkSession) -> None:
    stores = stores_in_territories(
        frame(spark, "pos_stores", *STORES), frame(spark, "adventureworks_territories", *TERRITORIES)
    )
    assert_rows(
        stores,
        ["store_id", "territory_id"],
        [
            ("S1", "adventureworks:2"),
            ("S2", "pos:Canada/Southwest"),
            ("S3", "pos:Iceland/North"),
            ("S4", "pos:Iceland/North"),
        ],
    )


def test_a_territory_that_only_stores_name_is_there_once(spark: SparkSession) -> None:
    territories = made(spark, dim_territories, adventureworks_territories=TERRITORIES, pos_stores=STORES)
    assert_rows(
        territories.filter("source = 'pos'"),
        ["territory_id", "source_territory_id", "region", "country", "continent", "is_inferred"],
        [
            ("pos:Canada/Southwest", "Canada/Southwest", "Southwest", "Canada", None, False),
            ("pos:Iceland/North", "Iceland/North", "North", "Iceland", None, False),
        ],
    )
    assert_rows(
        territories.filter("source = 'adventureworks'"),
        ["territory_id"],
        [("adventureworks:2",), ("adventureworks:4",), ("adventureworks:6",)],
    )


def test_a_store_spells_region_and_country_as_its_territory_does(spark: SparkSession) -> None:
    stores = made(spark, dim_stores, adventureworks_territories=TERRITORIES[2:], pos_stores=STORES)
    assert_rows(
        stores,
        ["store_id", "name", "territory_id", "region", "country", "is_inferred"],
        [
            ("pos:S1", "Main Street", "pos:United states/SOUTHWEST", "SOUTHWEST", "United states", False),
            ("pos:S2", "Main Street", "pos:Canada/Southwest", "Southwest", "Canada", False),
            ("pos:S3", "Main Street", "pos:Iceland/North", "North", "Iceland", False),
            ("pos:S4", "Main Street", "pos:Iceland/North", "North", "Iceland", False),
        ],
    )
