"""The tables of silver that say who is who: their names, what one row is, and their columns as DDL."""

from lib.identity.settings import ATTRIBUTES

RECORDS, LINKS, MODELS = "silver.identity_records", "silver.identity_links", "silver.identity_models"
EVENTS, IDENTITIES, REVIEW = "silver.identity_events", "silver.customer_identities", "silver.identity_review"
FORMER, DECISIONS = "silver.former_customer_ids", "silver.identity_decisions"

GRAINS: dict[str, tuple[str, ...]] = {
    IDENTITIES: ("source", "source_customer_id"),
    FORMER: ("former_id",),
    RECORDS: ("key",),
    LINKS: ("key_l", "key_r"),
    DECISIONS: ("key_l", "key_r"),
    REVIEW: ("key_l", "key_r"),
    EVENTS: ("run_id", "key"),
    MODELS: ("version",),
}

SCHEMAS: dict[str, str] = {
    IDENTITIES: "source STRING, source_customer_id STRING, customer_id STRING, since_run_id BIGINT",
    FORMER: "former_id STRING, customer_id STRING, since_run_id BIGINT",
    RECORDS: f"key STRING, source STRING, source_customer_id STRING, "
    f"{', '.join(f'{name} DATE' if name == 'birth_date' else f'{name} STRING' for name in ATTRIBUTES)}, _hash BIGINT",
    LINKS: "key_l STRING, key_r STRING, rule STRING, score DOUBLE, verdict STRING, why STRING, run_id BIGINT",
    DECISIONS: "key_l STRING, key_r STRING, decision STRING, decided_by STRING, note STRING, run_id BIGINT",
    REVIEW: "key_l STRING, key_r STRING, rule STRING, score DOUBLE, why STRING, left STRING, right STRING, "
    "run_id BIGINT",
    EVENTS: "run_id BIGINT, key STRING, event STRING, customer_id STRING, before STRING, linked_to STRING, "
    "rule STRING, score DOUBLE",
    MODELS: "version BIGINT, rules STRING, parameters STRING, records BIGINT, run_id BIGINT",
}
"""Columns by table.

`customer_identities`: the id of each record of the sources; `since_run_id` is the run in which the record came.
`former_customer_ids`: of each id that no record holds any more, the id of the person where the oldest record that ever
held it is now; `since_run_id` is the run in which the last one let it go.
"""
