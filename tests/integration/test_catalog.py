"""A lake whose tables are named in a catalog, Spark's own, has what the same files give in folders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lib.errors import ConservationError
from lib.session import local_frame
from lib.tables import FEED, Tables
from tests.builders import CONF, PRODUCTS_HEADER, Lake
from tests.integration.contents import files, table_rows
from tests.integration.test_incremental import product, receipt

ONLY = ["dim_products"]
LAYERS = ("bronze", "silver", "gold", "ops")

pytestmark = pytest.mark.integration


class Followed(Lake):
    """A lake of which what changed is followed, be it more keys than there were rows."""

    def settings(self, **changes: Any) -> Any:
        """The lake's settings."""
        return super().settings(full_above=100.0, **changes)


class Named(Followed):
    """A lake whose tables are in a catalog."""

    def settings(self, **changes: Any) -> Any:
        """The lake's settings."""
        return super().settings(catalog="spark_catalog", **changes)


@pytest.fixture
def named(spark: SparkSession, tmp_path: Path) -> Iterator[Named]:
    """An empty lake in Spark's catalog, which forgets it afterwards."""
    yield Named(spark, tmp_path / "named", CONF)
    for layer in LAYERS:
        spark.sql(f"DROP SCHEMA IF EXISTS spark_catalog.{layer} CASCADE")


def night(lake: Lake, number: int) -> None:
    """Prices of the web shop and receipts; in the second one an older receipt is corrected."""
    lake.land_lines(f"Products_{number}", PRODUCTS_HEADER, product(1, f"1{number}.0000"), product(number, "5.0000"))
    receipts = [receipt(n, day=number) for n in range(number * 4)] + [receipt(1, day=1, quantity=9, updated=20)]
    lake.land(f"pos/sales/{number}.jsonl", "\n".join(receipts), source=".")


@pytest.mark.slow
def test_a_lake_in_a_catalog_has_what_one_in_folders_has(named: Named, spark: SparkSession, tmp_path: Path) -> None:
    plain = Followed(spark, tmp_path / "plain", CONF)
    times = {"_source_modified_at", "modified_at", "valid_from", "valid_to"}
    for number in (1, 2):
        for lake in (plain, named):
            night(lake, number)
            outcome = lake.run(only=ONLY)
            assert outcome.status == 0, outcome.text
    # below the root as without a catalog: whoever reads by path finds them too
    assert table_rows(named, without=times) == table_rows(plain, without=times)
    assert files(named) == files(plain)
    by_name = sorted(map(str, spark.table("spark_catalog.gold.dim_products").collect()))
    assert by_name == sorted(map(str, named.read("gold.dim_products").collect()))
    assert named.rows("ops.steps", "mode", where="layer = 'gold'") == [("full",), ("incremental",)]

    before = named.versions()
    outcome = named.run(only=ONLY)
    assert outcome.status == 0
    assert named.versions() == before


def test_a_table_that_was_written_by_its_folder_is_known_by_its_name(named: Named, spark: SparkSession) -> None:
    by_folder, by_name = Tables(spark, named.root), Tables(spark, named.root, catalog="spark_catalog")
    by_folder.append("gold.t", local_frame(spark, [{"id": 1}], "id INT"))
    by_name.append("gold.t", local_frame(spark, [{"id": 2}], "id INT"))
    assert by_name.path("gold.t") == by_folder.path("gold.t")
    assert sorted(row["id"] for row in spark.table("spark_catalog.gold.t").collect()) == [1, 2]


def test_a_table_keeps_its_properties_and_takes_no_batch_twice(named: Named, spark: SparkSession) -> None:
    tables = Tables(spark, named.root, catalog="spark_catalog")
    assert tables.snapshot("gold.t") is None
    assert tables.count("gold.t") == 0
    rows = local_frame(spark, [{"id": 1, "text": "a"}], "id INT, text STRING")
    assert tables.append("gold.t", rows, batch_id=1, options=FEED).inserted == 1
    with pytest.raises(ConservationError, match="the table already has a later batch"):
        tables.append("gold.t", rows, batch_id=1)
    tables.append("gold.t", local_frame(spark, [{"id": 2, "more": 5}], "id INT, more INT"), batch_id=2)
    assert tables.read("gold.t").columns == ["id", "text", "more"]
    assert tables.changes("gold.t", after=0, through=1).count() == 1
    tables.set_properties("gold.t", {"comment": "said", "lakehouse.x": "y"})
    tables.overwrite("gold.t", local_frame(spark, [{"other": 1}], "other INT"))
    snapshot = tables.snapshot("gold.t")
    assert snapshot is not None
    assert (snapshot.description, snapshot.properties["lakehouse.x"]) == ("said", "y")
    assert snapshot.properties["delta.enableChangeDataFeed"] == "true"
    assert tables.read("gold.t", version=0).count() == 1
    assert [tuple(row) for row in tables.read("gold.t").collect()] == [(1,)]
