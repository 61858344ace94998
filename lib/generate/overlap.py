"""Who is in which of the three systems: the same people in several, each with records of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from json import dumps
from typing import NamedTuple

import numpy as np

from lib.generate.faults import Faults
from lib.generate.loyalty import DOMAIN as LOYALTY_DOMAIN
from lib.generate.people import WebPeople
from lib.generate.population import People, web_people, with_newcomers
from lib.generate.records import Register, draw_register
from lib.generate.vectors import Ints, rows

CENTRE_DOMAIN = "example.net"

# Streams of their own, away from those of adventureworks.py and pos.py.
WEB_STREAM, MEMBERS_STREAM, CENTRE_STREAM = range(20, 23)

# The loyalty programme asks for neither an address nor a second phone number.
ONLY_IN_THE_CENTRE = ("moved", "new_phone")


class Census(NamedTuple):
    """All people, and the records that each of the three systems has of some of them."""

    people: People
    web: Register
    pos: Register
    crm: Register


def enrol_members(
    web: WebPeople, numbers: Ints, *, start: date, seed: int, rates: Mapping[str, float]
) -> tuple[People, Register]:
    """The people of the web shop and of the loyalty programme, and the records of the latter, one a card number."""
    shoppers, size = web_people(np.random.default_rng((seed, WEB_STREAM)), web), len(numbers)
    rng = np.random.default_rng((seed, MEMBERS_STREAM))
    both = min(len(web.key), int(size * rates.get("pos_in_web", 0.0)))
    known = rng.choice(len(web.key), both, replace=False)
    people, person = with_newcomers(
        rng, shoppers, known, size=size - both, start=start, domain=LOYALTY_DOMAIN, rates=rates
    )
    person = rng.permutation(person)
    rates = {name: rate for name, rate in rates.items() if name not in ONLY_IN_THE_CENTRE}
    register = draw_register(rng, people, person, is_first=person >= len(web.key), domain=LOYALTY_DOMAIN, rates=rates)
    return people, register._replace(number=numbers)


def draw_census(
    web: WebPeople, numbers: Ints, *, size: int, starts: tuple[date, date], seed: int, rates: Mapping[str, float]
) -> Census:
    """All people: the web customers, the members with these card numbers, and `size` people of the contact centre.

    `starts` are the first days of the tills and of the contact centre. A few of the centre's people are there twice.
    """
    people, members = enrol_members(web, numbers, start=starts[0], seed=seed, rates=rates)
    rng = np.random.default_rng((seed, CENTRE_STREAM))
    known = _known_to_the_centre(rng, members.person, web=len(web.key), size=size, rates=rates)
    everybody, person = with_newcomers(
        rng, people, known, size=size - len(known), start=starts[1], domain=CENTRE_DOMAIN, rates=rates
    )
    twice = rng.choice(person, int(size * rates.get("duplicates", 0.0)), replace=False)
    person = rng.permutation(np.concatenate((person, twice)))
    is_first = np.zeros(len(person), dtype=np.bool_)
    is_first[np.unique(person, return_index=True)[1]] = True
    is_first &= person >= len(people.first)
    shoppers = np.arange(len(web.key))
    return Census(
        people=everybody,
        web=Register(web.key, shoppers, Faults((), np.zeros_like(shoppers))),
        pos=members,
        crm=draw_register(rng, everybody, person, is_first=is_first, domain=CENTRE_DOMAIN, rates=rates),
    )


def truth_lines(census: Census) -> Iterator[str]:
    """One line a record of any system: whose it is, in which household that person lives, and what differs."""
    people = census.people
    sources = (
        ("adventureworks", "{}", census.web),
        ("pos", "C{:07d}", census.pos),
        ("crm", "P{:07d}", census.crm),
    )
    for source, label, (number, person, differs) in sources:
        columns = (number, person, people.head[person], people.is_twin[person], differs.bits)
        for key, place, head, is_twin, bits in rows(*columns):
            record = {
                "person": place + 1,
                "source": source,
                "id": label.format(key),
                "household": head + 1,
                "is_twin": is_twin,
                "differs": differs.of(bits),
            }
            yield dumps(record)


def _known_to_the_centre(
    rng: np.random.Generator, members: Ints, *, web: int, size: int, rates: Mapping[str, float]
) -> Ints:
    """The stated share of members, and web customers until theirs is reached: members only if others do not suffice."""
    of_pos = rng.choice(members, min(len(members), int(size * rates.get("crm_in_pos", 0.0))), replace=False)
    missing = int(size * rates.get("crm_in_web", 0.0)) - int((of_pos < web).sum())
    others = rng.permutation(np.setdiff1d(np.arange(web), of_pos))
    others = others[np.argsort(np.isin(others, members), kind="stable")]
    return np.concatenate((of_pos, others[: max(0, missing)]))
