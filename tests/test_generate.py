"""The generator of landing files: their bytes, their keys, their proportions, and what it refuses."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest

from lib.errors import ConfigError
from lib.generate.adventureworks import generate

Rows = list[dict[str, str]]

START, END = date(2015, 1, 1), date(2017, 6, 30)
SALES = ("Sales_2015", "Sales_2016", "Sales_2017")


def landed(folder: Path, *names: str) -> Rows:
    """The rows of the named files, one after the other, every value as text."""
    found: Rows = []
    for name in names:
        with (folder / f"AdventureWorks_{name}.csv").open(encoding="cp1252", newline="") as file:
            found += csv.DictReader(file)
    return found


def column(rows: Rows, name: str) -> list[str]:
    return [row[name] for row in rows]


def day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()


def small(folder: Path, *, customers: int = 60, start: date = START, end: date = END, seed: int = 7) -> list[Path]:
    return generate(folder, customers=customers, start=start, end=end, seed=seed)


def bytes_of(files: list[Path]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the size of the real one: 18,148 customers over thirty months."""
    folder = tmp_path_factory.mktemp("landing")
    generate(folder, customers=18_148, start=START, end=END, seed=7)
    return folder


@pytest.fixture(scope="module")
def sales(shop: Path) -> Rows:
    return landed(shop, *SALES)


@pytest.fixture(scope="module")
def customers(shop: Path) -> Rows:
    return landed(shop, "Customers")


@pytest.fixture(scope="module")
def products(shop: Path) -> Rows:
    return landed(shop, "Products")


def test_ten_files_are_written_and_returned_in_name_order(tmp_path: Path) -> None:
    names = (
        "Calendar Customers Product_Categories Product_Subcategories Products Returns "
        "Sales_2015 Sales_2016 Sales_2017 Territories"
    )
    files = small(tmp_path / "new" / "landing")
    assert [file.name for file in files] == [f"AdventureWorks_{name}.csv" for name in names.split()]
    assert files == sorted((tmp_path / "new" / "landing").iterdir())


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []

    def refuse(part: Path, path: Path) -> None:
        moved.append((part.name, path.name, part.read_bytes()[-2:]))
        raise OSError("the disk is gone")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="the disk is gone"):
        small(tmp_path)
    assert moved == [("AdventureWorks_Calendar.csv.part", "AdventureWorks_Calendar.csv", b"\r\n")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Calendar", "Date"),
        (
            "Customers",
            (
                "CustomerKey,Prefix,FirstName,LastName,BirthDate,MaritalStatus,Gender,EmailAddress,AnnualIncome,"
                "TotalChildren,EducationLevel,Occupation,HomeOwner"
            ),
        ),
        ("Product_Categories", "ProductCategoryKey,CategoryName"),
        ("Product_Subcategories", "ProductSubcategoryKey,SubcategoryName,ProductCategoryKey"),
        (
            "Products",
            (
                "ProductKey,ProductSubcategoryKey,ProductSKU,ProductName,ModelName,ProductDescription,ProductColor,"
                "ProductSize,ProductStyle,ProductCost,ProductPrice"
            ),
        ),
        ("Returns", "ReturnDate,TerritoryKey,ProductKey,ReturnQuantity"),
        (
            "Sales_2016",
            "OrderDate,StockDate,OrderNumber,ProductKey,CustomerKey,TerritoryKey,OrderLineItem,OrderQuantity",
        ),
        ("Territories", "SalesTerritoryKey,Region,Country,Continent"),
    ],
)
def test_a_file_starts_with_the_columns_of_the_real_one(shop: Path, name: str, header: str) -> None:
    first = (shop / f"AdventureWorks_{name}.csv").read_bytes().split(b"\r\n")[0]
    assert first.decode("cp1252") == header


def test_every_file_is_windows_1252_with_crlf(shop: Path) -> None:
    for file in shop.iterdir():
        content = file.read_bytes()
        assert content.decode("cp1252").encode("cp1252") == content
        assert content.endswith(b"\r\n")
        assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    assert bytes_of(small(tmp_path / "one")) == bytes_of(small(tmp_path / "two"))


def test_another_seed_draws_other_customers_products_and_sales(tmp_path: Path) -> None:
    one, two = bytes_of(small(tmp_path / "one", seed=1)), bytes_of(small(tmp_path / "two", seed=2))
    assert sorted(name for name in one if one[name] == two[name]) == [
        "AdventureWorks_Calendar.csv",
        "AdventureWorks_Product_Categories.csv",
        "AdventureWorks_Product_Subcategories.csv",
        "AdventureWorks_Territories.csv",
    ]


def test_more_customers_buy_from_the_same_catalogue(tmp_path: Path) -> None:
    few, many = bytes_of(small(tmp_path / "few", customers=5)), bytes_of(small(tmp_path / "many", customers=50))
    assert few["AdventureWorks_Products.csv"] == many["AdventureWorks_Products.csv"]


def test_the_size_of_the_real_shop_yields_its_proportions(shop: Path, sales: Rows, customers: Rows) -> None:
    assert len(customers) == 18_148
    assert len(sales) == pytest.approx(56_046, rel=0.03)
    assert len(set(column(sales, "OrderNumber"))) == pytest.approx(25_164, rel=0.03)
    assert len(set(column(sales, "CustomerKey"))) == pytest.approx(17_416, rel=0.01)
    assert len(landed(shop, "Returns")) == pytest.approx(1_809, rel=0.1)
    names = ("Products", "Product_Subcategories", "Product_Categories", "Territories", "Calendar")
    assert [len(landed(shop, name)) for name in names] == [293, 37, 4, 10, 912]


def test_twice_the_customers_buy_about_twice_as_much(tmp_path: Path) -> None:
    small(tmp_path / "one", customers=3_000)
    small(tmp_path / "two", customers=6_000)
    one, two = (len(landed(tmp_path / name, *SALES)) for name in ("one", "two"))
    assert two / one == pytest.approx(2.0, rel=0.05)


def test_a_range_twice_as_long_holds_about_twice_as_much(tmp_path: Path) -> None:
    small(tmp_path / "one", customers=3_000, end=date(2016, 12, 31))
    small(tmp_path / "two", customers=3_000, end=date(2018, 12, 31))
    one = len(landed(tmp_path / "one", "Sales_2015", "Sales_2016"))
    two = len(landed(tmp_path / "two", *SALES, "Sales_2018"))
    assert two / one == pytest.approx(2.0, rel=0.05)


def test_some_customers_never_buy_most_buy_once_and_a_few_buy_all_the_time(sales: Rows, customers: Rows) -> None:
    orders = Counter(customer for customer, _ in {(row["CustomerKey"], row["OrderNumber"]) for row in sales})
    buyers = Counter(orders.values())
    assert 0.03 < 1 - len(orders) / len(customers) < 0.05
    assert 0.6 < buyers[1] / len(orders) < 0.7
    assert 0.2 < buyers[2] / len(orders) < 0.3
    assert 10 < sum(count for often, count in buyers.items() if often >= 13) < 100


def test_customer_keys_rise_from_11000_with_holes(customers: Rows) -> None:
    keys = [int(key) for key in column(customers, "CustomerKey")]
    assert keys[0] == 11_000
    assert keys == sorted(set(keys))
    assert 11_000 + len(keys) < keys[-1] < 11_000 + 1.05 * len(keys)


def test_income_carries_dollar_commas_and_a_trailing_space(shop: Path, customers: Rows) -> None:
    assert all(re.fullmatch(r"\$[1-9]\d?0,000 ", income) for income in column(customers, "AnnualIncome"))
    assert b',"$90,000 ",' in (shop / "AdventureWorks_Customers.csv").read_bytes()


def test_prefix_and_gender_agree_and_seven_in_a_thousand_have_neither(customers: Rows) -> None:
    pairs = Counter((row["Prefix"], row["Gender"]) for row in customers)
    assert set(pairs) == {("MR.", "M"), ("MRS.", "F"), ("MS.", "F"), ("", "NA")}
    assert pairs["", "NA"] / len(customers) == pytest.approx(0.007, abs=0.002)


def test_emails_are_unique_and_made_of_the_first_name_and_a_number(customers: Rows) -> None:
    emails = column(customers, "EmailAddress")
    assert len(set(emails)) == len(emails)
    for row in customers:
        letters = "".join(filter(str.isalpha, row["FirstName"].lower()))
        assert re.fullmatch(re.escape(letters) + r"\d+@adventure-works\.com", row["EmailAddress"])


def test_names_are_in_capitals_and_some_have_accents(customers: Rows) -> None:
    names = {row["FirstName"] + row["LastName"] for row in customers}
    assert all(name == name.upper() for name in names)
    assert 0.001 < sum(not name.isascii() for name in names) / len(names) < 0.1


def test_a_common_name_is_shared_by_customers_with_different_emails(customers: Rows) -> None:
    shared = Counter((row["FirstName"], row["LastName"]) for row in customers)
    assert max(shared.values()) > 3


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("MaritalStatus", "M, S"),
        ("TotalChildren", "0, 1, 2, 3, 4, 5"),
        ("EducationLevel", "Bachelors, Graduate Degree, High School, Partial College, Partial High School"),
        ("Occupation", "Clerical, Management, Manual, Professional, Skilled Manual"),
        ("HomeOwner", "N, Y"),
    ],
)
def test_an_attribute_takes_the_values_of_the_real_one(customers: Rows, name: str, values: str) -> None:
    assert ", ".join(sorted(set(column(customers, name)))) == values


def test_product_keys_run_from_214_to_606_with_holes(products: Rows) -> None:
    keys = [int(key) for key in column(products, "ProductKey")]
    assert (keys[0], keys[-1], len(set(keys))) == (214, 606, 293)
    assert keys == sorted(keys)


def test_every_subcategory_has_products_and_every_sku_and_name_is_unique(products: Rows) -> None:
    assert {int(key) for key in column(products, "ProductSubcategoryKey")} == set(range(1, 38))
    assert len(set(column(products, "ProductSKU"))) == 293
    assert len(set(column(products, "ProductName"))) == 293


def test_products_without_colour_size_or_style_say_so_in_their_own_way(products: Rows) -> None:
    plain = next(row for row in products if row["ProductName"] == "Patch Kit")
    assert (plain["ProductColor"], plain["ProductSize"], plain["ProductStyle"]) == ("NA", "0", "0")


def test_names_with_commas_are_quoted_and_quotes_are_doubled(shop: Path) -> None:
    text = (shop / "AdventureWorks_Products.csv").read_text(encoding="cp1252")
    assert (
        ',"Breeze Helmet, Red",Breeze Helmet,"Twelve vents, a dial at the back, and a visor for low sun.",Red,' in text
    )
    assert ',"Sealed 1"" threadless headset, greased for life.",' in text


def test_amounts_have_up_to_four_decimals_and_a_product_costs_less_than_its_price(products: Rows) -> None:
    amounts = [*column(products, "ProductPrice"), *column(products, "ProductCost")]
    assert all(re.fullmatch(r"\d+(\.\d{0,3}[1-9])?", amount) for amount in amounts)
    assert any(re.fullmatch(r"\d+\.\d{4}", price) for price in column(products, "ProductPrice"))
    assert all(0 < float(row["ProductCost"]) < float(row["ProductPrice"]) for row in products)


def test_dates_are_month_day_year_without_zeros_in_front(shop: Path, sales: Rows, customers: Rows) -> None:
    unpadded = re.compile(r"[1-9]\d?/[1-9]\d?/\d{4}")
    assert all(unpadded.fullmatch(row[name]) for row in sales for name in ("OrderDate", "StockDate"))
    assert all(unpadded.fullmatch(birth) for birth in column(customers, "BirthDate"))
    assert column(landed(shop, "Calendar"), "Date")[:2] == ["1/1/2015", "1/2/2015"]
    assert column(landed(shop, "Calendar"), "Date")[-1] == "6/30/2017"


def test_every_key_of_a_sale_exists(shop: Path, sales: Rows, customers: Rows, products: Rows) -> None:
    assert set(column(sales, "CustomerKey")) <= set(column(customers, "CustomerKey"))
    assert set(column(sales, "ProductKey")) <= set(column(products, "ProductKey"))
    assert set(column(sales, "TerritoryKey")) <= set(column(landed(shop, "Territories"), "SalesTerritoryKey"))
    assert set(column(sales, "OrderDate")) <= set(column(landed(shop, "Calendar"), "Date"))


def test_order_and_line_are_unique(sales: Rows) -> None:
    assert len({(row["OrderNumber"], row["OrderLineItem"]) for row in sales}) == len(sales)


def test_the_lines_of_an_order_count_from_one_to_eight_at_most(sales: Rows) -> None:
    items = defaultdict(list)
    for row in sales:
        items[row["OrderNumber"]].append(int(row["OrderLineItem"]))
    assert all(sorted(each) == list(range(1, len(each) + 1)) for each in items.values())
    assert {len(each) for each in items.values()} == {1, 2, 3, 4, 5, 6, 7, 8}


def test_an_order_has_one_customer_and_one_territory_and_one_day(sales: Rows) -> None:
    names = ("CustomerKey", "TerritoryKey", "OrderDate")
    heads = {(row["OrderNumber"], *(row[name] for name in names)) for row in sales}
    assert len(heads) == len(set(column(sales, "OrderNumber")))


def test_an_order_never_lists_a_product_twice(sales: Rows) -> None:
    assert len({(row["OrderNumber"], row["ProductKey"]) for row in sales}) == len(sales)


def test_order_numbers_are_so_and_at_least_five_digits(sales: Rows) -> None:
    assert all(re.fullmatch(r"SO\d{5,}", number) for number in column(sales, "OrderNumber"))


def test_most_customers_stay_in_one_territory(sales: Rows) -> None:
    seen = defaultdict(set)
    for row in sales:
        seen[row["CustomerKey"]].add(row["TerritoryKey"])
    assert 0 < sum(len(each) > 1 for each in seen.values()) / len(seen) < 0.02


def test_a_year_has_its_own_file_sorted_by_day(shop: Path) -> None:
    for name in SALES:
        days = [day(text) for text in column(landed(shop, name), "OrderDate")]
        assert {each.year for each in days} == {int(name[-4:])}
        assert days == sorted(days)


def test_stock_is_thirteen_years_older_than_its_sale(sales: Rows) -> None:
    ages = [(day(row["OrderDate"]) - day(row["StockDate"])).days for row in sales[::50]]
    assert 4_763 <= min(ages) < max(ages) <= 4_869


def test_quantities_are_one_to_three_and_bikes_go_one_by_one(sales: Rows, products: Rows) -> None:
    bikes = {row["ProductKey"] for row in products if row["ProductSubcategoryKey"] in {"1", "2", "3"}}
    assert set(column(sales, "OrderQuantity")) == {"1", "2", "3"}
    assert {row["OrderQuantity"] for row in sales if row["ProductKey"] in bikes} == {"1"}


def test_a_return_follows_a_sale_of_the_product_in_the_territory(shop: Path, sales: Rows) -> None:
    first_sale: dict[tuple[str, str], date] = {}
    for row in sales:
        first_sale.setdefault((row["TerritoryKey"], row["ProductKey"]), day(row["OrderDate"]))
    for row in landed(shop, "Returns"):
        assert first_sale[row["TerritoryKey"], row["ProductKey"]] <= day(row["ReturnDate"]) <= END


def test_no_more_comes_back_than_was_sold(shop: Path, sales: Rows) -> None:
    left: Counter[tuple[str, str]] = Counter()
    for row in sales:
        left[row["TerritoryKey"], row["ProductKey"]] += int(row["OrderQuantity"])
    for row in landed(shop, "Returns"):
        left[row["TerritoryKey"], row["ProductKey"]] -= int(row["ReturnQuantity"])
    assert min(left.values()) >= 0


def test_one_customer_may_be_the_whole_shop(tmp_path: Path) -> None:
    for seed in range(8):
        small(tmp_path / str(seed), customers=1, seed=seed)
        assert column(landed(tmp_path / str(seed), "Customers"), "CustomerKey") == ["11000"]
    bought = [set(column(landed(tmp_path / str(seed), *SALES), "CustomerKey")) for seed in range(8)]
    assert {"11000"} in bought


def test_a_shop_without_sales_still_lands_the_headers(tmp_path: Path) -> None:
    small(tmp_path, customers=1, start=date(2020, 3, 1), end=date(2020, 3, 1))
    header = b"OrderDate,StockDate,OrderNumber,ProductKey,CustomerKey,TerritoryKey,OrderLineItem,OrderQuantity\r\n"
    assert (tmp_path / "AdventureWorks_Sales_2020.csv").read_bytes() == header


def test_one_day_is_a_range(tmp_path: Path) -> None:
    small(tmp_path, customers=5_000, start=date(2020, 2, 29), end=date(2020, 2, 29))
    assert set(column(landed(tmp_path, "Sales_2020"), "OrderDate")) == {"2/29/2020"}
    assert column(landed(tmp_path, "Calendar"), "Date") == ["2/29/2020"]


def test_a_leap_year_has_366_days(tmp_path: Path) -> None:
    small(tmp_path, start=date(2016, 1, 1), end=date(2016, 12, 31))
    days = column(landed(tmp_path, "Calendar"), "Date")
    assert len(days) == 366
    assert days[58:61] == ["2/28/2016", "2/29/2016", "3/1/2016"]


def test_a_range_of_over_five_years_has_a_sales_file_for_each(tmp_path: Path) -> None:
    files = small(tmp_path, start=date(2018, 12, 31), end=date(2024, 1, 1))
    assert [int(file.stem[-4:]) for file in files if "Sales" in file.name] == [2018, 2019, 2020, 2021, 2022, 2023, 2024]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"customers": 0}, "customers must be at least 1, not 0"),
        ({"end": date(2014, 12, 31)}, "end must not be before start, but 2014-12-31 is before 2015-01-01"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_written(tmp_path: Path, wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        small(tmp_path / "landing", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "landing").exists()
