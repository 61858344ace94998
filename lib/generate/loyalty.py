"""Those who buy at the tills, and the records of those of them who are in the loyalty programme."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from json import dumps
from typing import NamedTuple

import numpy as np

from lib.generate.faults import CUSTOMER_FAULTS, Faults, draw_faults
from lib.generate.people import names
from lib.generate.vectors import Ints, Span, Texts, pick, rows

DOMAIN = "example.com"
SHARE_OF_STRANGERS = 0.02
SHARE_OF_UPDATES = 0.05
YEARS_OF_AGE = (18, 85)
PHONES = ("+1 {0} 555 {1}", "({0}) 555-{1}", "{0}.555.{1}", "{0}555{1}", "{0}-555-{1}", " 1-{0}-555-{1} ")
TIERS = {"bronze": 0, "silver": 500, "gold": 2_000, "platinum": 5_000}
WRONG_BIRTHS = ("1985-02-30", "unknown")


class Buyers(NamedTuple):
    """All who buy, by the number of their card from 1; a stranger's card has no record. `home` is a store's place."""

    home: Ints
    members: Ints


class Delivery(NamedTuple):
    """One file of member records: its lines, and of each row its customer's number and its faults."""

    lines: Iterator[str]
    number: Ints
    faults: Faults


class _Members(NamedTuple):
    """What stays as it is from one delivery to the next, one element a member."""

    number: Ints
    name: Texts
    email: Texts
    birth: Texts
    region: Texts
    points: Ints

    def take(self, places: Ints) -> _Members:
        """Some of the members."""
        return _Members._make(column[places] for column in self)


def draw_buyers(rng: np.random.Generator, members: int, store_weights: Sequence[float]) -> Buyers:
    """So many members, and about two strangers for each hundred buyers."""
    size = members + max(1, round(members * SHARE_OF_STRANGERS / (1 - SHARE_OF_STRANGERS)))
    chosen = np.sort(rng.choice(size, members, replace=False))
    return Buyers(pick(rng, store_weights, size), 1 + chosen)


def draw_deliveries(
    rng: np.random.Generator, buyers: Buyers, regions: Sequence[str], *, span: Span, rates: Mapping[str, float]
) -> list[Delivery]:
    """First the records of all members as before the range of days, then what changed for some of them in it."""
    members = _draw_members(rng, buyers, regions, span.start)
    size = len(members.number)
    year_before = Span(span.start - timedelta(days=365), 365)
    first = _delivery(rng, members, span=year_before, rates=rates)
    changed = np.sort(rng.choice(size, max(1, round(size * SHARE_OF_UPDATES)), replace=False))
    later = members.take(changed)
    earned = later.points + rng.integers(1, 1_000, len(changed))
    return [first, _delivery(rng, later._replace(points=earned), span=span, rates=rates)]


def full_names(rng: np.random.Generator, size: int) -> list[tuple[str, str]]:
    """First and last names in title case, half of them of men."""
    first_names, first, last_names, last = names(rng, rng.random(size) < 0.5)
    return [(first_names[one].title(), last_names[other].title()) for one, other in rows(first, last)]


def _draw_members(rng: np.random.Generator, buyers: Buyers, regions: Sequence[str], start: date) -> _Members:
    size = len(buyers.members)
    names = full_names(rng, size)
    age = rng.integers(YEARS_OF_AGE[0] * 366, YEARS_OF_AGE[1] * 365, size)
    emails = [f"{_handle(*name)}{number}@{DOMAIN}" for name, number in zip(names, buyers.members.tolist(), strict=True)]
    return _Members(
        number=buyers.members,
        name=_texts([" ".join(name) for name in names]),
        email=_texts(emails),
        birth=_texts([(start - timedelta(days=days)).isoformat() for days in age.tolist()]),
        region=_texts(regions)[buyers.home[buyers.members - 1]],
        points=rng.lognormal(6.0, 1.3, size).astype(np.int64),
    )


def _delivery(rng: np.random.Generator, members: _Members, *, span: Span, rates: Mapping[str, float]) -> Delivery:
    size = len(members.number)
    faults = draw_faults(rng, CUSTOMER_FAULTS, rates, size)
    without_at = _texts([each.replace("@", ".") for each in members.email])
    wrong_birth = _texts(WRONG_BIRTHS)[rng.integers(0, len(WRONG_BIRTHS), size)]
    written = members._replace(
        number=np.where(faults.hits("customer_id_null"), 0, members.number),
        email=np.where(faults.hits("email_invalid"), without_at, members.email),
        birth=np.where(faults.hits("birth_date_not_a_date"), wrong_birth, members.birth),
        points=np.where(faults.hits("loyalty_points_negative"), -1 - members.points, members.points),
    )
    digits = (rng.integers(0, len(PHONES), size), rng.integers(201, 990, size), rng.integers(0, 10_000, size))
    phone = [PHONES[spelling].format(area, f"{number:04d}") for spelling, area, number in rows(*digits)]
    second = rng.integers(0, span.days * 86_400, size)
    return Delivery(_lines(written, _texts(phone), second, span.start), members.number, faults)


def _lines(members: _Members, phones: Texts, second: Ints, start: date) -> Iterator[str]:
    midnight = datetime(start.year, start.month, start.day)
    for number, name, email, birth, region, points, phone, after in rows(*members, phones, second):
        record = {
            "customer_id": f"C{number:07d}" if number else None,
            "name": name,
            "email": email,
            "phone": phone,
            "birth_date": birth,
            "region": region,
            "loyalty_points": points,
            "loyalty_tier": next(tier for tier, least in reversed(TIERS.items()) if points >= least or not least),
            "updated_at": f"{(midnight + timedelta(seconds=after)).isoformat()}.000Z",
        }
        yield dumps(record, ensure_ascii=False)


def _texts(values: Sequence[str]) -> Texts:
    return np.array(list(values), dtype=np.object_)


def _handle(first: str, last: str) -> str:
    """The first part of an address: letters without accents."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").lower()
    return "".join(each for each in plain if each.isascii() and (each.isalpha() or each == "."))
