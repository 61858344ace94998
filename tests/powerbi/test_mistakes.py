"""conf/powerbi.yml may only name what is there; what is made of it is the same each time."""

import copy
from functools import cache
from typing import Any

import pytest
import yaml

from lib.config import Settings, load_settings
from lib.gold.registry import gold_tables
from lib.powerbi.mistakes import mistakes_of_power_bi
from lib.powerbi.project import project_files
from lib.powerbi.relationships import Relationship, relationships_of
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import layouts_of
from lib.serving.queries import numbers_of
from tests.builders import CONF


@cache
def settings() -> Settings:
    return load_settings(CONF)


@cache
def document() -> Any:
    return yaml.safe_load((CONF / "powerbi.yml").read_text("utf-8"))


def parts(file: PowerBiFile) -> tuple[Any, ...]:
    numbers = numbers_of(settings().measures | dict(settings().dashboard))
    return file, gold_tables(), layouts_of(gold_tables(), settings().serving), numbers


def changed(place: tuple[Any, ...], value: Any) -> PowerBiFile:
    found = copy.deepcopy(document())
    node = found
    for part in place[:-1]:
        node = node[part]
    node[place[-1]] = value
    return PowerBiFile.model_validate(found)


SALES = ("tables", "fact_sales")
FIRST_CARD = ("pages", "Overview", 1, "visuals", 0)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (
            ("tables", "fact_sale"),
            {},
            "tables.fact_sale: 'fact_sale': gold has no table of this name (did you mean fact_sales?)",
        ),
        (("calendar",), "dim_dates", "calendar: 'dim_dates': the model has no such table (did you mean dim_date?)"),
        (
            ("tables", "dim_products", "hierarchies", "Products"),
            ["category", "sub_category"],
            "tables.dim_products, Products: 'sub_category': the model has no such column (did you mean subcategory?)",
        ),
        (
            (*SALES, "measures", "Orders", "dax"),
            "COUNTROWS(fact_sale)",
            "tables.fact_sales, Orders: dax: 'fact_sale': the model has no such table (did you mean fact_sales?)",
        ),
        (
            (*SALES, "measures", "Orders", "dax"),
            "SUM(fact_sales[order_lin])",
            "tables.fact_sales, Orders: the model has no column fact_sales[order_lin]",
        ),
        (
            (*SALES, "measures", "Average sale", "dax"),
            "DIVIDE([Total sale], [Orders])",
            "tables.fact_sales, Average sale: dax: 'Total sale': the model has no such measure "
            "(did you mean Total sales?)",
        ),
        (
            (*SALES, "measures", "Orders", "format"),
            "counts",
            "tables.fact_sales.measures.Orders: 'counts': is no format (did you mean count?)",
        ),
        (
            (*SALES, "measures", "Orders", "dax"),
            "{high_value_over}",
            "tables.fact_sales, Orders: 'high_value_over': there is no such number (did you mean high_value_above?)",
        ),
        (
            (*SALES, "columns", "order_id"),
            {"type": "STRING", "dax": '"A"', "description": "Same."},
            "tables.fact_sales.columns.order_id: gold's table has a column of this name (call it something else)",
        ),
        (
            ("tables", "mart_sales_team", "refers_to", "store_id"),
            "dim_shops",
            "tables.mart_sales_team.refers_to.store_id: 'dim_shops': the model has no such table "
            "(did you mean dim_stores?)",
        ),
        (
            ("tables", "customer_360", "measures", "Orders"),
            {"dax": "1", "format": "count", "description": "One."},
            "tables: the measure 'orders' is there twice (a measure's name is one of all tables)",
        ),
        (
            ("tables", "fact_interactions", "measures", "Outcome"),
            {"dax": "1", "format": "count", "description": "One."},
            "tables.fact_interactions, Outcome: the table has a column of this name (call it something else)",
        ),
        (
            ("answers", "monthly_trends"),
            ["Orders"],
            "answers: 'monthly_trends': there is no such query in conf/queries (did you mean monthly_trend?)",
        ),
        (
            (*FIRST_CARD, "fields"),
            {"Data": ["Total customer"]},
            "pages.Overview, Total customers: 'Total customer': the model has no such column, hierarchy or measure "
            "(did you mean Total customers?)",
        ),
        (
            (*FIRST_CARD, "fields"),
            {"Y": ["Total customers"]},
            "pages.Overview, Total customers: 'Y': a cardVisual takes no fields for this",
        ),
        (
            (*FIRST_CARD, "type"),
            "cardvisual",
            "pages.Overview, Total customers: 'cardvisual': there is no such type (did you mean cardVisual?)",
        ),
    ],
)
def test_a_name_that_nobody_has_is_told_with_its_place(place: tuple[Any, ...], value: Any, said: str) -> None:
    assert mistakes_of_power_bi(*parts(changed(place, value)), settings().queries)[:1] == [said]


def test_the_projects_own_file_has_no_mistake_and_answers_every_query() -> None:
    assert mistakes_of_power_bi(*parts(settings().power_bi), settings().queries) == []
    assert settings().power_bi.answers.keys() == settings().queries.keys()


def test_what_is_generated_is_the_same_each_time() -> None:
    assert project_files(*parts(settings().power_bi)) == project_files(*parts(changed(("title",), "Customer 360")))


def test_a_mart_of_all_customers_stands_for_their_dimension_and_a_second_way_is_not_active() -> None:
    chosen = changed(
        ("tables",), {name: {} for name in ("dim_territories", "dim_stores", "customer_360", "fact_sales")}
    )
    assert relationships_of(*parts(chosen)[:3]) == (
        Relationship("fact_sales", "customer_id", "customer_360", "customer_id"),
        Relationship("fact_sales", "territory_id", "dim_territories", "territory_id"),
        Relationship("fact_sales", "store_id", "dim_stores", "store_id"),
        Relationship("dim_stores", "territory_id", "dim_territories", "territory_id", is_active=False),
    )


def test_where_the_dimension_itself_was_chosen_facts_lead_to_it() -> None:
    chosen = changed(("tables",), {name: {} for name in ("dim_customers", "customer_360", "fact_payments")})
    assert relationships_of(*parts(chosen)[:3]) == (
        Relationship("fact_payments", "customer_id", "dim_customers", "customer_id"),
    )
