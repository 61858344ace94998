"""What the tills record, as arrays: transactions, their later versions, and the order in which lines arrive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from lib.generate.catalogue import Product
from lib.generate.fraud import DISCOUNTS as TOO_GENEROUS
from lib.generate.fraud import OVERCHARGES, QUANTITIES, SALES_OF_A_BURST, Fraud, Places, gathered, suspects
from lib.generate.loyalty import Buyers
from lib.generate.shops import Shops
from lib.generate.vectors import Ints, Span, pick

DAY, SECOND = 86_400_000, 1_000
OPEN_FROM, OPEN_UNTIL = 9 * 3_600, 20 * 3_600

# Shares of all lines: a later version, one that arrives late although it is older, the same line once more.
SHARE_OF_UPDATES, SHARE_OF_LATECOMERS, SHARE_OF_RESENDS = 0.02, 0.002, 0.01
AWAY_FROM_HOME = 0.1
MANY = (0.2, 0.68, 0.12)
ALL_SELL = 0.2

# Weights of the spellings that receipts.py has for a discount, a customer number, a date and a payment.
DISCOUNTS = (55, 13, 12, 8, 5, 2, 2.5, 2.5)
CARD_SPELLINGS = (97.0, 1.5, 1.5)
DATE_FORMATS = (80, 12, 8)
PAYMENTS = (62, 25, 9, 4)
NEW_TILL = 0.01


class Sales(NamedTuple):
    """One element a version of a transaction; times are milliseconds from the first day, the rest are places.

    `overcharge` is 0 where the price is the product's, else the place, from 1, of a factor of OVERCHARGES.
    """

    transaction: Ints
    customer: Ints
    person: Ints
    product: Ints
    quantity: Ints
    overcharge: Ints
    sold: Ints
    updated: Ints
    discount: Ints
    card_spelling: Ints
    date_format: Ints
    payment: Ints
    till: Ints
    wrong: Ints


class Till(NamedTuple):
    """All versions, the version that each landed line shows, in the order of arrival, and which versions are fraud.

    `witnesses` are the versions that must land without a fault for the fraud to be there at all.
    """

    sales: Sales
    shown: Ints
    arrived: Ints
    fraud: Fraud
    witnesses: Ints


def draw_till(
    rng: np.random.Generator,
    shops: Shops,
    buyers: Buyers,
    products: Sequence[Product],
    *,
    lines: int,
    span: Span,
    fraud: Mapping[str, float],
    fraud_rng: np.random.Generator,
) -> Till:
    """So many lines: transactions in the order of their numbers, the updates, latecomers and re-sends among them.

    `fraud` is the share of the transactions of each kind; `fraud_rng` draws it, so that it moves nothing else.
    """
    updates, late, resends = (
        round(lines * share) for share in (SHARE_OF_UPDATES, SHARE_OF_LATECOMERS, SHARE_OF_RESENDS)
    )
    size = lines - updates - late - resends
    first = _transactions(rng, shops, buyers, products, size=size, span=span)
    changed = rng.choice(size, updates + late, replace=False)
    planted, witnesses = _plant(fraud_rng, first, changed, shops, buyers, shares=fraud)
    sales = Sales(*(np.concatenate((column, column[changed])) for column in first))
    lag = rng.integers(3_600 * SECOND, 10 * DAY, updates + late)
    arrived = np.concatenate((first.updated, first.updated[changed] + lag))
    sales.quantity[size:] = 1 + sales.quantity[size:] % 3
    sales.updated[size : size + updates] += lag[:updates]
    sales.updated[size + updates :] -= rng.integers(60 * SECOND, 3_600 * SECOND, late)
    again = rng.integers(0, len(arrived), resends)
    shown = np.concatenate((np.arange(len(arrived)), again))
    arrived = np.concatenate((arrived, arrived[again] + rng.integers(60 * SECOND, 2 * DAY, resends)))
    order = np.argsort(arrived, kind="stable")
    return Till(sales, shown[order], arrived[order], planted, witnesses)


def _transactions(
    rng: np.random.Generator, shops: Shops, buyers: Buyers, products: Sequence[Product], *, size: int, span: Span
) -> Sales:
    """One element a transaction, by time; most buy in their home store, from one of its people."""
    sold = np.sort(pick(rng, _traffic(span), size) * DAY + rng.integers(OPEN_FROM, OPEN_UNTIL, size) * SECOND)
    customer = pick(rng, rng.lognormal(0.0, 0.8, len(buyers.home)), size)
    store = np.where(rng.random(size) < AWAY_FROM_HOME, pick(rng, shops.weights, size), buyers.home[customer])
    product = pick(rng, [each.early + each.late + ALL_SELL for each in products], size)
    many = np.array([each.many for each in products])[product]
    person = shops.first_person[store] + rng.integers(0, shops.crew[store])
    return Sales(
        transaction=1 + np.arange(size),
        customer=customer,
        person=_in_one_country(shops, customer, sold, person),
        product=product,
        quantity=np.where(many, 1 + pick(rng, MANY, size), 1),
        overcharge=np.zeros(size, dtype=np.int64),
        sold=sold,
        updated=sold + rng.integers(SECOND, 5 * SECOND, size),
        discount=pick(rng, DISCOUNTS, size),
        card_spelling=pick(rng, CARD_SPELLINGS, size),
        date_format=pick(rng, DATE_FORMATS, size),
        payment=pick(rng, PAYMENTS, size),
        till=(rng.random(size) < NEW_TILL).astype(np.int64),
        wrong=rng.integers(0, 2, size),
    )


def _in_one_country(shops: Shops, customer: Ints, sold: Ints, person: Ints) -> Ints:
    """Who sells: whom a customer buys from first on a day, instead of anybody in another country on the same day."""
    country = _countries(shops)
    _, first, visit = np.unique(customer * (1 + sold[-1] // DAY) + sold // DAY, return_index=True, return_inverse=True)
    of_the_day = person[first[visit]]
    return np.where(country[person] == country[of_the_day], person, of_the_day)


def _countries(shops: Shops) -> Ints:
    """A number for the country of each person's store."""
    countries = np.unique([str(store["country"]) for store in shops.stores], return_inverse=True)[1]
    return np.repeat(countries, shops.crew).astype(np.int64)


def _plant(
    rng: np.random.Generator, sales: Sales, changed: Ints, shops: Shops, buyers: Buyers, *, shares: Mapping[str, float]
) -> tuple[Fraud, Ints]:
    """Make fraud of some transactions, none that was changed; gives it, and those without which it is none."""
    size = len(sales.transaction)
    places = Places(rng, suspects(np.setdiff1d(np.arange(size), changed), size))
    count = {kind: round(size * share) for kind, share in shares.items()}
    quantity, value, discount = (places.single(count.get(kind, 0)) for kind in ("quantity", "value", "discount"))
    few, many = np.log(QUANTITIES)
    sales.quantity[quantity] = np.exp(rng.uniform(few, many, len(quantity))).astype(np.int64)
    sales.overcharge[value] = rng.integers(1, 1 + len(OVERCHARGES), len(value))
    sales.discount[discount] = len(DISCOUNTS) + rng.integers(0, len(TOO_GENEROUS), len(discount))
    bursts = [_burst(sales, run) for run in places.runs(count.get("velocity", 0), SALES_OF_A_BURST)]
    country, home = _countries(shops), shops.first_person[buyers.home]
    pairs: list[Ints] = []
    for pair in places.runs(2 * count.get("geography", 0), (2, 2)):
        here = country[home[sales.customer[pair[0]]]]
        if country[sales.person[pair[0]]] == here:
            _burst(sales, pair)
            sales.person[pair[1]] = rng.choice(np.flatnonzero(country != here))
            pairs.append(pair)

    def deeds() -> Iterator[tuple[str, Ints]]:
        for kind, rows in (("quantity", quantity), ("value", value), ("discount", discount)):
            yield from ((kind, row) for row in rows.reshape(-1, 1))
        yield from (("velocity", burst) for burst in bursts)
        yield from (("geography", pair[1:]) for pair in pairs)

    planted = gathered(deeds())
    return planted, np.concatenate((planted.place, *pairs))


def _burst(sales: Sales, run: Ints) -> Ints:
    """Make the transactions of a run those of one customer, with one seller, on the day of the first."""
    sales.customer[run], sales.person[run] = sales.customer[run[0]], sales.person[run[0]]
    closed = sales.sold[run[0]] // DAY * DAY + OPEN_UNTIL * SECOND
    lag = sales.updated[run] - sales.sold[run]
    sales.sold[run] = np.minimum(sales.sold[run], closed)
    sales.updated[run] = sales.sold[run] + lag
    return run


def _traffic(span: Span) -> list[float]:
    """The weight of each day: business grows a little, and Saturdays and Decembers are busy."""
    days = [span.start + timedelta(days=day) for day in range(span.days)]
    return [
        (0.8 + 0.4 * at / span.days) * (1.4 if day.weekday() == 5 else 1.0) * (1.3 if day.month == 12 else 1.0)
        for at, day in enumerate(days)
    ]
