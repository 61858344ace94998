"""customer_metrics: what all orders of a customer come to."""

from datetime import date, datetime

from pyspark.sql import DataFrame

from lib import history
from lib.gold import measures
from lib.gold.registry import gold_table
from lib.gold.routes import Via


@gold_table(
    grain=["customer_id"],
    key="customer_id",
    routes={
        "fact_sales": "customer_id",
        "dim_products": Via(
            "fact_sales", here="CASE WHEN is_current THEN product_id END", there="product_id", reads=("category",)
        ),
    },
)
def customer_metrics(
    fact_sales: DataFrame, dim_products: DataFrame, sales_until: date | None, held_at: datetime | None
) -> DataFrame:
    """One row per customer who bought: what all orders come to; nothing in it moves with the calendar.

    customer_id: STRING. The customer's id in gold: dim_customers.
    territory_id: STRING. Territory of the latest order: dim_territories.
    total_orders: BIGINT. Number of orders.
    total_quantity: BIGINT. Units bought.
    total_spend: DECIMAL(19,4). Sum of total_value over all order lines, US dollars; lines without a price add nothing.
    spend_web: DECIMAL(19,4). The part of total_spend that was spent in the web shop.
    spend_store: DECIMAL(19,4). The part that was spent in stores.
    total_margin: DECIMAL(19,4). Sum of total_value less total_cost over the order lines whose cost is known; a line
      of unknown cost is spend, but no margin.
    avg_order_value: DECIMAL(19,4). Mean value of an order, US dollars: total_spend / total_orders.
    max_order_value: DECIMAL(19,4). Value of the largest order, US dollars.
    distinct_products: BIGINT. Number of different products bought.
    favourite_category: STRING. Product category with the most units; of equals the one with most spend, then by name.
    first_order_date: DATE. Day of the first order.
    last_order_date: DATE. Day of the latest order.
    avg_days_between_orders: DOUBLE. Mean of the days between consecutive orders; NULL with fewer than two.
    longest_gap_days: INT. Most days between two consecutive orders; NULL with fewer than two.
    """
    # everything below is by customer: this shuffle saves all others
    sales = measures.until(fact_sales, sales_until).repartition("customer_id")
    lifetime = measures.lifetime(measures.orders_of(sales))
    return lifetime.join(
        measures.favourites(sales, history.as_of(dim_products, held_at)), "customer_id", how="left"
    ).select(
        "customer_id",
        "territory_id",
        "total_orders",
        "total_quantity",
        "total_spend",
        "spend_web",
        "spend_store",
        "total_margin",
        "avg_order_value",
        "max_order_value",
        "distinct_products",
        "favourite_category",
        "first_order_date",
        "last_order_date",
        "avg_days_between_orders",
        "longest_gap_days",
    )
