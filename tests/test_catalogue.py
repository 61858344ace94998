"""The generated documents say what the code and the contracts say, and the schemas for editors take the contracts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from lib.catalogue import catalogue, generate_docs, json_schema, short_table
from lib.contract import LINEAGE, Contract
from lib.errors import ConfigError, LakehouseError
from lib.gold.registry import gold_tables
from lib.lakehouse import LakehouseFile
from lib.silver import SILVER_LINEAGE

HOME = Path(__file__).resolve().parents[1]
CONTRACTS = sorted((HOME / "conf" / "contracts").glob("*/*.yml"))

CARDS: dict[str, Any] = {
    "source": "shop",
    "entity": "cards",
    "description": "One gift card.",
    "files": "shop/cards*.csv",
    "format": "csv",
    "key": ["number"],
    "columns": {
        "number": {"from": "CardNumber", "type": "string"},
        "amount": {"type": "decimal(12,2)", "description": "US dollars"},
    },
    "rules": {"known_kind": {"expect": "number LIKE 'A%' || '|'", "message": "odd number", "on_fail": "warn"}},
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of what the documents are made of, and of the documents."""
    for name in ("conf", "powerbi"):
        shutil.copytree(HOME / name, tmp_path / name)
    for name in ("README.md", "CATALOGUE.md"):
        shutil.copy(HOME / name, tmp_path / name)
    return tmp_path


def run_job(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(HOME / "jobs" / "generate_docs.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_generated_documents_of_this_project_are_up_to_date() -> None:
    done = run_job("--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_check_names_each_stale_document_and_the_remedy_and_writes_nothing(home: Path) -> None:
    (home / "CATALOGUE.md").write_text("old")
    (home / "conf" / "contract.schema.json").unlink()
    done = run_job("--check", "--home", str(home))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "CATALOGUE.md: is not what the code and the contracts say",
        "conf/contract.schema.json: is not what the code and the contracts say",
        "bring it up to date with: make docs",
    ]
    assert (home / "CATALOGUE.md").read_text() == "old"


def test_a_new_contract_makes_catalogue_readme_and_its_own_first_line_stale_until_they_are_written(home: Path) -> None:
    file = home / "conf" / "contracts" / "shop" / "cards.yml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(CARDS))
    with pytest.raises(LakehouseError) as stale:
        generate_docs(home, only_check=True)
    assert [line.split(":")[0] for line in str(stale.value).splitlines()[:-1]] == [
        "CATALOGUE.md", "README.md", "conf/contracts/shop/cards.yml",
    ]  # fmt: skip
    generate_docs(home, only_check=False)
    assert generate_docs(home, only_check=True) == 0
    assert file.read_text() == f"# yaml-language-server: $schema=../../contract.schema.json\n{yaml.safe_dump(CARDS)}"


def test_what_is_not_generated_any_more_goes_where_power_bi_would_load_it(home: Path) -> None:
    left = home / "powerbi" / "customer_360.SemanticModel" / "definition" / "tables" / "old.tmdl"
    mine = home / "powerbi" / "customer_360.SemanticModel" / ".pbi" / "localSettings.json"
    mine.parent.mkdir()
    for file in (left, mine):
        file.write_text("{}")
    with pytest.raises(LakehouseError, match=r"definition/tables/old\.tmdl: is not what"):
        generate_docs(home, only_check=True)
    generate_docs(home, only_check=False)
    assert (left.exists(), mine.exists()) == (False, True)


def test_of_the_readme_only_the_part_between_the_marks_is_written(home: Path) -> None:
    readme = home / "README.md"
    readme.write_text("before\n<!-- catalogue -->\nold\n<!-- /catalogue -->\nafter\n")
    generate_docs(home, only_check=False)
    lines = readme.read_text().splitlines()
    assert (lines[:2], lines[-2:]) == (["before", "<!-- catalogue -->"], ["<!-- /catalogue -->", "after"])
    assert "old" not in lines


def test_a_readme_without_the_marks_is_left_alone(home: Path) -> None:
    (home / "README.md").write_text("mine\n")
    with pytest.raises(
        ConfigError, match=r"README\.md: has no place for the table of tables \(expected <!-- catalogue"
    ):
        generate_docs(home, only_check=False)
    assert (home / "README.md").read_text() == "mine\n"


def test_the_short_table_says_what_one_row_is_and_its_key() -> None:
    assert short_table([gold_tables()["fact_sales"]], [Contract.model_validate(CARDS)]).splitlines() == [
        "| table | what one row is | key |",
        "| --- | --- | --- |",
        "| `gold.fact_sales` | One row per order line. | source, order_id, order_line |",
        "| `silver.shop_cards` | One gift card. | number |",
    ]


def test_the_catalogue_has_every_column_and_rule_of_a_contract() -> None:
    page = catalogue([], [Contract.model_validate(CARDS)])
    assert page[page.index("### silver.shop_cards") : page.index("## Bronze")].splitlines() == [
        "### silver.shop_cards",
        "",
        "One gift card.",
        "",
        "Key: `number`. Landed as: `shop/cards*.csv`.",
        "",
        "| column | type | from | definition |",
        "| --- | --- | --- | --- |",
        "| `number` | `STRING` | `CardNumber` | |",
        "| `amount` | `DECIMAL(12,2)` | `amount` | US dollars |",
        "",
        "| rule | a row is good when | else | and then |",
        "| --- | --- | --- | --- |",
        r"| `known_kind` | `number LIKE 'A%' \|\| '\|'` | odd number | warn |",
        "",
    ]


def test_a_history_is_a_table_of_its_own() -> None:
    contract = Contract.model_validate({**CARDS, "history": True, "delete_when": "amount = 0"})
    line = short_table([], [contract]).splitlines()[-1]
    said = "One version of a row of `silver.shop_cards`, whenever it came."
    key = ["number", "_source_modified_at", "_source_file", "_is_live", "_content_hash"]
    assert line == f"| `silver.shop_cards_history` | {said} | {', '.join(key)} |"
    page = catalogue([], [contract])
    assert page[page.index("### silver.shop_cards_history") : page.index("## Bronze")].splitlines() == [
        "### silver.shop_cards_history",
        "",
        said,
        "",
        f"Key: {', '.join(f'`{name}`' for name in key)}. A version holds from `_source_modified_at` on. "
        "Its columns are those of `silver.shop_cards`, and `_is_live`: false where the version says that its key is "
        "gone.",
        "",
    ]


def test_the_catalogue_has_every_column_of_gold_and_of_the_lineage() -> None:
    page = catalogue(gold_tables().values(), [])
    columns = {name for table in gold_tables().values() for name in table.definitions}
    assert [name for name in (*columns, *LINEAGE, *SILVER_LINEAGE) if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("file", CONTRACTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_an_editor_takes_every_contract(file: Path) -> None:
    assert offences(Contract, yaml.safe_load(file.read_text())) == []


def test_an_editor_takes_lakehouse_yml() -> None:
    document = yaml.safe_load((HOME / "conf" / "lakehouse.yml").read_text())
    # YAML's dates are texts to an editor
    assert offences(LakehouseFile, json.loads(json.dumps(document, default=str))) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("colums",), {}),
        (("columns", "number"), {"from_": "CardNumber", "type": "string"}),
        (("columns", "number", "type"), "text"),
        (("columns", "amount", "type"), "decimal(12)"),
        (("columns", "Amount"), {"type": "string"}),
        (("rules", "known_kind", "on_fail"), "ignore"),
        (("key",), []),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else str(part),
)
def test_an_editor_marks_what_a_run_would_refuse(place: tuple[str, ...], value: object) -> None:
    document = json.loads(json.dumps(CARDS))
    assert offences(Contract, document) == []
    node = document
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = value
    assert offences(Contract, document)
    with pytest.raises(ValidationError):
        Contract.model_validate(document)


def offences(model: type[Contract] | type[LakehouseFile], document: object) -> list[str]:
    schema = json.loads(json_schema(model))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]
