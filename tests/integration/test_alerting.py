"""A run tells whoever is to know what went wrong, once, until it is over; and ends as it would have ended anyway."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib import ops
from lib.alerts.settings import AlertsFile
from lib.alerts.store import read_state
from lib.cli import status_job
from lib.config import load_settings
from lib.errors import ConfigError, CrashError
from lib.ops import Step
from lib.pipeline import alert
from lib.pipeline import run as running
from lib.pipeline.request import requested
from lib.tables import Tables
from tests.builders import CONF, RETURNS_HEADER, Lake
from tests.receivers import Received, mail_server, web_server

pytestmark = pytest.mark.integration

BAD, GOOD = "no such column\r\n1\r\n", f"{RETURNS_HEADER}\r\n1/5/2017,1,1,1\r\n"
RETURNS = "adventureworks/AdventureWorks_Returns_2017.csv"


class Watched(Lake):
    """A lake of which somebody is told, of all kinds of troubles."""

    channels: dict[str, str]

    def settings(self, **changes: Any) -> Any:
        """The lake's settings."""
        told = AlertsFile.model_validate({**load_settings(self.conf).alerts.model_dump(), "channels": self.channels})
        return super().settings(**{"alerts": told, **changes})


@pytest.fixture
def mail() -> Iterator[Received]:
    with mail_server() as received:
        yield received


@pytest.fixture
def web() -> Iterator[Received]:
    with web_server() as received:
        yield received


@pytest.fixture
def watched(spark: SparkSession, tmp_path: Path, mail: Received, web: Received) -> Watched:
    lake = Watched(spark, tmp_path / "lake", CONF)
    lake.channels = {"mail": mail.address, "web": web.address}
    return lake


def headlines(received: Received) -> list[list[str]]:
    """Of each message the first line of what it says of each trouble."""
    return [[part.splitlines()[0] for part in body.split("\n\n")[1:]] for _, body in received.messages]


def test_a_rejected_file_is_told_once_and_again_when_it_is_mended(
    watched: Watched, mail: Received, web: Received
) -> None:
    watched.land("Returns_2017", BAD)
    outcome = watched.run(layers=["bronze"])
    assert outcome.status == 1, outcome.text
    assert "alerts: 2 new (make status)" in outcome.text
    expected = [[f"error: file rejected: {RETURNS}", "error: freshness: pos_sales"]]
    assert headlines(mail) == headlines(web) == expected
    place = f"{watched.root}/rejected/adventureworks/000001/{RETURNS}"
    assert f"  next:  mv {place} {watched.landing}/{RETURNS} && make run ROOT={watched.root}" in mail.messages[0][1]

    assert watched.run(layers=["bronze"]).status == 0
    assert watched.run(layers=["bronze"], only=["pos_sales"]).status == 0
    assert headlines(mail) == expected, "nothing is new"

    watched.land("Returns_2017", GOOD)
    assert watched.run(layers=["bronze"]).status == 0
    assert headlines(mail)[1:] == headlines(web)[1:] == [[f"cleared: file rejected: {RETURNS}"]]


def test_a_channel_that_is_down_changes_no_run_and_is_told_the_next_time(
    watched: Watched, mail: Received, web: Received
) -> None:
    web.answer = 500
    watched.land("Returns_2017", GOOD)
    outcome = watched.run(layers=["bronze"])
    assert outcome.status == 0
    assert "! alerts were not sent to web: the other side answered 500; the next run tries again" in outcome.text
    assert "127.0.0.1" not in outcome.text
    assert "127.0.0.1" not in "".join(log.read_text() for log in watched.root.glob("logs/*.jsonl"))
    assert watched.rows("bronze.adventureworks_returns", "ProductKey") == [("1",)]
    web.answer = 200
    assert watched.run(layers=["bronze"]).status == 0
    assert headlines(web) == headlines(mail) == [["error: freshness: pos_sales"]]


def test_a_field_that_no_contract_knows_is_told_until_it_comes_no_more(watched: Watched, mail: Received) -> None:
    watched.land("pos/sales/a.jsonl", '{"transaction_id": "T1", "product": {"id": "P", "colour": "red"}}\n', source=".")
    watched.land("Returns_2017", f"{RETURNS_HEADER},Reason\r\n1/5/2017,1,1,1,late\r\n")
    watched.run(layers=["bronze"])
    fields = ["bronze.adventureworks_returns.Reason", "bronze.pos_sales.product.colour"]
    assert headlines(mail) == [[f"warning: schema drift: {field}" for field in fields]]
    watched.land("pos/sales/b.jsonl", '{"transaction_id": "T2", "product": {"id": "P"}}\n', source=".")
    watched.run(layers=["bronze"])
    assert headlines(mail)[1:] == [["cleared: schema drift: bronze.pos_sales.product.colour"]]


def test_a_run_that_ends_early_is_told_without_spark_and_over_with_the_next_one(
    watched: Watched, mail: Received, web: Received
) -> None:
    watched.landing.mkdir(parents=True)
    quiet = replace(watched.settings(), alerts=_only(watched.settings().alerts, "run_failed", "file_rejected"))
    request = requested(quiet.contracts, layers=["bronze"], only=["pos_stores"])

    def no_java() -> SparkSession:
        raise RuntimeError("Java gateway process exited before sending its port number")

    with pytest.raises(RuntimeError):
        running.run_layers(quiet, no_java, request)
    assert "what:  RuntimeError: Java gateway process exited before" in mail.messages[0][1]
    with pytest.raises(RuntimeError):
        running.run_layers(quiet, no_java, request)

    watched.landing.rename(watched.root / "elsewhere")
    with pytest.raises(ConfigError):
        running.run_layers(quiet, no_java, request)
    (watched.root / "elsewhere").rename(watched.landing)
    assert headlines(mail) == headlines(web) == [["error: run failed: run"]]

    assert running.run_layers(quiet, lambda: watched.spark, request) == 0
    assert headlines(mail)[1:] == [["cleared: run failed: run"]]


def _only(alerts: AlertsFile, *kinds: str) -> AlertsFile:
    off = {kind: rule.model_copy(update={"enabled": False}) for kind, rule in alerts.rules.items() if kind not in kinds}
    return alerts.model_copy(update={"kinds": alerts.kinds.model_copy(update=off)})


def test_what_a_run_found_before_it_died_is_told(watched: Watched, mail: Received) -> None:
    watched.land("Returns_2017", BAD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "write_ledger", lambda _: 1 / 0)
        with pytest.raises(CrashError):
            watched.run(layers=["bronze"])
    assert headlines(mail) == [[f"error: file rejected: {RETURNS}", "error: run failed: run"]]

    class Death(BaseException):
        """What ends a process."""

    def die(_: Any) -> None:
        raise Death

    watched.land("Returns_2018", BAD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "write_ledger", die)
        with pytest.raises(Death):
            watched.run(layers=["bronze"])
    assert len(mail.messages) == 1
    watched.run(layers=["bronze"])
    other = RETURNS.replace("2017", "2018")
    assert headlines(mail)[1] == [
        f"error: file rejected: {other}", "error: freshness: pos_sales", "cleared: run failed: run",
    ]  # fmt: skip


def test_volumes_are_those_of_the_ledger(spark: SparkSession, tmp_path: Path) -> None:
    tables = Tables(spark, tmp_path)
    monday = datetime(2026, 1, 5, 23, 30, tzinfo=timezone.utc)
    steps = [
        Step("bronze", "a", 1, "append", monday, rows_in=10, run_id=1),
        Step("bronze", "a", 2, "append", monday, rows_in=5, run_id=1),
        # told of again by the run after one that died
        Step("bronze", "a", 2, "append", monday + timedelta(hours=1), rows_in=5, run_id=2),
        Step("silver", "a", 2, "merge", monday, rows_in=99, run_id=1),
        Step("bronze", "b", 1, "append", monday + timedelta(hours=1), rows_in=7, run_id=2),
        Step("bronze", "b", 0, "append", monday - timedelta(days=90), rows_in=7, run_id=0),
    ]
    assert alert.daily_volumes(tables, monday.date()) == {}
    tables.append(ops.STEPS, ops.step_rows(spark, steps, run_id=9))
    since = monday.date() - timedelta(days=56)
    assert alert.daily_volumes(tables, since) == {
        "a": {monday.date(): 15}, "b": {monday.date() + timedelta(days=1): 7},
    }  # fmt: skip


def test_a_scheduler_is_told_of_a_lake_that_nothing_runs_on(
    watched: Watched, mail: Received, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = "run_id BIGINT, model STRING, version STRING, measure STRING, psi DOUBLE, recorded_at TIMESTAMP"
    rows = [(1, "m", "1", "age", 0.9, None), (2, "m", "1", "age", 0.1, None), (2, "m", "1", "spend", 0.3, None)]
    watched.spark.createDataFrame(rows, schema).write.format("delta").save(str(watched.root / "ops/model_drift"))
    # of no process: numbers end before that
    killed = {"run": 4, "process": 2**22 + 1, "host": socket.gethostname(), "since": "2026-01-05T02:00:00+00:00"}
    (watched.root / ".lock").write_text(json.dumps({**killed, "has_ended": False}))
    settings = watched.settings()
    now = datetime.now(timezone.utc)
    alert.tell_of_lake(Tables(watched.spark, watched.root), settings, now=now)
    alert.tell_of_lake(Tables(watched.spark, watched.root), settings, now=now)
    assert headlines(mail) == [
        ["error: freshness: pos_sales", "error: run failed: run", "warning: model drift: m.spend"]
    ]
    assert "run 4 was killed before its end" in mail.messages[0][1]
    monkeypatch.setenv("LAKEHOUSE_ROOT", str(watched.root))
    assert status_job("", CONF, []) == 1
    capsys.readouterr()
    assert status_job("", CONF, ["--fresh"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("freshness\n")
    assert said.endswith("X pos_sales: never loaded\n1 in error\n")
    assert [each.kind for each in read_state(watched.root).open] == ["freshness", "model_drift", "run_failed"]
