"""dim_customers: who the customers are."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold.golden import ATTRIBUTES, GROUPS, Rule, golden
from lib.gold.ids import location_id, with_inferred_now
from lib.gold.people import as_record, record, to_person, with_person
from lib.gold.registry import gold_table
from lib.history import beginning, intervals


@gold_table(
    grain=["customer_id", "valid_from"],
    key="customer_id",
    routes={
        "adventureworks_customers_history": to_person("adventureworks", "customer_key"),
        "adventureworks_sales": to_person("adventureworks", "customer_key", names_only=True),
        "crm_addresses": to_person("crm"),
        "crm_customers_history": to_person("crm"),
        "crm_interactions": to_person("crm", names_only=True),
        "crm_payments": to_person("crm", names_only=True),
        "crm_phones": to_person("crm"),
        # an id that is new, and the one under which its record was known until then
        "customer_identities": ["customer_id", "concat(source, ':', source_customer_id)"],
        "pos_customers_history": to_person("pos"),
        "pos_sales": to_person("pos", names_only=True),
    },
)
def dim_customers(  # noqa: PLR0913 each is an input or a setting
    adventureworks_customers_history: DataFrame,
    adventureworks_sales: DataFrame,
    crm_addresses: DataFrame,
    crm_customers_history: DataFrame,
    crm_interactions: DataFrame,
    crm_payments: DataFrame,
    crm_phones: DataFrame,
    customer_identities: DataFrame,
    pos_customers_history: DataFrame,
    pos_sales: DataFrame,
    survivorship: Mapping[str, Rule],
) -> DataFrame:
    """One row per customer and stretch of time in which nothing changed, those included whom only a fact names.

    A customer is a person, whatever systems know them: of what their records say, the rules of `survivorship` in
    conf/identity.yml choose, and a column `…_source` names the record, `{source}:{key}`, that was chosen. NULL is what
    no record says. Who was deleted everywhere and whom a fact names goes on as inferred. Join a sale on customer_id and
    is_current for who that is now, on customer_id and valid_from <= order_date < valid_to (or NULL) for who that was
    then: which records are one person is always as it is known now.

    customer_id: STRING. The customer's id in gold; as long as nobody has looked into who a record is, the record.
    source_ids: ARRAY<STRING>. The records, `{source}:{key}`, that are this customer, in order.
    systems: ARRAY<STRING>. The systems that know the customer, in order.
    full_name: STRING. First and last name.
    first_name: STRING. First name; NULL where the name is from pos, which has the full name alone.
    last_name: STRING. Last name; NULL where the name is from pos.
    prefix: STRING. Mr., Mrs. or Ms.
    name_source: STRING. The record that the four are from.
    birth_date: DATE. Date of birth.
    birth_date_source: STRING. The record that it is from.
    gender: STRING. F or M.
    gender_source: STRING. The record that it is from.
    email: STRING. E-mail address, lower case.
    email_source: STRING. The record that it is from.
    phone: STRING. Telephone number, as the customer gave it; of several at the contact centre no work number, if there
      is another one.
    phone_source: STRING. The record that it is from.
    street: STRING. House number and street of the home address, or of another one where there is no such.
    location_id: STRING. Where that is: dim_locations.
    address_source: STRING. The record that the two are from.
    loyalty_tier: STRING. Tier in the loyalty programme: bronze, silver, gold or platinum.
    loyalty_points: INT. Points in the loyalty programme.
    home_region: STRING. Region that the loyalty programme has for the customer.
    loyalty_source: STRING. The record that the three are from: for pos, a loyalty card.
    marital_status: STRING. M married, S single.
    total_children: INT. Number of children.
    home_owner: BOOLEAN. Owns a home.
    household_source: STRING. The record that the three are from.
    annual_income: DECIMAL(12,2). Income in US dollars a year.
    education_level: STRING. Highest level of education.
    occupation: STRING. Kind of work.
    work_source: STRING. The record that the three are from.
    is_inferred: BOOLEAN. True where no customer record has landed, or all were deleted: only the id is known.
    valid_from: TIMESTAMP. From when on the row held; 1900-01-01 where it is the first that is known.
    valid_to: TIMESTAMP. Until when it held, that moment not included; NULL where it holds now.
    is_current: BOOLEAN. True in the one row of a customer that holds now; a customer that was deleted has none.
    """
    names = F.nullif(F.concat_ws(" ", "first_name", "last_name"), F.lit(""))
    web = intervals(adventureworks_customers_history, ["customer_key"], said_at="said_at")
    till = intervals(pos_customers_history, ["customer_id"], latest_by=["updated_at"], said_at="said_at")
    centre = intervals(crm_customers_history, ["customer_id"], latest_by=["updated_at"], said_at="said_at")
    phones = _contacts(crm_phones, F.col("type") != "work").withColumnRenamed("number", "phone")
    addresses = _contacts(crm_addresses, F.col("type") == "home").withColumn("location_id", location_id())
    said = [
        as_record(web.withColumn("full_name", names), "adventureworks", "customer_key"),
        as_record(till.withColumnsRenamed({"name": "full_name", "region": "home_region"}), "pos", "customer_id"),
        as_record(centre.withColumn("full_name", names), "crm", "customer_id"),
        as_record(phones, "crm", "customer_id"),
        as_record(addresses, "crm", "customer_id"),
    ]
    # brought together first: to join each of them would be as many joins
    held = with_person(reduce(DataFrame.unionByName, map(_said, said)), customer_identities)
    named = [
        as_record(rows.select(key).distinct(), source, key)
        for rows, source, key in (
            (adventureworks_sales, "adventureworks", "customer_key"),
            (pos_sales, "pos", "customer_id"),
            (crm_interactions, "crm", "customer_id"),
            (crm_payments, "crm", "customer_id"),
        )
    ]
    facts = with_person(reduce(DataFrame.unionByName, named), customer_identities)
    known = golden(held.withColumn("record", record()), survivorship)
    records = customer_identities.groupBy("customer_id").agg(F.sort_array(F.collect_list(record())).alias("source_ids"))
    both = with_inferred_now(known, "customer_id", facts).join(records, "customer_id", how="left")
    source_ids = F.coalesce("source_ids", F.array("customer_id"))
    of_systems = F.array_sort(F.array_distinct(F.transform(source_ids, lambda each: F.split(each, ":")[0])))
    return both.select(
        "customer_id",
        source_ids.alias("source_ids"),
        of_systems.alias("systems"),
        *[column for group, columns in GROUPS.items() for column in (*columns, f"{group}_source")],
        "is_inferred",
        "valid_from",
        "valid_to",
        "is_current",
    )


def _contacts(rows: DataFrame, is_better: Column) -> DataFrame:
    """Phones or addresses as intervals; an end that is later than the row was said is a plan, and none yet."""
    has_ended = F.col("valid_to").cast("timestamp") <= F.col("updated_at")
    return rows.withColumns(
        {
            "said_at": F.coalesce(F.col("valid_from").cast("timestamp"), beginning()),
            "valid_from": F.greatest(F.coalesce(F.col("valid_from").cast("timestamp"), beginning()), beginning()),
            "valid_to": F.when(has_ended, F.col("valid_to").cast("timestamp")),
            "weight": F.when(is_better, 1).otherwise(0),
            "is_record": F.lit(False),
        }
    )


def _said(rows: DataFrame) -> DataFrame:
    """What rows say of customers, in the columns that `golden` takes."""
    absent = {name: F.lit(None) for name in ATTRIBUTES if name not in rows.columns}
    defaults = {"weight": F.lit(1), "is_record": F.lit(True)}
    complete = rows.withColumns(
        {**absent, **{name: each for name, each in defaults.items() if name not in rows.columns}}
    )
    lineage = ("source", "source_customer_id", "valid_from", "valid_to", "said_at", *defaults)
    return complete.select(*lineage, *ATTRIBUTES)
