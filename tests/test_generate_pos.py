"""The generator of the shop tills: its bytes, its quirks, and that the truth names every faulty row and no other."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lib.config import load_settings
from lib.errors import ConfigError
from lib.generate.adventureworks import generate
from lib.generate.demo import generate_landing
from lib.generate.faults import CUSTOMER_FAULTS, SALES_FAULTS
from lib.generate.fraud import OF_PAYMENTS, OF_TILLS
from lib.generate.pos import generate_pos

START, END = date(2016, 7, 1), date(2017, 6, 30)
RATES = dict.fromkeys((*SALES_FAULTS, *CUSTOMER_FAULTS), 0.02)
SALES_FILES = [*(f"pos/sales/sales_{number:04d}.jsonl" for number in range(1, 12)), "pos/sales/sales_0012.jsonl.gz"]


class Line(NamedTuple):
    """One landed line: where it is, how it is written, and what it says (None if it is no JSON)."""

    file: str
    number: int
    text: str
    record: dict[str, Any] | None


def made(root: Path, **changed: Any) -> list[Path]:
    """Generate a shop of 2,000 lines into `root`/landing/pos and its truth into `root`/truth."""
    given = {"rows": 2_000, "start": START, "end": END, "seed": 7, "faults": RATES, **changed}
    return generate_pos(root / "landing" / "pos", truth=root / "truth", **given)


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def landed(root: Path, pattern: str) -> list[Line]:
    """The lines of the files, in the order of the files' names."""
    landing = root / "landing"
    return [
        Line(path.relative_to(landing).as_posix(), number, text, parsed(text))
        for path in sorted(landing.glob(pattern))
        for number, text in enumerate(content(path).decode("utf-8").removesuffix("\n").split("\n"), 1)
    ]


def parsed(text: str) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        return None
    return record


def records(lines: list[Line]) -> list[dict[str, Any]]:
    return [line.record for line in lines if line.record is not None]


def truth(root: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in (root / "truth" / name).read_text("utf-8").splitlines()]


def bytes_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 lines with ten times the usual faults."""
    root = tmp_path_factory.mktemp("lake")
    made(root, rows=20_000)
    return root


@pytest.fixture(scope="module")
def sales(shop: Path) -> list[Line]:
    return landed(shop, "pos/sales/*")


@pytest.fixture(scope="module")
def customers(shop: Path) -> list[Line]:
    return landed(shop, "pos/customers/*")


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    made(tmp_path / "one")
    made(tmp_path / "two")
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_another_seed_writes_other_bytes_everywhere(tmp_path: Path) -> None:
    made(tmp_path / "one", seed=1, fraud={"value": 0.01})
    made(tmp_path / "two", seed=2, fraud={"value": 0.01})
    one, two = bytes_of(tmp_path / "one"), bytes_of(tmp_path / "two")
    assert [name for name in one if one[name] == two[name]] == []


def test_the_files_are_returned_in_name_order_and_nothing_else_is_there(tmp_path: Path) -> None:
    files = made(tmp_path)
    landing = tmp_path / "landing"
    assert [file.relative_to(landing).as_posix() for file in files] == [
        "pos/customers/customers_1.jsonl",
        "pos/customers/customers_2.jsonl",
        *SALES_FILES,
        "pos/sales_people/sales_people.json",
        "pos/stores/stores.json",
    ]
    assert sorted(path for path in landing.rglob("*") if path.is_file()) == sorted(files)


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(part: Path, path: Path) -> None:
        raise OSError(f"no room for {path.name} of {part.name}")

    # Path.replace, not os.replace: pathlib of Python 3.10 has taken the latter when it was imported
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match=r"no room for stores\.json of stores\.part"):
        made(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_all_lines_are_utf_8_and_end_in_a_line_feed(shop: Path) -> None:
    for path in (shop / "landing").rglob("*.json*"):
        text = content(path).decode("utf-8")
        assert text.endswith("\n")
        assert "\r" not in text


def test_the_last_piece_is_packed_without_a_time_or_a_name_in_its_header(tmp_path: Path) -> None:
    made(tmp_path)
    packed = (tmp_path / "landing" / SALES_FILES[-1]).read_bytes()
    assert packed[:2] == b"\x1f\x8b"
    assert packed[3:8] == bytes(5)
    assert gzip.decompress(packed).startswith(b'{"transaction_id": "T')


def test_the_asked_number_of_lines_is_cut_into_pieces_of_one_size(sales: list[Line]) -> None:
    pieces = Counter(line.file for line in sales)
    assert list(pieces) == SALES_FILES
    assert set(pieces.values()) == {1_666, 1_667}
    assert len(sales) == 20_000


def test_more_than_a_thousand_files_are_plain_and_stand_in_folders_of_days(tmp_path: Path) -> None:
    files = made(tmp_path, files=1_001)
    paths = [file.relative_to(tmp_path / "landing").as_posix() for file in files if "sales_0" in file.name]
    assert len(paths) == 1_001
    assert paths[0] == "pos/sales/2016/07/01/sales_000001.jsonl"
    assert all(re.fullmatch(r"pos/sales/201[67]/\d\d/\d\d/sales_\d{6}\.jsonl", path) for path in paths)
    assert [path[-12:-6] for path in paths] == [f"{number:06d}" for number in range(1, 1_002)]


def test_how_the_lines_are_cut_does_not_change_them(tmp_path: Path) -> None:
    made(tmp_path / "one", rows=1_200, files=1)
    made(tmp_path / "many", rows=1_200, files=1_100)
    one = [line.text for line in landed(tmp_path / "one", "pos/sales/*")]
    assert [line.text for line in landed(tmp_path / "many", "pos/sales/*/*/*/*")] == one


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_time(value: Any) -> bool:
    return any(matches(value, pattern) for pattern in ("%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d"))


def matches(value: Any, pattern: str) -> bool:
    try:
        datetime.strptime(value, pattern)
    except (TypeError, ValueError):
        return False
    return True


# The rules of conf/contracts/pos, once more and in Python: what makes a row bad.
SALES_RULES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "transaction_id_null": lambda row: row.get("transaction_id") is None,
    "customer_id_null": lambda row: row["customer_id"] is None,
    "price_null": lambda row: row["product"]["price"] is None,
    "quantity_not_positive": lambda row: is_number(row["quantity"]) and row["quantity"] <= 0,
    "quantity_not_whole": lambda row: not isinstance(row["quantity"], int),
    "discount_out_of_range": lambda row: is_number(row.get("discount")) and not 0 <= row["discount"] <= 1,
    "discount_not_a_number": lambda row: not (row.get("discount") is None or is_number(row["discount"])),
    "date_not_a_date": lambda row: not is_time(row["date"]),
    "updated_at_null": lambda row: row["updated_at"] is None,
}
CUSTOMER_RULES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "customer_id_null": lambda row: row["customer_id"] is None,
    "birth_date_not_a_date": lambda row: not matches(row["birth_date"], "%Y-%m-%d"),
    "loyalty_points_negative": lambda row: row["loyalty_points"] < 0,
    "email_invalid": lambda row: not re.search(r".@.", row["email"]),
}


def judged(lines: list[Line], rules: dict[str, Callable[[dict[str, Any]], bool]]) -> Iterator[tuple[Any, ...]]:
    """Where each bad line is, and what is wrong with it."""
    for line in lines:
        names = (
            ["malformed"] if line.record is None else [name for name, is_bad in rules.items() if is_bad(line.record)]
        )
        if names:
            yield line.file, line.number, names


def told(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(line["file"], line["line"], line["faults"]) for line in lines]


def test_the_truth_lists_every_bad_line_of_sales_and_no_other(shop: Path, sales: list[Line]) -> None:
    bad = list(judged(sales, SALES_RULES))
    assert told(truth(shop, "pos_sales.jsonl")) == bad
    assert len(bad) > 2_000


def test_the_truth_lists_every_bad_line_of_customers_and_no_other(shop: Path, customers: list[Line]) -> None:
    bad = list(judged(customers, CUSTOMER_RULES))
    assert told(truth(shop, "pos_customers.jsonl")) == bad
    assert len(bad) > 50


def test_the_truth_has_the_key_as_it_is_written(shop: Path, sales: list[Line], customers: list[Line]) -> None:
    texts = {(line.file, line.number): line.text for line in (*sales, *customers)}
    for name, key in (("pos_sales.jsonl", "transaction_id"), ("pos_customers.jsonl", "customer_id")):
        for each in truth(shop, name):
            written = re.match(rf'\{{"{key}": "(\w+)"', texts[each["file"], each["line"]])
            assert each[key] == (written and written[1])


@pytest.mark.parametrize(
    ("name", "known", "size"), [("sales", SALES_FAULTS, 20_000), ("customers", CUSTOMER_FAULTS, 1_050)]
)
def test_every_fault_comes_at_its_rate(shop: Path, name: str, known: tuple[str, ...], size: int) -> None:
    found = Counter(fault for each in truth(shop, f"pos_{name}.jsonl") for fault in each["faults"])
    assert set(found) == set(known)
    assert all(count / size == pytest.approx(0.02, rel=0.6) for count in found.values())


def test_several_faults_may_hit_one_row_but_a_malformed_one_has_no_other(shop: Path) -> None:
    faults = [each["faults"] for each in truth(shop, "pos_sales.jsonl")]
    assert any(len(each) > 1 for each in faults)
    assert all(each == ["malformed"] for each in faults if "malformed" in each)


def test_every_way_to_write_a_fault_occurs(sales: list[Line]) -> None:
    texts = "\n".join(line.text for line in sales)
    wrong = ('"transaction_id": null', '"quantity": "two"', '"quantity": 1.5', '"quantity": 0', '"quantity": -1')
    wrong += ('"discount": 1.5', '"discount": -0.1', '"discount": "n/a"', '"date": "2017-13-45"', '"date": "yesterday"')
    assert [way for way in wrong if way not in texts] == []
    assert any(line.text.startswith('{"customer_id"') for line in sales)


def test_without_rates_there_is_no_fault_and_the_truth_is_empty(tmp_path: Path) -> None:
    made(tmp_path, faults={})
    assert list(judged(landed(tmp_path, "pos/sales/*"), SALES_RULES)) == []
    assert list(judged(landed(tmp_path, "pos/customers/*"), CUSTOMER_RULES)) == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "truth").iterdir()} == {
        "pos_customers.jsonl": b"",
        "pos_fraud.jsonl": b"",
        "pos_sales.jsonl": b"",
    }


def test_the_configuration_gives_every_fault_and_every_fraud_a_rate() -> None:
    demo = load_settings(Path(__file__).resolve().parents[1] / "conf").demo
    assert demo.pos.faults == dict.fromkeys((*SALES_FAULTS, *CUSTOMER_FAULTS), 0.002)
    assert (demo.pos.fraud.keys(), demo.crm.fraud.keys()) == ({*OF_TILLS}, {*OF_PAYMENTS})


def test_at_a_rate_of_one_a_fault_hits_every_row(tmp_path: Path) -> None:
    made(tmp_path, faults={"malformed": 1})
    assert records(landed(tmp_path, "pos/sales/*")) == []
    assert len(truth(tmp_path, "pos_sales.jsonl")) == 2_000


def test_a_sale_has_the_fields_of_a_till_in_their_order(tmp_path: Path) -> None:
    made(tmp_path, faults={})
    names = (
        "transaction_id customer_id store_id sales_person_id product quantity discount date payment_method updated_at"
    )
    orders = Counter(" ".join(row) for row in records(landed(tmp_path, "pos/sales/*")))
    assert orders.most_common(1)[0][0] == names
    assert set(orders) <= {
        names,
        names.replace("discount ", ""),
        f"{names} till_version",
        f"{names} till_version".replace("discount ", ""),
    }


def test_prices_have_two_decimals_and_so_some_a_zero_at_the_end(sales: list[Line]) -> None:
    prices = [re.search(r'"price": ([^}]*)\}', line.text) for line in sales if line.record]
    written = {price[1] for price in prices if price and price[1] != "null"}
    assert all(re.fullmatch(r"\d+\.\d\d", price) for price in written)
    assert any(price.endswith("0") for price in written)


def test_products_are_those_of_the_adventureworks_files_of_the_same_seed(tmp_path: Path) -> None:
    generate(tmp_path, customers=1, start=START, end=END, seed=7)
    made(tmp_path, faults={})
    with (tmp_path / "AdventureWorks_Products.csv").open(encoding="cp1252", newline="") as file:
        products = {row["ProductSKU"]: row for row in csv.DictReader(file)}
    for row in records(landed(tmp_path, "pos/sales/*")):
        product = products[row["product"]["id"]]
        assert row["product"]["name"] == product["ProductName"]
        assert abs(row["product"]["price"] - Decimal(product["ProductPrice"])) <= Decimal("0.005")


def test_a_date_comes_in_three_formats(tmp_path: Path) -> None:
    made(tmp_path, faults={})
    shapes = Counter(re.sub(r"\d", "9", row["date"]) for row in records(landed(tmp_path, "pos/sales/*")))
    assert list(dict(shapes.most_common())) == ["9999-99-99T99:99:99Z", "99/99/9999 99:99:99", "9999-99-99"]


def test_a_discount_may_be_missing_or_null_and_is_else_a_share(sales: list[Line]) -> None:
    rows = records(sales)
    assert sum("discount" not in row for row in rows) / len(rows) == pytest.approx(0.025, rel=0.2)
    assert sum(row.get("discount", 0) is None for row in rows) / len(rows) == pytest.approx(0.025, rel=0.2)


def test_three_in_a_hundred_customer_numbers_have_blanks_around_or_small_letters(sales: list[Line]) -> None:
    cards = [row["customer_id"] for row in records(sales) if row["customer_id"]]
    shapes = Counter(re.sub(r"\d+", "9", card) for card in cards)
    assert set(shapes) == {"C9", " C9 ", "c9"}
    assert 1 - shapes["C9"] / len(cards) == pytest.approx(0.03, rel=0.2)


def test_one_till_in_a_hundred_has_a_field_of_its_own(sales: list[Line]) -> None:
    rows = records(sales)
    assert {row.get("till_version") for row in rows} == {None, "4.2"}
    assert sum("till_version" in row for row in rows) / len(rows) == pytest.approx(0.01, rel=0.3)


def test_one_line_in_a_hundred_was_sent_twice(sales: list[Line]) -> None:
    texts = Counter(line.text for line in sales)
    assert len(sales) - len(texts) == pytest.approx(200, rel=0.1)


def versions(lines: list[Line]) -> list[list[tuple[str, int]]]:
    """Of each transaction with several lines: when they say they were updated, and the quantity, as they arrived."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in records(lines):
        found[row["transaction_id"]].append((row["updated_at"], row["quantity"]))
    return [each for each in found.values() if len(set(each)) > 1]


def test_some_transactions_come_again_with_another_quantity_most_of_them_newer(tmp_path: Path) -> None:
    made(tmp_path, rows=10_000, faults={})
    changed = versions(landed(tmp_path, "pos/sales/*"))
    assert len(changed) == 220
    assert all(len({quantity for _, quantity in each}) == 2 for each in changed)
    firsts = [list(dict.fromkeys(each)) for each in changed]
    assert Counter(len(each) for each in firsts) == {2: 220}
    assert Counter(each[0] < each[1] for each in firsts) == {True: 200, False: 20}


def test_a_sale_is_within_the_days_and_updated_after_it(tmp_path: Path) -> None:
    made(tmp_path, faults={}, start=END)
    for row in records(landed(tmp_path, "pos/sales/*")):
        assert row["date"][:10] in {"2017-06-30", "30/06/2017"}
        assert "2017-06-30T08" < row["updated_at"] < "2017-07-11"
        assert matches(row["updated_at"], "%Y-%m-%dT%H:%M:%S.%fZ")


def test_two_in_a_hundred_of_those_who_buy_have_no_record(sales: list[Line], customers: list[Line]) -> None:
    known = {row["customer_id"] for row in records(customers)}
    buyers = {row["customer_id"].strip().upper() for row in records(sales) if row["customer_id"]}
    # a record whose number is missing makes two in a hundred more
    assert len(buyers - known) / len(buyers) == pytest.approx(0.04, abs=0.015)
    assert len(landed_once(customers)) == 1_000


def landed_once(customers: list[Line]) -> list[Line]:
    return [line for line in customers if line.file.endswith("customers_1.jsonl")]


def test_a_later_delivery_updates_five_in_a_hundred_customers(tmp_path: Path) -> None:
    made(tmp_path, rows=20_000, faults={})
    first, later = (records(landed(tmp_path, f"pos/customers/customers_{number}.jsonl")) for number in (1, 2))
    before = {row["customer_id"]: row for row in first}
    assert (len(first), len(later)) == (1_000, 50)
    for row in later:
        old = before[row["customer_id"]]
        assert row["updated_at"] > old["updated_at"]
        assert row["loyalty_points"] > old["loyalty_points"]
        assert (row["name"], row["email"], row["region"]) == (old["name"], old["email"], old["region"])


def test_there_are_fifty_customers_at_least(tmp_path: Path) -> None:
    made(tmp_path, rows=1, files=1)
    assert len(landed(tmp_path, "pos/customers/customers_1.jsonl")) == 50
    assert len(landed(tmp_path, "pos/sales/*")) == 1


def test_as_many_customers_as_asked_whatever_the_rows(tmp_path: Path) -> None:
    made(tmp_path / "few", rows=200, customers=120)
    made(tmp_path / "many", rows=4_000, customers=120)
    few, many = (landed(tmp_path / name, "pos/customers/customers_1.jsonl") for name in ("few", "many"))
    assert [line.text for line in few] == [line.text for line in many]
    assert len(few) == 120
    cards = {str(row["customer_id"]).strip().upper() for row in records(landed(tmp_path / "many", "pos/sales/*"))}
    assert 100 < len(cards) <= 124


def test_a_customer_has_a_name_in_title_case_an_address_of_its_own_and_a_tier(customers: list[Line]) -> None:
    rows = records(landed_once(customers))
    assert len({row["email"] for row in rows}) == len(rows)
    assert all(row["email"].endswith("example.com") and row["email"].isascii() for row in rows)
    assert all(row["name"] == row["name"].title() for row in rows)
    assert {row["loyalty_tier"] for row in rows} == {"bronze", "silver", "gold", "platinum"}
    assert len({re.sub(r"\d", "9", row["phone"]) for row in rows}) >= 5


def test_stores_and_people_are_arrays_and_a_person_sells_in_the_own_store(shop: Path, sales: list[Line]) -> None:
    pos = shop / "landing" / "pos"
    stores = {row["store_id"]: row for row in json.loads((pos / "stores" / "stores.json").read_text("utf-8"))}
    people = json.loads((pos / "sales_people" / "sales_people.json").read_text("utf-8"))
    works_in = {row["sales_person_id"]: row["store_id"] for row in people}
    assert len(stores) == 20
    assert 60 <= len(people) <= 140
    assert set(works_in.values()) == set(stores)
    assert {(row["sales_person_id"], row["store_id"]) for row in records(sales)} <= set(works_in.items())
    assert all(stores[row["store_id"]]["opened_on"] <= row["hired_on"] < "2016-07-01" for row in people)


def test_a_customer_mostly_buys_in_one_store_of_the_own_region(tmp_path: Path) -> None:
    made(tmp_path, faults={})
    stores = json.loads((tmp_path / "landing/pos/stores/stores.json").read_text("utf-8"))
    region = {row["store_id"]: row["region"] for row in stores}
    home = {row["customer_id"]: row["region"] for row in records(landed(tmp_path, "pos/customers/*"))}
    rows = records(landed(tmp_path, "pos/sales/*"))
    visits = [(row["customer_id"].strip().upper(), row["store_id"]) for row in rows]
    at_home = [region[store] == home[customer] for customer, store in visits if customer in home]
    assert 0.85 < sum(at_home) / len(at_home) < 0.97


def test_a_wrong_argument_of_one_source_stops_the_other_too(tmp_path: Path) -> None:
    settings = load_settings(Path(__file__).resolve().parents[1] / "conf", root=str(tmp_path))
    for wrong in ({"rows": 0}, {"customers": 0}):
        with pytest.raises(ConfigError, match="must be at least 1, not 0"):
            generate_landing(settings, **wrong)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "folders"),
    [
        ("adventureworks", ["adventureworks"]),
        ("pos", ["pos"]),
        ("crm", ["crm"]),
        ("all", ["adventureworks", "crm", "pos"]),
    ],
)
def test_one_source_or_all_land_in_folders_of_their_names(tmp_path: Path, source: str, folders: list[str]) -> None:
    settings = load_settings(Path(__file__).resolve().parents[1] / "conf", root=str(tmp_path))
    generate_landing(settings, source=source, customers=10, rows=100)
    assert sorted(path.name for path in (tmp_path / "landing").iterdir()) == folders
    assert (tmp_path / "truth").exists() == (folders != ["adventureworks"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rows": 0}, "rows must be at least 1, not 0"),
        ({"customers": 0}, "customers must be at least 1, not 0"),
        ({"files": 0}, "files must be from 1 to the number of rows, 2000, not 0"),
        ({"files": 2_001}, "files must be from 1 to the number of rows, 2000, not 2001"),
        ({"end": date(2016, 6, 30)}, "end must not be before start, but 2016-06-30 is before 2016-07-01"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"faults": {"malformd": 0.1}}, "faults: there is no 'malformd' (there are transaction_id_null, customer_id_"),
        ({"faults": {"malformed": 2}}, "faults: the rate of malformed must be from 0 to 1, not 2"),
        ({"faults": {"malformed": float("nan")}}, "faults: the rate of malformed must be from 0 to 1, not nan"),
        (
            {"fraud": {"refunds": 0.1}},
            "fraud: there is no 'refunds' (there are quantity, value, discount, velocity, geo",
        ),
        ({"fraud": {"value": -1}}, "fraud: the share of value must be from 0 to 1, not -1"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_written(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        made(tmp_path, **wrong)
    assert list(tmp_path.iterdir()) == []


def visits(root: Path) -> dict[str, tuple[dict[str, Any], str, str, str]]:
    """Of each sale its record, its customer, its day and the country of its store."""
    stores = json.loads((root / "landing/pos/stores/stores.json").read_text("utf-8"))
    country = {row["store_id"]: row["country"] for row in stores}
    rows = {row["transaction_id"]: row for row in records(landed(root, "pos/sales/*")) if row.get("transaction_id")}
    return {
        number: (row, str(row["customer_id"]).strip().upper(), day_of(row["date"]), country[row["store_id"]])
        for number, row in rows.items()
    }


def day_of(text: str) -> str:
    return datetime.strptime(text[:10], "%d/%m/%Y").date().isoformat() if "/" in text else text[:10]


def countries_of_days(found: dict[str, tuple[dict[str, Any], str, str, str]]) -> dict[tuple[str, str], set[str]]:
    days: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, customer, day, country in found.values():
        days[customer, day].add(country)
    return days


@pytest.fixture(scope="module")
def crime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 lines with faults, a hundredth of them fraud of each kind."""
    root = tmp_path_factory.mktemp("lake")
    made(root, rows=20_000, fraud=dict.fromkeys(OF_TILLS, 0.01))
    return root


@pytest.fixture(scope="module")
def deeds(crime: Path) -> dict[str, dict[int, list[str]]]:
    """The numbers of the sales of each deed, by kind."""
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in truth(crime, "pos_fraud.jsonl"):
        found[each["kind"]][each["deed"]].append(each["transaction_id"])
    return found


def test_an_honest_customer_is_in_one_country_on_a_day(tmp_path: Path) -> None:
    made(tmp_path, rows=20_000, faults={})
    days = countries_of_days(visits(tmp_path))
    assert len(days) > 15_000
    assert [day for day, countries in days.items() if len(countries) > 1] == []


def test_fraud_moves_no_honest_line(tmp_path: Path) -> None:
    made(tmp_path / "honest", faults={})
    made(tmp_path / "not", faults={}, fraud={"value": 0.01, "quantity": 0.01})
    planted = {each["transaction_id"] for each in truth(tmp_path / "not", "pos_fraud.jsonl")}
    honest, other = (landed(tmp_path / name, "pos/sales/*") for name in ("honest", "not"))
    changed = [b.record for a, b in zip(honest, other, strict=True) if a.text != b.text]
    assert {row["transaction_id"] for row in changed if row} == planted
    assert len(planted) == 38


def test_fraud_of_every_kind_lands_and_is_not_among_the_first_quarter(
    crime: Path, deeds: dict[str, dict[int, list[str]]]
) -> None:
    sales = visits(crime)
    numbers = [number for of_kind in deeds.values() for run in of_kind.values() for number in run]
    assert set(deeds) == {*OF_TILLS}
    assert len(set(numbers)) == len(numbers) > 900
    assert set(numbers) <= set(sales)
    assert not set(numbers) & {each["transaction_id"] for each in truth(crime, "pos_sales.jsonl")}
    assert min(numbers) > "T0000004800"


def test_fraud_is_what_the_truth_says(crime: Path, deeds: dict[str, dict[int, list[str]]]) -> None:
    sales = visits(crime)
    kept = {kind: [sales[number][0] for run in of_kind.values() for number in run] for kind, of_kind in deeds.items()}
    assert {row["quantity"] > 3 for row in kept["quantity"]} == {True}
    assert min(row["discount"] for row in kept["discount"]) >= Decimal("0.5")
    for run in deeds["velocity"].values():
        assert len({sales[number][1:] for number in run}) == 1
        assert 5 <= len(run) <= 12
    days = countries_of_days(sales)
    assert {len(days[sales[number][1], sales[number][2]]) for [number] in deeds["geography"].values()} == {2}
    usual = {row["product"]["id"]: row["product"]["price"] for row, *_ in sales.values() if row["product"]["price"]}
    ratios = sorted(float(row["product"]["price"] / usual[row["product"]["id"]]) for row in kept["value"])
    assert ratios[len(ratios) // 2] == pytest.approx(5, rel=0.3)
