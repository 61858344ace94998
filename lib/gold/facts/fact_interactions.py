"""fact_interactions: who was in contact with the contact centre, and what came of it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of
from lib.gold.people import by_person, with_customer
from lib.gold.registry import gold_table


@gold_table(
    grain=["source", "interaction_id"],
    rows_of=["crm_interactions"],
    key="interaction_id",
    routes={
        "crm_interactions": "interaction_id",
        "customer_identities": by_person("crm_interactions", "crm"),
    },
)
def fact_interactions(crm_interactions: DataFrame, customer_identities: DataFrame) -> DataFrame:
    """One row per contact of a customer with the contact centre.

    interaction_id: STRING. The contact's number in its source.
    customer_id: STRING. With whom: dim_customers.
    agent_id: STRING. Who took care of it: dim_agents; NULL where nobody did.
    source: STRING. The system that has the contact on record.
    source_customer_id: STRING. The customer's key in that system.
    channel: STRING. phone, email, chat or store.
    type: STRING. What it was about: question, order, complaint, return or feedback.
    outcome: STRING. resolved, passed on or no answer; NULL where nothing is on record.
    satisfaction: INT. What the customer said of it, 1 the worst, 5 the best; NULL where nothing was said.
    started_at: TIMESTAMP. When it began, UTC.
    interaction_date: DATE. The day of started_at in UTC: dim_date.
    follow_up_due_on: DATE. By when somebody is to come back to the customer; NULL where nobody need.
    follow_up_done_on: DATE. When somebody did; NULL while nobody has.
    """
    return with_customer(crm_interactions, "crm", "customer_id", customer_identities).select(
        "interaction_id",
        "customer_id",
        id_of("crm", "agent_id").alias("agent_id"),
        "source",
        "source_customer_id",
        "channel",
        "type",
        "outcome",
        "satisfaction",
        "started_at",
        F.to_date("started_at").alias("interaction_date"),
        "follow_up_due_on",
        "follow_up_done_on",
    )
