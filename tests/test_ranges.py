"""What a contract says of a database, the ranges that are read of it, and the SQL that asks for them."""

from pathlib import Path
from typing import Any

import pytest

from lib.config import read_contracts
from lib.contract import Jdbc
from lib.postgresql import columns_query, rows_query, survey_query
from lib.ranges import Range, micros_of, range_of

PLANTED = "hunter2"
FACTS: dict[str, Any] = {"url": "${env:URL}", "table": "public.contacts", "watermark": "updated_at"}
MOMENT = "timestamp with time zone"


def mistakes(folder: Path, jdbc: str, *lines: str) -> list[str]:
    """What is told of a contract of format jdbc."""
    file = folder / "desk/contacts.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    common = "source: desk\nentity: contacts\ndescription: One.\nkey: [id]\ncolumns: {id: {type: int}}\n"
    said = "" if any(line.startswith("format") for line in lines) else "format: jdbc\n"
    file.write_text(common + said + jdbc + "\n".join(lines))
    return [line.removeprefix(f"{file}: ") for line in read_contracts(folder)[1]]


def block(**changes: Any) -> str:
    """The block of a contract that is about the database."""
    return "jdbc: {" + ", ".join(f"{name}: '{value}'" for name, value in {**FACTS, **changes}.items()) + "}\n"


def test_a_contract_of_a_table_is_valid_before_its_references_are_there(tmp_path: Path) -> None:
    assert mistakes(tmp_path, block(user="reader", password="${file:/run/secrets/desk}", lag="5m")) == []
    assert mistakes(tmp_path, block(url="jdbc:postgresql://${env:HOST}:5432/desk?ssl=true", user="${env:USER}")) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": PLANTED}, "jdbc.password: is a secret in clear text (give a reference: ${env:NAME}, $"),
        ({"password": f"${{env:A}}{PLANTED}"}, "jdbc.password: is a secret in clear text"),
        (
            {"url": f"jdbc:postgresql://h/d?user=u&password={PLANTED}"},
            "jdbc.url: has credentials in it (leave them out: g",
        ),
        ({"url": f"jdbc:postgresql://u:{PLANTED}@h/d"}, "jdbc.url: has credentials in it"),
        ({"url": "jdbc:postgresql://h/d?password=${env:A}"}, "jdbc.url: has credentials in it"),
        ({"url": f"jdbc:mysql://{PLANTED}/d"}, "jdbc.url: is neither the URL of a PostgreSQL database (jdbc:postgre"),
        (
            {"url": "${HOME}"},
            "jdbc.url: has a reference that is neither ${env:NAME}, ${file:/path} or ${secret:scope/key} (the path of",
        ),
        ({"user": "${file:secret}"}, "jdbc.user: has a reference that is neither"),
        ({"table": 'a"; DROP TABLE b; --'}, "jdbc.table: 'a\"; DROP TABLE b; --' is not the name of a table"),
        ({"watermark": "public.at"}, "jdbc.watermark: 'public.at' is not the name of a column"),
        ({"lag": "soon"}, "jdbc.lag: 'soon' is not an age"),
        ({"partitions": 3}, "jdbc.partitions: parallel reads need a partition_by"),
        ({"watermak": "at"}, "jdbc.watermak: unknown key (allowed: url, user, password, table, watermark, lag, part"),
    ],
)
def test_what_it_may_not_say_of_the_database(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    [mistake] = mistakes(tmp_path, block(**changes))
    assert mistake.startswith(told)
    assert PLANTED not in mistake


def test_a_mistake_never_shows_what_stands_in_place_of_the_database(tmp_path: Path) -> None:
    for jdbc in (f"jdbc: {PLANTED}\n", f"jdbc: [{PLANTED}]\n", block().replace("}\n", f", password: [{PLANTED}]}}\n")):
        [mistake] = mistakes(tmp_path, jdbc)
        assert PLANTED not in mistake


def test_what_is_for_files_alone_is_refused_and_the_other_way_round(tmp_path: Path) -> None:
    of_files = ("files: a/*.csv", "csv: {}", "after_load: keep", "on_change: fail", "on_duplicate: skip",
                "control: {files: a/*.csv}", "snapshot: true")  # fmt: skip
    assert mistakes(tmp_path, block(), *of_files) == [
        f"{line.partition(':')[0]}: only for files (format jdbc reads a table of a database)" for line in of_files
    ]
    assert mistakes(tmp_path, "") == ["jdbc: is missing (format jdbc reads a table of a database)"]
    assert mistakes(tmp_path, block(), "format: csv") == ["files: is missing", "jdbc: only for format jdbc"]


def test_a_ranges_path_tells_all_of_it() -> None:
    for after, through, said in (
        (None, "2017-01-02T00:00:00Z", "..2017-01-02T00:00:00Z"),
        ("2017-01-01T00:00:00.000001Z", "2017-01-02T00:00:00Z", "2017-01-01T00:00:00.000001Z..2017-01-02T00:00:00Z"),
        ("-5", "17", "-5..17"),
    ):
        one = Range("public.contacts", after, through)
        assert one.path == f"jdbc:public.contacts/{said}"
        assert range_of(one.path) == one
    for path in ("a.csv", "jdbc:t/1..", "jdbc:t/1..2 OR true", "jdbc:t/..2017-01-01", "jdbc:t/'..3"):
        assert range_of(path) is None
    assert micros_of("2017-01-01T00:00:00.5Z") == 1_483_228_800_500_000


def test_names_and_bounds_are_quoted_for_postgresql() -> None:
    jdbc = Jdbc.model_validate({**FACTS, "table": "public.Odd$", "watermark": "select", "partition_by": "id"})
    assert 'to_regclass(\'"public"."Odd$"\')' in columns_query(jdbc)
    columns = {"select": MOMENT, 'a"b': "text", "n": "numeric"}
    assert rows_query(jdbc, columns, after=None, through="2017-01-01T00:00:00Z") == (
        """SELECT regexp_replace(CAST(("select" AT TIME ZONE 'UTC') AS text), """
        """'^([0-9-]+) ([0-9:.]+)$', '\\1T\\2Z') AS _0, """
        """CAST("a""b" AS text) AS _1, CAST("n" AS text) AS _2, "id" AS _partition """
        """FROM "public"."Odd$" WHERE "select" <= TIMESTAMPTZ '2017-01-01T00:00:00Z'"""
    )
    asked = survey_query(jdbc, "bigint", after="-1", through="5", lag_seconds=60)
    assert asked.endswith('FROM "public"."Odd$" WHERE "select" > (-1) AND "select" <= (5)')
    asked = survey_query(jdbc, MOMENT, after=None, through=None, lag_seconds=60)
    assert asked.endswith("""WHERE "select" <= now() - INTERVAL '60 seconds'""")
