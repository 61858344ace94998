"""What pages make of the rows that they get."""

from datetime import date, datetime, timezone

import pandas as pd
import pytest

from lib.dashboard.filters import Filters
from lib.dashboard.hosting import rooted
from lib.dashboard.periods import Period
from lib.dashboard.views.customer import sources
from lib.dashboard.views.customers import retention
from lib.dashboard.views.operations import verdict
from lib.dashboard.views.overview import Figures, figures, largest
from lib.dashboard.views.products import by_level, level_of
from lib.dashboard.views.sales_team import ranking


def test_figures_are_sums_of_the_days_of_a_period() -> None:
    days = pd.DataFrame(
        [(date(2017, 1, 1), 10.0, 1), (date(2017, 1, 2), 30.0, 3), (date(2017, 2, 1), 99.0, 9)],
        columns=["order_date", "sales", "orders"],
    )
    found = figures(days, Period(date(2017, 1, 1), date(2017, 1, 31)))
    assert (found, found.average) == (Figures(40.0, 4), 10.0)
    assert Figures(0.0, 0).average == 0.0


def test_the_smaller_regions_are_one() -> None:
    people = pd.DataFrame(
        [("A", 50, 5), ("B", 30, 3), ("C", 15, 2), ("D", 5, 1)], columns=["region", "loyalty_points", "members"]
    )
    found = largest(people, 2)
    assert found.values.tolist() == [["A", 50, 5, 0.5], ["B", 30, 3, 0.3], ["Other regions", 20, 3, 0.2]]


def test_retention_is_a_share_of_the_months_new_customers() -> None:
    found = pd.DataFrame(
        [("2016-12", "2016-12", 10), ("2016-12", "2017-02", 4), ("2017-01", "2017-01", 5)],
        columns=["cohort", "order_month", "customers"],
    )
    rows = retention(found, 12)[["cohort", "since", "customers", "size", "share"]].values.tolist()
    assert rows == [["2016-12", 0, 10, 10, 1.0], ["2016-12", 2, 4, 10, 0.4], ["2017-01", 0, 5, 5, 1.0]]
    assert retention(found, 1)["cohort"].tolist() == ["2017-01"]
    assert retention(found.iloc[:0], 12).empty


def test_products_are_compared_one_level_below_what_is_chosen() -> None:
    assert [
        level_of(filters)
        for filters in (Filters(), Filters(category=("Bikes",)), Filters(category=("Bikes",), subcategory=("Road",)))
    ] == ["category", "subcategory", "product"]


def test_margin_is_of_lines_whose_cost_is_known() -> None:
    sold = pd.DataFrame(
        [("Bikes", 100.0, 4, 80.0, 60.0)], columns=["category", "sales", "units", "value_of_known_cost", "cost"]
    )
    returned = pd.DataFrame([("Bikes", 1)], columns=["category", "returned"])
    row = by_level(sold, returned, "category").iloc[0]
    assert (row["margin"], row["margin_share"], row["return_rate"]) == (20.0, 0.25, 0.25)


def test_who_is_unknown_has_no_rank() -> None:
    columns = ["store_id", "store", "region", "sales_person_id", "person", "sales_month", "total_sales", "incentive",
               "orders", "growth", "suspicious"]  # fmt: skip
    months = pd.DataFrame(
        [
            ("s", "S", "R", "unknown", "unknown", "2017-01", 90.0, 0.0, 9, None, 0),
            ("s", "S", "R", "a", "Ann", "2017-01", 10.0, 1.0, 1, 0.5, 1),
            ("s", "S", "R", "b", "Bob", "2017-01", 20.0, 2.0, 2, None, 0),
            ("s", "S", "R", "a", "Ann", "2016-12", 5.0, 0.0, 1, None, 4),
        ],
        columns=columns,
    )
    rows = ranking(months, Period(date(2017, 1, 1), date(2017, 1, 31)))
    found = rows[["person", "sales", "before"]].values.tolist()
    assert found == [["unknown", 90.0, 0.0], ["Bob", 20.0, 0.0], ["Ann", 10.0, 5.0]]
    assert rows["rank"].tolist()[1:] == [1.0, 2.0]
    assert pd.isna(rows["rank"].iloc[0])
    assert rows["suspicious"].tolist() == [0, 0, 1]
    assert rows["contribution"].iloc[1] == pytest.approx(20 / 120)


def test_a_value_names_its_record_and_a_hidden_one_says_so() -> None:
    names = ["name_source", "birth_date_source", "gender_source", "email_source", "phone_source", "address_source",
             "loyalty_source", "household_source", "work_source"]  # fmt: skip
    values = ["full_name", "prefix", "birth_date", "gender", "email", "phone", "street", "location_id", "loyalty_tier",
              "loyalty_points", "home_region", "marital_status", "total_children", "home_owner", "annual_income",
              "education_level", "occupation"]  # fmt: skip
    row = dict.fromkeys(names + values) | {"full_name": "J. S.", "name_source": "crm:P1", "email_source": "pos:C1"}
    said = sources(pd.DataFrame([row]), hidden={"email", "phone"}).set_index("column")
    assert said.loc["Full name"].tolist() == ["J. S.", "crm:P1"]
    assert said.loc["Email"].tolist() == ["hidden", "pos:C1"]
    assert said.loc["Phone"].tolist() == ["–", "–"]


@pytest.mark.parametrize(
    ("warn_at", "error_at", "expected"),
    [(9, 9, "ok"), (1, 9, "warn: older than 24h"), (1, 2, "error: older than 2d"), (None, None, "ok")],
)
def test_freshness_is_judged_when_it_is_shown(warn_at: int | None, error_at: int | None, expected: str) -> None:
    def day(number: int | None) -> datetime | None:
        return datetime(2017, 1, number, tzinfo=timezone.utc) if number else None

    row = {
        "newest": day(1),
        "warn_after": "24h",
        "error_after": "2d",
        "warn_at": day(warn_at),
        "error_at": day(error_at),
    }
    assert verdict(row, datetime(2017, 1, 5, tzinfo=timezone.utc)) == expected


def test_a_page_says_where_the_app_is_and_a_redirect_stays() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"13")]}
    head, body = rooted([start, {"body": b"<html><head>", "more_body": True}, {"body": b"</head>"}])
    assert b"MAIN_PAGE_BASE_URL: location.origin" in body["body"]
    assert head["headers"] == [(b"content-length", str(len(body["body"])).encode())]
    assert rooted([{**start, "status": 304, "headers": []}, {"body": b""}])[0]["headers"] == []
