"""What the measures say of literal rows."""

from datetime import date

import pytest

from tests.powerbi.engine import Data, by, days, loaded, model, seen, told

WEB = {"source": "web", "territory_id": "by", "product_id": "bell", "order_line": 1, "quantity": 1, "discount": 0.0}
JANUARY = {"dim_date__year_month": ["2017-01"]}
FEBRUARY = {"dim_date__year_month": ["2017-02"]}


@pytest.fixture(scope="module")
def shop() -> Data:
    """Ann buys in January and again in February and March; Bob first buys in February. Cid never does."""
    sales = [
        {"order_id": "A", "customer_id": "ann", "order_date": date(2017, 1, 5), "total_value": 600.0,
         "total_cost": 100.0},
        {"order_id": "A", "order_line": 2, "customer_id": "ann", "order_date": date(2017, 1, 5), "product_id": "bike",
         "total_value": 500.0, "discount": 0.5},
        {"order_id": "A", "source": "pos", "customer_id": "bob", "order_date": date(2017, 2, 5), "total_value": 90.0,
         "total_cost": 40.0, "territory_id": "ly"},
        {"order_id": "C", "customer_id": "ann", "order_date": date(2017, 2, 7), "total_value": 10.0, "total_cost": 4.0},
        {"order_id": "D", "customer_id": "ann", "order_date": date(2017, 3, 7), "total_value": 5.0, "total_cost": 4.0},
        {"order_id": "E", "customer_id": "who", "order_date": date(2017, 3, 8), "total_value": None, "quantity": 7},
    ]  # fmt: skip
    return loaded(
        {
            "dim_date": days(date(2016, 1, 1), date(2017, 12, 31)),
            "dim_products": [
                {"product_id": "bell", "product_name": "Bell", "category": "Accessories"},
                {"product_id": "bike", "product_name": "Bike", "category": "Bikes"},
            ],
            "dim_territories": [
                {"territory_id": "by", "country": "Germany", "region": "Bavaria"},
                {"territory_id": "ly", "country": "France", "region": "Lyon"},
            ],
            "dim_stores": [{"store_id": "s1", "name": "One"}],
            "dim_sales_people": [{"sales_person_id": "eve", "name": "Eve"}, {"sales_person_id": "max", "name": "Max"}],
            "customer_360": [
                {"customer_id": "ann", "first_order_date": date(2017, 1, 5), "total_spend": 1115.0, "total_orders": 3,
                 "annual_income": 90.0, "rfm_segment": "Loyal", "is_inactive": False, "country": "Germany"},
                {"customer_id": "bob", "first_order_date": date(2017, 2, 5), "total_spend": 90.0, "total_orders": 1,
                 "annual_income": 10.0, "rfm_segment": "New", "is_inactive": False, "country": "France"},
                {"customer_id": "cid", "total_spend": 0.0, "total_orders": 0, "rfm_segment": "Never bought",
                 "is_inactive": True},
            ],
            "fact_sales": [WEB | sale for sale in sales],
            "fact_returns": [
                {"product_id": "bell", "territory_id": "by", "quantity": 2, "return_date": date(2017, 2, 9)},
            ],
            "fact_payments": [
                {"customer_id": "ann", "type": "payment", "status": "failed"},
                {"customer_id": "ann", "type": "payment", "status": "settled"},
                {"customer_id": "ann", "type": "payment", "status": "pending"},
                {"customer_id": "ann", "type": "refund", "status": "failed"},
            ],
            "mart_sales_team": [
                {"store_id": "s1", **month}
                for month in (
                    {"sales_person_id": "eve", "sales_month": "2017-01", "total_sales": 100.0, "incentive": 1.0},
                    {"sales_person_id": "eve", "sales_month": "2017-02", "total_sales": 150.0, "incentive": 3.0},
                    {"sales_person_id": "max", "sales_month": "2017-02", "total_sales": 50.0},
                    {"sales_person_id": "unknown", "sales_month": "2017-02", "total_sales": 200.0},
                )
            ],
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "february", "before", "change"),
    [
        ("Total customers", 2, 1, 1.0),
        ("Total sales", 100.0, 1100.0, -1000 / 1100),
        ("Average sale", 50.0, 1100.0, -1050 / 1100),
        ("High-value transactions", None, 1, -1.0),
        ("Sales year to date", 1200.0, None, None),
    ],
)
def test_a_card_has_the_change_against_the_period_before(
    shop: Data, measure: str, february: object, before: object, change: float | None
) -> None:
    assert told(shop, measure, **FEBRUARY) == february
    assert told(shop, f"{measure} before", **FEBRUARY) == before
    assert told(shop, f"{measure} change", **FEBRUARY) == (None if change is None else pytest.approx(change))


def test_the_period_before_has_as_many_months_or_days(shop: Data) -> None:
    two_months = {"dim_date__year_month": ["2017-02", "2017-03"]}
    assert told(shop, "Total sales before", **two_months) == 1100.0, "December and January"
    ten_days = {"dim_date__date": [each["date"] for each in days(date(2017, 2, 6), date(2017, 2, 15))]}
    assert told(shop, "Total sales before", **ten_days) == 90.0, "27 January to 5 February"


def test_the_year_to_date_is_compared_with_the_same_days_a_year_earlier() -> None:
    earlier = {**WEB, "order_id": "Y", "customer_id": "ann"}
    data = loaded(
        {
            "dim_date": days(date(2016, 1, 1), date(2017, 12, 31)),
            "fact_sales": [
                {**earlier, "order_date": date(2016, 2, 1), "total_value": 50.0},
                {**earlier, "order_date": date(2016, 3, 1), "total_value": 70.0},
                {**earlier, "order_date": date(2017, 1, 1), "total_value": 75.0},
            ],
        }
    )
    assert told(data, "Sales year to date change", **FEBRUARY) == 0.5


def test_an_order_is_one_of_its_source(shop: Data) -> None:
    assert told(shop, "Orders") == 5
    assert by(shop, "Orders", "dim_date__year_month") == {"2017-01": 1, "2017-02": 2, "2017-03": 2}


def test_margin_is_of_the_lines_whose_cost_is_known(shop: Data) -> None:
    assert (told(shop, "Margin"), told(shop, "Sales of known cost")) == (557.0, 705.0)
    assert by(shop, "Margin", "dim_products__product_name") == {"Bell": 557.0}
    assert told(shop, "Return rate", **FEBRUARY) == 1.0


def test_growth_is_over_the_calendar_month_before(shop: Data) -> None:
    assert told(shop, "Sales growth", **FEBRUARY) == pytest.approx(100 / 1100 - 1)
    assert told(shop, "Sales growth", **JANUARY) is None


def test_who_first_bought_in_a_month_comes_back_so_many_months_later(shop: Data) -> None:
    january = {"customer_360__cohort": ["2017-01"]}
    assert by(shop, "Retention", "fact_sales__months_later", **january) == {0: 1.0, 1: 1.0, 2: 1.0}
    assert by(shop, "Retention", "fact_sales__months_later", customer_360__cohort=["2017-02"]) == {0: 1.0}
    assert told(shop, "Cohort customers") == 2, "who is not on record has no first month"


def test_segments_share_the_spend(shop: Data) -> None:
    assert by(shop, "Customers on record", "customer_360__rfm_segment") == {"Loyal": 1, "Never bought": 1, "New": 1}
    assert by(shop, "Average orders", "customer_360__rfm_segment") == {"Loyal": 3, "Never bought": 0, "New": 1}
    assert told(shop, "Inactive customers") == 1


def test_the_highest_incomes_are_those_of_buyers(shop: Data) -> None:
    place = [column.name for column in model().tables["customer_360"].columns].index("income_tenth") + 1
    assert [row[place] for row in shop["customer_360"]["rows"]] == [1, 6, None]
    assert told(shop, "Spend of the highest incomes", customer_360__customer_id=["ann"]) == 1115.0
    assert told(shop, "Spend of the highest incomes", customer_360__customer_id=["bob"]) is None


def test_a_failed_payment_counts_among_those_that_are_not_pending(shop: Data) -> None:
    assert (told(shop, "Payments"), told(shop, "Failed payment share")) == (3, 0.5)


def test_the_average_discount_is_that_of_a_line(shop: Data) -> None:
    assert by(shop, "Average discount", "dim_territories__region") == {"Bavaria": 0.1, "Lyon": 0.0}


def test_sales_people_are_ranked_by_what_they_sell_in_stores(shop: Data) -> None:
    assert by(shop, "Sales in stores", "dim_sales_people__name", **FEBRUARY) == {"Eve": 150.0, "Max": 50.0}
    assert told(shop, "Sales people", **FEBRUARY) == 2, "unknown is nobody"
    assert told(shop, "Incentives") == 4.0
    assert told(shop, "Sales in stores change", **FEBRUARY) == 3.0
    assert by(shop, "Growth in stores", "dim_sales_people__name", **FEBRUARY) == {"Eve": 0.5}


def test_the_roles_filters_let_a_reader_see_the_rows_of_their_countries() -> None:
    data = loaded(
        {
            "reader_countries": [
                {"role_name": "ann@example.com", "country": "Germany"},
                {"role_name": "bob@example.com", "country": "Germany"},
                {"role_name": "bob@example.com", "country": "France"},
            ],
            "customer_360": [
                {"customer_id": "1", "country": "Germany"},
                {"customer_id": "2", "country": "France"},
                {"customer_id": "3"},
            ],
            "dim_territories": [{"territory_id": "by", "country": "Germany"}],
            "dim_stores": [{"store_id": "m", "country": "Germany"}, {"store_id": "l", "country": "France"}],
            "mart_sales_team": [
                {"store_id": store, "sales_person_id": "eve", "sales_month": "2017-01"}
                for store in ("m", "m", "l", "unknown")
            ],
        }
    )
    rows = {
        reader: {table: seen(data, table, reader) for table in model().filters}
        for reader in ("ann@example.com", "bob@example.com", "cid@example.com")
    }
    assert rows == {
        "ann@example.com": {"reader_countries": 1, "dim_territories": 1, "customer_360": 1, "mart_sales_team": 2},
        "bob@example.com": {"reader_countries": 2, "dim_territories": 1, "customer_360": 2, "mart_sales_team": 3},
        "cid@example.com": {"reader_countries": 0, "dim_territories": 0, "customer_360": 0, "mart_sales_team": 0},
    }
