"""Stretches of days and what they are compared with."""

from datetime import date

import pytest

from lib.dashboard.periods import Period, last_months, month_of


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (("2016-07-01", "2017-06-30"), ("2015-07-01", "2016-06-30")),
        (("2017-03-01", "2017-03-31"), ("2017-02-01", "2017-02-28")),
        (("2016-03-01", "2016-03-31"), ("2016-02-01", "2016-02-29")),
        (("2017-03-10", "2017-03-16"), ("2017-03-03", "2017-03-09")),
        (("2017-03-01", "2017-03-30"), ("2017-01-30", "2017-02-28")),
    ],
)
def test_a_period_follows_one_of_as_many_months_or_days(period: tuple[str, str], before: tuple[str, str]) -> None:
    assert Period(*map(date.fromisoformat, period)).before() == Period(*map(date.fromisoformat, before))


def test_the_year_to_date_is_compared_with_the_same_days_a_year_before() -> None:
    to_date = Period(date(2015, 6, 1), date(2016, 2, 29)).year_to_date()
    assert to_date == Period(date(2016, 1, 1), date(2016, 2, 29))
    assert to_date.year_before() == Period(date(2015, 1, 1), date(2015, 2, 28))


@pytest.mark.parametrize(
    ("end", "months", "start"),
    [("2017-06-30", 12, "2016-07-01"), ("2017-06-15", 1, "2017-05-16"), ("2017-02-28", 12, "2016-03-01")],
)
def test_the_last_months_end_with_a_day(end: str, months: int, start: str) -> None:
    assert last_months(date.fromisoformat(end), months).start == date.fromisoformat(start)


def test_a_month_has_its_days() -> None:
    assert month_of("2016-02") == Period(date(2016, 2, 1), date(2016, 2, 29))
    assert month_of("2016-02").in_words() == "1 Feb 2016 – 29 Feb 2016"
