"""Tables of a database: read by ranges of their watermark, each row once, whatever dies, and no secret told."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.pipeline.withdraw import withdraw
from tests.builders import CONF, Lake, Outcome
from tests.integration.contents import table_rows
from tests.integration.faults import cut_off, on_effects
from tests.integration.postgres import PASSWORD, READER, Database, Server, running

CONTACTS, FILES = "bronze.desk_contacts", "ops.files"
BOTH = ["bronze", "silver"]
PLANTED = "hunter2-hunter2"
TABLE = "CREATE TABLE contacts (id int, note text, updated_at timestamptz)"
CONTRACT = """\
source: desk
entity: contacts
description: One contact.
format: jdbc
jdbc:
  url: ${env:DESK_URL}
  user: reader
  password: ${env:DESK_PASSWORD}
  table: public.contacts
  watermark: updated_at
key: [id]
columns:
  id: {type: int}
  note: {type: string, optional: true}
  updated_at: {type: timestamp, optional: true}
"""


class Desk(Lake):
    """A lake that takes in one table of a database."""

    database: Database

    def settings(self, **changes: Any) -> Any:
        """The lake's settings; one table after the other, so that its state can be copied."""
        return super().settings(threads=1, **changes)

    def load(self, **asked: Any) -> Outcome:
        """A run of bronze for the table."""
        return self.run(**{"layers": ["bronze"], "only": ["desk_contacts"], **asked})

    def say(self, old: str, new: str) -> None:
        """Change the contract."""
        file = self.conf / "contracts/desk/contacts.yml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def copy(self, root: Path) -> "Desk":
        """The same lake in another folder, of the same database."""
        return Desk(self.spark, super().copy(root).root, self.conf)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests."""
    with running() as server:
        yield server


@pytest.fixture
def desk(spark: SparkSession, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A lake and an empty database."""
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf/contracts/desk").mkdir()
    (tmp_path / "conf/contracts/desk/contacts.yml").write_text(CONTRACT)
    lake = Desk(spark, tmp_path / "lake", tmp_path / "conf")
    lake.landing.mkdir(parents=True)
    lake.database = server.database()
    monkeypatch.setenv("DESK_URL", lake.database.url)
    monkeypatch.setenv("DESK_PASSWORD", PASSWORD)
    return lake


def test_a_table_is_read_whole_once_and_then_what_changed(desk: Desk) -> None:
    desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z'), (2, 'b', '2017-01-02 00:00:00.5Z')")
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    first = "jdbc:public.contacts/..2017-01-02T00:00:00.5Z"
    assert desk.rows(CONTACTS, "id", "note", "updated_at", "_rescued", "_source_file", "_source_modified_at || ''") == [
        ("1", "a", "2017-01-01T00:00:00Z", None, first, "2017-01-02 00:00:00.5"),
        ("2", "b", "2017-01-02T00:00:00.5Z", None, first, "2017-01-02 00:00:00.5"),
    ]
    desk.database.sql("UPDATE contacts SET note = 'A', updated_at = '2017-01-03Z' WHERE id = 1",
                      "INSERT INTO contacts VALUES (3, 'c', '2017-01-02 12:00Z')")  # fmt: skip
    assert desk.load(layers=BOTH).status == 0
    second = "jdbc:public.contacts/2017-01-02T00:00:00.5Z..2017-01-03T00:00:00Z"
    assert desk.rows("silver.desk_contacts", "id", "note") == [(1, "A"), (2, "b"), (3, "c")]
    assert desk.rows(CONTACTS, "id", "_batch_id", where="_batch_id = 2") == [("1", 2), ("3", 2)]
    assert desk.rows(FILES, "path", "status", "rows", "size", "batch_id") == [
        (first, "loaded", 2, 0, 1), (second, "loaded", 2, 0, 2),
    ]  # fmt: skip
    steps = desk.rows("ops.steps", "run_id", "rows_in", "files", where="layer = 'bronze'")
    assert steps == [(1, 2, 0), (2, 2, 0)]


def test_nothing_new_writes_nothing(desk: Desk) -> None:
    desk.database.sql(TABLE)
    assert desk.load().status == 0
    assert not (desk.root / "bronze").exists()
    assert not (desk.root / "ops/files").exists()
    desk.database.sql("INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z')")
    desk.load()
    before = {**desk.versions(), **_ops_versions(desk)}
    assert "0 warnings · 0 failed" in desk.load().text
    assert {**desk.versions(), **_ops_versions(desk)} == before


def _ops_versions(desk: Desk) -> dict[str, int]:
    """How many commits the ledger's tables have, but for that of the runs."""
    return {log.parent.name: len(list(log.glob("*.json"))) for log in desk.root.glob("ops/[fsq]*/_delta_log")}


@pytest.mark.slow
def test_a_run_that_died_is_simply_run_again(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z'), (2, 'b', '2017-01-01Z')")
    desk.load()
    desk.database.sql("UPDATE contacts SET note = 'B', updated_at = '2017-01-02Z' WHERE id = 2")
    dead: dict[str, Desk] = {}

    def after(label: str, table: str) -> None:
        if label in ("claim", "bronze desk_contacts", "settle", "ledger: steps"):
            dead[label] = desk.copy(tmp_path / label.replace(" ", "-").replace(":", ""))
            cut_off(dead[label].root, table)

    with monkeypatch.context() as patch:
        on_effects(patch, lambda _: None, after)
        assert desk.load().status == 0
    assert len(dead) == 4
    expected = table_rows(desk)
    later = dead["bronze desk_contacts"].copy(tmp_path / "later")
    for label, lake in dead.items():
        outcome = lake.load()
        assert outcome.status == 0, outcome.text
        assert table_rows(lake) == expected, label
    # what comes between is a range of its own and does not widen the one that was begun
    desk.database.sql("INSERT INTO contacts VALUES (3, 'c', '2017-01-03Z')")
    planned = "jdbc:public.contacts/2017-01-01T00:00:00Z..2017-01-02T00:00:00Z"
    assert later.rows(FILES, "path", where="status = 'planned'") == [(planned,)]
    assert later.load().status == 0
    assert later.rows(CONTACTS, "id", "_batch_id", where="_batch_id > 1") == [("2", 2), ("3", 3)]


def test_parallel_reads_bring_every_row_once(desk: Desk) -> None:
    desk.say("  watermark: updated_at\n", "  watermark: updated_at\n  partition_by: part\n  partitions: 3\n")
    desk.database.sql(
        "CREATE TABLE contacts (id int, note text, part numeric, updated_at timestamptz)",
        "INSERT INTO contacts SELECT n, 'x', CASE WHEN n % 7 > 0 THEN n - 500.5 END, '2017-01-01Z' "
        "FROM generate_series(1, 1000) AS n",
    )
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    assert desk.rows(CONTACTS, "count(*)", "count(DISTINCT id)", "count(DISTINCT _row_id)") == [(1000, 1000, 1000)]
    # Spark numbers the rows of each read from another multiple of 2^33 on
    assert desk.rows(CONTACTS, "count(DISTINCT shiftright(_row_id, 33))") == [(3,)]
    desk.database.sql("INSERT INTO contacts VALUES (1001, 'y', NULL, '2017-01-02Z'), (1002, 'z', 'NaN', '2017-01-02Z')")
    assert desk.load().status == 0
    assert desk.rows(CONTACTS, "id", where="_batch_id = 2") == [("1001",), ("1002",)]


def test_values_are_the_exact_texts_that_the_database_gives(desk: Desk) -> None:
    kinds = {
        "amount": "numeric(20,10)", "at": "timestamptz", "plain": "timestamp", "flag": "boolean", "day": "date",
        "real": "double precision", "tags": "text[]", "doc": "jsonb", "times": "timestamptz[]",
    }  # fmt: skip
    columns = "".join(f"  {name}: {{type: string}}\n" for name in kinds)
    desk.say("columns:\n", f"columns:\n{columns}")
    table = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    desk.database.sql(
        f"CREATE TABLE contacts ({table}, id int, note text, updated_at timestamptz)",
        """INSERT INTO contacts VALUES (12345.1000000001, '2017-03-26 02:30:00.123456+02', '2017-01-01 12:00', true,
           '2017-01-31', 0.1, '{a,"b c"}', '{"a": 1.10}', '{"2017-01-01 00:00Z"}', 1, E'say "hi",\\n\\'é\\' \\\\ ;',
           '2017-01-01Z')""",
        "INSERT INTO contacts (id, note, at, updated_at) VALUES (2, '', 'infinity', '2017-01-01Z')",
    )
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    assert desk.rows(CONTACTS, *[f"`{name}`" for name in kinds], "note") == [
        (
            "12345.1000000001", "2017-03-26T00:30:00.123456Z", "2017-01-01T12:00:00", "true", "2017-01-31", "0.1",
            '{a,"b c"}', '{"a": 1.10}', '{"2017-01-01 00:00:00+00"}', 'say "hi",\n\'é\' \\ ;',
        ),
        (None, "infinity", *[None] * 7, ""),
    ]  # fmt: skip


def test_what_the_contract_does_not_know_is_kept_and_told(desk: Desk) -> None:
    desk.database.sql(
        'CREATE TABLE contacts (id int, "Mood?" text, mood text, updated_at timestamptz)',
        "INSERT INTO contacts VALUES (1, 'good', 'bad', '2017-01-01Z'), (2, NULL, NULL, '2017-01-01Z')",
    )
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    assert desk.rows(CONTACTS, "id", "_rescued") == [("1", '{"Mood?":"good","mood":"bad"}'), ("2", None)]
    assert "columns Mood?, mood are not in the contract; the values are kept in _rescued" in outcome.text


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (None, "desk_contacts: there is no table public.contacts in the database, or its user may not see it"),
        (
            "CREATE TABLE contacts (note text, updated_at timestamptz)",
            "desk_contacts: public.contacts: column id is missing (there are note, updated_at)",
        ),
        (
            "CREATE TABLE contacts (id int, updated_at date)",
            "public.contacts: watermark: column updated_at is date; it must be one of smallint, integer, bigint, "
            "timestamp with time zone, timestamp without time zone",
        ),
        (
            "CREATE TABLE contacts (id int)",
            "public.contacts: watermark: column updated_at is missing (there are id); it must be one of",
        ),
        (
            f"{TABLE}; REVOKE ALL ON contacts FROM {READER}",
            "desk_contacts: the database cannot be asked: ERROR: permission denied for table contacts",
        ),
    ],
)
def test_a_table_that_lacks_something_is_refused(desk: Desk, table: str | None, told: str) -> None:
    if table:
        desk.database.sql(table)
    outcome = desk.plan(only=["desk_contacts"])
    assert outcome.status == 1
    assert told in outcome.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"DESK_PASSWORD": PLANTED}, 'asked: FATAL: password authentication failed for user "reader"'),
        ({"DESK_PASSWORD": ""}, "desk/contacts.yml: jdbc.password: the environment variable DESK_PASSWORD is not set"),
        ({"DESK_URL": f"mysql://{PLANTED}"}, "desk/contacts.yml: jdbc.url: what it refers to is not the URL"),
        (
            {"DESK_URL": f"jdbc:postgresql://me:{PLANTED}@db/desk"},
            "desk/contacts.yml: jdbc.url: what it refers to has credentials in it (leave them out: give `user`, and",
        ),
        ({"DESK_URL": f"jdbc:postgresql://db:{PLANTED}/desk"}, "cannot be asked: Unable to parse URL …"),
    ],
)
def test_what_the_contract_refers_to_is_refused_without_being_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], told: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    outcome = desk.plan(only=["desk_contacts"])
    assert outcome.status == 1
    assert told in outcome.text
    assert PLANTED not in outcome.text


def test_a_database_that_cannot_be_reached_fails_its_entity_and_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_URL", "jdbc:postgresql://127.0.0.1:1/desk")
    header = "agent_id,name,team,hired_on,updated_at"
    desk.land("crm/agents/1.csv", f"{header}\nA1,Ada,One,2016-01-01,2017-01-01T00:00:00Z\n", source=".")
    outcome = desk.load(only=["desk_contacts", "crm_agents"])
    assert outcome.status == 1
    assert "X desk_contacts: the database cannot be asked: Connection to 127.0.0.1:1 refused" in outcome.text
    assert desk.rows("bronze.crm_agents", "agent_id") == [("A1",)]


def test_a_password_may_stand_in_a_file(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    desk.say("${env:DESK_PASSWORD}", f"${{file:{secret}}}")
    told = f"desk/contacts.yml: jdbc.password: {secret} cannot be read: No such file or directory"
    assert told in desk.load().text
    secret.write_text(f"{PASSWORD}\n")
    desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z')")
    assert desk.load().status == 0
    assert desk.read(CONTACTS).count() == 1


def test_no_secret_is_told_anywhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z'), (2, 'b', '2017-01-01Z')")
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    desk.say("public.contacts", "public.broken")
    desk.database.sql("CREATE VIEW broken AS SELECT 1 / (id - 1) AS id, updated_at FROM contacts")
    broken = desk.load()
    assert broken.status == 1
    assert "desk_contacts: the database says: ERROR: division by zero" in broken.text
    monkeypatch.setenv("DESK_PASSWORD", PLANTED)
    refused = desk.load()
    assert refused.status == 1
    for secret in (PASSWORD, PLANTED, desk.database.url):
        assert not _places_of(secret, desk, outcome, broken, refused)


def _places_of(secret: str, desk: Desk, *outcomes: Outcome) -> list[str]:
    """Where a secret stands: in what was printed, in the lake's files and tables, in Spark's settings, in processes."""
    places = [f"printed: {each.text}" for each in outcomes if secret in each.text]
    places += [str(file) for file in desk.root.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    places += [name for name, rows in table_rows(desk).items() if secret in str(rows)]
    settings = [*desk.spark.sparkContext.getConf().getAll(), *desk.spark.conf.getAll.items()]
    places += [name for name, value in settings if secret in value]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            places += [str(process)] if secret.encode() in process.read_bytes() else []
        except OSError:
            continue
    return places


def test_rows_younger_than_the_lag_wait(desk: Desk) -> None:
    desk.say("  watermark: updated_at\n", "  watermark: updated_at\n  lag: 10m\n")
    desk.database.sql(
        "CREATE TABLE contacts (id int, note text, updated_at timestamp)",
        "INSERT INTO contacts VALUES (1, 'old', now() AT TIME ZONE 'UTC' - interval '11 minutes')",
        "INSERT INTO contacts VALUES (2, 'young', now() AT TIME ZONE 'UTC' - interval '9 minutes')",
        "INSERT INTO contacts VALUES (3, 'never', NULL), (4, 'never', 'infinity')",
    )
    outcome = desk.load()
    assert desk.rows(CONTACTS, "note") == [("old",)]
    assert "! desk_contacts: public.contacts has rows without updated_at; they are never read" in outcome.text
    desk.database.sql("UPDATE contacts SET updated_at = updated_at - interval '2 minutes' WHERE id < 3")
    desk.load()
    assert desk.rows(CONTACTS, "note") == [("old",), ("young",)]


def test_a_whole_number_may_be_the_watermark(desk: Desk) -> None:
    desk.say("watermark: updated_at", "watermark: version")
    desk.say("  updated_at: {type: timestamp, optional: true}\n", "  version: {type: int}\n")
    desk.database.sql("CREATE TABLE contacts (id int, version bigint)", "INSERT INTO contacts VALUES (1, -1), (2, 9)")
    assert desk.load().status == 0
    desk.database.sql("UPDATE contacts SET version = 10 WHERE id = 1")
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    assert desk.rows(CONTACTS, "id", "version") == [("1", "-1"), ("1", "10"), ("2", "9")]
    assert desk.rows(FILES, "path", "rows", "modified_at > now() - INTERVAL 1 HOUR") == [
        ("jdbc:public.contacts/..9", 2, True), ("jdbc:public.contacts/9..10", 1, True),
    ]  # fmt: skip
    desk.say("watermark: version", "watermark: version\n  lag: 5m")
    assert "lag: column version is bigint and tells no age; leave it out" in desk.load().text


@pytest.mark.slow
def test_a_range_is_withdrawn_like_a_file_and_is_not_read_again(desk: Desk) -> None:
    desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z')")
    desk.load()
    desk.database.sql("UPDATE contacts SET note = 'bad', updated_at = '2017-01-02Z'")
    desk.load()
    path = "jdbc:public.contacts/2017-01-01T00:00:00Z..2017-01-02T00:00:00Z"
    outcome = desk.load(layers=["silver"], prepare=withdraw(path))
    assert f"{path}: 1 rows of batch 2 withdrawn from desk_contacts" in outcome.text
    assert desk.rows("silver.desk_contacts", "id", "note") == [(1, "a")]
    assert desk.load().status == 0
    assert desk.rows(CONTACTS, "note") == [("a",)]
    desk.database.sql("UPDATE contacts SET note = 'good', updated_at = '2017-01-03Z'")
    assert desk.load().status == 0
    assert desk.rows(CONTACTS, "note") == [("a",), ("good",)]


def test_a_plan_tells_the_range_and_its_rows_and_changes_nothing(desk: Desk) -> None:
    desk.database.sql(TABLE, "INSERT INTO contacts VALUES (1, 'a', '2017-01-01Z'), (2, 'b', '2017-01-02Z')")
    outcome = desk.plan(only=["desk_contacts"])
    assert outcome.status == 0, outcome.text
    assert "desk_contacts                         public.contacts through 2017-01-02T00:00:00Z: 2 rows" in outcome.text
    assert "desk_contacts                         what comes in is judged" in outcome.text
    assert "0 files to load, 0 bytes · 2 rows of databases to read" in outcome.text
    assert not (desk.root / "ops").exists()


@pytest.mark.slow
def test_another_table_is_read_from_its_beginning(desk: Desk) -> None:
    rows = "INSERT INTO {} VALUES (1, 'a', '2017-01-01Z')"
    desk.database.sql(TABLE, TABLE.replace("contacts", "people"), rows.format("contacts"), rows.format("people"))
    desk.load()
    desk.say("public.contacts", "public.broken")
    desk.database.sql("CREATE VIEW broken AS SELECT 1 / (id - 1) AS id, updated_at FROM contacts")
    assert desk.load().status == 1
    desk.say("public.broken", "public.people")
    outcome = desk.load()
    assert outcome.status == 0, outcome.text
    begun = "jdbc:public.broken/..2017-01-01T00:00:00Z"
    assert f"! {begun}: not loaded: its contract names another table" in outcome.text
    assert desk.rows(FILES, "path", "status") == [
        (begun, "unclaimed"),
        ("jdbc:public.contacts/..2017-01-01T00:00:00Z", "loaded"),
        ("jdbc:public.people/..2017-01-01T00:00:00Z", "loaded"),
    ]
