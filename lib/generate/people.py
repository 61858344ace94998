"""The customers of the web shop: who they are, drawn column by column."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib import import_module
from typing import NamedTuple

import numpy as np

from lib.generate.landing import ENCODING
from lib.generate.vectors import Bools, Ints, Texts, day_labels, pick, rows

COLUMNS = (
    "CustomerKey,Prefix,FirstName,LastName,BirthDate,MaritalStatus,Gender,EmailAddress,"
    "AnnualIncome,TotalChildren,EducationLevel,Occupation,HomeOwner"
)
FIRST_KEY = 11_000
DOMAIN = "adventure-works.com"

# Share of the names by Faker locale: all of them Latin script, a few of their names with accents.
LOCALES = {"en_US": 88, "es_ES": 4, "fr_FR": 2, "de_DE": 2, "pt_BR": 1, "it_IT": 1, "sv_SE": 1, "da_DK": 1}

PREFIXES, GENDERS = ("MR.", "MRS.", "MS.", ""), ("M", "F", "F", "NA")
MISTER, MISSES, MIZ, UNKNOWN = range(4)
SHARE_UNKNOWN = 0.0072
SHARE_MIZ = 0.28

EDUCATION = {
    "Bachelors": 29.0,
    "Partial College": 27.4,
    "High School": 17.9,
    "Graduate Degree": 17.2,
    "Partial High School": 8.5,
}
CHILDREN = (28.0, 19.6, 20.4, 11.9, 12.4, 7.7)


class WebPeople(NamedTuple):
    """The customers of the web shop, one element each: the columns of their file; `birth` is the ordinal of a day."""

    key: Ints
    prefix: Texts
    first: Texts
    last: Texts
    birth: Ints
    marital_status: Texts
    gender: Texts
    email: Texts
    income: Texts
    children: Texts
    education: Texts
    occupation: Texts
    home_owner: Texts


class Occupation(NamedTuple):
    """One occupation: its share of customers, and what it earns, in units of $10,000 a year."""

    name: str
    share: float
    low: int
    high: int
    mean: float


OCCUPATIONS = (
    Occupation("Professional", 29.9, 3, 17, 7.4),
    Occupation("Skilled Manual", 24.8, 1, 9, 5.2),
    Occupation("Management", 16.6, 4, 17, 9.2),
    Occupation("Clerical", 15.7, 1, 4, 3.1),
    Occupation("Manual", 13.0, 1, 3, 1.6),
)

# The smaller, the further incomes spread over the range of the occupation.
INCOME_SPREAD = 8.0

# Ages in days on the first day of the range: 34 and 105 years.
YOUNGEST, OLDEST = 12_419, 38_351


def customer_keys(rng: np.random.Generator, customers: int) -> Ints:
    """Rising keys from 11000 on, about one in fifty-five skipped."""
    steps = 1 + (rng.random(customers) < 0.0185)
    steps[0] = 0
    return FIRST_KEY + np.cumsum(steps, dtype=np.int64)


def draw_people(rng: np.random.Generator, keys: Ints, start: date) -> WebPeople:
    """One customer a key."""
    size = len(keys)
    title = np.where(rng.random(size) < 0.503, MISTER, np.where(rng.random(size) < SHARE_MIZ, MIZ, MISSES))
    first_names, first, last_names, last = names(rng, title == MISTER)
    title[rng.random(size) < SHARE_UNKNOWN] = UNKNOWN
    job = pick(rng, [each.share for each in OCCUPATIONS], size)
    return WebPeople(
        key=keys,
        prefix=_coded(PREFIXES, title),
        first=_coded(first_names, first),
        last=_coded(last_names, last),
        birth=_births(rng, size, start),
        marital_status=_coded("SM", rng.random(size) < 0.541),
        gender=_coded(GENDERS, title),
        email=_emails(rng, first_names, first),
        income=_incomes(rng, job),
        children=_coded("012345", pick(rng, CHILDREN, size)),
        education=_coded(list(EDUCATION), pick(rng, EDUCATION.values(), size)),
        occupation=_coded([each.name for each in OCCUPATIONS], job),
        home_owner=_coded("NY", rng.random(size) < 0.676),
    )


def customer_lines(people: WebPeople) -> Iterator[str]:
    """One landing line a customer, in key order."""
    first, last = int(people.birth.min()), int(people.birth.max())
    births = _coded(day_labels(date.fromordinal(first), last - first + 1), people.birth - first)
    for key, *texts in rows(*(people._asdict() | {"birth": births}).values()):
        yield f"{key}," + ",".join(texts)


def _coded(labels: Sequence[str], place: Ints | Bools) -> Texts:
    """The label of each place; equal texts are one object, so a column costs no more than its pointers."""
    return np.array(list(labels), dtype=np.object_)[place.astype(np.int64)]


def names(rng: np.random.Generator, male: Bools) -> tuple[list[str], Ints, list[str], Ints]:
    """First names and each customer's place among them, then the same of last names."""
    men, women, families = (_pool(part) for part in ("first_names_male", "first_names_female", "last_names"))
    first = np.where(
        male,
        pick(rng, men.values(), len(male)),
        len(men) + pick(rng, women.values(), len(male)),
    )
    return [*men, *women], first, list(families), pick(rng, families.values(), len(male))


def own_email(first: str, last: str, number: int, domain: str) -> str:
    """An address of the letters of both names, without accents, and a number."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").lower()
    return f"{''.join(each for each in plain if each.isascii() and (each.isalpha() or each == '.'))}{number}@{domain}"


def _pool(part: str) -> dict[str, float]:
    """Upper-case names of all locales with their weights; a name that Windows-1252 lacks is left out."""
    pool: dict[str, float] = {}
    for locale, share in LOCALES.items():
        known = getattr(import_module(f"faker.providers.person.{locale}").Provider, part)
        # Some lists come with frequencies and some without.
        weights = dict(known) if isinstance(known, Mapping) else dict.fromkeys(known, 1.0)
        total = sum(weights.values())
        for name, weight in weights.items():
            if _is_writable(name):
                pool[name.upper()] = pool.get(name.upper(), 0.0) + share * weight / total
    return pool


def _is_writable(name: str) -> bool:
    """Whether the encoding has both the name as it stands in its column and its small letters of the email."""
    spelled = name.upper() + name.upper().lower()
    return spelled.encode(ENCODING, errors="ignore").decode(ENCODING) == spelled


def _emails(rng: np.random.Generator, first_names: Sequence[str], first: Ints) -> Texts:
    """Unique addresses: the letters of the first name, and a number that counts, in no order, who shares them."""
    spelled = ["".join(filter(str.isalpha, name.lower())) for name in first_names]
    handles, place = np.unique(np.array(spelled), return_inverse=True)
    handle = place[first]
    order = np.lexsort((rng.random(len(first)), handle))
    grouped = handle[order]
    serial = np.empty(len(first), dtype=np.int64)
    serial[order] = np.arange(len(first)) - np.searchsorted(grouped, grouped)
    return np.array([f"{handles[at]}{number}@{DOMAIN}" for at, number in rows(handle, serial)], dtype=np.object_)


def _births(rng: np.random.Generator, size: int, start: date) -> Ints:
    """Days of birth, by the age on the first day of the range: most about 50, a thin tail of the very old."""
    return start.toordinal() - (YOUNGEST + (OLDEST - YOUNGEST) * rng.beta(1.7, 5.0, size)).astype(np.int64)


def _incomes(rng: np.random.Generator, job: Ints) -> Texts:
    """Yearly incomes in whole $10,000, around the mean of the occupation; quoted, with a blank at the end."""
    low = np.array([each.low for each in OCCUPATIONS])
    span = np.array([each.high - each.low for each in OCCUPATIONS])
    mean = (np.array([each.mean for each in OCCUPATIONS]) - low) / span
    chance = rng.beta(INCOME_SPREAD * mean[job], INCOME_SPREAD * (1 - mean[job]))
    labels = [f'"${units}0,000 "' for units in range(max(low + span) + 1)]
    return _coded(labels, low[job] + rng.binomial(span[job], chance))
