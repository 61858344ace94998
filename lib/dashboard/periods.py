"""Stretches of days and what they are compared with. Pure."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Period:
    """The days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def is_whole_months(self) -> bool:
        """Does it begin with the first day of a month and end with the last of one?"""
        return self.start.day == 1 and self.end.day == _days_of(self.end)

    def before(self) -> "Period":
        """The period before: as many months where these are whole, else as many days."""
        end = self.start - timedelta(days=1)
        if not self.is_whole_months:
            return Period(end - (self.end - self.start), end)
        months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1
        return Period(months_before(self.start, months), end)

    def year_to_date(self) -> "Period":
        """From 1 January of the year of its last day."""
        return Period(date(self.end.year, 1, 1), self.end)

    def year_before(self) -> "Period":
        """The same days a year earlier; 28 February for the 29th."""
        return Period(months_before(self.start, 12), months_before(self.end, 12))

    def in_words(self) -> str:
        """Such as "1 Jul 2016 – 30 Jun 2017"."""
        return f"{self.start.day} {self.start:%b %Y} – {self.end.day} {self.end:%b %Y}"


def months_before(day: date, months: int) -> date:
    """The same day so many months before, or the month's last where it has no such day."""
    month = day.year * 12 + day.month - 1 - months
    first = date(month // 12, month % 12 + 1, 1)
    return first.replace(day=min(day.day, _days_of(first)))


def last_months(end: date, months: int) -> Period:
    """So many months that end with a day."""
    return Period(months_before(end + timedelta(days=1), months), end)


def month_of(year_month: str) -> Period:
    """The days of a month, YYYY-MM."""
    first = date.fromisoformat(f"{year_month}-01")
    return Period(first, first.replace(day=_days_of(first)))


def _days_of(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]
