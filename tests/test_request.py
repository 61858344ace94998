"""What a run is asked to do: the tables that names and patterns pick."""

import pytest

from lib.errors import ConfigError
from lib.gold.registry import GoldTable
from lib.pipeline.request import requested

ENTITIES = ["pos_sales", "pos_stores", "adventureworks_territories", "adventureworks_sales", "pos_sales_people"]


def test_without_a_selection_a_run_works_on_all_tables() -> None:
    request = requested(ENTITIES)
    assert {"pos_sales", "fact_sales", "customer_360"} <= request.tables
    assert (request.refreshed, request.refined_again, request.layers) == (
        frozenset(),
        frozenset(),
        ("bronze", "silver", "gold"),
    )


def test_only_picks_a_table_and_all_that_it_is_made_from() -> None:
    assert requested(ENTITIES, only=["dim_stores"]).tables == {
        "dim_stores", "pos_sales", "pos_stores", "pos_sales_people", "adventureworks_territories",
    }  # fmt: skip
    assert requested(ENTITIES, only=["pos_st*"]).tables == {"pos_stores"}


def test_the_history_of_an_entity_comes_with_the_entity() -> None:
    tables = requested([*ENTITIES, "adventureworks_products", "adventureworks_returns"], only=["fact_returns"]).tables
    assert tables == {"fact_returns", "adventureworks_returns", "adventureworks_products"}


def test_an_entity_may_itself_be_called_a_history(monkeypatch: pytest.MonkeyPatch) -> None:
    table = GoldTable("visits", lambda crm_history: crm_history, ("crm_history",), ("id",), ())
    monkeypatch.setattr("lib.pipeline.request.gold_tables", lambda: {"visits": table})
    assert requested(["crm", "crm_history"], only=["visits"]).tables == {"visits", "crm_history"}


def test_exclude_leaves_a_table_out_and_not_what_reads_it() -> None:
    tables = requested(ENTITIES, only=["dim_stores"], exclude=["pos_*"]).tables
    assert tables == {"dim_stores", "adventureworks_territories"}


def test_a_full_refresh_without_a_name_is_one_of_all_of_gold() -> None:
    assert {"fact_sales", "customer_360"} <= requested(ENTITIES, full_refresh=[]).refreshed
    assert requested(ENTITIES, full_refresh=["mart_*"]).refreshed == {"mart_customers", "mart_sales_team"}
    assert requested(ENTITIES, from_bronze=["pos_sa*"]).refined_again == {"pos_sales", "pos_sales_people"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"only": ["fact_sale"]}, "--only fact_sale: matches no table; did you mean fact_sales?"),
        ({"exclude": ["zzz*"]}, r"--exclude zzz\*: matches no table; there are adventureworks_sales, "),
        ({"full_refresh": ["pos_sales"]}, "--full-refresh pos_sales: matches no table"),
        ({"from_bronze": ["fact_sales"]}, "--from-bronze fact_sales: matches no table; did you mean pos_sales?"),
        ({"only": ["pos_stores"], "exclude": ["pos_*"]}, "--only and --exclude leave no table to work on"),
        ({"only": ["dim_stores"], "full_refresh": ["fact_sales"]}, "fact_sales: to be made anew, but --only and"),
    ],
)
def test_a_selection_that_picks_nothing_is_a_mistake(asked: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        requested(ENTITIES, **asked)  # type: ignore[arg-type]
