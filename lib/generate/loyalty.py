"""Those who buy at the tills, and the records of those of them who are in the loyalty programme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from json import dumps
from typing import NamedTuple

import numpy as np

from lib.generate.faults import CUSTOMER_FAULTS, Faults, draw_faults
from lib.generate.people import names, own_email
from lib.generate.population import LINES_OF_AN_AREA, YEARS_OF_AGE
from lib.generate.records import Recorded
from lib.generate.vectors import Ints, Span, Texts, iso_days, pick, rows, texts

DOMAIN = "example.com"
SHARE_OF_STRANGERS = 0.02
SHARE_OF_UPDATES = 0.05
PHONES = ("+1 {0} 555 {1}", "({0}) 555-{1}", "{0}.555.{1}", "{0}555{1}", "{0}-555-{1}", " 1-{0}-555-{1} ")
TIERS = {"bronze": 0, "silver": 500, "gold": 2_000, "platinum": 5_000}
WRONG_BIRTHS = ("1985-02-30", "unknown")
WRONG_EMAIL = "unknown"


class Buyers(NamedTuple):
    """All who buy, by the number of their card from 1; a stranger's card has no record. `home` is a store's place."""

    home: Ints
    members: Ints


class Delivery(NamedTuple):
    """One file of member records: its lines, and of each row its customer's number and its faults."""

    lines: Iterator[str]
    number: Ints
    faults: Faults


class Members(NamedTuple):
    """What stays as it is from one delivery to the next, one element a member.

    An empty text is written as null. A phone is 0 where each delivery has another one.
    """

    number: Ints
    name: Texts
    email: Texts
    birth: Texts
    region: Texts
    points: Ints
    phone: Ints

    def take(self, places: Ints) -> Members:
        """Some of the members."""
        return Members._make(column[places] for column in self)


def draw_buyers(rng: np.random.Generator, members: int, store_weights: Sequence[float]) -> Buyers:
    """So many members, and about two strangers for each hundred buyers."""
    size = members + max(1, round(members * SHARE_OF_STRANGERS / (1 - SHARE_OF_STRANGERS)))
    chosen = np.sort(rng.choice(size, members, replace=False))
    return Buyers(pick(rng, store_weights, size), 1 + chosen)


def draw_deliveries(
    rng: np.random.Generator, members: Members, *, span: Span, rates: Mapping[str, float]
) -> list[Delivery]:
    """First the records of all members as before the range of days, then what changed for some of them in it."""
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


def draw_members(rng: np.random.Generator, buyers: Buyers, regions: Sequence[str], start: date) -> Members:
    """Members of whom no other system knows."""
    size = len(buyers.members)
    names = full_names(rng, size)
    age = rng.integers(YEARS_OF_AGE[0] * 366, YEARS_OF_AGE[1] * 365, size)
    numbered = zip(names, buyers.members.tolist(), strict=True)
    return Members(
        number=buyers.members,
        name=texts([" ".join(name) for name in names]),
        email=texts([own_email(*name, number, DOMAIN) for name, number in numbered]),
        birth=texts([(start - timedelta(days=days)).isoformat() for days in age.tolist()]),
        region=_home_regions(buyers, regions),
        points=_points(rng, size),
        phone=np.zeros(size, dtype=np.int64),
    )


def as_members(rng: np.random.Generator, recorded: Recorded, buyers: Buyers, regions: Sequence[str]) -> Members:
    """Members whom other systems may know too, in the order of their numbers."""
    return Members(
        number=buyers.members,
        name=recorded.first + " " + recorded.last,
        email=recorded.email,
        birth=iso_days(recorded.birth),
        region=_home_regions(buyers, regions),
        points=_points(rng, len(buyers.members)),
        phone=recorded.phone,
    )


def spelled(spelling: int, phone: int) -> str:
    """A phone number in one of the ways that people write it."""
    return PHONES[spelling].format(phone // LINES_OF_AN_AREA, f"{phone % LINES_OF_AN_AREA:04d}")


def _home_regions(buyers: Buyers, regions: Sequence[str]) -> Texts:
    return texts(regions)[buyers.home[buyers.members - 1]]


def _points(rng: np.random.Generator, size: int) -> Ints:
    return rng.lognormal(6.0, 1.3, size).astype(np.int64)


def _delivery(rng: np.random.Generator, members: Members, *, span: Span, rates: Mapping[str, float]) -> Delivery:
    size = len(members.number)
    faults = draw_faults(rng, CUSTOMER_FAULTS, rates, size)
    without_at = texts([each.replace("@", ".") or WRONG_EMAIL for each in members.email])
    wrong_birth = texts(WRONG_BIRTHS)[rng.integers(0, len(WRONG_BIRTHS), size)]
    written = members._replace(
        number=np.where(faults.hits("customer_id_null"), 0, members.number),
        email=np.where(faults.hits("email_invalid"), without_at, members.email),
        birth=np.where(faults.hits("birth_date_not_a_date"), wrong_birth, members.birth),
        points=np.where(faults.hits("loyalty_points_negative"), -1 - members.points, members.points),
    )
    spelling, area, line = (rng.integers(*ends, size) for ends in ((0, len(PHONES)), (201, 990), (0, 10_000)))
    phones = np.where(members.phone > 0, members.phone, area * LINES_OF_AN_AREA + line)
    phone = [spelled(way, number) for way, number in rows(spelling, phones)]
    second = rng.integers(0, span.days * 86_400, size)
    return Delivery(_lines(written, texts(phone), second, span.start), members.number, faults)


def _lines(members: Members, phones: Texts, second: Ints, start: date) -> Iterator[str]:
    midnight = datetime(start.year, start.month, start.day)
    for number, name, email, birth, region, points, _, phone, after in rows(*members, phones, second):
        record = {
            "customer_id": f"C{number:07d}" if number else None,
            "name": name,
            "email": email or None,
            "phone": phone,
            "birth_date": birth or None,
            "region": region,
            "loyalty_points": points,
            "loyalty_tier": next(tier for tier, least in reversed(TIERS.items()) if points >= least or not least),
            "updated_at": f"{(midnight + timedelta(seconds=after)).isoformat()}.000Z",
        }
        yield dumps(record, ensure_ascii=False)
