"""Where a buyer stands among all buyers: ranks, shares, scores and the segment they make."""

from decimal import Decimal
from itertools import product

import pytest
from pyspark.sql import DataFrame, SparkSession

from lib.gold import measures
from lib.session import local_frame
from tests.builders import assert_rows

BUYERS = "customer_id STRING, country STRING, total_spend DECIMAL(19,4), total_orders BIGINT, last_order_date DATE"


def standing(spark: SparkSession, *buyers: tuple[str, str | None, int, int, str]) -> DataFrame:
    names = ("customer_id", "country", "total_spend", "total_orders", "last_order_date")
    rows = [dict(zip(names, buyer, strict=True)) for buyer in buyers]
    return measures.standing(local_frame(spark, rows, BUYERS))


@pytest.fixture(scope="module")
def ten(spark: SparkSession) -> DataFrame:
    """Ten buyers with ties in everything; ids do not follow the order in which they are given."""
    return standing(
        spark,
        ("c", "France", 40, 1, "2017-01-01"),
        ("a", "France", 40, 1, "2017-01-01"),
        ("b", "Canada", 40, 1, "2017-01-01"),
        ("d", "Canada", 30, 9, "2017-01-09"),
        ("j", "France", 20, 1, "2017-01-01"),
        ("i", None, 20, 1, "2017-01-01"),
        ("h", "France", 10, 1, "2017-01-01"),
        ("g", "France", 0, 1, "2017-01-01"),
        ("f", "France", 0, 1, "2017-01-01"),
        ("e", None, 0, 1, "2017-01-01"),
    ).cache()


def test_ranks_part_equals_by_customer_and_nobody_ranks_in_an_unknown_country(ten: DataFrame) -> None:
    assert_rows(
        ten,
        ["customer_id", "spend_rank", "spend_rank_in_country"],
        [
            ("a", 1, 1),
            ("b", 2, 1),
            ("c", 3, 2),
            ("d", 4, 2),
            ("i", 5, None),
            ("j", 6, 3),
            ("h", 7, 4),
            ("e", 8, None),
            ("f", 9, 5),
            ("g", 10, 6),
        ],
    )


def test_the_percentile_is_the_share_of_the_other_buyers_who_rank_below(ten: DataFrame) -> None:
    assert_rows(
        ten.filter("spend_rank IN (1, 4, 7, 10)"),
        ["customer_id", "spend_percentile"],
        [("a", 1.0), ("d", 6 / 9), ("h", 3 / 9), ("g", 0.0)],
    )


def test_the_cumulative_share_grows_from_the_best_buyer_to_all_spend(ten: DataFrame) -> None:
    shares = ("0.2", "0.4", "0.6", "0.75", "0.85", "0.95", "1", "1", "1", "1")
    assert_rows(
        ten,
        ["spend_rank", "cumulative_spend_share"],
        [(rank, Decimal(share)) for rank, share in enumerate(shares, 1)],
    )


def test_scores_are_quintiles_that_part_equals_as_the_ranks_do(ten: DataFrame) -> None:
    assert_rows(
        ten,
        ["customer_id", "monetary_score", "frequency_score", "recency_score"],
        [
            ("a", 5, 5, 5),
            ("b", 5, 4, 4),
            ("c", 4, 4, 4),
            ("d", 4, 5, 5),
            ("e", 2, 3, 3),
            ("f", 1, 3, 3),
            ("g", 1, 2, 2),
            ("h", 2, 2, 2),
            ("i", 3, 1, 1),
            ("j", 3, 1, 1),
        ],
    )


def test_a_single_buyer_is_first_of_all(spark: SparkSession) -> None:
    assert_rows(
        standing(spark, ("a", "France", 40, 1, "2017-01-01")),
        [
            "spend_rank",
            "spend_rank_in_country",
            "spend_percentile",
            "cumulative_spend_share",
            "recency_score",
            "frequency_score",
            "monetary_score",
        ],
        [(1, 1, 1.0, Decimal(1), 5, 5, 5)],
    )


def test_where_nobody_spent_anything_there_is_no_share(spark: SparkSession) -> None:
    assert_rows(
        standing(spark, ("a", None, 0, 1, "2017-01-01"), ("b", None, 0, 1, "2017-01-01")),
        ["customer_id", "spend_rank", "cumulative_spend_share"],
        [("a", 1, None), ("b", 2, None)],
    )


SEGMENTS = {
    # recency: the segment for each sum of frequency and monetary score, 2 to 10
    5: ["New"] * 3 + ["Promising"] * 2 + ["Loyal"] + ["Champions"] * 3,
    4: ["New"] * 3 + ["Promising"] * 2 + ["Loyal"] + ["Champions"] * 3,
    3: ["Needs attention"] * 5 + ["Loyal"] * 4,
    2: ["At risk"] * 6 + ["Cannot lose"] * 3,
    1: ["Lost"] * 4 + ["At risk"] * 2 + ["Cannot lose"] * 3,
    None: ["Never bought"] * 9,
}


def test_every_combination_of_scores_has_its_one_segment(spark: SparkSession) -> None:
    names = ("recency_score", "frequency_score", "monetary_score")
    scores = list(product(SEGMENTS, range(1, 6), range(1, 6)))
    rows = local_frame(
        spark, [dict(zip(names, each, strict=True)) for each in scores], ", ".join(f"{name} INT" for name in names)
    )
    assert_rows(
        rows.withColumn("segment", measures.rfm_segment()),
        [*names, "segment"],
        [(*each, SEGMENTS[each[0]][each[1] + each[2] - 2]) for each in scores],
    )
