"""The queries of conf/queries: what PostgreSQL says of the published gold is what Spark says of gold."""

import io
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from lib.config import load_settings
from lib.errors import ConfigError, LakehouseError
from lib.gold.registry import gold_tables
from lib.serving.show import print_publications, print_queries
from tests.builders import CONF, Lake
from tests.integration.published import ask

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def told(value: Any) -> Any:
    """A number as one, whatever type and however many zeros it has."""
    return Decimal(value).normalize() if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def texts(value: Any) -> str:
    return str(told(value))


@pytest.mark.parametrize("name", load_settings(CONF).queries)
def test_a_query_says_what_spark_says(served: Lake, name: str) -> None:
    for table in gold_tables():
        served.read(f"gold.{table}").createOrReplaceTempView(table)
    expected = served.spark.sql(served.settings().queries[name].sql)
    found = ask(served, f"SELECT {', '.join(expected.columns)} FROM gold_pii.{name}", role="gold_reader_pii")
    assert len(found) > 1
    in_order = [[told(value) for value in row] for row in expected.collect()]
    said = [[told(value) for value in row] for row in found]
    if name == "average_discount_by_region":
        # an average of decimals: Spark rounds it to eight places first
        assert [row[:3] for row in said] == [row[:3] for row in in_order]
        assert all(abs(one[3] - other[3]) <= Decimal("0.000001") for one, other in zip(said, in_order, strict=True))
    else:
        assert sorted(said, key=lambda row: [*map(texts, row)]) == sorted(in_order, key=lambda row: [*map(texts, row)])


def test_a_person_reads_the_queries_and_publications_on_a_terminal(served: Lake) -> None:
    out = io.StringIO()
    console = Console(file=out, width=160)
    assert print_queries(served.settings(), ["top_five_products"], console, role="gold_reader", limit=2) == 0
    assert print_publications(served.settings(), console) == 0
    said = out.getvalue()
    assert "The five products of the highest revenue, US dollars. (the first 2 of 5)" in said
    assert "live" in said


def test_a_query_that_is_not_there_is_told_with_one_that_is(served: Lake) -> None:
    with pytest.raises(ConfigError, match="top_product: there is no such query in conf/queries; did you mean top_five"):
        print_queries(served.settings(), ["top_product"], Console(), role="gold_reader", limit=2)


def test_where_nothing_was_published_it_is_told_what_to_type(lake: Lake) -> None:
    with pytest.raises(LakehouseError, match="nothing was published yet"):
        print_queries(lake.settings(), [], Console(), role="gold_reader", limit=2)
