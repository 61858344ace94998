"""How far the customers of today are from those that a model was tested on."""

import pytest
from pyspark.sql import SparkSession

from lib.models.stability import Reference, as_json, from_json, reference_of, shares_of


def test_the_same_customers_have_not_moved_and_other_ones_have(spark: SparkSession) -> None:
    rows = spark.range(100).selectExpr("CAST(id AS DOUBLE) AS spend", "IF(id < 10, NULL, 5) AS visits")
    found = reference_of(rows, ["spend", "visits"], bins=4)
    assert found["spend"].ends == (24, 49, 74)
    assert found["spend"].shares == pytest.approx((0.25, 0.25, 0.25, 0.25, 0))
    assert (found["visits"].ends, found["visits"].shares) == ((5,), pytest.approx((0.9, 0, 0.1)))
    assert found["spend"].index(shares_of(rows, {"spend": found["spend"].ends})["spend"]) == 0
    richer = rows.selectExpr("spend + 50 AS spend")
    assert found["spend"].index(shares_of(richer, {"spend": found["spend"].ends})["spend"]) > 0.2
    assert from_json(as_json(found)) == found


def test_the_index_is_the_formulas() -> None:
    # (0.4 - 0.5) ln(0.4 / 0.5) + (0.6 - 0.5) ln(0.6 / 0.5)
    assert Reference((1.0,), (0.5, 0.5)).index((0.4, 0.6)) == pytest.approx(0.0405465)


def test_nobody_at_all_has_no_shares(spark: SparkSession) -> None:
    none = spark.range(0).selectExpr("CAST(id AS DOUBLE) AS spend")
    assert reference_of(none, ["spend"], bins=4)["spend"] == Reference((), (0, 0))
    assert Reference((1.0,), (0.5, 0.5, 0.0)).index(shares_of(none, {"spend": (1.0,)})["spend"]) > 1
