"""The faults that are put into landing files on purpose, each at a rate of its own, and known afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from json import dumps
from typing import NamedTuple

import numpy as np

from lib.errors import ConfigError
from lib.generate.vectors import Bools, Ints, rows

SALES_FAULTS = (
    "transaction_id_null",
    "customer_id_null",
    "price_null",
    "quantity_not_positive",
    "quantity_not_whole",
    "discount_out_of_range",
    "discount_not_a_number",
    "date_not_a_date",
    "updated_at_null",
    "malformed",
)
CUSTOMER_FAULTS = ("customer_id_null", "birth_date_not_a_date", "loyalty_points_negative", "email_invalid")
TILL_FAULTS = tuple(dict.fromkeys((*SALES_FAULTS, *CUSTOMER_FAULTS)))

PERSON_FAULTS = ("customer_id_null", "birth_date_not_a_date", "email_invalid")
INTERACTION_FAULTS = (
    "interaction_id_null",
    "customer_id_null",
    "satisfaction_out_of_range",
    "started_at_not_a_date",
    "malformed",
)
PAYMENT_FAULTS = ("amount_not_positive", "amount_not_a_number", "status_unknown", "currency_unknown", "malformed")
CENTRE_FAULTS = tuple(dict.fromkeys((*PERSON_FAULTS, *INTERACTION_FAULTS, *PAYMENT_FAULTS)))

# Two faults of one field cannot both be written: the first of a pair hides the second.
_HIDING = (
    ("quantity_not_whole", "quantity_not_positive"),
    ("discount_not_a_number", "discount_out_of_range"),
    ("amount_not_a_number", "amount_not_positive"),
    # what records.py makes of a person
    ("email_missing", "other_email"),
    ("birth_missing", "birth_swapped"),
)


class Faults(NamedTuple):
    """The faults of some rows: bit n of an element of `bits` is set where `names[n]` hits the row."""

    names: tuple[str, ...]
    bits: Ints

    def hits(self, name: str) -> Bools:
        """Which rows the fault hits."""
        return (self.bits & (1 << self.names.index(name))).astype(np.bool_)

    def take(self, places: Ints | slice) -> Faults:
        """The faults of other rows, each like the row at its place."""
        return Faults(self.names, self.bits[places])

    def of(self, bits: int) -> list[str]:
        """The names of the faults that an element of `bits` stands for."""
        return [name for at, name in enumerate(self.names) if bits >> at & 1]


def draw_faults(rng: np.random.Generator, names: tuple[str, ...], rates: Mapping[str, float], size: int) -> Faults:
    """Draw each fault for each row on its own; a fault without a rate never comes, a malformed row has no other."""
    bits = np.zeros(size, dtype=np.int64)
    for at, name in enumerate(names):
        bits |= (rng.random(size) < rates.get(name, 0.0)).astype(np.int64) << at
    faults = Faults(names, bits)
    for name, hidden in _HIDING:
        if name in names:
            bits &= ~(faults.hits(name).astype(np.int64) << names.index(hidden))
    if "malformed" in names:
        bits[faults.hits("malformed")] = 1 << names.index("malformed")
    return faults


def known_faults(faults: Faults, numbers: Ints, *, file: str, key: str, label: str, first: int = 1) -> Iterator[str]:
    """One line of truth for each line of a file that a fault hits; `label` makes the key of its number."""
    found = np.flatnonzero(faults.bits)
    for line, number, bits in rows(found + first, numbers[found], faults.bits[found]):
        names = faults.of(bits)
        written = None if f"{key}_null" in names else label.format(number)
        yield dumps({"file": file, "line": line, key: written, "faults": names})


def check_rates(rates: Mapping[str, float], known: Collection[str], *, of: str = "faults", each: str = "rate") -> None:
    """Refuse a name that is not one of the `known` and a rate that is none; `of` and `each` are what they are called.

    Raises:
        ConfigError: for the first one.
    """
    for name, rate in rates.items():
        if name not in known:
            raise ConfigError(f"{of}: there is no '{name}' (there are {', '.join(known)})")
        if not 0 <= rate <= 1:
            raise ConfigError(f"{of}: the {each} of {name} must be from 0 to 1, not {rate}")
