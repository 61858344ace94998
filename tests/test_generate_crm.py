"""The generator of the contact centre: its bytes, who is who in three systems, and that the truth says all of it."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lib.config import Settings, load_settings
from lib.errors import ConfigError
from lib.generate.adventureworks import draw_web_people, generate
from lib.generate.demo import generate_landing
from lib.generate.faults import CENTRE_FAULTS, INTERACTION_FAULTS, PAYMENT_FAULTS, PERSON_FAULTS
from lib.generate.nicknames import NICKNAMES
from lib.generate.pos import generate_pos
from lib.lakehouse import Overlap
from tests.test_generate_pos import Line, bytes_of, judged, landed, matches, records, told, truth

CONF = Path(__file__).resolve().parents[1] / "conf"
RATES = dict.fromkeys(CENTRE_FAULTS, 0.02)
PEOPLE = 4_000
CONTACTS = ("moved", "new_phone")

Rows = list[dict[str, Any]]


def settings(
    root: Path, *, faults: dict[str, float] | None = None, fraud: dict[str, float] | None = None, **rates: float
) -> Settings:
    """The project's own configuration, without faults and fraud unless they are given, and other rates of overlap."""
    known = load_settings(CONF, root=str(root))
    demo = known.demo.model_copy(
        update={
            "pos": known.demo.pos.model_copy(update={"faults": {}, "fraud": {}}),
            "crm": known.demo.crm.model_copy(update={"faults": faults or {}, "fraud": fraud or {}}),
            "overlap": known.demo.overlap.model_copy(update=rates),
        }
    )
    return replace(known, demo=demo)


def small(root: Path, **asked: Any) -> Path:
    """A lake of 120 people of each source."""
    generate_landing(settings(root, faults=RATES), **{"customers": 120, "rows": 200, "files": 1, **asked})
    return root


def table(root: Path, pattern: str, encoding: str = "utf-8") -> Rows:
    """The rows of CSV files, in the order of the files' names."""
    found: Rows = []
    for path in sorted((root / "landing").glob(pattern)):
        with path.open(encoding=encoding, newline="") as file:
            found += csv.DictReader(file)
    return found


def latest(rows: Rows, key: str) -> dict[str, dict[str, Any]]:
    """The newest version of each key."""
    return {row[key]: row for row in sorted(rows, key=lambda row: str(row["updated_at"]))}


def iso(text: str | None, pattern: str = "%d/%m/%Y") -> str | None:
    """A date that is written in one way or as ISO has it; other texts stay as they are."""
    if text and matches(text, pattern):
        return datetime.strptime(text, pattern).date().isoformat()
    return text or None


def digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-10:]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 people of each source, and no faults."""
    root = tmp_path_factory.mktemp("lake")
    generate_landing(settings(root, twins=0.3), customers=PEOPLE, rows=4_000, files=1)
    return root


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4,000 people of the contact centre with ten times the usual faults."""
    root = tmp_path_factory.mktemp("faulty")
    generate_landing(settings(root, faults=RATES), source="crm", customers=PEOPLE, rows=200, files=1)
    return root


@pytest.fixture(scope="module")
def known(lake: Path) -> Rows:
    return truth(lake, "people.jsonl")


@pytest.fixture(scope="module")
def people(lake: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """What each system has of each of its people, as one form: names in capitals, ISO dates, no text for none."""
    shop = {row["CustomerKey"]: row for row in table(lake, "adventureworks/AdventureWorks_Customers.csv", "cp1252")}
    tills = latest(records(landed(lake, "pos/customers/*")), "customer_id")
    centre = latest(table(lake, "crm/customers/*"), "customer_id")
    found = {}
    for key, row in shop.items():
        name = f"{row['FirstName']} {row['LastName']}"
        found["adventureworks", key] = person(name, row["EmailAddress"], iso(row["BirthDate"], "%m/%d/%Y"))
    for key, row in tills.items():
        found["pos", key] = person(row["name"], row["email"], row["birth_date"], digits(row["phone"]))
    for key, row in centre.items():
        found["crm", key] = person(f"{row['first_name']} {row['last_name']}", row["email"], row["birth_date"])
    return found


def person(name: str, email: str | None, birth: str | None, phone: str = "") -> dict[str, Any]:
    words = name.upper().split()
    said = {"name": name.upper(), "first": words[0], "last": words[-1]}
    return {**said, "email": email or None, "birth": iso(birth), "phone": phone}


@pytest.fixture(scope="module")
def pairs(known: Rows, people: dict[tuple[str, str], dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The first record of each person, each later one, and in what the latter is said to differ."""
    firsts: dict[int, dict[str, Any]] = {}
    found = []
    for line in known:
        record = people[line["source"], line["id"]]
        if line["person"] in firsts:
            found.append((firsts[line["person"]], record, line["differs"]))
        firsts.setdefault(line["person"], record)
    return found


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    assert bytes_of(small(tmp_path / "one")) == bytes_of(small(tmp_path / "two"))


def test_another_seed_writes_other_bytes_everywhere(tmp_path: Path) -> None:
    one, two = (bytes_of(small(tmp_path / str(seed), seed=seed, source="crm") / "landing") for seed in (1, 2))
    assert [name for name in one if one[name] == two.get(name)] == []


def test_the_contact_centre_alone_writes_what_it_writes_beside_the_others(tmp_path: Path) -> None:
    together, alone = bytes_of(small(tmp_path / "all")), bytes_of(small(tmp_path / "crm", source="crm"))
    assert alone == {
        name: content for name, content in together.items() if "crm" in name or name == "truth/people.jsonl"
    }


def test_the_web_shop_is_the_same_with_and_without_the_others(tmp_path: Path) -> None:
    together = bytes_of(small(tmp_path / "all") / "landing" / "adventureworks")
    generate(tmp_path / "alone", customers=120, start=date(2015, 1, 1), end=date(2017, 6, 30), seed=7)
    assert bytes_of(tmp_path / "alone") == together


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_tills_without_web_customers_do_not_care_how_much_the_systems_overlap(tmp_path: Path, rate: float) -> None:
    days: dict[str, Any] = {"start": date(2016, 7, 1), "end": date(2017, 6, 30), "seed": 7, "rows": 300, "faults": {}}
    overlap = dict.fromkeys(Overlap.model_fields, rate)
    generate_pos(tmp_path / "one/pos", truth=tmp_path / "one/truth", **days)
    generate_pos(tmp_path / "two/pos", truth=tmp_path / "two/truth", web=None, overlap=overlap, **days)
    generate_landing(settings(tmp_path / "three", **overlap), source="pos", rows=300)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    assert bytes_of(tmp_path / "one/pos") == bytes_of(tmp_path / "three/landing/pos")


def test_sales_are_of_the_same_products_and_days_whoever_the_members_are(tmp_path: Path) -> None:
    names = ("transaction_id", "customer_id", "product", "date")
    alone, together = (
        [tuple(str(row[name]) for name in names) for row in records(landed(root, "pos/sales/*"))]
        for root in (small(tmp_path / "pos", source="pos"), small(tmp_path / "all"))
    )
    assert alone == together


def test_the_files_have_the_columns_of_their_contracts(lake: Path) -> None:
    for name, contract in load_settings(CONF).contracts.items():
        if not name.startswith("crm_"):
            continue
        paths = [each for each in lake.joinpath("landing").rglob("*") if each.match(contract.files) and each.is_file()]
        assert paths
        wanted = [column.from_ or at for at, column in contract.columns.items()]
        for path in paths:
            text = path.read_bytes().decode("utf-8")
            assert text.endswith("\n")
            assert "\r" not in text
            line = text.split("\n", 1)[0]
            found = line.split(",") if path.suffix == ".csv" else list(json.loads(line))
            assert found == list(dict.fromkeys(each.split(".")[0] for each in wanted))


def test_the_truth_has_every_record_of_the_three_systems_once(
    known: Rows, people: dict[tuple[str, str], dict[str, Any]]
) -> None:
    ids = [(line["source"], line["id"]) for line in known]
    assert Counter(ids) == Counter(people.keys())


def test_the_systems_share_as_many_people_as_configured(known: Rows) -> None:
    of: dict[str, set[int]] = defaultdict(set)
    for line in known:
        of[line["source"]].add(line["person"])
    web, pos, crm = (of[name] for name in ("adventureworks", "pos", "crm"))
    assert (len(web), len(pos), len(crm)) == (PEOPLE, PEOPLE, PEOPLE)
    assert len(pos & web) / PEOPLE == pytest.approx(0.4, abs=0.01)
    assert len(crm & web) / PEOPLE == pytest.approx(0.5, abs=0.01)
    assert len(crm & pos) / PEOPLE == pytest.approx(0.3, abs=0.05)
    assert len(web & pos & crm) > 0.05 * PEOPLE


def test_a_few_people_are_in_the_contact_centre_twice_and_in_no_other_system(known: Rows) -> None:
    records_of = Counter((line["source"], line["person"]) for line in known)
    twice = [source for (source, _), count in records_of.items() if count == 2]
    assert set(records_of.values()) == {1, 2}
    assert set(twice) == {"crm"}
    assert len(twice) == round(0.01 * PEOPLE)


def test_each_difference_hits_as_many_later_records_as_configured(pairs: list[tuple[Any, ...]], known: Rows) -> None:
    rates = load_settings(CONF).demo.overlap.model_dump()
    found = Counter(name for *_, differs in pairs for name in differs)
    with_short_form = sum(first["first"].title() in NICKNAMES for first, *_ in pairs)
    assert found["nickname"] / with_short_form == pytest.approx(rates["nickname"], rel=0.2)
    assert found["birth_swapped"] / len(pairs) == pytest.approx(rates["birth_swapped"] * 11 / 30, rel=0.5)
    for name in ("typo", "new_surname", "email_missing", "birth_missing"):
        assert found[name] / len(pairs) == pytest.approx(rates[name], rel=0.25), name
    # a missing one is no other one, and a twentieth of the contact centre's people gave another one later
    others = rates["other_email"] * (1 - rates["email_missing"])
    assert others < found["other_email"] / len(pairs) < others + 0.05
    centre = [line["differs"] for line in known if line["source"] == "crm"]
    assert sum("moved" in each for each in centre) / len(centre) == pytest.approx(rates["moved"], rel=0.2)
    assert not any(name in line["differs"] for line in known if line["source"] == "pos" for name in CONTACTS)


def test_a_record_differs_from_the_first_one_of_the_person_in_what_the_truth_says(pairs: list[tuple[Any, ...]]) -> None:
    for first, later, differs in pairs:
        named = {"typo", "nickname", "new_surname"} & set(differs)
        assert (later["name"] != first["name"]) == bool(named)
        if named == {"nickname"}:
            assert later["first"] == NICKNAMES[first["first"].title()].upper()
        if named == {"new_surname"}:
            assert later["first"] == first["first"]
            assert later["last"] != first["last"]
        assert (later["birth"] is None) >= ("birth_missing" in differs)
        if later["birth"] and first["birth"]:
            year, month, day = first["birth"].split("-")
            written = f"{year}-{day}-{month}" if "birth_swapped" in differs else first["birth"]
            assert later["birth"] == written
        assert (later["email"] is None) >= ("email_missing" in differs)


def test_whoever_kept_the_e_mail_address_has_it_in_both_systems(pairs: list[tuple[Any, ...]]) -> None:
    kept = [(first["email"], later["email"]) for first, later, differs in pairs if "other_email" not in differs]
    both = [(one, other) for one, other in kept if one and other]
    # the first record of a member may be one with an address of the contact centre's later
    assert sum(one == other for one, other in both) / len(both) > 0.97
    assert any(one.endswith("@adventure-works.com") for one, _ in both)


def test_people_in_two_systems_agree_on_most_attributes(pairs: list[tuple[Any, ...]]) -> None:
    for name, least in (("first", 0.85), ("last", 0.9), ("birth", 0.85), ("email", 0.45)):
        same = sum(first[name] == later[name] for first, later, _ in pairs) / len(pairs)
        assert least < same < 0.99, name


def test_twins_have_birth_date_last_name_and_phone_in_common_and_not_the_first_name(
    known: Rows, people: dict[tuple[str, str], dict[str, Any]]
) -> None:
    twins: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
    for line in known:
        if line["is_twin"] and line["source"] == "pos" and line["differs"] == []:
            twins[line["household"]][line["person"]] = people["pos", line["id"]]
    both = [list(each.values()) for each in twins.values() if len(each) == 2]
    assert len(both) > 50
    for one, other in both:
        assert (one["birth"], one["last"], one["phone"]) == (other["birth"], other["last"], other["phone"])
        assert one["name"] != other["name"]
    assert 0 < sum(one["email"] == other["email"] for one, other in both) < len(both)


def test_no_more_than_two_of_a_household_are_twins(known: Rows) -> None:
    twins = {(line["household"], line["person"]) for line in known if line["is_twin"]}
    assert set(Counter(household for household, _ in twins).values()) == {2}


def of_centre(known: Rows) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in known if line["source"] == "crm"}


def test_a_household_has_one_address_and_one_phone_at_home(lake: Path, known: Rows) -> None:
    person_of = of_centre(known)
    homes: dict[int, set[tuple[str, ...]]] = defaultdict(set)
    phones: dict[int, set[str]] = defaultdict(set)
    for row in table(lake, "crm/addresses/*"):
        line = person_of[row["customer_id"]]
        if row["type"] == "home" and "moved" not in line["differs"]:
            place = tuple(row[name] for name in ("street", "city", "postcode", "region", "country"))
            homes[line["household"]].add(place)
    for row in table(lake, "crm/phones/*"):
        if row["type"] == "home":
            phones[person_of[row["customer_id"]]["household"]].add(digits(row["number"]))
    sizes = Counter(household for household, _ in {(each["household"], each["person"]) for each in person_of.values()})
    assert sum(size > 1 for size in sizes.values()) > 300
    assert set(map(len, homes.values())) == {1}
    assert set(map(len, phones.values())) == {1}


def test_who_moved_has_an_address_that_ended_on_the_day_on_which_the_other_began(lake: Path, known: Rows) -> None:
    homes: dict[str, Rows] = defaultdict(list)
    for row in table(lake, "crm/addresses/*"):
        if row["type"] == "home":
            homes[row["customer_id"]].append(row)
    for key, line in of_centre(known).items():
        rows = homes[key]
        assert len(rows) == 1 + ("moved" in line["differs"])
        assert rows[-1]["valid_to"] == ""
        if len(rows) == 2:
            old, new = rows
            assert old["valid_from"] < old["valid_to"] == new["valid_from"]
            assert old["street"] != new["street"] or old["city"] != new["city"]


def test_a_person_has_one_to_three_addresses_and_none_to_three_phones(lake: Path) -> None:
    centre = latest(table(lake, "crm/customers/*"), "customer_id")
    for name, least in (("addresses", 1), ("phones", 0)):
        counts = Counter(row["customer_id"] for row in table(lake, f"crm/{name}/*"))
        assert {counts[key] for key in centre} == set(range(least, 4))


def test_a_shared_phone_is_the_same_digits_mostly_in_another_spelling(lake: Path, known: Rows) -> None:
    members = {row["customer_id"]: row["phone"] for row in records(landed(lake, "pos/customers/customers_1.jsonl"))}
    phone_of = {line["person"]: members[line["id"]] for line in known if line["source"] == "pos"}
    mobiles = {row["customer_id"]: row["number"] for row in table(lake, "crm/phones/*") if row["type"] == "mobile"}
    both = [(line, phone_of[line["person"]], mobiles[key]) for key, line in of_centre(known).items()
            if key in mobiles and line["person"] in phone_of]  # fmt: skip
    assert len(both) > 700
    for line, one, other in both:
        assert (digits(one) == digits(other)) == ("new_phone" not in line["differs"])
    assert 0.5 < sum(one != other for _, one, other in both) / len(both) < 0.95


def test_a_member_keeps_the_phone_number_from_one_delivery_to_the_next(lake: Path) -> None:
    first, later = (
        {
            row["customer_id"]: digits(row["phone"])
            for row in records(landed(lake, f"pos/customers/customers_{at}.jsonl"))
        }
        for at in (1, 2)
    )
    assert len(later) == PEOPLE // 20
    assert {key: first[key] for key in later} == later


def test_a_later_delivery_has_another_e_mail_address_of_five_in_a_hundred(lake: Path, known: Rows) -> None:
    first, later = (
        {row["customer_id"]: row for row in table(lake, f"crm/customers/customers_{at}.csv")} for at in (1, 2)
    )
    assert len(later) == round(len(first) * 0.05)
    assert set(first) == set(of_centre(known))
    for key, row in later.items():
        assert first[key]["updated_at"] < "2016-07-01" <= row["updated_at"] < "2017-07-01"
        assert row["email"] != first[key]["email"]
        assert (row["first_name"], row["last_name"]) == (first[key]["first_name"], first[key]["last_name"])
        assert "other_email" in of_centre(known)[key]["differs"]


def test_every_person_and_agent_that_a_file_names_exists(lake: Path) -> None:
    centre = latest(table(lake, "crm/customers/*"), "customer_id")
    agents = {row["agent_id"] for row in table(lake, "crm/agents/*")}
    contacts = records(landed(lake, "crm/interactions/*"))
    files = (
        table(lake, "crm/addresses/*"),
        table(lake, "crm/phones/*"),
        contacts,
        records(landed(lake, "crm/payments/*")),
    )
    for rows in files:
        assert {row["customer_id"] for row in rows} <= set(centre)
    assert {row["agent"]["id"] for row in contacts if row["agent"]} <= agents
    assert len(agents) == PEOPLE // 500
    assert {len({row[key] for row in rows}) == len(rows) for key, rows in (
        ("address_id", files[0]), ("phone_id", files[1]))} == {True}  # fmt: skip


def test_there_are_five_agents_at_least_and_one_person_may_be_all(tmp_path: Path) -> None:
    generate_landing(settings(tmp_path), source="crm", customers=1)
    assert [row["customer_id"] for row in table(tmp_path, "crm/customers/customers_1.csv")] == ["P0000001"]
    assert len(table(tmp_path, "crm/agents/*")) == 5


def versions(rows: Rows, key: str) -> list[Rows]:
    """The versions of each key that came more than once, in the order in which they came."""
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return [each for each in found.values() if len(each) > 1]


def test_a_contact_comes_again_once_somebody_came_back_to_the_person(lake: Path) -> None:
    rows = records(landed(lake, "crm/interactions/*"))
    again = versions(rows, "interaction_id")
    assert len(again) > 1_000
    for old, new in again:
        assert old["updated_at"] < new["updated_at"]
        assert old["follow_up"]["done_on"] is None
        assert old["started_at"][:10] < new["follow_up"]["done_on"] == new["updated_at"][:10]
        kept = ("updated_at", "follow_up")
        assert {name: old[name] for name in old if name not in kept} == {
            name: new[name] for name in new if name not in kept
        }
    contacts = latest(rows, "interaction_id").values()
    assert any(row["follow_up"] and not row["follow_up"]["done_on"] for row in contacts)
    assert {row["satisfaction"] for row in contacts} == {None, 1, 2, 3, 4, 5}


def test_a_few_people_have_many_of_the_contacts(lake: Path) -> None:
    contacts = latest(records(landed(lake, "crm/interactions/*")), "interaction_id").values()
    counts = sorted(Counter(row["customer_id"] for row in contacts).values(), reverse=True)
    assert len(contacts) == 3 * round(1.01 * PEOPLE)
    assert sum(counts[: PEOPLE // 10]) > 0.3 * len(contacts)


def test_lines_arrive_by_the_time_of_their_update_in_a_file_for_each_month(lake: Path) -> None:
    for name in ("interactions", "payments"):
        lines = landed(lake, f"crm/{name}/*")
        times = [line.record["updated_at"] for line in lines if line.record]
        assert times == sorted(times)
        months = {(line.file, line.record["updated_at"][:7]) for line in lines if line.record}
        assert len(months) == len({file for file, _ in months}) == 13
        assert min(file for file, _ in months) == f"crm/{name}/{name}_0001.jsonl"


def test_a_pending_payment_comes_again_as_settled_or_failed(lake: Path) -> None:
    rows = records(landed(lake, "crm/payments/*"))
    again = versions(rows, "payment_id")
    assert len(again) > 500
    for old, new in again:
        assert old["status"] == "pending"
        assert new["status"] in {"settled", "failed"}
        assert old["updated_at"] < new["updated_at"]
        assert (old["amount"], old["currency"], old["paid_on"]) == (new["amount"], new["currency"], new["paid_on"])
    now = Counter(row["status"] for row in latest(rows, "payment_id").values())
    assert list(dict(now.most_common())) == ["settled", "failed", "pending"]


def test_most_is_paid_in_us_dollars(lake: Path) -> None:
    paid = Counter(row["currency"] for row in records(landed(lake, "crm/payments/*")))
    assert set(paid) == {"USD", "EUR", "GBP", "CAD", "AUD"}
    assert paid["USD"] / paid.total() == pytest.approx(0.7, abs=0.03)


def test_only_a_payment_of_an_unknown_currency_has_no_rate_on_its_day(faulty: Path) -> None:
    rates = table(faulty, "crm/exchange_rates/*")
    since: dict[str, str] = {}
    for row in reversed(rates):
        since[row["currency"]] = row["valid_from"]
    bad = {(each["file"], each["line"]) for each in truth(faulty, "crm_payments.jsonl")
           if "currency_unknown" in each["faults"]}  # fmt: skip
    assert set(since.values()) == {"2016-06-01"}
    assert {row["rate"] for row in rates if row["currency"] == "USD"} == {"1.00000000"}
    assert len(rates) == 5 * 13
    for line in landed(faulty, "crm/payments/*"):
        if line.record:
            has_rate = since.get(line.record["currency"], "9") <= line.record["paid_on"]
            assert has_rate == ((line.file, line.number) not in bad)


def is_money(value: Any) -> bool:
    return isinstance(value, Decimal)


# The rules of conf/contracts/crm, once more and in Python: what makes a row bad.
Rules = dict[str, Callable[[dict[str, Any]], bool]]
PERSON_RULES: Rules = {
    "customer_id_null": lambda row: not row["customer_id"],
    "birth_date_not_a_date": lambda row: bool(row["birth_date"]) and not matches(iso(row["birth_date"]), "%Y-%m-%d"),
    "email_invalid": lambda row: bool(row["email"]) and not re.search(r".@.", row["email"]),
}
INTERACTION_RULES: Rules = {
    "interaction_id_null": lambda row: row["interaction_id"] is None,
    "customer_id_null": lambda row: row["customer_id"] is None,
    "satisfaction_out_of_range": lambda row: row["satisfaction"] not in {None, 1, 2, 3, 4, 5},
    "started_at_not_a_date": lambda row: not matches(row["started_at"], "%Y-%m-%dT%H:%M:%S.%fZ"),
}
PAYMENT_RULES: Rules = {
    "amount_not_positive": lambda row: is_money(row["amount"]) and row["amount"] <= 0,
    "amount_not_a_number": lambda row: not is_money(row["amount"]),
    "status_unknown": lambda row: row["status"] not in {"settled", "pending", "failed"},
    "currency_unknown": lambda row: row["currency"] not in {"USD", "EUR", "GBP", "CAD", "AUD"},
}


def people_lines(root: Path) -> Iterator[Line]:
    """The lines of the CSV files of people; the header is line 1."""
    for at in (1, 2):
        name = f"crm/customers/customers_{at}.csv"
        for number, row in enumerate(table(root, name), 2):
            yield Line(name, number, "", row)


@pytest.mark.parametrize(
    ("name", "rules", "faults"),
    [
        ("customers", PERSON_RULES, PERSON_FAULTS),
        ("interactions", INTERACTION_RULES, INTERACTION_FAULTS),
        ("payments", PAYMENT_RULES, PAYMENT_FAULTS),
    ],
)
def test_the_truth_lists_every_bad_line_and_no_other(
    faulty: Path, name: str, rules: Rules, faults: tuple[str, ...]
) -> None:
    lines = list(people_lines(faulty)) if name == "customers" else landed(faulty, f"crm/{name}/*")
    known = truth(faulty, f"crm_{name}.jsonl")
    assert told(known) == list(judged(lines, rules))
    found = Counter(fault for each in known for fault in each["faults"])
    assert set(found) == set(faults)
    assert all(count / len(lines) == pytest.approx(0.02, rel=0.4) for count in found.values())


def test_the_truth_has_the_key_as_it_is_written(faulty: Path) -> None:
    lines = [*landed(faulty, "crm/interactions/*"), *landed(faulty, "crm/payments/*")]
    texts = {(line.file, line.number): line.text for line in lines}
    texts |= {(line.file, line.number): f'{{"customer_id": "{line.record["customer_id"]}"' for line in
              people_lines(faulty) if line.record}  # fmt: skip
    for name, key in (("customers", "customer_id"), ("interactions", "interaction_id"), ("payments", "payment_id")):
        for each in truth(faulty, f"crm_{name}.jsonl"):
            written = re.match(rf'\{{"{key}": "(\w+)"', texts[each["file"], each["line"]])
            assert each[key] == (written and written[1])


def test_without_rates_there_is_no_fault_and_the_truth_of_faults_is_empty(lake: Path) -> None:
    assert list(judged(list(people_lines(lake)), PERSON_RULES)) == []
    assert list(judged(landed(lake, "crm/interactions/*"), INTERACTION_RULES)) == []
    assert list(judged(landed(lake, "crm/payments/*"), PAYMENT_RULES)) == []
    assert {path.stat().st_size for path in (lake / "truth").glob("crm_*")} == {0}


def test_the_configuration_gives_every_fault_a_rate() -> None:
    assert load_settings(CONF).demo.crm.faults == dict.fromkeys(CENTRE_FAULTS, 0.002)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"customers": 0}, "customers must be at least 1, not 0"),
        ({"rows": 0}, "rows must be at least 1, not 0"),
        ({"end": date(2016, 6, 30)}, "end must not be before start, but 2016-06-30 is before 2016-07-01"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
    ],
)
@pytest.mark.parametrize("source", ["crm", "all"])
def test_a_wrong_argument_is_named_and_nothing_is_written(
    tmp_path: Path, source: str, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        generate_landing(settings(tmp_path), source=source, **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_that_only_the_tills_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="faults: there is no 'price_null'"):
        generate_landing(settings(tmp_path, faults={"price_null": 0.1}))
    assert list(tmp_path.iterdir()) == []


def test_the_contact_centre_cannot_share_more_people_than_it_has() -> None:
    rates = load_settings(CONF).demo.overlap.model_dump()
    with pytest.raises(ValidationError, match=r"0\.6 and crm_in_web \(0\.5\) are more than 1 together"):
        Overlap(**{**rates, "crm_in_pos": 0.6})


def test_at_rates_of_one_and_of_nothing_there_is_still_somebody(tmp_path: Path) -> None:
    for rate in (0.0, 1.0):
        names = [name for name in Overlap.model_fields if name != "crm_in_pos"]
        asked = settings(tmp_path / str(rate), **dict.fromkeys(names, rate), crm_in_pos=0.0)
        generate_landing(asked, customers=40, rows=40, files=1)
        known = truth(tmp_path / str(rate), "people.jsonl")
        assert len({line["person"] for line in known}) == (120 if rate == 0 else 40)


def test_web_customers_are_those_of_the_files(tmp_path: Path) -> None:
    generate(tmp_path / "landing", customers=200, start=date(2015, 1, 1), end=date(2015, 2, 1), seed=3)
    drawn = draw_web_people(customers=200, start=date(2015, 1, 1), seed=3)
    rows = table(tmp_path, "AdventureWorks_Customers.csv", "cp1252")
    births = [date.fromordinal(day).isoformat() for day in drawn.birth.tolist()]
    assert [(int(row["CustomerKey"]), row["FirstName"], row["EmailAddress"]) for row in rows] == list(
        zip(drawn.key.tolist(), drawn.first.tolist(), drawn.email.tolist(), strict=True)
    )
    assert [iso(row["BirthDate"], "%m/%d/%Y") for row in rows] == births


def test_refunds_that_are_fraud_are_of_one_person_and_close_together(tmp_path: Path) -> None:
    generate_landing(settings(tmp_path, faults=RATES, fraud={"refunds": 0.05}), source="crm", customers=1_000)
    paid = {row["payment_id"]: row for row in records(landed(tmp_path, "crm/payments/*")) if row.get("payment_id")}
    runs: dict[int, Rows] = defaultdict(list)
    for each in truth(tmp_path, "crm_fraud.jsonl"):
        runs[each["deed"]].append(paid[each["payment_id"]])
    assert len(runs) > 10
    for run in runs.values():
        assert len({row["customer_id"] for row in run}) == 1
        assert {(row["type"], row["status"]) for row in run} == {("refund", "settled")}
        days = sorted(date.fromisoformat(row["paid_on"]) for row in run)
        assert (days[2] - days[0]).days < 30
    wrong = {each["payment_id"] for each in truth(tmp_path, "crm_payments.jsonl")}
    assert not wrong & {row["payment_id"] for run in runs.values() for row in run}
