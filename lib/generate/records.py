"""What a system has of a person: the record, and in what it differs from the person on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lib.generate.faults import Faults, draw_faults
from lib.generate.nicknames import NICKNAMES
from lib.generate.people import own_email
from lib.generate.population import LINES_OF_AN_AREA, People
from lib.generate.vectors import Bools, Ints, Texts, rows, swapped, texts

DIFFERENCES = (
    "typo",
    "nickname",
    "new_surname",
    "other_email",
    "email_missing",
    "birth_swapped",
    "birth_missing",
    "moved",
    "new_phone",
)
# The first record of a person is as the person is, but for these.
OF_ANY_RECORD = ("email_missing", "birth_missing", "moved")


class Register(NamedTuple):
    """The records of one system: each one's number in its key, the place of the person, and what differs."""

    number: Ints
    person: Ints
    differs: Faults

    def take(self, places: Ints) -> Register:
        """Some of the records."""
        return Register(self.number[places], self.person[places], self.differs.take(places))


class Recorded(NamedTuple):
    """What the records say; no e-mail is an empty text, no birth 0."""

    first: Texts
    last: Texts
    email: Texts
    birth: Ints
    gender: Texts
    phone: Ints

    def take(self, places: Ints) -> Recorded:
        """Some of the records."""
        return Recorded._make(column[places] for column in self)


def draw_register(
    rng: np.random.Generator,
    people: People,
    person: Ints,
    *,
    is_first: Bools,
    domain: str,
    rates: Mapping[str, float],
) -> Register:
    """Records of these persons, numbered from 1; a difference that would show in nothing is none."""
    differs = draw_faults(rng, DIFFERENCES, rates, len(person))
    possible = {
        "nickname": np.array([name in NICKNAMES for name in people.first[person]], dtype=np.bool_),
        "new_surname": people.married[person] != people.last[person],
        "other_email": own_emails(people, person, domain) != people.email[person],
        "birth_swapped": swapped(people.birth[person]) != people.birth[person],
    }
    for at, name in enumerate(DIFFERENCES):
        stays = possible.get(name, np.ones(len(person), dtype=np.bool_))
        if name not in OF_ANY_RECORD:
            stays = stays & ~is_first
        differs.bits[~stays] &= ~(1 << at)
    return Register(1 + np.arange(len(person)), person, differs)


def record(rng: np.random.Generator, people: People, register: Register, domain: str) -> Recorded:
    """What a system with e-mail addresses of its own has of these persons."""
    person, hits = register.person, register.differs.hits
    first = people.first[person]
    for at in np.flatnonzero(hits("nickname")):
        first[at] = NICKNAMES[first[at]]
    last = np.where(hits("new_surname"), people.married[person], people.last[person])
    _misspell(rng, first, last, np.flatnonzero(hits("typo")))
    email = np.where(hits("other_email"), own_emails(people, person, domain), people.email[person])
    birth = np.where(hits("birth_swapped"), swapped(people.birth[person]), people.birth[person])
    other = rng.integers(201 * LINES_OF_AN_AREA, 990 * LINES_OF_AN_AREA, len(person))
    return Recorded(
        first=first,
        last=last,
        email=np.where(hits("email_missing"), "", email),
        birth=np.where(hits("birth_missing"), 0, birth),
        gender=people.gender[person],
        phone=np.where(hits("new_phone"), other, people.phone[person]),
    )


def own_emails(people: People, person: Ints, domain: str) -> Texts:
    """The addresses that persons have at one domain."""
    columns = (people.first[person], people.last[person], 1 + person)
    return texts([own_email(first, last, number, domain) for first, last, number in rows(*columns)])


def _misspell(rng: np.random.Generator, first: Texts, last: Texts, where: Ints) -> None:
    """One letter less, one twice or two exchanged, in one of the two names."""
    draws = (rng.integers(0, 2, len(where)), rng.integers(0, 3, len(where)), rng.integers(0, 1 << 16, len(where)))
    for at, which, way, letter in rows(where, *draws):
        name = (first, last)[which]
        name[at] = _misspelled(name[at], way, letter)


def _misspelled(name: str, way: int, letter: int) -> str:
    at = 1 + letter % max(1, len(name) - 2)  # neither the capital nor the last, which nothing follows
    head, one, other, tail = name[:at], name[at : at + 1], name[at + 1 : at + 2], name[at + 2 :]
    spelled = (f"{head}{other}{tail}", f"{head}{other}{one}{tail}", f"{head}{one}{one}{other}{tail}")[way]
    return name + name[-1] if spelled == name else spelled
