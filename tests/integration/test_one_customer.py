"""A person whom several systems know is one customer in gold, whoever turns out to be who, and can be explained."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from lib.errors import LakehouseError
from lib.explain import explain, figure_of, print_explanation
from lib.export import export
from lib.figures import FIGURES
from lib.persons import find
from lib.tables import Tables
from tests.builders import CONF, CUSTOMERS_HEADER, PRODUCTS_HEADER, SALES_HEADER, Lake

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WEB = "1,Mrs.,ADA,BYRON,12/10/1985,M,F,ada@example.com,$90000,2,Bachelors,Professional,Y"
CENTRE = "customer_id,first_name,last_name,birth_date,email,gender,updated_at"
ONLY = ["customer_360", "mart_customers"]
COMPARED = ("dim_customers", "fact_sales", "fact_interactions", "customer_metrics", "customer_service", "customer_360")


def member(key: str, email: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": key,
        "name": "Ada Byron",
        "email": email,
        "birth_date": "10/12/1985",
        "updated_at": day,
        **more,
    }


def receipt(number: int, customer: str, price: str, quantity: int = 1) -> dict[str, Any]:
    return {
        "transaction_id": f"T{number}", "customer_id": customer,
        "product": {"id": "BIKE", "name": "Bike", "price": price},
        "quantity": quantity, "date": f"2017-01-{number:02d}T10:00:00Z",
        "updated_at": f"2017-01-{number:02d}T11:00:00Z",
    }  # fmt: skip


class People(Lake):
    """A lake whose runs look into who is who."""

    def night(self, number: int, *, members: list[dict[str, Any]] = [], sold: list[dict[str, Any]] = []) -> None:  # noqa: B006
        """Land what tills and loyalty programme have, and run."""
        for name, rows in (("customers", members), ("sales", sold)):
            if rows:
                self.land(f"{name}/{number}.json", "\n".join(map(json.dumps, rows)), source="pos")
        outcome = self.run(resolved=True, only=ONLY)
        assert outcome.status == 0, outcome.text

    def spend(self) -> dict[str, tuple[Any, ...]]:
        """What customers spent, with the records that they are and their former ids."""
        rows = self.rows("gold.customer_360", "customer_id", "source_ids", "former_ids", "CAST(total_spend AS INT)")
        return {row[0]: row[1:] for row in rows}


K1, K2, K3 = (f"K00000000{n}" for n in range(1, 4))


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> People:
    """A web customer whom the contact centre knows, a member with another e-mail address, a card that a sale names."""
    made = People(spark, tmp_path_factory.mktemp("people") / "lake", CONF)
    made.land_lines("Customers", CUSTOMERS_HEADER, WEB)
    made.land_lines("Products", PRODUCTS_HEADER, "1,1,BIKE,Bike,Bike,A bike,red,M,U,30,50")
    made.land_lines("Sales_2017", SALES_HEADER, "1/1/2017,1/1/2016,SO1,1,1,1,1,2")
    person = "P1,Ada,Byron,10/12/1985,ada@example.com,F,2017-01-01T00:00:00Z"
    made.land("customers/1.csv", f"{CENTRE}\n{person}\n", source="crm")
    contacts = [
        {"interaction_id": f"I{n}", "customer_id": "P1", "channel": "phone", "type": "complaint", "satisfaction": n + 2,
         "started_at": f"2017-01-0{n}T09:00:00Z", "follow_up": due, "updated_at": f"2017-01-0{n}T10:00:00Z"}
        for n, due in ((1, {}), (2, {"due_on": "2017-02-01"}))
    ]  # fmt: skip
    made.land("interactions/1.json", "\n".join(map(json.dumps, contacts)), source="crm")
    made.night(
        1,
        members=[member("C1", "other@example.com", "2017-01-01T00:00:00Z")],
        sold=[receipt(1, "C1", "7.00"), receipt(2, "C9", "1.00"), receipt(3, "C1", "9.00", quantity=0)],
    )
    return made


APART = {
    K1: (["adventureworks:1", "crm:P1"], [], 100),
    K2: (["pos:C1"], [], 7),
    K3: (["pos:C9"], [], 1),
}
FACTS = [
    ("adventureworks", "SO1", "1", K1, "100.00000000"),
    ("pos", "T1", "C1", K2, "7.00000000"),
    ("pos", "T2", "C9", K3, "1.00000000"),
]


def facts(lake: Lake) -> list[tuple[Any, ...]]:
    columns = ("source", "order_id", "source_customer_id", "customer_id", "CAST(total_value AS STRING)")
    return lake.rows("gold.fact_sales", *columns)


def assert_a_full_rebuild_changes_nothing(lake: Lake) -> None:
    before = {name: lake.rows(f"gold.{name}", "*") for name in COMPARED}
    outcome = lake.run(resolved=True, only=ONLY, layers=["gold"], full_refresh=[*COMPARED])
    assert outcome.status == 0, outcome.text
    assert {name: lake.rows(f"gold.{name}", "*") for name in COMPARED} == before


def test_gold_follows_who_is_who_and_no_fact_is_copied_or_lost(lake: People) -> None:
    assert lake.spend() == APART
    assert facts(lake) == FACTS
    # the member says to have the e-mail address of the other two, and the card that was only named is described
    lake.night(
        2,
        members=[
            member("C1", "ada@example.com", "2017-02-01T00:00:00Z"),
            member("C9", "nine@example.com", "2017-02-01T00:00:00Z", name="Nina Nine"),
        ],
    )
    assert lake.spend() == {
        K1: (["adventureworks:1", "crm:P1", "pos:C1"], [K2], 107),
        K3: (["pos:C9"], [], 1),
    }
    assert facts(lake) == [(*row[:3], K1 if row[3] == K2 else row[3], row[4]) for row in FACTS]
    assert_a_full_rebuild_changes_nothing(lake)
    # the file of the web shop is younger than what the member said
    assert lake.rows("gold.dim_customers", "customer_id", "email", "email_source", where="is_current") == [
        (K1, "ada@example.com", "adventureworks:1"),
        (K3, "nine@example.com", "pos:C9"),
    ]


def test_a_plan_says_whether_anybody_new_came(lake: People) -> None:
    assert lake.plan(resolved=True, only=ONLY).last_line == "nothing to do · 0 warnings"
    sale = lake.land("sales/9.json", json.dumps(receipt(9, "C9", "1.00")), source="pos")
    text = lake.plan(resolved=True, only=ONLY).text
    assert "customer_identities" not in text
    assert "fact_sales" in text
    sale.write_text(json.dumps(receipt(9, "C404", "1.00")))
    assert "who is who in what pos_sales takes in" in lake.plan(resolved=True, only=ONLY).text
    sale.unlink()


def test_a_customer_is_found_by_any_id_and_explained_to_the_last_row(lake: People, spark: SparkSession) -> None:
    tables, settings = Tables(spark, lake.root), lake.settings()
    for asked in (K1, K2, "pos:C1", "C1", "P1", "ADA@example.com"):
        assert find(tables, asked) == K1
    with pytest.raises(LakehouseError, match="customer C404: nobody has this id"):
        find(tables, "C404")
    with pytest.raises(LakehouseError, match="column spend_rank: no rows add up to it; there are total_spend"):
        explain(tables, settings, K1, column="spend_rank")
    [customer] = lake.read("gold.customer_360").filter(f"customer_id = '{K1}'").collect()
    for column in FIGURES:
        figure = figure_of(tables, customer.asDict(recursive=True), column, limit=1)
        assert figure["adds_up"], figure
    said = explain(tables, settings, "pos:C1", column="total_spend", limit=1)
    assert json.loads(json.dumps(said, default=str))["customer"]["former_ids"] == [K2]
    assert [(each["record"], each["entity"], each["file"]) for each in said["records"]] == [
        ("adventureworks:1", "adventureworks_customers", "adventureworks/AdventureWorks_Customers.csv"),
        ("crm:P1", "crm_customers", "crm/customers/1.csv"),
        ("pos:C1", "pos_customers", "pos/customers/2.json"),
    ]
    assert [(each["record"], each["event"], each["customer_id"], each["rule"]) for each in said["joins"]][-1] == (
        ("pos:C1", "merged", K1, "email_and_birth_date")
    )
    assert {each["group"]: each["record"] for each in said["values"]}["work"] == "adventureworks:1"
    [income] = [each for each in said["changed"] if each["column"] == "annual_income"]
    assert (income["landed"], income["became"]) == ("$90000", "90000.00")
    assert [(each["entity"], each["reasons"]) for each in said["quarantine"]] == [
        ("pos_sales", ["quantity must be above zero"])
    ]
    figure = said["figure"]
    assert (figure["rows"], figure["value"], len(figure["shown"])) == (2, Decimal("107.0000"), 1)
    out = io.StringIO()
    print_explanation(Console(file=out, width=200), said)
    assert "K000000001  Ada Byron  adventureworks, crm, pos, formerly K000000002" in out.getvalue()
    assert "107.0000 = coalesce(sum(total_value), 0) over 2 rows of gold.fact_sales: adds up" in out.getvalue()
    assert figure["shown"][0]["file"] in ("adventureworks/AdventureWorks_Sales_2017.csv", "pos/sales/1.json")


def test_all_that_is_known_of_a_customer_is_written_down_and_nothing_of_anybody_else(
    lake: People, spark: SparkSession
) -> None:
    said = export(Tables(spark, lake.root), lake.settings(), K2)
    text = json.dumps(said, default=str, ensure_ascii=False)
    assert said["customer"] == {
        "customer_id": K1, "former_ids": [K2], "records": ["adventureworks:1", "crm:P1", "pos:C1"],
    }  # fmt: skip
    assert {entity: len(rows) for entity, rows in said["bronze"].items()} == {
        "adventureworks_customers": 1, "adventureworks_sales": 1, "crm_customers": 1, "crm_interactions": 2,
        "pos_customers": 2, "pos_sales": 2,
    }  # fmt: skip
    assert len(said["gold"]["fact_sales"]) == len(said["gold"]["fact_interactions"]) == 2
    assert len(said["quarantine"]["pos_sales_quarantine"]) == 1
    assert {row["customer_id"] for rows in said["gold"].values() for row in rows} == {K1}
    assert K3 not in text
    assert "Nina" not in text


def test_who_turns_out_to_be_two_after_all_is_two_customers_again(lake: People) -> None:
    lake.night(3, members=[member("C1", "other@example.com", "2017-03-01T00:00:00Z", birth_date="11/12/1985")])
    anew = "K000000004"
    assert lake.spend() == {
        K1: (["adventureworks:1", "crm:P1"], [], 100),
        anew: (["pos:C1"], [K2], 7),
        K3: (["pos:C9"], [], 1),
    }
    assert [row[3] for row in facts(lake)] == [K1, anew, K3]
    assert_a_full_rebuild_changes_nothing(lake)
