"""What the tests of the served database share."""

import pytest
from pyspark.sql import SparkSession

from lib.generate.demo import generate_landing
from tests.builders import CONF, Lake


@pytest.fixture(scope="session")
def served(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake of all three sources, small, from generated files to what is served; nobody changes it."""
    lake = Lake(spark, tmp_path_factory.mktemp("served") / "lake", CONF)
    generate_landing(lake.settings(), customers=400, rows=3_000, files=3)
    outcome = lake.run(layers=["bronze", "silver", "gold", "served"], resolved=True)
    assert outcome.status == 0, outcome.text
    return lake
