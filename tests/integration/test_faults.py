"""A run that dies between any two of its durable effects is simply run again: nothing is lost, nothing is doubled."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.identity.tables import RESOLUTION
from tests.builders import CONF, CUSTOMERS_HEADER, PRODUCTS_HEADER, Lake
from tests.integration.contents import files, table_rows
from tests.integration.faults import cut_off, on_effects
from tests.integration.processes import HOME, environment, run
from tests.integration.test_jobs import BY_PYTHON

README = HOME / "README.md"
MARKS = ("<!-- faults -->\n", "<!-- /faults -->")

CUT_OFF = {
    "claim": "the plan of the batches, written and not committed",
    "bronze pos_sales": "rows of a batch in bronze, not committed",
    "settle": "rows in bronze, their files still planned",
    "quarantine pos_sales": "rows in quarantine, not committed",
    "silver pos_sales": "quarantine written, silver not committed",
    "history pos_customers": "silver written, its history not committed",
    "progress of pos_sales": "silver written, and not how far it is",
    "gold dim_customers": "a dimension, not committed",
    "gold fact_sales": "the facts, not committed",
    "gold kpi_daily": "a mart, not committed",
    "ledger: steps": "all tables written, no step in the ledger",
    "ledger: quality": "the counts of the rules, not committed",
    "ledger: runs": "the steps in the ledger, and not the run",
}
"""The state that a death leaves: data files without their commit, and all that was done before."""

UNDONE = {"move": "files settled, none moved", "move 2": "one loaded file moved, the other one still in landing"}

KILLED = {
    ("after", "claim"): "a plan without an append",
    ("after", "bronze pos_sales"): "a batch in bronze, its files not settled",
    ("after", "silver pos_sales"): "silver merged, and not how far it is",
    ("before", "gold fact_sales"): "silver done, gold half built",
}
"""A real SIGKILL of the process group, Python and the JVM."""

OFTEN = ("bronze pos_sales", "silver pos_sales", "gold fact_sales", "ledger: steps", "move 2")
"""Points of each kind, which are tried whenever the tests run."""

OUTCOMES: dict[tuple[str, str, str], str] = {}


ONLY = ["dim_customers", "kpi_daily"]
"""With what they are made from: one gold table is written as another one is."""


class OneThread(Lake):
    """A lake that writes one table after the other: its state can be copied while nothing else is written."""

    def settings(self, **changes: Any) -> Any:
        """The lake's settings."""
        return super().settings(threads=1, **changes)


def sale(number: str, quantity: Any, *, at: str, customer: str = "C1") -> str:
    product = {"id": "BK-1", "name": "Road-1", "category": "Bikes", "price": 24.5}
    return json.dumps(
        {"transaction_id": number, "customer_id": customer, "store_id": "S1", "product": product, "quantity": quantity,
         "date": "2017-01-05T10:00:00Z", "updated_at": at}
    )  # fmt: skip


def customer(number: str, name: str, *, at: str) -> str:
    return json.dumps({"customer_id": number, "name": name, "loyalty_points": 5, "updated_at": at})


@pytest.fixture(scope="module")
def yesterday(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with a first day in it, and the files of a second day in landing."""
    lake = Lake(spark, tmp_path_factory.mktemp("faults") / "yesterday", CONF)
    lake.land_lines("Products", PRODUCTS_HEADER, '1,2,BK-1,"Road-1",Road,"Fast.",Red,62,U,10.0000,24.5000')
    lake.land_lines("Customers", CUSTOMERS_HEADER)
    lake.land("pos/sales/1.jsonl", f"{sale('T1', 1, at='2017-01-05')}\n{sale('T2', -1, at='2017-01-05')}\n", source=".")
    lake.land("pos/customers/1.jsonl", customer("C1", "Ada", at="2017-01-05") + "\n", source=".")
    assert lake.run(only=ONLY).status == 0
    lines = [
        sale("T1", 3, at="2017-01-06"),
        sale("T3", 2, at="2017-01-06", customer="C2"),
        sale("T4", 0, at="2017-01-06"),
    ]
    lake.land("pos/sales/2.jsonl", "\n".join([*lines, '{"transaction_id": "T5", "cust']), source=".")
    lake.land("pos/customers/2.jsonl", customer("C2", "Grace", at="2017-01-06") + "\n", source=".")
    return lake


@pytest.fixture(scope="module")
def states(yesterday: Lake, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Lake], dict[str, Any]]:
    """A lake for each point at which the second day's run could have died, and what the lake is without a death."""
    folder = tmp_path_factory.mktemp("states")
    whole = OneThread(yesterday.spark, yesterday.copy(folder / "whole").root, CONF)
    found: dict[str, Lake] = {}

    def before(label: str) -> None:
        if label in UNDONE:
            found[label] = whole.copy(folder / label)

    def after(label: str, table: str) -> None:
        if label in CUT_OFF:
            found[label] = whole.copy(folder / label.replace(" ", "-").replace(":", ""))
            cut_off(found[label].root, table)

    with pytest.MonkeyPatch.context() as patch:
        on_effects(patch, before, after)
        assert whole.run(only=ONLY).status == 0
    return found, {**table_rows(whole), **files(whole)}


def killed(yesterday: Lake, folder: Path, when: str, point: str) -> Lake:
    """A lake of which the process group of the second day's run was killed."""
    lake = yesterday.copy(folder / "lake")
    dead = run(
        sys.executable, HOME / "tests/integration/kill_at.py", when, point, "--root", lake.root, "--only", *ONLY,
        "--exclude", RESOLUTION,
        cwd=lake.root, env=environment(**BY_PYTHON, PYTHONPATH=str(HOME)), timeout=300,
    )  # fmt: skip
    assert dead.returncode == -signal.SIGKILL, dead.stdout + dead.stderr
    return lake


def run_again(lake: Lake, expected: dict[str, Any]) -> str:
    """Run the lake; it has what it would have had."""
    outcome = lake.run(only=ONLY)
    assert outcome.status == 0, outcome.text
    found = {**table_rows(lake), **files(lake)}
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert found[name] == rows, name
    return f"{len(expected) - 3} of {len(expected) - 3} tables as without it"


@pytest.mark.integration
@pytest.mark.parametrize(
    "point", [pytest.param(each, marks=() if each in OFTEN else pytest.mark.slow) for each in (*CUT_OFF, *UNDONE)]
)
def test_a_run_that_died_is_simply_run_again(states: tuple[dict[str, Lake], dict[str, Any]], point: str) -> None:
    lakes, expected = states
    OUTCOMES[point, "state built", {**CUT_OFF, **UNDONE}[point]] = run_again(lakes[point], expected)


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize(("when", "point"), KILLED)
def test_a_process_group_that_is_killed_is_simply_run_again(
    yesterday: Lake, states: tuple[dict[str, Lake], dict[str, Any]], tmp_path: Path, when: str, point: str
) -> None:
    outcome = run_again(killed(yesterday, tmp_path, when, point), states[1])
    OUTCOMES[f"{when} {point}", "SIGKILL", KILLED[when, point]] = outcome


@pytest.mark.slow
def test_the_readme_has_the_matrix_of_this_run() -> None:
    if len(OUTCOMES) < len(CUT_OFF) + len(UNDONE) + len(KILLED):
        pytest.skip("only some of the points were tried")
    head = "| the run dies at | how | what is left | after the next run |\n| --- | --- | --- | --- |\n"
    rows = [f"| {point} | {how} | {left} | {outcome} |\n" for (point, how, left), outcome in OUTCOMES.items()]
    text = README.read_text("utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, _, behind = rest.partition(MARKS[1])
    expected = "".join([before, MARKS[0], head, *rows, MARKS[1], behind])
    if os.environ.get("LAKEHOUSE_WRITE_MATRIX"):
        README.write_text(expected, "utf-8")
    assert README.read_text("utf-8") == expected, "write it with LAKEHOUSE_WRITE_MATRIX=1"
