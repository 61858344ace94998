"""DAX and M as text: what they name, that they parse, and what is made for comparisons."""

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lib.powerbi import dax
from lib.powerbi.dax import References
from tests.powerbi.engine import model
from tests.powerbi.test_report import PROJECT

EXPRESSIONS = {
    f"{table.name}, {name}": text for table in model().tables.values() for name, text in table.expressions.items()
} | {f"role, {name}": text for name, text in model().filters.items()}
SOURCES = {
    file.stem: file.read_text("utf-8").partition("\t\tsource =\n")[2]
    for file in sorted(PROJECT.glob("*/definition/tables/*.tmdl"))
}


def test_an_expression_names_columns_measures_and_tables() -> None:
    text = """
    VAR best = FILTER(ALL('dim products'), [Total sales] > 5) -- [a comment]
    RETURN CALCULATE([Margin], best, fact_sales[channel] IN {"web", "[text]"}, 'dim products'[size] <> "L")
    """
    assert dax.references(text) == References(
        frozenset({("fact_sales", "channel"), ("dim products", "size")}),
        frozenset({"Total sales", "Margin"}),
        frozenset({"dim products"}),
    )


def test_numbers_of_settings_fill_their_places_and_no_others() -> None:
    assert dax.filled('[X] > {high_value_above} && [Y] IN {"a", 1}', {"high_value_above": 1000}) == (
        '[X] > 1000 && [Y] IN {"a", 1}'
    )
    assert dax.places("{top_products} {1} {a-b}") == {"top_products"}


def test_a_change_is_the_growth_over_the_measure_before() -> None:
    [itself, before, change] = [
        measure for measure in model().tables["fact_sales"].measures if measure.name.startswith("Sales year to date")
    ]
    assert itself.dax == "TOTALYTD([Total sales], dim_date[date])"
    assert before.dax == "CALCULATE([Sales year to date], SAMEPERIODLASTYEAR(dim_date[date]))"
    assert change.dax == "DIVIDE([Sales year to date] - [Sales year to date before], [Sales year to date before])"


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_names_what_the_model_has(name: str) -> None:
    named = dax.references(EXPRESSIONS[name])
    tables = model().tables
    assert [each for each in named.columns if each[0] not in tables or tables[each[0]].column(each[1]) is None] == []
    assert named.measures <= model().homes.keys()
    assert named.tables <= tables.keys()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pbi-parsers needs Python 3.11")
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_parser_of_dax_takes_every_expression(name: str) -> None:
    from pbi_parsers.dax import to_ast

    assert parses(to_ast, EXPRESSIONS[name])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pbi-parsers needs Python 3.11")
@pytest.mark.parametrize("name", SOURCES)
def test_a_parser_of_power_query_takes_every_source(name: str) -> None:
    from pbi_parsers.pq import to_ast

    assert parses(to_ast, re.sub(r"^\t+", "", SOURCES[name].strip(), flags=re.MULTILINE))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pbi-parsers needs Python 3.11")
@pytest.mark.parametrize("text", ["DIVIDE([A], [B]", "CALCULATE([A] [B])", "VAR x = 1", "SUM("])
def test_the_parser_refuses_what_is_no_expression(text: str) -> None:
    from pbi_parsers.dax import to_ast

    assert not parses(to_ast, text)


def parses(to_ast: Callable[[str], Any], text: str) -> bool:
    """The parser has no error of its own for what it does not take."""
    try:
        return to_ast(text) is not None
    except (AssertionError, ValueError, IndexError):
        return False
