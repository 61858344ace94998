"""A person is forgotten: in every layer, every file and the database; and stays so."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lib.erasure.report import ORDER, is_genuine
from lib.erasure.search import search
from lib.erasure.values import Sought, sought_of
from lib.errors import LakehouseError
from lib.export import export
from lib.pipeline import forget as forgetting
from lib.pipeline.forget import forget
from lib.pipeline.prove import prove
from lib.pipeline.quarantine import replay
from lib.tables import Tables
from tests.builders import Lake, Outcome
from tests.integration.published import ask

KEY = "0123456789abcdef0123456789abcdef"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def _key() -> Any:
    """The key is in the environment, as the configuration says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_ERASURE_KEY", KEY)
        yield KEY


def said_of(lake: Lake, customer_id: str) -> tuple[list[str], Sought]:
    """The records of a customer, and texts that only they can have, taken from what an export shows."""
    known = export(Tables(lake.spark, lake.root), lake.settings(), customer_id)
    records: list[str] = known["customer"]["records"]
    [gold] = [row for row in known["gold"]["dim_customers"] if row["is_current"]]
    values = [gold["email"], gold["phone"], *(row["email"] for row in known["silver"].get("pos_customers", []))]
    return records, sought_of([customer_id], records, [value for value in values if value], ["source_customer_id"])


def erase(lake: Lake, *order: str) -> tuple[Outcome, Outcome]:
    whom, reason = order or (None, "")
    asked = {"layers": ["silver", "gold", "served"], "forgiving": True, "resolved": True}
    return lake.run(work=forget(whom, reason), **asked), lake.run(work=prove, resolved=True)


@pytest.fixture(scope="module")
def erased(served: Lake, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[str], Sought, Path]:
    """A lake of all three sources whose customer of most records asked to be forgotten; a run died on the way."""
    lake = served.copy(tmp_path_factory.mktemp("erased") / "lake")
    customers = lake.read("gold.customer_360").filter("email IS NOT NULL AND total_orders > 0")
    [customer] = customers.orderBy(F.desc(F.size("systems")), F.desc("total_orders"), "customer_id").limit(1).collect()
    assert len(customer["systems"]) == 3
    records, sought = said_of(lake, customer["customer_id"])
    before = search(lake.root, sought)
    assert {path.split("/")[0] for path in before.found} >= {"processed", "bronze", "silver", "gold", "truth"}

    def dies(*_: object) -> None:
        raise OSError("the machine lost its power")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forgetting, "build", dies)
        with pytest.raises(Exception, match="lost its power"):
            lake.run(work=forget(customer["customer_id"], "a letter"), resolved=True, forgiving=True)
    assert (lake.root / ORDER).is_file()
    first, second = erase(lake)
    assert first.status == 0, first.text
    assert second.status == 0, second.text
    [report] = (lake.root / "erasures").glob("*.json")
    return lake, records, sought, report


def test_nothing_of_the_person_is_left_in_any_byte(erased: tuple[Lake, list[str], Sought, Path]) -> None:
    lake, _, sought, _ = erased
    assert search(lake.root, sought).found == {}
    assert not (lake.root / ORDER).exists()


def test_the_report_is_signed_and_says_what_went(erased: tuple[Lake, list[str], Sought, Path]) -> None:
    _, records, sought, file = erased
    report = json.loads(file.read_text())
    assert is_genuine(report, KEY.encode())
    assert report["is_gone"]
    assert report["left"] == {}
    assert sum(report["records"].values()) == len(records)
    assert report["search"]["texts"] >= len(sought.texts)
    assert report["search"]["rows_decoded"] > 10_000
    assert report["versions"].keys() >= {"bronze.pos_sales", "silver.identity_events", "gold.customer_360"}
    assert report["erased"].keys() >= {"bronze.pos_sales", "silver.customer_identities", "files.processed"}
    assert not any(report["database"].values())
    assert len(report["database"]) > 20


@pytest.mark.usefixtures("erased")
def test_the_session_still_refuses_to_delete_what_older_versions_need(spark: SparkSession) -> None:
    assert spark.conf.get("spark.databricks.delta.retentionDurationCheck.enabled", "true") == "true"


def test_the_others_are_as_they_were(served: Lake, erased: tuple[Lake, list[str], Sought, Path]) -> None:
    lake, records, _, _ = erased
    for table, column in (("fact_sales", "source_customer_id"), ("fact_payments", "source_customer_id")):
        is_theirs = F.concat_ws(":", "source", column).isin(*records)
        before, after = (each.read(f"gold.{table}") for each in (served, lake))
        assert after.filter(is_theirs).count() == 0
        assert before.filter(~is_theirs).count() == after.count()
    assert lake.read("gold.customer_360").count() == served.read("gold.customer_360").count() - 1
    assert ask(lake, "SELECT count(*) FROM gold.customer_360")[0][0] == lake.read("gold.customer_360").count()


def test_a_later_file_does_not_bring_them_back(erased: tuple[Lake, list[str], Sought, Path]) -> None:
    lake, records, sought, _ = erased
    [theirs] = [each.split(":")[1] for each in records if each.startswith("pos:")][:1]
    n_rows = lake.read("bronze.pos_customers").count()
    lines = [
        {"customer_id": f" {theirs.lower()} ", "name": "Somebody", "updated_at": "2017-07-01T00:00:00"},
        {"customer_id": "C9999999", "name": "Another One", "updated_at": "2017-07-01T00:00:00"},
    ]
    lake.land("customers/late.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines), source="pos")
    outcome = lake.run(layers=["bronze", "silver"])
    assert outcome.status == 0, outcome.text
    assert lake.read("bronze.pos_customers").count() == n_rows + 1
    [put_away] = (lake.root / "processed").rglob("late.jsonl")
    assert [json.loads(line)["customer_id"] for line in put_away.read_text().splitlines()] == ["C9999999"]
    assert search(lake.root, sought).found == {}


def test_a_mended_row_does_not_bring_them_back_either(
    erased: tuple[Lake, list[str], Sought, Path], tmp_path: Path
) -> None:
    lake, records, _, _ = erased
    [theirs] = [each.split(":")[1] for each in records if each.startswith("pos:")][:1]
    [waits] = lake.read("silver.pos_sales_quarantine").filter("status = 'waiting'").limit(1).collect()
    row = {"_batch": waits["_batch_id"], "_row": waits["_row_id"], "transaction_id": "T1", "customer_id": theirs}
    (tmp_path / "mended.json").write_text(json.dumps(row))
    contract = lake.settings().contracts["pos_sales"]
    with pytest.raises(LakehouseError, match=r"mended\.json: a row names somebody who was forgotten"):
        lake.run(layers=["silver"], prepare=replay(contract, tmp_path / "mended.json"))


def test_without_the_key_nothing_is_loaded_that_may_bring_somebody_back(
    erased: tuple[Lake, list[str], Sought, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lake = erased[0].copy(tmp_path / "lake")
    lake.land(
        "customers/more.jsonl", '{"customer_id": "C9999998", "updated_at": "2017-07-02T00:00:00"}\n', source="pos"
    )
    for value, said in (("", "LAKEHOUSE_ERASURE_KEY is not set"), (KEY[::-1], "is another key than the one")):
        monkeypatch.setenv("LAKEHOUSE_ERASURE_KEY", value)
        outcome = lake.run(layers=["bronze"], only=["pos_customers"])
        assert outcome.status == 1
        assert said in outcome.text
        assert (lake.landing / "pos" / "customers" / "more.jsonl").is_file()
