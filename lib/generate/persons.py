"""What the contact centre has written down of its people: all of them first, and what changed for some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import numpy as np

from lib.generate.faults import PERSON_FAULTS, draw_faults
from lib.generate.loyalty import SHARE_OF_UPDATES, WRONG_BIRTHS, WRONG_EMAIL, Delivery
from lib.generate.population import People
from lib.generate.records import DIFFERENCES, Recorded, Register, own_emails
from lib.generate.vectors import Ints, Span, Texts, iso_days, pick, rows, stamps, texts

PERSON_COLUMNS = "customer_id,first_name,last_name,birth_date,email,gender,updated_at"

# Where those have an address who gave another one later.
LATER_DOMAIN = "example.org"
SHARE_DAY_FIRST = 0.1

# The spellings of a gender, and how often each is used.
GENDERS = {"M": ("M", "m", "Male", "unknown"), "F": ("F", "f", "Female", "unknown"), "": ("unknown", "", "", "")}
SPELLINGS = (80, 5, 12, 3)


def draw_deliveries(
    rng: np.random.Generator,
    people: People,
    register: Register,
    recorded: Recorded,
    *,
    span: Span,
    rates: Mapping[str, float],
) -> tuple[list[Delivery], Register]:
    """The records as before the range of days, and those of which the e-mail address changed in it.

    With them the register as it is at the end: who gave another address has one that differs.
    """
    size = len(register.number)
    year_before = Span(span.start - timedelta(days=365), 365)
    first = _delivery(rng, register.number, recorded, span=year_before, rates=rates)
    changed = np.sort(rng.choice(size, max(1, round(size * SHARE_OF_UPDATES)), replace=False))
    emails = own_emails(people, register.person[changed], LATER_DOMAIN)
    later = recorded.take(changed)._replace(email=emails)
    missing, other = (1 << DIFFERENCES.index(name) for name in ("email_missing", "other_email"))
    bits = register.differs.bits.copy()
    bits[changed] = bits[changed] & ~missing | other
    at_the_end = register._replace(differs=register.differs._replace(bits=bits))
    return [first, _delivery(rng, register.number[changed], later, span=span, rates=rates)], at_the_end


def _delivery(
    rng: np.random.Generator, numbers: Ints, recorded: Recorded, *, span: Span, rates: Mapping[str, float]
) -> Delivery:
    size = len(numbers)
    faults = draw_faults(rng, PERSON_FAULTS, rates, size)
    without_at = texts([each.replace("@", ".") or WRONG_EMAIL for each in recorded.email])
    wrong_birth = texts(WRONG_BIRTHS)[rng.integers(0, len(WRONG_BIRTHS), size)]
    birth = iso_days(recorded.birth)
    for at in np.flatnonzero((rng.random(size) < SHARE_DAY_FIRST) & (recorded.birth > 0)):
        birth[at] = "/".join(reversed(birth[at].split("-")))
    columns = (
        np.where(faults.hits("customer_id_null"), "", texts([f"P{number:07d}" for number in numbers.tolist()])),
        recorded.first,
        recorded.last,
        np.where(faults.hits("birth_date_not_a_date"), wrong_birth, birth),
        np.where(faults.hits("email_invalid"), without_at, recorded.email),
        texts([GENDERS[gender][way] for gender, way in rows(recorded.gender, pick(rng, SPELLINGS, size))]),
        stamps(span.start.toordinal(), rng.integers(0, span.days * 86_400, size)),
    )
    return Delivery(_lines(*columns), numbers, faults)


def _lines(*columns: Texts) -> Iterator[str]:
    return map(",".join, rows(*columns))
