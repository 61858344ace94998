"""The tables of silver that say who is who: their names, what one row is, and their columns as DDL."""

from lib.identity.settings import ATTRIBUTES

RECORDS, LINKS, MODELS = "silver.identity_records", "silver.identity_links", "silver.identity_models"
EVENTS, IDENTITIES, REVIEW = "silver.identity_events", "silver.customer_identities", "silver.identity_review"
FORMER, DECISIONS = "silver.former_customer_ids", "silver.identity_decisions"

RESOLUTION = "customer_identities"
"""The work that makes them all, as a run is asked for it."""

DESCRIBED_BY = {
    "adventureworks": {"adventureworks_customers": "customer_key"},
    "crm": {"crm_customers": "customer_id", "crm_phones": "customer_id", "crm_addresses": "customer_id"},
    "pos": {"pos_customers": "customer_id"},
}
"""By source the entities that describe customers, and their column that names one."""

NAMED_BY = {
    "adventureworks": {"adventureworks_sales": "customer_key"},
    "crm": {"crm_interactions": "customer_id", "crm_payments": "customer_id"},
    "pos": {"pos_sales": "customer_id"},
}
"""The same of the entities that have what customers did."""

READ = tuple(sorted(entity for by in (DESCRIBED_BY, NAMED_BY) for entities in by.values() for entity in entities))
"""The entities that the work reads."""

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
"""Columns by table."""

PERSONAL: dict[str, frozenset[str]] = {
    RECORDS: frozenset(ATTRIBUTES) - {"city", "gender"},
    REVIEW: frozenset({"left", "right"}),
}
"""The columns that say who a person is."""

DESCRIPTIONS: dict[str, str] = {
    IDENTITIES: "One record of a source, and the person's id; since_run_id is the run in which it came.",
    FORMER: "One id that no record holds any more, and whose it is now; since_run_id is the run that let it go.",
    RECORDS: "One record as it compares, all that there ever were; empty but for its key where only facts name it.",
    LINKS: "One pair of records that a rule or the model holds for one person, or that somebody should look at.",
    DECISIONS: "One pair of records that a person decided.",
    REVIEW: "One pair of records that waits for a person to decide.",
    EVENTS: "One change of a record's id in a run: what all ids follow from.",
    MODELS: "One model, as it was learnt.",
}

COLUMNS: dict[str, str] = {
    "before": "the record's id until then; none for a new record",
    "birth_date": "date of birth",
    "city": "letters and digits, small",
    "customer_id": "the person's id",
    "decided_by": "who decided",
    "decision": "same or different",
    "email": "e-mail address as the standards write it",
    "event": "created (a new record and id), joined (a new record of a known person), merged or split",
    "first_name": "the first of the first names: letters, small, without accents",
    "former_id": "an id that was the customer_id of a record",
    "gender": "M or F",
    "_hash": "hash of what the source said: another one, and the record is compared again",
    "key": "the record, `{source}:{source_customer_id}`",
    "key_l": "one record of the pair, the one that sorts first",
    "key_r": "the other one",
    "last_name": "letters, small, without accents",
    "left": "what key_l says, JSON",
    "linked_to": "the record of the same person to which the best link leads",
    "note": "what the person who decided noted",
    "parameters": "what the model learnt, JSON as Splink reads it",
    "phone": "telephone number, E.164",
    "postcode": "letters and digits, in capitals",
    "records": "number of records that there were to learn from",
    "right": "what key_r says, JSON",
    "rule": "the exact rule, `model`, or `decision`",
    "rules": "hash of the configuration under which the model was learnt",
    "run_id": "the run that found or took it",
    "score": "probability that the two are one person; 1 of a rule",
    "since_run_id": "see above",
    "source": "the system that has the record",
    "source_customer_id": "its key there",
    "street": "letters and digits, small",
    "verdict": "joined or review",
    "version": "number of the model, the newest counts",
    "why": "why the two are not joined, in words",
}
"""What a column says, in whatever table it is."""
