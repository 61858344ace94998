"""mart_customers: what each customer bought, month by month."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold import measures
from lib.gold.registry import gold_table


@gold_table(grain=["customer_id", "sales_date_month"])
def mart_customers(customer_360: DataFrame, sales_by_customer_month: DataFrame) -> DataFrame:
    """One row per customer and month in which the customer bought; order lines after as_of are left out.

    total_sales and max_single_transaction are those of the month. All other measures are those of the customer, from
    the first order to as_of: the same in each of the customer's rows, and never to be added up over months. An order
    counts in the month of its first line. A month in which the customer did not buy has no row.

    customer_id: STRING. The customer's id in gold: dim_customers.
    full_name: STRING. First and last name.
    address: STRING. Where the customer lives, as far as a source says it: street, postcode and city, country; else the
      region that the loyalty programme has; NULL where there is neither.
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
    month = measures.first_day("sales_month")
    n_months = F.months_between(F.max(month), F.min(month)).cast("int") + 1
    spending = sales_by_customer_month.groupBy("customer_id").agg(
        (F.sum("total_value").cast(measures.EXACT) / n_months).cast(measures.MONEY).alias("avg_monthly_spending")
    )
    address = F.concat_ws(", ", "street", F.nullif(F.concat_ws(" ", "postcode", "city"), F.lit("")), "address_country")
    # what is the same in all rows of a customer is worked out once, and not month by month
    customers = customer_360.join(spending, "customer_id", how="right").select(
        "customer_id",
        "full_name",
        F.coalesce(F.nullif(address, F.lit("")), "home_region").alias("address"),
        F.col("phone").alias("phone_number"),
        F.col("historical_ltv").alias("customer_lifetime_value"),
        measures.year_month("first_order_date").alias("first_purchase_month"),
        measures.year_month("last_order_date").alias("last_purchase_month"),
        F.col("total_orders").alias("purchase_frequency"),
        F.col("total_spend").alias("monetary_value"),
        "avg_monthly_spending",
        F.col("avg_days_between_orders").alias("avg_time_between_purchases"),
        F.when(F.col("is_inactive"), "inactive").otherwise("active").alias("inactive_status"),
        F.col("rfm_segment").alias("customer_segment"),
    )
    # a customer's months are brought to the customer; to sort them first would take longer than all else
    return sales_by_customer_month.join(customers.hint("shuffle_hash"), "customer_id", how="left").select(
        "customer_id",
        "full_name",
        "address",
        "phone_number",
        F.col("sales_month").alias("sales_date_month"),
        F.col("total_value").cast(measures.MONEY).alias("total_sales"),
        "customer_lifetime_value",
        "first_purchase_month",
        "last_purchase_month",
        "purchase_frequency",
        "monetary_value",
        "avg_monthly_spending",
        F.col("max_order_value").cast(measures.MONEY).alias("max_single_transaction"),
        "avg_time_between_purchases",
        "inactive_status",
        "customer_segment",
    )
