"""dim_customers: who the customers are."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of, with_inferred_now
from lib.gold.registry import gold_table
from lib.gold.routes import By
from lib.history import intervals


@gold_table(
    grain=["customer_id", "valid_from"],
    key="customer_id",
    routes={
        "adventureworks_customers_history": "concat('adventureworks:', customer_key)",
        "adventureworks_sales": By(("concat('adventureworks:', customer_key)",), names_only=True),
        "crm_customers_history": "concat('crm:', customer_id)",
        "crm_interactions": By(("concat('crm:', customer_id)",), names_only=True),
        "crm_payments": By(("concat('crm:', customer_id)",), names_only=True),
        "pos_customers_history": "concat('pos:', customer_id)",
        "pos_sales": By(("concat('pos:', customer_id)",), names_only=True),
    },
)
def dim_customers(
    adventureworks_customers_history: DataFrame,
    adventureworks_sales: DataFrame,
    crm_customers_history: DataFrame,
    crm_interactions: DataFrame,
    crm_payments: DataFrame,
    pos_customers_history: DataFrame,
    pos_sales: DataFrame,
) -> DataFrame:
    """One row per customer and stretch of time in which nothing changed, those included whom only a fact names.

    Customers of any source; NULL is what the source does not say. One who was deleted and whom a fact names goes on as
    inferred. Join a sale on customer_id and is_current for who that is now, on customer_id and valid_from <= order_date
    < valid_to (or NULL) for who that was then.

    customer_id: STRING. The customer's id in gold, `{source}:{source_customer_id}`.
    source: STRING. The system that knows the customer.
    source_customer_id: STRING. The customer's key in that system: for pos, the number of the loyalty card; for crm, the
      contact centre's number.
    full_name: STRING. First and last name.
    first_name: STRING. First name; NULL for pos, which has the full name alone.
    last_name: STRING. Last name; NULL for pos.
    prefix: STRING. Mr., Mrs. or Ms.
    email: STRING. E-mail address, lower case.
    phone: STRING. Telephone number, as the customer gave it.
    loyalty_tier: STRING. Tier in the loyalty programme: bronze, silver, gold or platinum.
    loyalty_points: INT. Points in the loyalty programme.
    home_region: STRING. Region that the loyalty programme has for the customer.
    birth_date: DATE. Date of birth.
    gender: STRING. F or M.
    marital_status: STRING. M married, S single.
    annual_income: DECIMAL(12,2). Income in US dollars a year.
    total_children: INT. Number of children.
    education_level: STRING. Highest level of education.
    occupation: STRING. Kind of work.
    home_owner: BOOLEAN. Owns a home.
    is_inferred: BOOLEAN. True where no customer record has landed, or it was deleted: only the id is known.
    valid_from: TIMESTAMP. From when on the row held; 1900-01-01 where it is the first that is known.
    valid_to: TIMESTAMP. Until when it held, that moment not included; NULL where it holds now.
    is_current: BOOLEAN. True in the one row of a customer that holds now; a customer that was deleted has none.
    """
    of_web = intervals(adventureworks_customers_history, ["customer_key"])
    web = with_inferred_now(of_web, "customer_key", adventureworks_sales).withColumns(
        {
            "customer_id": id_of("adventureworks", "customer_key"),
            "source": F.lit("adventureworks"),
            "source_customer_id": F.col("customer_key").cast("string"),
            "full_name": F.nullif(F.concat_ws(" ", "first_name", "last_name"), F.lit("")),
        }
    )
    of_till = intervals(pos_customers_history, ["customer_id"], latest_by=["updated_at"])
    till = with_inferred_now(of_till, "customer_id", pos_sales).withColumns(
        {
            "customer_id": id_of("pos", "customer_id"),
            "source": F.lit("pos"),
            "source_customer_id": F.col("customer_id"),
            "full_name": F.col("name"),
            "home_region": F.col("region"),
        }
    )
    of_centre = intervals(crm_customers_history, ["customer_id"], latest_by=["updated_at"])
    centre = with_inferred_now(of_centre, "customer_id", crm_interactions, crm_payments).withColumns(
        {
            "source_customer_id": F.col("customer_id"),
            "customer_id": id_of("crm", "customer_id"),
            "source": F.lit("crm"),
            "full_name": F.nullif(F.concat_ws(" ", "first_name", "last_name"), F.lit("")),
        }
    )
    all_of_them = web.unionByName(till, allowMissingColumns=True).unionByName(centre, allowMissingColumns=True)
    return all_of_them.select(
        "customer_id",
        "source",
        "source_customer_id",
        "full_name",
        "first_name",
        "last_name",
        "prefix",
        "email",
        "phone",
        "loyalty_tier",
        "loyalty_points",
        "home_region",
        "birth_date",
        "gender",
        "marital_status",
        "annual_income",
        "total_children",
        "education_level",
        "occupation",
        "home_owner",
        "is_inferred",
        "valid_from",
        "valid_to",
        "is_current",
    )
