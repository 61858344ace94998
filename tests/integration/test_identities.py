"""Records of several systems are one person with one id, which stays whatever comes later."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from lib.config import Settings
from lib.errors import LakehouseError
from lib.identity.tables import DECISIONS, FORMER, IDENTITIES, LINKS, RECORDS
from lib.pipeline import identify as step
from lib.pipeline.context import Run
from lib.pipeline.decide import export_review
from lib.pipeline.identify import identify, resolve
from lib.tables import Tables
from tests.builders import Lake, Outcome

ENTITIES = ["pos_customers", "crm_customers", "crm_phones", "crm_interactions"]
CENTRE = "customer_id,first_name,last_name,birth_date,email,gender,updated_at"
PHONES = "phone_id,customer_id,type,number,valid_from,valid_to,updated_at"

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Person:
    """What a record says of somebody."""

    name: str
    birth_date: str = "1985-12-10"
    email: str = ""
    phone: str = ""


class Known(Lake):
    """A lake of members and of people of the contact centre."""

    rules: dict[str, Any] = {}  # noqa: RUF012 of one test

    def settings(self, **changes: Any) -> Settings:
        """The lake's settings, with other rules where a test has some."""
        found = super().settings(**changes)
        return super().settings(identity=found.identity.model_copy(update=self.rules), **changes)

    def night(
        self,
        number: int,
        *,
        pos: dict[str, Person] | None = None,
        crm: dict[str, Person] | None = None,
        calls: Sequence[str] = (),
    ) -> None:
        """Land records by their ids, and calls of people, and take them to silver."""
        at = f"2017-01-{number:02d}"
        members = [
            {"customer_id": key, "name": who.name, "email": who.email, "phone": who.phone, "birth_date": who.birth_date,
             "updated_at": at}
            for key, who in (pos or {}).items()
        ]  # fmt: skip
        people = [
            f"{key},{','.join(who.name.split(' ', 1))},{who.birth_date},{who.email},,{at}"
            for key, who in (crm or {}).items()
        ]
        phones = [f"N{key},{key},mobile,{who.phone},,,{at}" for key, who in (crm or {}).items() if who.phone]
        if members:
            self.land(f"customers/{number}.jsonl", "\n".join(map(json.dumps, members)), source="pos")
        if people:
            self.land(f"customers/{number}.csv", "\n".join([CENTRE, *people, ""]), source="crm")
        if phones:
            self.land(f"phones/{number}.csv", "\n".join([PHONES, *phones, ""]), source="crm")
        contacts = [
            {"interaction_id": f"I{number}{key}", "customer_id": key, "channel": "phone", "type": "question",
             "started_at": at, "updated_at": at}
            for key in calls
        ]  # fmt: skip
        if contacts:
            self.land(f"interactions/{number}.jsonl", "\n".join(map(json.dumps, contacts)), source="crm")
        outcome = self.run(layers=["bronze", "silver"], only=ENTITIES)
        assert outcome.status == 0, outcome.text

    def decide(self, *lines: str) -> Path:
        """A file of decisions."""
        file = self.root / "decisions.csv"
        file.write_text("\n".join(["left,right,decision,by,note", *lines, ""]), encoding="utf-8")
        return file

    def identify(self, **asked: Any) -> Outcome:
        """Find out who is who."""
        outcome = self.run(layers=[], work=identify(**asked))
        assert outcome.status == 0, outcome.text
        return outcome

    def ids(self) -> dict[str, str]:
        """The person's id of each record."""
        return dict(self.rows("silver.customer_identities", "concat(source, ':', source_customer_id)", "customer_id"))

    def events(self, run_id: int) -> list[tuple[Any, ...]]:
        """What a run found out."""
        columns = ("key", "event", "before", "customer_id", "linked_to", "rule")
        return self.rows("silver.identity_events", *columns, where=f"run_id = {run_id}")


@pytest.fixture
def known(lake: Lake) -> Known:
    found = Known(lake.spark, lake.root, lake.conf)
    found.night(
        1,
        pos={
            "C1": Person("Ada Byron", email="ada@example.com", phone="(206) 555-0101"),
            # twins: all is the same but the first name
            "C2": Person("Bo Boole", email="boole@example.com", phone="206-555-0102"),
            "C3": Person("Di Boole", email="boole@example.com", phone="206-555-0102"),
        },
        crm={"P1": Person("ADA King", email="Ada@example.com")},
    )
    return found


K1, K2, K3, K4 = (f"K00000000{n}" for n in range(1, 5))


@pytest.mark.slow
def test_an_id_stays_while_records_join_part_and_turn_out_to_be_one_person(known: Known) -> None:
    known.identify()
    first = known.ids()
    assert first == {"crm:P1": K1, "pos:C1": K1, "pos:C2": K2, "pos:C3": K3}
    before = known.versions()
    known.identify()
    assert known.versions() == before
    assert known.rows("ops.steps", "mode", where="layer = 'identity'") == [("incremental",)]

    # a new person; and a number that leads from Ada's record to one under another e-mail address
    known.night(2, crm={"P2": Person("Ada Lovelace", email="new@example.net", phone="+1 206 555 0199")})
    known.identify()
    assert known.ids() == {**first, "crm:P2": K4}
    known.night(3, pos={"C4": Person("Ada Byron", email="ada@example.com", phone="2065550199")})
    known.identify()
    # of the two ids the older survives
    assert known.ids() == {**first, "crm:P2": K1, "pos:C4": K1}
    assert known.events(7) == [
        ("crm:P2", "merged", K4, K1, "pos:C4", "phone_and_birth_date"),
        ("pos:C4", "joined", None, K1, "pos:C1", "email_and_birth_date"),
    ]

    # the bridge says something else now: the side with the oldest record keeps the id
    known.night(4, pos={"C4": Person("Ada Byron", email="other@example.com", phone="2065550199")})
    known.identify()
    anew = "K000000005"
    assert known.ids() == {**first, "crm:P2": anew, "pos:C4": anew}
    assert {(key, event) for key, event, *_ in known.events(9)} == {("crm:P2", "split"), ("pos:C4", "split")}
    # the id that P2 had leads to where P2 is now
    assert known.rows(FORMER, "former_id", "customer_id", "since_run_id") == [(K4, anew, 7)]
    assert known.rows(IDENTITIES, "count(*)", "count(DISTINCT source, source_customer_id)") == [(6, 6)]


def test_where_no_table_has_other_rows_nothing_is_read(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    known.identify()
    # described, which changes no row
    Tables(known.spark, known.root).set_properties("silver.pos_customers", {"comment": "members"})
    with monkeypatch.context() as blind:
        blind.setattr(step, "people", lambda *_, **__: pytest.fail("the records were read"))
        assert "unchanged" in known.identify().text


@pytest.mark.slow
def test_a_customer_whom_only_a_fact_names_has_an_id_that_stays_when_the_record_comes(known: Known) -> None:
    known.identify()
    known.night(2, calls=["P7", "P8", "P1"])
    known.identify()
    assert {key: known.ids()[key] for key in ("crm:P7", "crm:P8")} == {"crm:P7": K4, "crm:P8": "K000000005"}
    # one of them is nobody known, the other one Ada
    known.night(3, crm={"P7": Person("Eve Gauss"), "P8": Person("Ada Byron", email="ada@example.com")}, calls=["P7"])
    known.identify()
    assert {key: known.ids()[key] for key in ("crm:P7", "crm:P8")} == {"crm:P7": K4, "crm:P8": K1}
    assert known.rows(FORMER, "former_id", "customer_id") == [("K000000005", K1)]
    # and a record that is gone keeps its id, and what it said
    Tables(known.spark, known.root).delete("silver.crm_customers", F.col("customer_id") == "P7")
    known.identify()
    assert known.ids()["crm:P7"] == K4
    assert known.rows(RECORDS, "first_name", where="key = 'crm:P7'") == [("eve",)]


def test_who_is_who_is_not_asked_while_a_table_of_customers_failed(known: Known) -> None:
    def work(run: Run) -> None:
        run.fail("pos_customers", "broken")
        resolve(run)

    outcome = known.run(layers=[], work=work)
    assert outcome.status == 1
    assert "silver.customer_identities: not resolved: pos_customers failed" in outcome.text
    assert "silver.customer_identities" not in known.versions()


@pytest.mark.slow
def test_what_a_person_decided_of_two_records_is_final(known: Known, tmp_path: Path) -> None:
    known.night(2, crm={"P3": Person("Ada Byron", phone="2065550101")})
    known.rules = {"exact": {"email": ["email"], "phone": ["phone"]}}
    known.identify()
    assert known.ids() == {"crm:P1": K1, "crm:P3": K1, "pos:C1": K1, "pos:C2": K2, "pos:C3": K3}
    # what waits is written as a file of decisions, which a person fills in
    file = tmp_path / "review.csv"
    assert export_review(Tables(known.spark, known.root), file) == 1
    with file.open(encoding="utf-8") as lines:
        [row] = csv.DictReader(lines)
    assert (row["left"], row["right"], row["decision"], row["why"]) == ("pos:C2", "pos:C3", "", "other first name")
    assert row["left_says"].startswith("bo, boole, 1985-12-10")

    # the twins are one after all, and P3 is not P1, though C1 leads from one to the other
    known.identify(decisions=known.decide("pos:C3,pos:C2,same,Eve,asked her", "crm:P1,crm:P3,different,Eve,"))
    found = known.ids()
    assert found["pos:C2"] == found["pos:C3"] == K2
    assert len({found["crm:P1"], found["crm:P3"], found["pos:C1"]}) == 3
    assert found["crm:P1"] == K1
    before = known.versions()
    known.identify()
    assert known.versions() == before
    # the pairs of which something was decided wait no more; those that had to give way do
    assert {row[:2] for row in known.rows("silver.identity_review", "key_l", "key_r")} == {
        ("crm:P1", "pos:C1"), ("crm:P3", "pos:C1"),
    }  # fmt: skip
    # a record that changes does not undo it
    known.night(3, pos={"C1": Person("Ada M Byron", email="ada@example.com", phone="(206) 555-0101")})
    known.identify()
    assert known.ids() == found

    # another decision of a pair takes the place of the first
    known.identify(decisions=known.decide("crm:P1,crm:P3,same,Eve,I was wrong"))
    assert known.ids()["crm:P3"] == K1
    columns = ("key_l", "key_r", "decision", "note")
    assert known.rows(DECISIONS, *columns) == [
        ("crm:P1", "crm:P3", "same", "I was wrong"), ("pos:C2", "pos:C3", "same", "asked her"),
    ]  # fmt: skip


def test_a_file_of_decisions_with_a_mistake_is_not_taken(known: Known) -> None:
    known.identify()
    before = known.versions()
    file = known.decide(
        "pos:C1,pos:C2,same,,", "pos:C2,pos:C3,same,,", "pos:C1,pos:C3,different,,", "pos:C1,pos:C9,same,,"
    )
    with pytest.raises(LakehouseError, match=r"decisions.csv:5: there is no record 'pos:C9'"):
        known.run(layers=[], work=identify(decisions=file))
    file.write_text(file.read_text("utf-8").replace("pos:C1,pos:C9,same,,\n", ""), encoding="utf-8")
    with pytest.raises(LakehouseError, match=r"decisions.csv:4: 'pos:C1' and 'pos:C3' are different, but other"):
        known.run(layers=[], work=identify(decisions=file))
    with pytest.raises(LakehouseError, match=r"nowhere.csv: cannot be read"):
        known.run(layers=[], work=identify(decisions=known.root / "nowhere.csv"))
    assert known.versions() == before


@pytest.mark.slow
def test_records_that_contradict_each_other_and_too_many_of_them_are_for_a_person_to_look_at(known: Known) -> None:
    known.rules = {"exact": {"email": ["email"]}, "largest": 2}
    known.identify()
    # the twins have one e-mail address: the rule joins them, and their first names part them
    assert known.ids() == {"crm:P1": K1, "pos:C1": K1, "pos:C2": K2, "pos:C3": K3}
    known.night(
        2,
        pos={"C5": Person("Eve Byron", birth_date="1990-01-01", email="eve@example.com")},
        crm={"P5": Person("Eve Byron", birth_date="1991-01-01", email="eve@example.com"),
             "P6": Person("Ada Byron", email="ada@example.com")},
    )  # fmt: skip
    known.identify()
    assert {key: known.ids()[key] for key in ("crm:P1", "pos:C1")} == {"crm:P1": K1, "pos:C1": K1}
    assert len({known.ids()[key] for key in ("pos:C5", "crm:P5", "crm:P6", "pos:C1")}) == 4
    assert known.rows("silver.identity_review", "key_l", "key_r", "why") == [
        ("crm:P1", "crm:P6", "3 records are more than 2"),
        ("crm:P5", "pos:C5", "other birth date"),
        ("crm:P6", "pos:C1", "3 records are more than 2"),
        ("pos:C2", "pos:C3", "other first name"),
    ]


@pytest.mark.parametrize("table", [LINKS, IDENTITIES, RECORDS])
def test_a_run_that_dies_before_it_wrote_a_table_is_simply_run_again(
    known: Known, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Tables.append

    def die(self: Tables, name: str, *rest: Any, **options: Any) -> Any:
        if name == table:
            raise KeyboardInterrupt
        return append(self, name, *rest, **options)

    with monkeypatch.context() as dead:
        dead.setattr(Tables, "append", die)
        with pytest.raises(KeyboardInterrupt):
            known.identify()
    known.identify()
    assert known.ids() == {"crm:P1": K1, "pos:C1": K1, "pos:C2": K2, "pos:C3": K3}
    assert known.rows("silver.identity_events", "key", "event") == [
        ("crm:P1", "created"), ("pos:C1", "created"), ("pos:C2", "created"), ("pos:C3", "created"),
    ]  # fmt: skip
    assert known.rows("silver.identity_records", "count(*)") == [(4,)]
