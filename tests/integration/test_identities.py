"""Records of several systems are one person with one id, which stays whatever comes later."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from lib.config import Settings
from lib.identity.tables import IDENTITIES, LINKS, RECORDS
from lib.pipeline.identify import identify
from lib.tables import Tables
from tests.builders import Lake, Outcome

ENTITIES = ["pos_customers", "crm_customers", "crm_phones"]
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

    def night(self, number: int, *, pos: dict[str, Person] | None = None, crm: dict[str, Person] | None = None) -> None:
        """Land records by their ids, and take them to silver."""
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
        outcome = self.run(layers=["bronze", "silver"], only=ENTITIES)
        assert outcome.status == 0, outcome.text

    def identify(self) -> Outcome:
        """Find out who is who."""
        outcome = self.run(layers=[], work=identify())
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


def test_an_id_stays_while_records_join_part_and_turn_out_to_be_one_person(known: Known) -> None:
    known.identify()
    first = known.ids()
    assert first == {"crm:P1": K1, "pos:C1": K1, "pos:C2": K2, "pos:C3": K3}
    before = known.versions()
    known.identify()
    assert known.versions() == before

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
    write_diff = Tables.write_diff

    def die(self: Tables, name: str, *rest: Any, **options: Any) -> Any:
        if name == table:
            raise KeyboardInterrupt
        return write_diff(self, name, *rest, **options)

    with monkeypatch.context() as dead:
        dead.setattr(Tables, "write_diff", die)
        with pytest.raises(KeyboardInterrupt):
            known.identify()
    known.identify()
    assert known.ids() == {"crm:P1": K1, "pos:C1": K1, "pos:C2": K2, "pos:C3": K3}
    assert known.rows("silver.identity_events", "key", "event") == [
        ("crm:P1", "created"), ("pos:C1", "created"), ("pos:C2", "created"), ("pos:C3", "created"),
    ]  # fmt: skip
    assert known.rows("silver.identity_records", "count(*)") == [(4,)]
