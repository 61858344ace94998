"""Between which values rows lie, as far as every engine puts these into the same order."""

from datetime import date

from pyspark.sql import SparkSession

from lib.bounds import between, count_and_ends
from tests.builders import assert_rows

DAY = date(2017, 1, 2)


def test_ends_are_of_columns_without_nulls_whose_order_is_in_no_doubt(spark: SparkSession) -> None:
    rows = spark.sql(
        "SELECT * FROM VALUES ('T1', 7, 1.5BD, DATE'2017-01-02', NULL), ('T10', 3, 2.5BD, DATE'2017-01-02', 'x') "
        "AS t(id, number, price, day, note)"
    )
    assert count_and_ends(rows, rows.columns) == (2, {"id": ("T1", "T10"), "number": (3, 7), "day": (DAY, DAY)})


def test_rows_of_which_no_column_has_ends_are_counted_all_the_same(spark: SparkSession) -> None:
    rows = spark.sql("SELECT 1.5BD AS price")
    assert count_and_ends(rows, ["price"]) == (1, {})
    assert count_and_ends(rows.filter("false").selectExpr("'T1' AS id"), ["id"]) == (0, {})


def test_what_lies_between_the_ends_is_kept_and_a_column_without_them_says_nothing(spark: SparkSession) -> None:
    rows = spark.sql("SELECT * FROM VALUES ('T1'), ('T2'), ('T3'), (NULL) AS t(number)")
    [condition] = between({"id": ("T2", "T3")}, {"id": "number", "price": "price"})
    assert_rows(rows.filter(condition), ["number"], [("T2",), ("T3",)])
