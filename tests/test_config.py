"""Configuration: every mistake at once, each with its file, its key and what is allowed."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lib.config import contract_hash, load_settings
from lib.contract import Contract
from lib.errors import ConfigError
from lib.quality import compile_mistakes
from tests.builders import CONF

CALENDAR = "contracts/adventureworks/calendar.yml"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A copy of the project's configuration, to make mistakes in."""
    return Path(shutil.copytree(CONF, tmp_path / "conf"))


def edit(conf: Path, name: str, old: str, new: str) -> None:
    file = conf / name
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def mistakes(conf: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_settings(conf)
    return [line.removeprefix(f"{conf}/") for line in str(error.value).splitlines()]


def contract(**changes: object) -> Contract:
    facts = {
        "source": "shop",
        "entity": "things",
        "description": "A thing.",
        "files": "shop/*.csv",
        "format": "csv",
        "key": ["id"],
        "columns": {"id": {"type": "int"}, "name": {"type": "string"}},
    }
    return Contract.model_validate({**facts, **changes})


def test_the_projects_own_configuration_is_valid() -> None:
    assert list(load_settings(CONF).contracts) == [
        "adventureworks_calendar", "adventureworks_customers", "adventureworks_product_categories",
        "adventureworks_product_subcategories", "adventureworks_products", "adventureworks_returns",
        "adventureworks_sales", "adventureworks_territories", "crm_addresses", "crm_agents", "crm_customers",
        "crm_exchange_rates", "crm_interactions", "crm_payments", "crm_phones", "pos_customers", "pos_sales",
        "pos_sales_people", "pos_stores",
    ]  # fmt: skip


def test_all_mistakes_of_all_files_are_told_at_once(conf: Path) -> None:
    edit(conf, "lakehouse.yml", "threads: 4", "threads: 400")
    edit(conf, CALENDAR, "key: [date]", "key: [day]")
    edit(conf, CALENDAR, "type: date", "type: datum")
    edit(conf, "contracts/adventureworks/returns.yml", "description:", "descripton:")
    assert mistakes(conf) == [
        f"{CALENDAR}: columns.date.type: 'datum' is not a type "
        "(allowed: string, int, bigint, double, boolean, date, timestamp, decimal(p,s) with s <= p <= 38)",
        f"{CALENDAR}: key: 'day' is not a column (there are date)",
        "contracts/adventureworks/returns.yml: description: is missing",
        "contracts/adventureworks/returns.yml: descripton: unknown key (allowed: source, entity, description, files, "
        "format, csv, jdbc, after_load, on_change, on_duplicate, control, freshness, key, latest_by, delete_when, "
        "snapshot, history, columns, rules, references; did you mean description?)",
        "lakehouse.yml: environments.local.threads: input should be less than or equal to 64 (found 400)",
    ]


def test_a_date_pattern_is_checked_letter_by_letter(conf: Path) -> None:
    edit(conf, CALENDAR, "[M/d/yyyy]", "[M/d/yyyy, DD/MM/yyyy]")
    assert mistakes(conf) == [
        f"{CALENDAR}: columns.date.formats[1]: 'DD/MM/yyyy' is not a date pattern (D is day of year; did you mean dd?)"
    ]


def test_yaml_that_does_not_parse_and_keys_that_appear_twice_are_told_with_their_line(conf: Path) -> None:
    (conf / CALENDAR).write_text("source: [", "utf-8")
    edit(conf, "lakehouse.yml", "    threads: 4", "    batch_mib: 1\n    threads: 4")
    told = mistakes(conf)
    assert told[0].startswith(f"{CALENDAR}: is not YAML:")
    assert "key 'batch_mib' appears twice" in told[1]
    assert "line 8" in told[1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2015-01-01", "2015-02-30", "lakehouse.yml: is not YAML: day is out of range for month"),
        (".lakehouse #", "{{ root }} #", "lakehouse.yml: is not YAML: a key must be a text (in quotes, if"),
    ],
)
def test_what_yaml_cannot_make_sense_of_is_a_mistake_and_no_crash(conf: Path, old: str, new: str, told: str) -> None:
    edit(conf, "lakehouse.yml", old, new)
    [mistake] = mistakes(conf)
    assert mistake.startswith(told)


def test_two_contracts_may_not_share_their_tables(conf: Path) -> None:
    for source, entity in (("web_shop", "sales"), ("web", "shop_sales")):
        (conf / "contracts" / source).mkdir()
        text = (conf / CALENDAR).read_text("utf-8").replace("adventureworks", source)
        (conf / f"contracts/{source}/{entity}.yml").write_text(text.replace("entity: calendar", f"entity: {entity}"))
    said = "source, entity: its tables would be those of web/shop_sales.yml: 'web_shop_sales'"
    assert mistakes(conf) == [f"contracts/web_shop/sales.yml: {said}"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("crm_exchange_rates", "crm_rates", "payments.yml: references.has_rate.entity: there is no 'crm_rates'"),
        (
            "{currency: currency}", "{currency: code}",
            "payments.yml: references.has_rate.match, since: 'code' is not a column of crm_exchange_rates "
            "(there are currency, valid_from, rate)",
        ),
        (
            "{paid_on: valid_from}", "{updated_at: valid_from}",
            "payments.yml: references.has_rate.match, since: updated_at is timestamp, but valid_from of "
            "crm_exchange_rates is date",
        ),
        (
            "has_rate:", "has_date:",
            "payments.yml: references.has_date: a rule has this name too",
        ),
        (
            "{currency: currency}", "{money: currency}",
            "payments.yml: references.has_rate.match: 'money' is not a column (there are payment_id, customer_id, "
            "amount, currency, type, status, paid_on, updated_at)",
        ),
    ],
)  # fmt: skip
def test_what_a_row_refers_to_is_there_and_of_the_same_type(conf: Path, old: str, new: str, told: str) -> None:
    edit(conf, "contracts/crm/payments.yml", old, new)
    assert mistakes(conf) == [f"contracts/crm/{told}"] if "match:" in told or "has_date" in told else [told]


def test_entities_may_not_refer_to_one_another_in_a_circle(conf: Path) -> None:
    back = "references:\n  paid: {entity: crm_payments, match: {currency: currency}, message: nobody pays in it}\n"
    file = conf / "contracts/crm/exchange_rates.yml"
    file.write_text(file.read_text("utf-8") + back, "utf-8")
    [told] = mistakes(conf)
    assert told.startswith("contracts/references: none of crm_")
    assert told.endswith(" can be refined before the others")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp037"])
def test_an_encoding_must_be_readable_line_by_line(conf: Path, encoding: str) -> None:
    edit(conf, CALENDAR, "windows-1252", encoding)
    [mistake] = mistakes(conf)
    assert mistake.startswith(f"{CALENDAR}: csv.encoding: '{encoding}' cannot be read line by line")


def test_a_contract_says_where_it_belongs(conf: Path) -> None:
    edit(conf, CALENDAR, "entity: calendar", "entity: days")
    assert mistakes(conf) == [f"{CALENDAR}: entity: 'days' does not match the file's place (expected 'calendar')"]


def test_files_must_be_below_landing(conf: Path) -> None:
    edit(conf, CALENDAR, "files: adventureworks/", "files: ../adventureworks/")
    told = mistakes(conf)
    assert len(told) == 1
    assert "leaves the landing folder" in told[0]


def test_two_columns_may_not_share_a_bronze_column(conf: Path) -> None:
    two = "columns:\n  a: {from: Order Date, type: date}\n  b: {from: Order_Date, type: date}\n"
    edit(conf, CALENDAR, "columns:\n", two)
    assert mistakes(conf) == [f"{CALENDAR}: columns.b.from: 'Order_Date' and 'Order Date' share a bronze column"]


def test_an_unknown_environment_is_told_with_those_that_there_are(conf: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no 'prod' \(there are local\)"):
        load_settings(conf, environment="prod")


def test_an_argument_beats_the_environment_which_beats_the_file(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(conf).root == conf.parent / ".lakehouse"
    monkeypatch.setenv("LAKEHOUSE_ROOT", "/by/environment")
    assert load_settings(conf).root == Path("/by/environment")
    assert load_settings(conf, root="/by/argument").landing == Path("/by/argument/landing")
    assert load_settings(conf, root="/by/../argument").root == Path("/argument"), "Spark's paths have no dots either"
    assert load_settings(conf, as_of=date(2017, 1, 1)).as_of == date(2017, 1, 1)


def test_only_what_decides_silvers_content_changes_the_hash() -> None:
    base = contract_hash(contract())
    described = {"id": {"type": "int", "description": "the id"}, "name": {"type": "string"}}
    assert contract_hash(contract(columns=described, description="Another text.")) == base
    assert contract_hash(contract(columns={"id": {"type": "bigint"}, "name": {"type": "string"}})) != base
    assert contract_hash(contract(rules={"r": {"expect": "id > 0", "message": "m"}})) != base
    assert contract_hash(contract(latest_by=["name"])) != base
    assert contract_hash(contract(history=True)) != base
    asked = contract(freshness={"warn_after": "1d"}, on_change="fail", on_duplicate="skip", after_load="keep")
    assert contract_hash(asked) == base, "what becomes of files does not change what is made of them"
    rule = {"r": {"expect": "id > 0", "message": "m"}}
    tolerant = {"r": {**rule["r"], "max_failed": "5%"}}
    assert contract_hash(contract(rules=tolerant)) == contract_hash(contract(rules=rule))


def test_sql_is_compiled_against_the_contracts_own_schema(spark: SparkSession) -> None:
    columns = {"id": {"type": "int"}, "name": {"type": "string", "clean": "upper(valu)"}}
    rules = {
        "typo": {"expect": "nam IS NOT NULL", "message": "m"},
        "no_condition": {"expect": "id + 1", "message": "m"},
        "no_sql": {"expect": "id >", "message": "m"},
        "good": {"expect": "id > 0", "message": "m"},
        "of_all_rows": {"expect": "max(id) > 0", "message": "m"},
    }
    told = compile_mistakes(spark, contract(columns=columns, rules=rules))
    assert [line.split(": ")[1] for line in told] == [
        "columns.name.clean",
        "rules.typo.expect",
        "rules.no_condition.expect",
        "rules.no_sql.expect",
        "rules.of_all_rows.expect",
    ]
    assert "`nam` cannot be resolved. Did you mean one of the following? [`name`, `id`]" in told[1]
    assert told[2] == "shop/things.yml: rules.no_condition.expect: 'id + 1' is int, not boolean"


def test_an_environment_bounds_the_files_of_a_batch(conf: Path) -> None:
    assert load_settings(conf).batch_files == 10_000
    edit(conf, "lakehouse.yml", "batch_files: 10000", "batch_files: 0")
    said = "environments.local.batch_files: input should be greater than or equal to 1 (found 0)"
    assert mistakes(conf) == [f"lakehouse.yml: {said}"]


def test_the_incentives_tiers_ascend_and_their_rates_are_shares(conf: Path) -> None:
    assert [(str(tier.from_), str(tier.rate)) for tier in load_settings(conf).measures["incentive_tiers"]] == [
        ("5000", "0.01"), ("10000", "0.02"), ("20000", "0.03"),
    ]  # fmt: skip
    edit(conf, "lakehouse.yml", "{from: 10000,", "{from: 5000,")
    said = "measures.incentive_tiers[1].from: 5000 is not above 5000 (tiers ascend)"
    assert mistakes(conf) == [f"lakehouse.yml: {said}"]
    edit(conf, "lakehouse.yml", "rate: 0.03", "rate: 3")
    said = "measures.incentive_tiers.2.rate: input should be less than or equal to 1 (found 3)"
    assert mistakes(conf) == [f"lakehouse.yml: {said}"]


def test_a_threshold_of_money_is_exact_to_the_scale_of_gold(conf: Path) -> None:
    assert load_settings(conf).measures["high_value_above"] == 1000
    edit(conf, "lakehouse.yml", "high_value_above: 1000", "high_value_above: 999.99995")
    said = "measures.high_value_above: decimal input should have no more than 4 decimal places (found 999.99995)"
    assert mistakes(conf) == [f"lakehouse.yml: {said}"]


def test_settings_can_be_changed_for_one_run() -> None:
    assert replace(load_settings(CONF), batch_bytes=1).batch_bytes == 1


def test_ages_and_sizes_of_maintenance_are_read_and_none_keeps_for_ever(conf: Path) -> None:
    edit(conf, "lakehouse.yml", "keep_logs: null", "keep_logs: 36h")
    upkeep = load_settings(conf).maintenance
    assert (upkeep.vacuum_after, upkeep.keep_logs, upkeep.keep_processed) == (timedelta(7), timedelta(hours=36), None)
    assert (upkeep.small_bytes, upkeep.target_bytes) == (4 * 1024 * 1024, 32 * 1024 * 1024)


def test_two_small_files_must_fit_a_file_that_maintenance_writes(conf: Path) -> None:
    edit(conf, "lakehouse.yml", "small_mib: 4", "small_mib: 17")
    edit(conf, "lakehouse.yml", "keep_ops: null", "keep_ops: a year")
    assert mistakes(conf) == ["lakehouse.yml: maintenance.keep_ops: 'a year' is not an age (e.g. 90m, 24h or 2d)"]
    edit(conf, "lakehouse.yml", "keep_ops: a year", "keep_ops: 365d")
    assert mistakes(conf) == ["lakehouse.yml: maintenance.small_mib: 17 is more than half of target_mib (32)"]


ENCRYPTED = """    # columns that contracts mark pii, stored"""


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ('{keys: {k1: "hunter2"}}', "encryption.keys.k1: is a secret in clear text"),
        ('{keys: {k1: "${env:K1}"}, token_key: hunter2}', "encryption.token_key: is a secret in clear text"),
        ('{current: k2, keys: {k1: "${env:K1}"}}', "encryption.current: there is no key 'k2' (there are k1)"),
        ('{keys: {"k:1": "${env:K1}"}}', "encryption.keys.k:1.[key]: string should match pattern"),
        ("{keys: {}}", "encryption.keys: dictionary should have at least 1 item"),
    ],
)
def test_a_mistaken_key_is_told_and_not_shown(conf: Path, said: str, mistake: str) -> None:
    edit(conf, "lakehouse.yml", ENCRYPTED, f"    encryption: {said}\n{ENCRYPTED}")
    [line] = mistakes(conf)
    assert line.startswith(f"lakehouse.yml: environments.local.{mistake}")
    assert "hunter2" not in line


def test_a_token_is_of_a_personal_column_that_is_no_key(conf: Path) -> None:
    edit(conf, "contracts/pos/customers.yml", "email:          {type: string, pii: true,", "email: {type: string,")
    edit(
        conf,
        "contracts/crm/customers.yml",
        "updated_at:  {type: timestamp}",
        "updated_at: {type: timestamp, pii: true, token: true}",
    )
    assert mistakes(conf) == [
        "contracts/crm/customers.yml: columns.updated_at.token: a key is never encrypted, and joins as it is "
        "(leave token out)",
        "contracts/pos/customers.yml: columns.email.token: only of a column that is encrypted (say pii: true as well)",
    ]


def test_whether_a_column_is_encrypted_refines_nothing_again() -> None:
    plain, marked = (
        {"id": {"type": "int"}, "name": {"type": "string", **each}} for each in ({}, {"pii": True, "token": True})
    )
    assert contract_hash(contract(columns=plain)) == contract_hash(contract(columns=marked))
