"""Three nights, each computing what its files touch, give the gold that one night with all of the files gives."""

import json
import os
import shutil
from datetime import datetime, timezone
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import CONF, CUSTOMERS_HEADER, PRODUCTS_HEADER, SALES_HEADER, Lake
from tests.integration.contents import table_rows


class Following(Lake):
    """A lake that follows changes to keys however many they are."""

    def settings(self, **changes: Any) -> Any:
        """The lake's settings."""
        return super().settings(full_above=1.0, **changes)


def receipt(number: int, *, day: int, quantity: int = 1, updated: int | None = None, how: str = "card") -> str:
    product = {"id": f"BK-{number % 3}", "name": "Bike", "category": "Bikes", "price": 20 + number}
    at = f"2017-01-{day:02d}T10:00:00Z"
    said = {"transaction_id": f"T{number}", "customer_id": f"C{number % 7}", "store_id": f"S{number % 2}", "date": at}
    changed = f"2017-01-{updated or day:02d}T11:00:00Z"
    return json.dumps({**said, "product": product, "quantity": quantity, "payment_method": how, "updated_at": changed})


def member(number: int, name: str, *, day: int) -> str:
    return json.dumps({"customer_id": f"C{number}", "name": name, "updated_at": f"2017-01-{day:02d}"})


def product(key: int, price: str) -> str:
    return f'{key},2,BK-{key},"Road-{key}",Road,"Fast.",Red,62,U,5.0000,{price}'


def web(order: int, *, day: int, lines: int = 2) -> list[str]:
    return [f"1/{day}/2017,12/1/2016,SO{order},{n},{11000 + order % 5},1,{n},1" for n in range(1, lines + 1)]


CENTRE_HEADER = "customer_id,first_name,last_name,birth_date,email,gender,updated_at"


def payment(number: int, currency: str, *, day: int) -> str:
    said = {"payment_id": f"Y{number}", "customer_id": f"P{number % 3}", "amount": 10 * number, "currency": currency}
    on = f"2017-01-{day:02d}"
    return json.dumps({**said, "type": "payment", "status": "settled", "paid_on": on, "updated_at": on})


def contact(number: int, *, day: int, updated: int | None = None) -> str:
    said = {"interaction_id": f"I{number}", "customer_id": f"P{number % 4}", "agent": {"id": f"A{number % 2}"}}
    at, follow_up = f"2017-01-{day:02d}", {"due_on": "2017-02-01", "done_on": "2017-01-23" if updated else None}
    changed = f"2017-01-{updated or day:02d}"
    more = {"channel": "phone", "type": "question", "started_at": f"{at}T10:00:00Z", "follow_up": follow_up}
    return json.dumps({**said, **more, "updated_at": f"{changed}T11:00:00Z"})


NIGHTS: list[dict[str, list[str]]] = [
    {
        "adventureworks/AdventureWorks_Products.csv": [PRODUCTS_HEADER, product(1, "10.0000"), product(2, "12.0000")],
        "adventureworks/AdventureWorks_Customers.csv": [CUSTOMERS_HEADER],
        "adventureworks/AdventureWorks_Sales_1.csv": [SALES_HEADER, *[e for n in range(20) for e in web(n, day=n + 1)]],
        "pos/sales/1.jsonl": [receipt(n, day=n % 20 + 1) for n in range(40)],
        "pos/customers/1.jsonl": [member(n, f"Ada {n}", day=1) for n in range(4)],
        # payments of which one waits for its rate; rates are of the files' time
        "crm/exchange_rates/1.csv": ["currency,valid_from,rate", "USD,2016-12-01,1", "EUR,2017-01-20,1.1"],
        "crm/customers/1.csv": [CENTRE_HEADER, "P2,Bob,Boole,1985-12-10,,M,2017-01-01"],
        "crm/payments/1.jsonl": [payment(1, "USD", day=3), payment(2, "EUR", day=5), payment(3, "EUR", day=25)],
        "crm/interactions/1.jsonl": [contact(n, day=n) for n in range(1, 7)],
    },
    {
        "adventureworks/AdventureWorks_Sales_2.csv": [SALES_HEADER, *web(50, day=22, lines=3)],
        # new ones, a correction, one that comes late and is older, one that was cancelled, one that landed before
        "pos/sales/2.jsonl": [
            receipt(100, day=21), receipt(101, day=21), receipt(3, day=4, quantity=5, updated=21),
            receipt(4, day=5, quantity=9, updated=1), receipt(5, day=6, updated=21, how="void"), receipt(6, day=7),
        ],
        "pos/customers/2.jsonl": [member(2, "Grace", day=21), member(6, "Edsger", day=21)],
        "crm/exchange_rates/2.csv": ["currency,valid_from,rate", "EUR,2017-01-01,1.05", "EUR,2017-01-25,1.2"],
        "crm/customers/2.csv": [CENTRE_HEADER, "P1,Ada,Byron,1985-12-10,ada@example.com,F,2017-01-22"],
    },
    {
        # another price; what was cancelled comes again, as it was before
        "adventureworks/AdventureWorks_Products.csv": [PRODUCTS_HEADER, product(1, "11.0000"), product(2, "12.0000")],
        "pos/sales/3.jsonl": [receipt(5, day=6, quantity=2, updated=7), receipt(102, day=23)],
        "crm/interactions/3.jsonl": [contact(2, day=2, updated=23), contact(9, day=23)],
    },
]  # fmt: skip


def land(lake: Lake, night: int) -> None:
    for name, lines in NIGHTS[night].items():
        # of a name that lands twice the lake that gets all at once needs both
        file = lake.land(name.replace(".csv", f"_{night}.csv"), "\r\n".join([*lines, ""]), source=".")
        # the last price list is one of January that comes late: what was sold in that month had other prices
        is_late = "Products" in name and night == 2
        at = datetime(2017, 1 if is_late else 2, night + 1, tzinfo=timezone.utc).timestamp()
        os.utime(file, (at, at))


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Lake]:
    """The lake of three nights, and that of one."""
    home = tmp_path_factory.mktemp("nights")
    shutil.copytree(CONF, home / "conf")
    contract = home / "conf/contracts/pos/sales.yml"
    contract.write_text(contract.read_text("utf-8") + "delete_when: payment_method = 'void'\n", "utf-8")
    for name in ("products", "customers"):
        contract = home / f"conf/contracts/adventureworks/{name}.yml"
        glob = f"AdventureWorks_{name.title()}"
        contract.write_text(contract.read_text("utf-8").replace(f"{glob}.csv", f"{glob}*.csv"), "utf-8")
    found = Following(spark, home / "nightly", home / "conf"), Lake(spark, home / "at once", home / "conf")
    for night in range(len(NIGHTS)):
        land(found[0], night)
        land(found[1], night)
        outcome = found[0].run()
        assert outcome.status == 0, outcome.text
    assert found[1].run().status == 0
    return found


@pytest.mark.slow
@pytest.mark.integration
def test_three_nights_give_the_gold_of_one_full_rebuild(lakes: tuple[Lake, Lake]) -> None:
    nightly, at_once = (table_rows(lake, ["gold"]) for lake in lakes)
    assert nightly.keys() == at_once.keys()
    for name, rows in at_once.items():
        assert nightly[name] == rows, name


@pytest.mark.slow
@pytest.mark.integration
def test_a_night_computes_the_keys_that_its_files_touch_and_writes_the_rows_that_differ(
    lakes: tuple[Lake, Lake],
) -> None:
    steps = lakes[0].rows("ops.steps", "run_id", "table_name", "mode", "keys", "changed", where="layer = 'gold'")
    found = {(run, table): tuple(rest) for run, table, *rest in steps}
    # 3 web lines; 2 new receipts, 1 corrected, 1 cancelled; 2 that changed nothing are no change of silver
    assert found[2, "fact_sales"] == ("incremental", 5, 7)
    # two members and one of the contact centre
    assert found[2, "dim_customers"][0:2] == ("incremental", 3)
    # the payment that waited for its rate, and one whose rate is another now
    assert found[2, "fact_payments"][0:2] == ("incremental", 2)
    assert found[3, "fact_interactions"] == ("incremental", 2, 2)
    # of a table without a row, as nothing is suspicious here, the customers of new sales alone are computed
    assert found[2, "sales_anomalies"][0] == found[3, "sales_anomalies"][0] == "incremental"
    # 21 web lines have the product with the other price, and one receipt came
    assert found[3, "fact_sales"][0::2] == ("incremental", 22)
    # what held before, what holds now, and the newest price of a product that the till alone knows
    assert found[3, "dim_products"][0::2] == ("incremental", 3)
    assert {mode for (run, _), (mode, *_) in found.items() if run == 1} == {"full"}
