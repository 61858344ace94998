"""What a killed run leaves behind, and that the next run makes of it what an uninterrupted one would have made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib import landing
from lib.pipeline import ingest, run
from lib.tables import Tables
from tests.builders import CONF, PRODUCTS_HEADER, SALES_HEADER, Lake

PRODUCT = '310,2,BK-R93R-62,"Road-150 Red, 62",Road-150,"Fast.",Red,62,U,2171.2942,3578.27'
SALE = "1/1/2017,12/1/2016,SO1,310,11000,1,1,2"
BAD = "1/1/2017,12/1/2016,SO2,310,11000,1,1,0"
LATER = "1/2/2017,12/1/2016,SO3,310,11001,1,1,1"


class Killed(BaseException):
    """Stands for the end of the process: no handler of the pipeline may take it for an error of its own."""


def filled(spark: SparkSession, root: Path) -> Lake:
    lake = Lake(spark, root, CONF)
    lake.land_lines("Products", PRODUCTS_HEADER, PRODUCT)
    lake.land_lines("Sales_2017", SALES_HEADER, SALE, BAD)
    return lake


def content(lake: Lake) -> dict[str, Any]:
    """What the lake says of the business: rows, without the times and numbers of the runs that wrote them."""
    sales = "silver.adventureworks_sales"
    return {
        "bronze": lake.rows("bronze.adventureworks_sales", "OrderNumber", "_batch_id"),
        "silver": lake.rows(sales, "order_number", "quantity"),
        "quarantine": lake.rows(f"{sales}_quarantine", "raw", "status", "size(history)"),
        "facts": lake.rows("gold.fact_sales", "order_id", "total_value"),
        "customers": lake.rows("gold.customer_360", "customer_id", "total_orders", "total_spend"),
        "files": lake.rows("ops.files", "path", "status", "batch_id"),
        "landing": [file.name for file in lake.landing.rglob("*") if file.is_file()],
        "processed": sorted(file.name for file in (lake.root / "processed").rglob("*.csv")),
    }


@pytest.fixture(scope="module")
def expected(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    lake = filled(spark, tmp_path_factory.mktemp("whole") / "lake")
    assert lake.run().status == 0
    return content(lake)


def killed_at(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it is when the process ends just before it."""

    def die(*_: Any, **__: Any) -> Any:
        raise Killed(function.__name__)

    return die


POINTS: dict[str, tuple[Any, str]] = {
    "after the claim, before bronze": (ingest, "_load_all"),
    "after bronze, before the files are settled": (ingest, "_settle"),
    "after the files are settled, before they are moved": (landing, "archive"),
    "after bronze, before silver": (run, "refine"),
    "after silver, before it says how far it is": (Tables, "set_properties"),
    "after gold, before the ledger": (run, "_write_ledger"),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_anywhere_is_simply_run_again(
    spark: SparkSession,
    tmp_path: Path,
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    lake = filled(spark, tmp_path / "lake")
    owner, name = POINTS[point]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed_at(getattr(owner, name)))
        with pytest.raises(Killed):
            lake.run()
    assert lake.run().status == 0
    assert content(lake) == expected


def test_a_file_that_lands_beside_a_dead_runs_plan_goes_into_a_batch_of_its_own(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = filled(spark, tmp_path / "lake")
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "_settle", killed_at(ingest._settle))
        with pytest.raises(Killed):
            lake.run(layers=["bronze"])
    lake.land_lines("Sales_2018", SALES_HEADER, LATER)
    assert lake.run(layers=["bronze"]).status == 0
    assert lake.rows("bronze.adventureworks_sales", "OrderNumber", "_batch_id") == [("SO1", 1), ("SO2", 1), ("SO3", 2)]
    assert lake.rows("ops.files", "batch_id", "status", where="path LIKE '%Sales%'") == [(1, "loaded"), (2, "loaded")]
    assert lake.rows("ops.steps", "batch_id", "rows_in", where="table_name LIKE '%sales'") == [(1, 2), (2, 1)]


def test_a_planned_file_that_is_gone_is_told_and_stops_nothing(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = filled(spark, tmp_path / "lake")
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "_load_all", killed_at(ingest._load_all))
        with pytest.raises(Killed):
            lake.run(layers=["bronze"])
    (lake.landing / "adventureworks/AdventureWorks_Sales_2017.csv").unlink()
    outcome = lake.run(layers=["bronze"])
    assert outcome.status == 0
    assert "AdventureWorks_Sales_2017.csv: not loaded: the file is gone" in outcome.text
    assert lake.rows("bronze.adventureworks_products", "count(*)") == [(1,)]
