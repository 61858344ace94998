"""A lake of an earlier version of the project is taken over; one of a later version is refused."""

import shutil
import tarfile
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lib import ops
from lib.errors import LakehouseError
from lib.formats import ENCRYPTED, FORMAT, MARK, PROPERTY, format_of
from lib.tables import Tables
from tests.builders import CONF, Lake

EARLIER = Path(__file__).resolve().parent / "lake-of-format-0.tar.gz"
"""Of 60 people of the web shop and 400 lines of the tills, as the project wrote it before tables carried a format."""

pytestmark = pytest.mark.integration


@pytest.mark.slow
def test_an_earlier_lake_is_taken_over_and_is_as_one_made_today(spark: SparkSession, tmp_path: Path) -> None:
    with tarfile.open(EARLIER) as packed:
        packed.extractall(tmp_path / "then", filter="data")
    then = Lake(spark, tmp_path / "then" / "lake", CONF)
    assert format_of(Tables(spark, then.root)) == 0
    customers = then.read("gold.customer_360").count()
    outcome = then.run()
    assert outcome.status == 0, outcome.text
    assert "the lake is of an older format" in outcome.text
    assert format_of(Tables(spark, then.root)) == FORMAT
    assert Tables(spark, then.root).snapshot("gold.fact_sales").properties[PROPERTY] == str(FORMAT)  # type: ignore[union-attr]

    today = Lake(spark, tmp_path / "today", CONF)
    for place in sorted((then.root / "processed").glob("*/*")):
        shutil.copytree(place, today.landing, dirs_exist_ok=True)
    assert today.run(only=["fact_sales"]).status == 0
    for table in ("silver.pos_sales", "silver.adventureworks_sales", "gold.fact_sales"):
        columns = [name for name in today.read(table).columns if not name.startswith("_")]
        before, after = (each.read(table).select(columns) for each in (then, today))
        assert before.exceptAll(after).isEmpty(), table
        assert after.exceptAll(before).isEmpty(), table
    assert then.read("gold.customer_360").count() == customers


def test_a_lake_of_a_later_version_is_refused_before_anything_is_read(lake: Lake) -> None:
    lake.spark.range(1).write.format("delta").save(str(lake.root / "ops" / "runs"))
    Tables(lake.spark, lake.root).set_properties(ops.RUNS, {**MARK, PROPERTY: str(ENCRYPTED + 1)})
    with pytest.raises(
        LakehouseError, match=rf"newer version of this project \(format {ENCRYPTED + 1}; this one knows"
    ):
        lake.run()
    with pytest.raises(LakehouseError, match="newer version of this project"):
        lake.plan()
    assert not (lake.root / "bronze").exists()
