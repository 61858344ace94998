"""Where the people of the contact centre live and under which numbers they are reached, now and before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lib.generate.loyalty import PHONES, spelled
from lib.generate.places import Places, draw_places, place_texts
from lib.generate.population import LINES_OF_AN_AREA, People
from lib.generate.records import Register
from lib.generate.vectors import Bools, Ints, Span, Texts, iso_days, rows, stamps, texts

ADDRESS_COLUMNS = "address_id,customer_id,type,street,city,postcode,region,country,valid_from,valid_to,updated_at"
PHONE_COLUMNS = "phone_id,customer_id,type,number,valid_from,valid_to,updated_at"

HOME, BILLING, DELIVERY = range(3)
ADDRESS_TYPES = ("home", "billing", "delivery")
SHARE_WITH_ANOTHER_ADDRESS = 0.3

MOBILE, AT_HOME, AT_WORK = range(3)
PHONE_TYPES = ("mobile", "home", "work")
SHARE_OF_MOBILES, SHARE_OF_HOMES, SHARE_OF_WORKS = 0.85, 0.6, 0.25
SHARE_OF_WORKS_LEFT = 0.3

# Days before the first one on which an address or a number was known at first.
KNOWN_SINCE = (400, 5_000)


def address_lines(rng: np.random.Generator, people: People, register: Register, span: Span) -> Iterator[str]:
    """The address of the household; of who moved, also the new one; of some, one for bills or deliveries."""
    heads, household = np.unique(people.head[register.person], return_inverse=True)
    territory = people.territory[heads][household]
    homes = draw_places(rng, people.territory[heads]).take(household)
    others = draw_places(rng, territory)
    size = len(register.number)
    moved = register.differs.hits("moved")
    more = rng.random(size) < SHARE_WITH_ANOTHER_ADDRESS
    since = span.start.toordinal() - rng.integers(*KNOWN_SINCE, size)
    until = span.start.toordinal() + rng.integers(-365, span.days, size)
    kinds = (np.ones(size, dtype=np.bool_), moved, more)
    which, of = _flat(*kinds)
    columns = (homes, others, draw_places(rng, territory))
    places = Places._make(np.choose(which, [column[of] for column in same]) for same in zip(*columns, strict=True))
    type_ = np.where(which == len(kinds) - 1, rng.integers(BILLING, DELIVERY + 1, len(which)), HOME)
    valid_from = np.where(which == 1, until[of], since[of])
    valid_to = np.where((which == 0) & moved[of], until[of], 0)
    labels = texts(ADDRESS_TYPES)[type_]
    for at, (number, label, place, begin, end, updated) in enumerate(
        rows(register.number[of], labels, place_texts(places), *_validity(rng, valid_from, valid_to)), 1
    ):
        yield f"A{at:08d},P{number:07d},{label},{place},{begin},{end},{updated}"


def phone_lines(rng: np.random.Generator, people: People, register: Register, phone: Ints, span: Span) -> Iterator[str]:
    """None to three numbers a record: `phone`, the one of the household, and one at work that some have left."""
    size = len(phone)
    at_home = people.home_phone[register.person]
    has_mobile = phone != at_home
    kinds = (
        has_mobile & (rng.random(size) < SHARE_OF_MOBILES),
        rng.random(size) < SHARE_OF_HOMES,
        rng.random(size) < SHARE_OF_WORKS,
    )
    which, of = _flat(*kinds)
    at_work = rng.integers(201 * LINES_OF_AN_AREA, 990 * LINES_OF_AN_AREA, size)
    numbers = np.choose(which, [column[of] for column in (phone, at_home, at_work)])
    since = span.start.toordinal() - rng.integers(*KNOWN_SINCE, len(which))
    left = (which == AT_WORK) & (rng.random(len(which)) < SHARE_OF_WORKS_LEFT)
    until = np.where(left, span.start.toordinal() + rng.integers(-365, span.days, len(which)), 0)
    written = texts([spelled(*each) for each in rows(rng.integers(0, len(PHONES), len(which)), numbers)])
    columns = (register.number[of], texts(PHONE_TYPES)[which], written, *_validity(rng, since, until))
    for at, (number, label, text, begin, end, updated) in enumerate(rows(*columns), 1):
        yield f"N{at:08d},P{number:07d},{label},{text},{begin},{end},{updated}"


def _flat(*kinds: Bools) -> tuple[Ints, Ints]:
    """Of each thing that a record has: its kind and the record's place, in the order of the records."""
    of, which = np.nonzero(np.column_stack(kinds))
    return which, of


def _validity(rng: np.random.Generator, begin: Ints, end: Ints) -> tuple[Texts, Texts, Texts]:
    """The texts of both days, and of when the later one of them was written down."""
    return iso_days(begin), iso_days(end), stamps(np.maximum(begin, end), rng.integers(0, 86_400, len(begin)))
