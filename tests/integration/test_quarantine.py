"""Quarantine that returns: exported, mended, replayed, discarded, and the counts still add up."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.errors import LakehouseError
from lib.pipeline.quarantine import discard, export, replay
from lib.tables import Tables
from tests.builders import CONF, Lake, Outcome
from tests.integration.test_faults import sale

LAYERS = ["bronze", "silver"]
QUARANTINE = "silver.pos_sales_quarantine"


@pytest.fixture(scope="module")
def loaded(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake in which three receipts and one customer wait."""
    lake = Lake(spark, tmp_path_factory.mktemp("quarantine") / "lake", CONF)
    lines = [
        sale("T1", 1, at="2017-01-05"),
        sale("T2", -1, at="2017-01-05"),
        sale("T3", "two", at="2017-01-05").replace('"quantity"', '"till": "4.20", "quantity"'),
        '{"transaction_id": "T4", "cust',
    ]
    lake.land("pos/sales/a.jsonl", "\n".join(lines), source=".")
    lake.land(
        "pos/customers/a.jsonl",
        '{"customer_id": "C1", "name": "Ada", "loyalty_points": -5, "updated_at": "2017-01-05"}',
        source=".",
    )
    assert lake.run(layers=LAYERS).status == 0
    return lake


@pytest.fixture
def lake(loaded: Lake, tmp_path: Path) -> Lake:
    """A copy of it, with a configuration of its own."""
    shutil.copytree(CONF, tmp_path / "conf")
    return Lake(loaded.spark, loaded.copy(tmp_path / "lake").root, tmp_path / "conf")


def exported(lake: Lake, folder: Path, entity: str = "pos_sales") -> list[dict[str, Any]]:
    file = export(Tables(lake.spark, lake.root), lake.settings().contracts[entity], folder)
    assert file is not None
    if file.suffix == ".csv":
        return list(csv.DictReader(file.open(encoding="utf-8")))
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def give_back(lake: Lake, file: Path, *rows: dict[str, Any], entity: str = "pos_sales") -> Outcome:
    file.write_text("\n".join(map(json.dumps, rows)))
    return lake.run(layers=["silver"], prepare=replay(lake.settings().contracts[entity], file))


def statuses(lake: Lake) -> list[tuple[Any, ...]]:
    """Receipt, status and the statuses it had, of each row in quarantine."""
    rows = lake.rows(QUARANTINE, "raw", "status", "transform(history, each -> each.status)")
    return [(json.loads(raw).get("transaction_id", "cut"), status, history) for raw, status, history in rows]


def test_mended_rows_go_through_and_the_others_wait_on(lake: Lake, tmp_path: Path) -> None:
    t2, t3, cut = sorted(exported(lake, tmp_path / "out"), key=lambda row: row["_row"])
    assert t2["_errors"] == ["quantity must be above zero"]
    assert (t3["quantity"], t3["product"]["price"]) == ("two", "24.5")
    assert cut["_malformed"] == '{"transaction_id": "T4", "cust'
    mended = {**cut, **json.loads(sale("T4", 7, at="2017-01-05"))}
    outcome = give_back(lake, tmp_path / "mended.json", {**t2, "quantity": -2}, {**t3, "quantity": 2}, mended)
    assert outcome.status == 0, outcome.text
    assert lake.rows("silver.pos_sales", "transaction_id", "quantity") == [("T1", 1), ("T3", 2), ("T4", 7)]
    assert sorted(statuses(lake), key=str) == [
        ("T2", "waiting", ["waiting", "waiting"]),
        ("T3", "accepted", ["waiting", "waiting", "accepted"]),
        ("cut", "accepted", ["waiting", "waiting", "accepted"]),
    ]
    assert lake.rows("bronze.pos_sales", "quantity", where="transaction_id = 'T3'") == [("two",)]
    assert "conserved at 1 of 1 hops" in outcome.text
    # nothing is due any more
    before = lake.versions()
    assert lake.run(layers=LAYERS).status == 0
    assert lake.versions() == before


def test_corrections_and_discards_hold_when_all_of_bronze_is_judged_again(lake: Lake, tmp_path: Path) -> None:
    t2, t3, _ = sorted(exported(lake, tmp_path / "out"), key=lambda row: row["_row"])
    assert give_back(lake, tmp_path / "mended.json", {**t3, "quantity": 2}).status == 0
    contract = lake.settings().contracts["pos_sales"]
    assert lake.run(layers=[], prepare=discard(contract, f"_row_id = {t2['_row']}", "a test receipt")).status == 0
    notes = lake.rows(QUARANTINE, "element_at(history, -1).note", where="status = 'discarded'")
    assert notes == [("a test receipt",)]
    file = lake.conf / "contracts/pos/sales.yml"
    file.write_text(
        file.read_text()
        .replace("expect: quantity > 0", "expect: quantity <> 0")
        .replace("rules:", "  till: {type: string, optional: true}\nrules:")
    )
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 0, outcome.text
    assert lake.rows("silver.pos_sales", "transaction_id", "quantity", "till") == [("T1", 1, None), ("T3", 2, "4.20")]
    assert "conserved at 1 of 1 hops" in outcome.text


def test_a_mended_rule_lets_rows_return_without_a_file(lake: Lake) -> None:
    file = lake.conf / "contracts/pos/sales.yml"
    file.write_text(file.read_text().replace("expect: quantity > 0", "expect: quantity <> 0"))
    outcome = lake.run(layers=["silver"], prepare=replay(lake.settings().contracts["pos_sales"], None))
    assert outcome.status == 0
    assert lake.rows("silver.pos_sales", "transaction_id", "quantity") == [("T1", 1), ("T2", -1)]


def test_a_flat_entity_is_exported_as_csv_and_comes_back_from_it(lake: Lake, tmp_path: Path) -> None:
    [row] = exported(lake, tmp_path / "out", "pos_customers")
    assert (row["_errors"], row["loyalty_points"]) == ("loyalty_points must not be below zero", "-5")
    mended = tmp_path / "out/pos/invalid_customers.csv"
    mended.write_text(mended.read_text().replace("-5", "5"))
    outcome = lake.run(layers=["silver"], prepare=replay(lake.settings().contracts["pos_customers"], mended))
    assert outcome.status == 0, outcome.text
    assert lake.rows("silver.pos_customers", "name", "loyalty_points") == [("Ada", 5)]


def test_a_file_with_a_row_that_does_not_wait_is_refused_whole(lake: Lake, tmp_path: Path) -> None:
    t2, *_ = sorted(exported(lake, tmp_path / "out"), key=lambda row: row["_row"])
    before = lake.versions()
    with pytest.raises(LakehouseError, match="_batch 1 _row 99: no such row waits in quarantine"):
        give_back(lake, tmp_path / "mended.json", {**t2, "quantity": 1}, {**t2, "_row": 99})
    with pytest.raises(LakehouseError, match="stands there twice"):
        give_back(lake, tmp_path / "mended.json", t2, t2)
    with pytest.raises(LakehouseError, match="there is no such file"):
        lake.run(layers=["silver"], prepare=replay(lake.settings().contracts["pos_sales"], tmp_path / "none.json"))
    assert lake.versions() == before


def test_a_tolerance_lets_a_few_rows_fail_and_stops_at_more(lake: Lake) -> None:
    file = lake.conf / "contracts/pos/sales.yml"
    rule = "expect: quantity > 0, message: quantity must be above zero"
    file.write_text(file.read_text().replace(rule, f"{rule}, max_failed: 20%"))
    lines = [sale(f"U{n}", 1 if n else -1, at="2017-01-05") for n in range(5)]
    lake.land("pos/sales/b.jsonl", "\n".join(lines), source=".")
    assert lake.run(layers=LAYERS).status == 0
    lake.land("pos/sales/c.jsonl", "\n".join(lines[:4]), source=".")
    outcome = lake.run(layers=LAYERS)
    assert outcome.status == 1
    assert "1 of 4 rows: quantity must be above zero (max_failed: 20%): nothing of it was written" in outcome.text
    assert lake.run(layers=LAYERS, forgiving=True).status == 0
