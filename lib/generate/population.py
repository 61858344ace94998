"""Everybody whom any of the three systems knows, who lives with whom, and who is whose twin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from lib.generate.assortment import TERRITORIES
from lib.generate.people import WebPeople, names, own_email
from lib.generate.vectors import Bools, Ints, Texts, pick, rows, texts

YEARS_OF_AGE = (18, 85)
SHARE_WITHOUT_MOBILE = 0.2

# A number without the country's: the area in front of this many lines.
LINES_OF_AN_AREA = 10_000


class People(NamedTuple):
    """All persons, one element each: those of the web shop, then those whom the next systems know and no earlier one.

    `married` is the last name of those whose name changes, `birth` the ordinal of a day, `head` the place of the person
    whose household it is, `territory` a place too. Who has no mobile has the number of the household as `phone`.
    """

    first: Texts
    last: Texts
    married: Texts
    birth: Ints
    gender: Texts
    email: Texts
    head: Ints
    is_twin: Bools
    territory: Ints
    phone: Ints
    home_phone: Ints


def web_people(rng: np.random.Generator, web: WebPeople) -> People:
    """The customers of the web shop: each on their own, and with what the shop does not ask for."""
    size = len(web.key)
    return _alone(
        rng,
        first=texts([name.title() for name in web.first]),
        last=texts([name.title() for name in web.last]),
        birth=web.birth,
        gender=np.where(web.gender == "NA", "", web.gender),
        email=web.email,
        place=np.arange(size),
    )


def with_newcomers(
    rng: np.random.Generator,
    people: People,
    known: Ints,
    *,
    size: int,
    start: date,
    domain: str,
    rates: Mapping[str, float],
) -> tuple[People, Ints]:
    """So many people more, and the places of them and of the `known` together: all whom one system knows.

    Some of the new ones live with another one whom the system knows, and a few of these are twins of theirs.
    """
    place = len(people.first) + np.arange(size)
    male = rng.random(size) < 0.5
    first_names, first_at, last_names, last_at = names(rng, male)
    first, last = _titled(first_names, first_at), _titled(last_names, last_at)
    age = rng.integers(YEARS_OF_AGE[0] * 366, YEARS_OF_AGE[1] * 365, size)
    emails = [own_email(one, other, number, domain) for one, other, number in rows(first, last, 1 + place)]
    new = _alone(
        rng,
        first=first,
        last=last,
        birth=start.toordinal() - age,
        gender=np.where(male, "M", "F").astype(np.object_),
        email=texts(emails),
        place=place,
    )
    everybody = People(*(np.concatenate(columns) for columns in zip(people, new, strict=True)))
    joins = rng.random(size) < rates.get("households", 0.0)
    joins[:1] = False  # whom nobody is there to live with
    heads = np.concatenate((known[everybody.head[known] == known], place[~joins]))
    _move_in(rng, everybody, place[joins], rng.choice(heads, int(joins.sum())), rates)
    return everybody, np.concatenate((known, place))


def _alone(
    rng: np.random.Generator, *, first: Texts, last: Texts, birth: Ints, gender: Texts, email: Texts, place: Ints
) -> People:
    """People each of whom is a household of one."""
    size = len(place)
    home_phone, mobile = (rng.integers(201 * LINES_OF_AN_AREA, 990 * LINES_OF_AN_AREA, size) for _ in range(2))
    return People(
        first=first,
        last=last,
        married=_titled(*names(rng, np.zeros(size, dtype=np.bool_))[2:]),
        birth=birth,
        gender=gender,
        email=email,
        head=place,
        is_twin=np.zeros(size, dtype=np.bool_),
        territory=pick(rng, [each.weight for each in TERRITORIES], size),
        phone=np.where(rng.random(size) < SHARE_WITHOUT_MOBILE, home_phone, mobile),
        home_phone=home_phone,
    )


def _move_in(rng: np.random.Generator, everybody: People, who: Ints, head: Ints, rates: Mapping[str, float]) -> None:
    """Make households; what others were given before stays as it is."""
    without_mobile = everybody.phone[who] == everybody.home_phone[who]
    everybody.phone[who[without_mobile]] = everybody.home_phone[head[without_mobile]]
    for column in (everybody.last, everybody.territory, everybody.home_phone):
        column[who] = column[head]
    everybody.head[who] = head
    shares = rng.random(len(who)) < rates.get("shared_email", 0.0)
    everybody.email[who[shares]] = everybody.email[head[shares]]
    # two at most of a household, and of different first names
    may_be = np.zeros(len(who), dtype=np.bool_)
    may_be[np.unique(head, return_index=True)[1]] = True
    may_be &= ~everybody.is_twin[head] & (everybody.first[who] != everybody.first[head])
    twins = may_be & (rng.random(len(who)) < rates.get("twins", 0.0))
    for other in (everybody.birth, everybody.phone):
        other[who[twins]] = other[head[twins]]
    everybody.is_twin[np.concatenate((who[twins], head[twins]))] = True


def _titled(known: list[str], place: Ints) -> Texts:
    return texts([name.title() for name in known])[place]
