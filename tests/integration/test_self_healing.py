"""What passes by itself does not end a run: a database that refuses, a conflict of commits, an attempt cut half way."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from pyspark.sql import SparkSession

from lib.errors import LakehouseError
from lib.lakehouse import Retries
from lib.pipeline import ingest
from lib.serving.database import Server as Served
from lib.serving.settings import Database
from lib.transient import retried
from tests.builders import CONF, RETURNS_HEADER, Lake
from tests.integration.postgres import PASSWORD, running
from tests.integration.test_jdbc import CONTRACT, TABLE, Desk

pytestmark = pytest.mark.integration

PATIENT = Retries(attempts=20, first_wait="20ms", most="500ms")


@contextmanager
def moody(port: int, failures: int) -> Iterator[tuple[int, list[bool]]]:
    """A way to a port of this machine that drops so many connections; gives its own port, and which it let through."""
    served: list[bool] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                served.append(len(served) >= failures)
                if not served[-1]:
                    client.close()
                    continue
                onward = socket.create_connection(("127.0.0.1", port))
                for pair in ((client, onward), (onward, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        try:
            yield server.getsockname()[1], served
        finally:
            # else the thread goes on accepting
            server.shutdown(socket.SHUT_RDWR)


def retries_of(lake: Lake) -> list[tuple[str, str]]:
    """Of the newest run's log: what was tried again, and why."""
    lines = max(lake.root.glob("logs/*.jsonl")).read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [(each["name"], each["fault"]) for each in found if each["event"] == "retry"]


def test_a_database_that_drops_connections_is_asked_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf/contracts/desk").mkdir()
    (tmp_path / "conf/contracts/desk/contacts.yml").write_text(CONTRACT)
    desk = Desk(spark, tmp_path / "lake", tmp_path / "conf")
    fault = "a connection was refused, broke or took too long"
    with running() as server:
        desk.database = server.database()
        desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z')")
        monkeypatch.setenv("DESK_PASSWORD", PASSWORD)
        with moody(server.port, 2) as (port, served):
            monkeypatch.setenv("DESK_URL", f"jdbc:postgresql://127.0.0.1:{port}/{desk.database.name}")
            outcome = desk.load()
            assert outcome.status == 0, outcome.text
            assert served[:3] == [False, False, True]
        assert desk.rows("bronze.desk_contacts", "id") == [("1",)]
        assert retries_of(desk) == [("bronze desk_contacts", fault)] * 2
        assert PASSWORD not in outcome.text

        monkeypatch.setenv("DESK_URL", desk.database.url)
        monkeypatch.setenv("DESK_PASSWORD", "wrong")
        assert desk.load().status == 1
        assert retries_of(desk) == [], "a password does not become right by itself"

        with moody(server.port, 2) as (port, served):
            url = f"postgresql://127.0.0.1:{port}/postgres"
            settings = desk.settings(database=Database(url=url, user="postgres"))
            told: list[str] = []
            connection = retried(
                lambda _: Served(settings).publisher(), settings.retries, told=lambda *args: told.append(args[0])
            )
            with connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            assert told == [fault] * 2
    with pytest.raises((psycopg.Error, LakehouseError)):
        Served(settings).publisher()


def test_commits_that_meet_are_all_made(lake: Lake) -> None:
    names = [f"row {n}" for n in range(4)]

    def work(run: Lake) -> None:
        rows = lake.spark.range(1).selectExpr("1 AS id", "0 AS n")
        run.tables.append("gold.counter", rows)

        def add(_: str) -> None:
            changed = lake.spark.range(1).selectExpr("1 AS id", "1 AS n")
            run.tables.upsert("gold.counter", changed, ["id"])

        run.each(names, add, layer="gold")

    object.__setattr__(lake, "settings", lambda original=lake.settings, **each: original(retries=PATIENT, **each))
    outcome = lake.run(layers=["gold"], work=work)
    assert outcome.status == 0, outcome.text
    assert lake.rows("gold.counter", "id", "n") == [(1, 1)]
    assert {fault for _, fault in retries_of(lake)} == {"another commit came first"}
    updates = lake.spark.sql(f"DESCRIBE HISTORY delta.`{lake.root}/gold/counter`").filter("operation = 'MERGE'")
    assert updates.count() == 4


def test_a_batch_that_was_written_before_its_attempt_failed_is_there_once(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.land("Returns_2017", f"{RETURNS_HEADER},Reason\r\n1/5/2017,1,1,1,late\r\n")
    original, failures = ingest.bronze_step, iter([ConnectionResetError()])

    def break_once(*args: object, **options: object) -> object:
        for error in failures:
            raise error
        return original(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "bronze_step", break_once)
    outcome = lake.run(layers=["bronze"])
    assert outcome.status == 0, outcome.text
    assert len(retries_of(lake)) == 1
    assert lake.rows("bronze.adventureworks_returns", "ProductKey") == [("1",)]
    assert lake.rows("ops.steps", "rows_in") == [(1,)]
    assert lake.rows("ops.files", "status") == [("loaded",)]
