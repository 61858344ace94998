"""Generated till receipts, in which it is known what is wrong: the lake finds all of it and nothing else."""

import json
from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.config import load_settings
from lib.generate.pos import generate_pos
from tests.builders import CONF, Lake
from tests.integration.truth import assert_quarantine_is_the_truth, landed

REASONS = {
    "transaction_id_null": "transaction_id is NULL",
    "customer_id_null": "customer_id is NULL",
    "price_null": "price is NULL",
    "quantity_not_positive": "quantity must be above zero",
    "quantity_not_whole": "is not an INT",
    "discount_out_of_range": "discount must be from 0 to 1",
    "discount_not_a_number": "is not a DECIMAL(5,4)",
    "date_not_a_date": "is not a TIMESTAMP",
    "updated_at_null": "updated_at is NULL",
    "malformed": "malformed record",
    "birth_date_not_a_date": "is not a DATE",
    "loyalty_points_negative": "loyalty_points must not be below zero",
    "email_invalid": "email has no @",
}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, tmp_path_factory.mktemp("tills") / "lake", CONF)
    rates = load_settings(CONF).demo.pos.faults
    generate_pos(
        lake.landing / "pos", truth=lake.root / "truth", rows=4000, start=date(2017, 1, 1), end=date(2017, 6, 30),
        seed=11, files=3, faults={name: 5 * rate for name, rate in rates.items()},
    )  # fmt: skip
    files = {path: "\n".join(lines) for path, lines in landed(lake, "*.json*").items()}
    (lake.root / "landed.json").write_text(json.dumps(files))
    assert lake.run(layers=["bronze", "silver"]).status == 0
    return lake


@pytest.mark.parametrize("entity", ["sales", "customers"])
def test_every_injected_fault_waits_in_quarantine_and_nothing_else_does(lake: Lake, entity: str) -> None:
    files = {path: text.splitlines() for path, text in json.loads((lake.root / "landed.json").read_text()).items()}
    assert assert_quarantine_is_the_truth(lake, files, f"pos_{entity}", REASONS) > 40 * (entity == "sales")


def test_silver_has_the_newest_passing_version_of_every_receipt(lake: Lake) -> None:
    files = json.loads((lake.root / "landed.json").read_text())
    truth = [json.loads(line) for line in (lake.root / "truth/pos_sales.jsonl").read_text().splitlines()]
    faulty = {(each["file"], each["line"]) for each in truth}
    newest: dict[str, Any] = {}
    for path, text in files.items():
        if path.startswith("pos/sales/"):
            for number, line in enumerate(text.splitlines(), start=1):
                if (path, number) not in faulty:
                    record = json.loads(line)
                    best = newest.get(record["transaction_id"])
                    if best is None or record["updated_at"] > best[0]:
                        newest[record["transaction_id"]] = (record["updated_at"], record["quantity"])
    found = dict(lake.rows("silver.pos_sales", "transaction_id", "quantity"))
    assert found == {number: quantity for number, (_, quantity) in newest.items()}


def test_what_the_quirks_stand_for_is_one_value(lake: Lake) -> None:
    sales = lake.read("silver.pos_sales")
    assert sales.filter("customer_id <> upper(trim(customer_id)) OR discount IS NULL OR sold_at IS NULL").count() == 0
    assert lake.read("bronze.pos_sales").filter("discount IS NULL").count() > 0
    assert lake.read("bronze.pos_sales").filter("customer_id <> upper(trim(customer_id))").count() > 0
    assert lake.read("bronze.pos_sales").filter('_rescued = \'{"till_version":"4.2"}\'').count() > 0
    assert lake.read("bronze.pos_sales").filter("product.price LIKE '%0'").count() > 0


def test_arrays_and_packed_files_are_loaded_like_lines(lake: Lake) -> None:
    assert lake.read("silver.pos_stores").count() == 20
    last = lake.read("bronze.pos_sales").filter("_source_file LIKE '%.gz'").count()
    packed = next(path for path in json.loads((lake.root / "landed.json").read_text()) if path.endswith(".gz"))
    assert last == len(json.loads((lake.root / "landed.json").read_text())[packed].splitlines()) > 0


def test_the_counts_of_every_rule_are_on_record(lake: Lake) -> None:
    rates = lake.rows("ops.quality", "evaluated", "failed", where="rule = 'quantity_positive'")
    waiting = lake.read("silver.pos_sales_quarantine").filter(
        "array_contains(dq_errors, 'quantity must be above zero')"
    )
    assert rates == [(4000, waiting.count())]
