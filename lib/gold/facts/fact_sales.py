"""fact_sales: what was sold."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lib.gold.conformed import stores_in_territories, till_sales
from lib.gold.ids import id_of
from lib.gold.measures import year_month
from lib.gold.people import by_person, with_customer
from lib.gold.registry import gold_table
from lib.gold.routes import Via
from lib.history import intervals, valid_at


@gold_table(
    grain=["source", "order_id", "order_line"],
    rows_of=["adventureworks_sales", "pos_sales"],
    key="order_id",
    routes={
        "adventureworks_sales": "order_number",
        "adventureworks_products_history": [
            Via("adventureworks_sales", here="product_key", there="product_key"),
            Via("pos_sales", here="upper(trim(sku))", there="upper(trim(product_id))"),
        ],
        "pos_sales": "transaction_id",
        "customer_identities": [
            by_person("adventureworks_sales", "adventureworks", "customer_key"),
            by_person("pos_sales", "pos"),
        ],
    },
    clustered_by="order_date",
)
def fact_sales(
    adventureworks_sales: DataFrame,
    adventureworks_products_history: DataFrame,
    adventureworks_territories: DataFrame,
    customer_identities: DataFrame,
    pos_sales: DataFrame,
    pos_stores: DataFrame,
) -> DataFrame:
    """One row per order line.

    List price and cost are those that held when the day of the order began, in UTC; of a day before the product's first
    known version, those of that version.

    order_id: STRING. The order's number in its source; a till's transaction is an order of one line.
    order_line: INT. The line's number within the order.
    order_lines: INT. How many lines the order has.
    customer_id: STRING. Who bought: dim_customers.
    product_id: STRING. What: dim_products; a till's product is the ERP's of the same SKU, where there is one.
    territory_id: STRING. Where: dim_territories; that of the store, NULL where the store is unknown.
    store_id: STRING. In which store: dim_stores; NULL for web.
    sales_person_id: STRING. Who sold: dim_sales_people; NULL for web.
    source: STRING. The system that took the order.
    source_customer_id: STRING. The customer's key in that system.
    channel: STRING. How it was sold: web or store.
    quantity: INT. Units.
    unit_price: DECIMAL(19,4). Price of one before the discount, US dollars: web, the list price of the day, NULL
      where the product is unknown; store, the till's.
    unit_cost: DECIMAL(19,4). Cost of one on the day, US dollars; NULL where the ERP does not know the product.
    discount: DECIMAL(5,4). Share of the price that was let off, 0 to 1.
    total_value: DECIMAL(28,8). quantity × unit_price × (1 − discount), US dollars, exact; sums are rounded once.
    total_cost: DECIMAL(24,4). quantity × unit_cost, US dollars.
    order_date: DATE. When, the day of the order's first line in UTC: dim_date.
    order_month: STRING. Month of order_date, YYYY-MM.
    """
    products = intervals(adventureworks_products_history, ["product_key"], columns=["sku", "unit_price", "unit_cost"])
    web = _web_lines(
        with_customer(adventureworks_sales, "adventureworks", "customer_key", customer_identities), products
    )
    till = with_customer(_at_cost(till_sales(pos_sales, products), products), "pos", "customer_id", customer_identities)
    store = _store_lines(till, stores_in_territories(pos_stores, adventureworks_territories))
    return web.unionByName(store).select(
        "order_id",
        "order_line",
        "order_lines",
        "customer_id",
        "product_id",
        "territory_id",
        "store_id",
        "sales_person_id",
        "source",
        "source_customer_id",
        "channel",
        "quantity",
        "unit_price",
        "unit_cost",
        "discount",
        F.expr("CAST(quantity * unit_price * (1 - discount) AS DECIMAL(28,8))").alias("total_value"),
        F.expr("CAST(quantity * unit_cost AS DECIMAL(24,4))").alias("total_cost"),
        "order_date",
        year_month("order_date").alias("order_month"),
    )


def _web_lines(sales: DataFrame, products: DataFrame) -> DataFrame:
    prices = products.drop("sku")
    order = Window.partitionBy("order_number")
    return valid_at(sales, prices, ["product_key"], moment=F.col("order_date")).select(
        F.col("order_number").alias("order_id"),
        "order_line",
        F.count(F.lit(1)).over(order).cast("int").alias("order_lines"),
        "customer_id",
        id_of("adventureworks", "product_key").alias("product_id"),
        id_of("adventureworks", "territory_key").alias("territory_id"),
        F.lit(None).cast("string").alias("store_id"),
        F.lit(None).cast("string").alias("sales_person_id"),
        "source",
        "source_customer_id",
        F.lit("web").alias("channel"),
        "quantity",
        "unit_price",
        "unit_cost",
        F.lit(0).cast("decimal(5,4)").alias("discount"),
        # an order is of one day, so that a part of the days has whole orders
        F.min("order_date").over(order).alias("order_date"),
    )


def _at_cost(sales: DataFrame, products: DataFrame) -> DataFrame:
    costs = products.drop("sku", "unit_price")
    return valid_at(sales, costs, ["product_key"], moment=F.col("order_date"))


def _store_lines(sales: DataFrame, stores: DataFrame) -> DataFrame:
    territories = stores.select("store_id", "territory_id")
    return sales.join(territories, "store_id", how="left").select(
        F.col("transaction_id").alias("order_id"),
        F.lit(1).alias("order_line"),
        F.lit(1).alias("order_lines"),
        "customer_id",
        "product_id",
        "territory_id",
        id_of("pos", "store_id").alias("store_id"),
        id_of("pos", "sales_person_id").alias("sales_person_id"),
        "source",
        "source_customer_id",
        F.lit("store").alias("channel"),
        "quantity",
        F.col("price").cast("decimal(19,4)").alias("unit_price"),
        "unit_cost",
        "discount",
        "order_date",
    )
