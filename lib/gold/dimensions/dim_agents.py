"""dim_agents: who works in the contact centre."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of, with_inferred
from lib.gold.registry import gold_table
from lib.gold.routes import By


@gold_table(
    grain=["agent_id"],
    key="agent_id",
    routes={
        "crm_agents": "concat('crm:', agent_id)",
        "crm_interactions": By(("concat('crm:', agent_id)",), names_only=True),
    },
)
def dim_agents(crm_agents: DataFrame, crm_interactions: DataFrame) -> DataFrame:
    """One row per agent of the contact centre, those included whom only an interaction names.

    agent_id: STRING. The agent's id in gold, `crm:` and the contact centre's.
    source: STRING. The system that knows the agent.
    name: STRING. Name.
    team: STRING. Team in which the agent works now.
    hired_on: DATE. Day of hiring.
    is_inferred: BOOLEAN. True where no record of the agent has landed: only the id is known.
    """
    return with_inferred(crm_agents, "agent_id", crm_interactions).select(
        id_of("crm", "agent_id").alias("agent_id"),
        F.lit("crm").alias("source"),
        "name",
        "team",
        "hired_on",
        "is_inferred",
    )
