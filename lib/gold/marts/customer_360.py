"""customer_360: everything that is known of a customer, in one row."""

from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib import history
from lib.gold import measures
from lib.gold.marts.customer_service import CONTACTS
from lib.gold.registry import gold_table

_SCORES = (
    "churn_probability", "churn_reasons", "probability_alive", "predicted_orders_90_days", "predicted_value_12_months",
)  # fmt: skip


@gold_table(grain=["customer_id"], rows_of=["dim_customers"])
def customer_360(  # noqa: PLR0913 each is an input or a setting
    customer_metrics: DataFrame,
    customer_scores: DataFrame,
    customer_service: DataFrame,
    dim_customers: DataFrame,
    dim_locations: DataFrame,
    dim_territories: DataFrame,
    fact_sales: DataFrame,
    former_customer_ids: DataFrame,
    sales_anomalies: DataFrame,
    sales_by_customer_month: DataFrame,
    as_of: date,
    held_at: datetime | None,
    inactive_after_days: int,
) -> DataFrame:
    """One row per customer, buyers and non-buyers alike, as of a date; order lines after that date are left out.

    Where a date is asked for, customers are what their records said when that day ended; else what these say now.

    Scores are quintiles of the buyers, ranks and scores part equals by customer_id.

    customer_id: STRING. The customer's id in gold.
    source_ids: ARRAY<STRING>. The ids, `{source}:{source_customer_id}`, of all records that are this customer.
    systems: ARRAY<STRING>. The systems that know the customer, in order.
    former_ids: ARRAY<STRING>. Ids that turned out to be this customer too, in order; empty where there are none.
    full_name: STRING. First and last name.
    email: STRING. E-mail address.
    phone: STRING. Telephone number.
    street: STRING. House number and street.
    postcode: STRING. Postcode of the address.
    city: STRING. City of the address.
    address_region: STRING. Region of the address.
    address_country: STRING. Country of the address.
    location_id: STRING. Where that is: dim_locations.
    loyalty_tier: STRING. Tier in the loyalty programme: bronze, silver, gold or platinum.
    loyalty_points: INT. Points in the loyalty programme.
    home_region: STRING. Region that the loyalty programme has for the customer.
    birth_date: DATE. Date of birth.
    age: INT. Whole years from birth_date to as_of; born on 29 February, a year older on 28 February in other years.
    gender: STRING. F or M.
    marital_status: STRING. M married, S single.
    annual_income: DECIMAL(12,2). US dollars a year.
    total_children: INT. Number of children.
    education_level: STRING. Highest level of education.
    occupation: STRING. Kind of work.
    home_owner: BOOLEAN. Owns a home.
    country: STRING. Country of the latest order's territory.
    region: STRING. Region of the latest order's territory.
    total_orders: BIGINT. Number of orders; 0 for who never bought, as are the other totals.
    total_quantity: BIGINT. Units bought.
    total_spend: DECIMAL(19,4). Sum of total_value over all order lines, US dollars; lines without a price add nothing.
    spend_web: DECIMAL(19,4). The part of total_spend that was spent in the web shop.
    spend_store: DECIMAL(19,4). The part that was spent in stores.
    total_margin: DECIMAL(19,4). Sum of total_value less total_cost over the order lines whose cost is known; a line
      of unknown cost is spend, but no margin.
    avg_order_value: DECIMAL(19,4). Mean value of an order: total_spend / total_orders.
    max_order_value: DECIMAL(19,4). Value of the largest order.
    distinct_products: BIGINT. Number of different products bought.
    favourite_category: STRING. Product category with the most units; of equals the one with most spend, then by name.
    first_order_date: DATE. Day of the first order.
    last_order_date: DATE. Day of the latest order.
    days_since_last_order: INT. Days from last_order_date to as_of.
    tenure_days: INT. Days from first_order_date to as_of.
    avg_days_between_orders: DOUBLE. Mean of the days between consecutive orders; NULL with fewer than two.
    longest_gap_days: INT. Most days between two consecutive orders; NULL with fewer than two.
    spend_last_90_days: DECIMAL(19,4). Spend in the 90 days that end with as_of.
    spend_last_12_months: DECIMAL(19,4). Spend in the 12 months that end with as_of.
    spend_previous_12_months: DECIMAL(19,4). Spend in the 12 months before those.
    spend_trend: DECIMAL(19,6). Growth from the previous to the last 12 months, 0.5 is +50 %; NULL without a previous.
    spend_rank: INT. 1 for the buyer with the highest total_spend.
    spend_rank_in_country: INT. The same among the buyers of the country; NULL where the country is unknown.
    spend_percentile: DOUBLE. Share of the other buyers who rank below: 1 for the first, 0 for the last.
    cumulative_spend_share: DECIMAL(19,6). Share of all spend that this buyer and all who rank above make up.
    recency_score: INT. Quintile of last_order_date, 5 the most recent.
    frequency_score: INT. Quintile of total_orders, 5 the most.
    monetary_score: INT. Quintile of total_spend, 5 the most.
    rfm_segment: STRING. Champions, Loyal, New, Promising, Cannot lose, Needs attention, At risk, Lost or Never bought.
    is_inactive: BOOLEAN. days_since_last_order is above `inactive_after_days`, or there never was an order.
    historical_ltv: DECIMAL(19,4). Lifetime value realised so far: total_margin, and like it without the lines whose
      cost is unknown; 0 for who never bought.
    interactions: BIGINT. Number of contacts with the contact centre.
    interactions_by_phone: BIGINT. Those by telephone.
    interactions_by_email: BIGINT. Those by e-mail.
    interactions_by_chat: BIGINT. Those by chat.
    interactions_in_store: BIGINT. Those in a store.
    complaints: BIGINT. Contacts that were complaints.
    open_follow_ups: BIGINT. Contacts after which somebody is to come back to the customer, and nobody has.
    mean_satisfaction: DOUBLE. Mean of what the customer said of contacts, 1 to 5; NULL where nothing was said.
    last_interaction_on: DATE. Day of the latest contact; NULL without one.
    payments: BIGINT. Number of payments on record at the contact centre, refunds not included.
    failed_payment_share: DECIMAL(19,6). Share of the payments that are not pending which failed; NULL without one.
    last_payment_on: DATE. Day of the latest settled payment; NULL without one.
    churn_probability: DOUBLE. Probability of no order in the coming 90 days, or as many as models.yml says; NULL for
      who never bought or has been away for too long to ask, and without a model.
    churn_reasons: ARRAY<STRING>. What speaks for or against it the most, the strongest first; NULL where that is.
    probability_alive: DOUBLE. Probability to buy ever again; NULL for who never bought, and without a model.
    predicted_orders_90_days: DOUBLE. Days with an order to be expected in the 90 days after as_of; NULL as above.
    predicted_value_12_months: DECIMAL(19,4). Spend to be expected in the 365 days after as_of, US dollars; NULL as
      above.
    suspicious_events: BIGINT. Number of the customer's sales and refunds in sales_anomalies.
    is_suspicious: BOOLEAN. One of them is of severity high.
    as_of: DATE. The day for which the row holds.
    """
    spending = measures.spending(sales_by_customer_month, fact_sales, as_of)
    homes = dim_locations.select(
        "location_id",
        "postcode",
        "city",
        F.col("region").alias("address_region"),
        F.col("country").alias("address_country"),
    )
    former = former_customer_ids.groupBy("customer_id").agg(
        F.sort_array(F.collect_list("former_id")).alias("former_ids")
    )
    suspicions = (
        measures.until(sales_anomalies, as_of, "event_date")
        .groupBy("customer_id")
        .agg(
            F.count(F.lit(1)).alias("suspicious_events"), F.bool_or(F.col("severity") == "high").alias("is_suspicious")
        )
    )
    places = dim_territories.select("territory_id", "country", "region")
    buyers = measures.standing(customer_metrics.join(places, "territory_id", how="left"))
    customers = (
        history.as_of(dim_customers, held_at)
        .join(buyers, "customer_id", how="left")
        .join(measures.recent_spend(spending, as_of), "customer_id", how="left")
        .join(customer_service, "customer_id", how="left")
        .join(customer_scores.select("customer_id", *_SCORES), "customer_id", how="left")
        .join(homes, "location_id", how="left")
        .join(former, "customer_id", how="left")
        .join(suspicions, "customer_id", how="left")
    )
    days_since = F.date_diff(F.lit(as_of), F.col("last_order_date"))
    return customers.select(
        "customer_id",
        "source_ids",
        "systems",
        F.coalesce("former_ids", F.expr("CAST(array() AS ARRAY<STRING>)")).alias("former_ids"),
        "full_name",
        "email",
        "phone",
        "street",
        "postcode",
        "city",
        "address_region",
        "address_country",
        "location_id",
        "loyalty_tier",
        "loyalty_points",
        "home_region",
        "birth_date",
        measures.age(F.lit(as_of)).alias("age"),
        "gender",
        "marital_status",
        "annual_income",
        "total_children",
        "education_level",
        "occupation",
        "home_owner",
        "country",
        "region",
        measures.or_zero("total_orders", "bigint"),
        measures.or_zero("total_quantity", "bigint"),
        measures.or_zero("total_spend"),
        measures.or_zero("spend_web"),
        measures.or_zero("spend_store"),
        measures.or_zero("total_margin"),
        "avg_order_value",
        "max_order_value",
        measures.or_zero("distinct_products", "bigint"),
        "favourite_category",
        "first_order_date",
        "last_order_date",
        days_since.alias("days_since_last_order"),
        F.date_diff(F.lit(as_of), F.col("first_order_date")).alias("tenure_days"),
        "avg_days_between_orders",
        "longest_gap_days",
        measures.or_zero("spend_last_90_days"),
        measures.or_zero("spend_last_12_months"),
        measures.or_zero("spend_previous_12_months"),
        "spend_trend",
        "spend_rank",
        "spend_rank_in_country",
        "spend_percentile",
        "cumulative_spend_share",
        "recency_score",
        "frequency_score",
        "monetary_score",
        measures.rfm_segment().alias("rfm_segment"),
        F.coalesce(days_since > inactive_after_days, F.lit(True)).alias("is_inactive"),
        measures.or_zero("total_margin").alias("historical_ltv"),
        *[measures.or_zero(count, "bigint") for count in CONTACTS],
        "mean_satisfaction",
        "last_interaction_on",
        measures.or_zero("payments", "bigint"),
        "failed_payment_share",
        "last_payment_on",
        *_SCORES,
        measures.or_zero("suspicious_events", "bigint"),
        F.coalesce("is_suspicious", F.lit(False)).alias("is_suspicious"),
        F.lit(as_of).alias("as_of"),
    )
