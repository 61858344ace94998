"""dim_customers: who the customers are."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of, with_inferred
from lib.gold.registry import gold_table


@gold_table(grain=["customer_id"])
def dim_customers(adventureworks_customers: DataFrame, adventureworks_sales: DataFrame) -> DataFrame:
    """One row per customer of any source, those included whom only a sale names.

    customer_id: STRING. The customer's id in gold, `{source}:{source_customer_id}`.
    source: STRING. The system that knows the customer.
    source_customer_id: STRING. The customer's key in that system.
    full_name: STRING. First and last name.
    first_name: STRING. First name, first letter upper case.
    last_name: STRING. Last name, first letter upper case.
    prefix: STRING. Mr., Mrs. or Ms.
    email: STRING. E-mail address, lower case.
    birth_date: DATE. Date of birth.
    gender: STRING. F or M.
    marital_status: STRING. M married, S single.
    annual_income: DECIMAL(12,2). Income in US dollars a year.
    total_children: INT. Number of children.
    education_level: STRING. Highest level of education.
    occupation: STRING. Kind of work.
    home_owner: BOOLEAN. Owns a home.
    is_inferred: BOOLEAN. True where no customer record has landed: only the id is known.
    """
    return with_inferred(adventureworks_customers, "customer_key", adventureworks_sales).select(
        id_of("adventureworks", "customer_key").alias("customer_id"),
        F.lit("adventureworks").alias("source"),
        F.col("customer_key").cast("string").alias("source_customer_id"),
        F.nullif(F.concat_ws(" ", "first_name", "last_name"), F.lit("")).alias("full_name"),
        "first_name",
        "last_name",
        "prefix",
        "email",
        "birth_date",
        "gender",
        "marital_status",
        "annual_income",
        "total_children",
        "education_level",
        "occupation",
        "home_owner",
        "is_inferred",
    )
