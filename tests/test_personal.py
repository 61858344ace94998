"""Which columns are personal: what is marked, where it came from and where it goes; never what rows are found by."""

from lib.config import load_settings
from lib.encryption import Personal
from lib.gold.registry import gold_tables
from lib.personal import personal_columns
from tests.builders import CONF
from tests.test_config import contract


def test_keys_and_versions_are_left_and_what_nested_columns_are_within_is_taken_whole() -> None:
    marked = {"type": "string", "pii": True}
    people = contract(
        format="json", files="shop/*.json", key=["email"], latest_by=["seen"], history=True,
        columns={
            "email": marked, "seen": {"type": "date", "pii": True}, "shoes": {"type": "int"},
            "name": {**marked, "from": "person.name", "token": True},
        },
    )  # fmt: skip
    serving = load_settings(CONF).serving.model_copy(update={"personal": {}})
    found = personal_columns({"shop_things": people, "shop_shoes": contract()}, serving, gold_tables())
    silver = Personal(frozenset({"name"}), frozenset({"name"}))
    assert {name: each for name, each in found.items() if "shop" in name} == {
        "bronze.shop_things": Personal(frozenset({"email", "seen", "person", "_rescued"})),
        "silver.shop_things": silver,
        "silver.shop_things_history": silver,
        "silver.shop_things_quarantine": Personal(frozenset({"raw", "correction", "dq_errors"})),
    }


def test_of_gold_what_is_masked_and_no_key_is_taken() -> None:
    settings = load_settings(CONF)
    found = personal_columns(settings.contracts, settings.serving, gold_tables())
    assert found["gold.dim_customers"].columns >= {"full_name", "email", "birth_date"}
    assert not found["gold.dim_customers"].columns & {
        "customer_id",
        "valid_from",
        "location_id",
        "email_source",
        "source_ids",
    }
    assert found["gold.dim_locations"].columns == {"postcode"}
    assert found["silver.identity_records"].columns >= {"email", "birth_date"}
    assert "gold.fact_sales" not in found
    for name, table in gold_tables().items():
        columns = found.get(f"gold.{name}", Personal()).columns
        assert not columns & {*table.grain, *table.key, table.clustered_by}, name
        assert columns <= {*table.columns}, name
