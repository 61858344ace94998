"""mart_customers: what each customer bought, month by month."""

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table
from lib.gold.routes import By


@gold_table(
    grain=["customer_id", "sales_date_month"],
    key="customer_id",
    routes={
        "fact_sales": "customer_id",
        # what moves with the calendar every day is not in this mart
        "customer_360": By(
            ("customer_id",),
            reads=(
                "full_name",
                "home_region",
                "phone",
                "historical_ltv",
                "first_order_date",
                "last_order_date",
                "total_orders",
                "total_spend",
                "avg_days_between_orders",
                "is_inactive",
                "rfm_segment",
            ),
        ),
    },
)
def mart_customers(fact_sales: DataFrame, customer_360: DataFrame, sales_until: date | None) -> DataFrame:
    """One row per customer and month in which the customer bought; order lines after as_of are left out.

    total_sales and max_single_transaction are those of the month. All other measures are those of the customer, from
    the first order to as_of: the same in each of the customer's rows, and never to be added up over months. An order
    counts in the month of its first line. A month in which the customer did not buy has no row.

    customer_id: STRING. The customer's id in gold: dim_customers.
    full_name: STRING. First and last name.
    address: STRING. Where the customer lives, as far as a source says it: the region that the loyalty programme has;
      NULL where the customer is not a member.
    phone_number: STRING. Telephone number, as the customer gave it.
    sales_date_month: STRING. The month, YYYY-MM.
    total_sales: DECIMAL(19,4). Of the month: value of its orders, US dollars; lines without a price add nothing.
    customer_lifetime_value: DECIMAL(19,4). Of the customer: margin so far, US dollars; historical_ltv of customer_360.
    first_purchase_month: STRING. Of the customer: month of the first order, YYYY-MM.
    last_purchase_month: STRING. Of the customer: month of the latest order, YYYY-MM.
    purchase_frequency: BIGINT. Of the customer: number of orders, the F of RFM.
    monetary_value: DECIMAL(19,4). Of the customer: value of all orders, US dollars, the M of RFM.
    avg_monthly_spending: DECIMAL(19,4). Of the customer: value of all orders over the number of calendar months from
      first_purchase_month to last_purchase_month, both and the months without an order included, US dollars.
    max_single_transaction: DECIMAL(19,4). Of the month: value of its largest order, US dollars.
    avg_time_between_purchases: DOUBLE. Of the customer: mean days between consecutive orders; NULL with fewer than two.
    inactive_status: STRING. Of the customer: inactive where the latest order is more than `inactive_after_days` days
      before as_of, active otherwise.
    customer_segment: STRING. Of the customer: rfm_segment of customer_360, e.g. Champions, New or Lost.
    """
    # everything below is by customer: this shuffle saves all others
    sales = measures.until(fact_sales, sales_until).repartition("customer_id")
    orders = measures.orders_of(sales).withColumn("month", measures.month_of("order_date"))
    months = orders.groupBy("customer_id", "month").agg(F.sum("value").alias("sales"), F.max("value").alias("largest"))
    all_months = Window.partitionBy("customer_id")
    n_months = F.months_between(F.max("month").over(all_months), F.min("month").over(all_months)).cast("int") + 1
    spending = F.sum("sales").over(all_months).cast(measures.EXACT) / n_months
    customers = customer_360.withColumn("status", F.when(F.col("is_inactive"), "inactive").otherwise("active"))
    return (
        months.withColumn("avg_monthly_spending", spending)
        .join(customers, "customer_id", how="left")
        .select(
            "customer_id",
            "full_name",
            F.col("home_region").alias("address"),
            F.col("phone").alias("phone_number"),
            measures.year_month("month").alias("sales_date_month"),
            F.col("sales").cast(measures.MONEY).alias("total_sales"),
            F.col("historical_ltv").alias("customer_lifetime_value"),
            measures.year_month("first_order_date").alias("first_purchase_month"),
            measures.year_month("last_order_date").alias("last_purchase_month"),
            F.col("total_orders").alias("purchase_frequency"),
            F.col("total_spend").alias("monetary_value"),
            F.col("avg_monthly_spending").cast(measures.MONEY).alias("avg_monthly_spending"),
            F.col("largest").cast(measures.MONEY).alias("max_single_transaction"),
            F.col("avg_days_between_orders").alias("avg_time_between_purchases"),
            F.col("status").alias("inactive_status"),
            F.col("rfm_segment").alias("customer_segment"),
        )
    )
