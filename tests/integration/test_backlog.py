"""A backlog in bounded batches, a file that changes while it is read, a rejected one with another chance."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.errors import ConfigError
from lib.tables import Tables
from tests.builders import CONF, SALES_HEADER, Lake, Outcome

SALES = "bronze.adventureworks_sales"
FIRST = "1/1/2015,12/1/2014,SO1,310,11000,1,1,1"
SECOND = "1/1/2016,12/1/2014,SO2,310,11000,1,1,2"
THIRD = "1/1/2017,12/1/2014,SO3,310,11000,1,1,3"


class SmallBatches(Lake):
    """A lake that takes less than three of the files at once."""

    def settings(self, **changes: Any) -> Any:
        """The lake's settings."""
        return super().settings(batch_bytes=350, **changes)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    home = tmp_path_factory.mktemp("backlog")
    shutil.copytree(CONF, home / "conf")
    lake = SmallBatches(spark, home / "conf" / ".." / "lake", home / "conf")
    files = [lake.land_lines(f"Sales_{year}", SALES_HEADER, line) for year, line in SALES_OF.items()]
    for position, file in enumerate(files):
        os.utime(file, (1_500_000_000 + position, 1_500_000_000 + position))
    lake.land_lines("Returns", "ReturnDate,TerritoryKey,ProductKey", "1/18/2017,1,310")
    return lake


SALES_OF = {2015: FIRST, 2016: SECOND, 2017: THIRD}


@pytest.fixture(scope="module", autouse=True)
def outcome(lake: Lake) -> Outcome:
    """A run during which somebody goes on writing a file that was just read."""
    append = Tables.append

    def append_and_change(tables: Tables, name: str, *rows: Any, **options: Any) -> Any:
        written = append(tables, name, *rows, **options)
        if (name, options.get("batch_id")) == (SALES, 2):
            lake.land_lines("Sales_2017", SALES_HEADER, THIRD.replace("1,1,3", "1,1,30"))
        return written

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tables, "append", append_and_change)
        return lake.run(layers=["bronze", "silver"])


def test_a_backlog_is_taken_in_batches_of_bounded_size_the_oldest_first(lake: Lake) -> None:
    assert lake.rows(SALES, "OrderNumber", "_batch_id") == [("SO1", 1), ("SO2", 1), ("SO3", 2)]
    assert lake.rows("ops.steps", "batch_id", "files", where="table_name LIKE '%sales' AND layer = 'bronze'") == [
        (1, 2),
        (2, 1),
    ]


def test_a_row_says_its_file_relative_to_landing_however_the_lake_was_named(lake: Lake) -> None:
    sources = lake.rows(SALES, "_source_file", where="_batch_id = 2")
    assert sources == [("adventureworks/AdventureWorks_Sales_2017.csv",)]


def test_a_file_that_changed_after_it_was_read_stays_in_landing(lake: Lake, outcome: Outcome) -> None:
    assert "Sales_2017.csv: is not what was read any more; what is in landing now is a new file" in outcome.text
    assert [file.name for file in lake.landing.rglob("*.csv")] == ["AdventureWorks_Sales_2017.csv"]


def test_the_next_run_takes_the_changed_file_and_a_rejected_one_that_a_new_contract_allows(lake: Lake) -> None:
    edit(
        lake,
        "returns",
        "{from: ReturnQuantity, type: int}",
        "{from: ReturnQuantity, type: int, default: 1, optional: true}",
    )
    [rejected] = (lake.root / "rejected").rglob("*.csv")
    shutil.move(rejected, lake.landing / "adventureworks")
    outcome = lake.run(layers=["bronze", "silver"])
    assert outcome.status == 0, outcome.text
    assert lake.rows("silver.adventureworks_sales", "order_number", "quantity") == [("SO1", 1), ("SO2", 2), ("SO3", 30)]
    assert lake.rows("silver.adventureworks_returns", "product_key", "quantity") == [(310, 1)]
    assert lake.rows("ops.files", "status", "batch_id", where="path LIKE '%Returns%'") == [("loaded", 2)]
    assert not list(lake.landing.rglob("*.csv"))


def test_sql_that_does_not_compile_is_told_before_anything_is_run(lake: Lake) -> None:
    edit(lake, "returns", "expect: quantity > 0", "expect: quantty > 0")
    edit(lake, "sales", "clean: upper(trim(value))", "clean: upper(trim(value)")
    lake.land_lines("Sales_2018", SALES_HEADER, FIRST)
    before = lake.versions()
    with pytest.raises(ConfigError) as error:
        lake.run()
    assert [line.split(": '")[0] for line in str(error.value).splitlines()] == [
        "adventureworks/returns.yml: rules.quantity_positive.expect",
        "adventureworks/sales.yml: columns.order_number.clean",
    ]
    assert lake.versions() == before
    assert [file.name for file in lake.landing.rglob("*.csv")] == ["AdventureWorks_Sales_2018.csv"]


def edit(lake: Lake, entity: str, old: str, new: str) -> None:
    contract: Path = lake.conf / f"contracts/adventureworks/{entity}.yml"
    text = contract.read_text()
    assert old in text
    contract.write_text(text.replace(old, new))
