"""What the tills record, as arrays: transactions, their later versions, and the order in which lines arrive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from lib.generate.catalogue import Product
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
    """One element a version of a transaction; times are milliseconds from the first day, the rest are places."""

    transaction: Ints
    customer: Ints
    person: Ints
    product: Ints
    quantity: Ints
    sold: Ints
    updated: Ints
    discount: Ints
    card_spelling: Ints
    date_format: Ints
    payment: Ints
    till: Ints
    wrong: Ints


class Till(NamedTuple):
    """All versions, and the version that each landed line shows, in the order of arrival."""

    sales: Sales
    shown: Ints
    arrived: Ints


def draw_till(
    rng: np.random.Generator, shops: Shops, buyers: Buyers, products: Sequence[Product], *, lines: int, span: Span
) -> Till:
    """So many lines: transactions in the order of their numbers, the updates, latecomers and re-sends among them."""
    updates, late, resends = (
        round(lines * share) for share in (SHARE_OF_UPDATES, SHARE_OF_LATECOMERS, SHARE_OF_RESENDS)
    )
    size = lines - updates - late - resends
    first = _transactions(rng, shops, buyers, products, size=size, span=span)
    changed = rng.choice(size, updates + late, replace=False)
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
    return Till(sales, shown[order], arrived[order])


def _transactions(
    rng: np.random.Generator, shops: Shops, buyers: Buyers, products: Sequence[Product], *, size: int, span: Span
) -> Sales:
    """One element a transaction, by time; most buy in their home store, from one of its people."""
    sold = np.sort(pick(rng, _traffic(span), size) * DAY + rng.integers(OPEN_FROM, OPEN_UNTIL, size) * SECOND)
    customer = pick(rng, rng.lognormal(0.0, 0.8, len(buyers.home)), size)
    store = np.where(rng.random(size) < AWAY_FROM_HOME, pick(rng, shops.weights, size), buyers.home[customer])
    product = pick(rng, [each.early + each.late + ALL_SELL for each in products], size)
    many = np.array([each.many for each in products])[product]
    return Sales(
        transaction=1 + np.arange(size),
        customer=customer,
        person=shops.first_person[store] + rng.integers(0, shops.crew[store]),
        product=product,
        quantity=np.where(many, 1 + pick(rng, MANY, size), 1),
        sold=sold,
        updated=sold + rng.integers(SECOND, 5 * SECOND, size),
        discount=pick(rng, DISCOUNTS, size),
        card_spelling=pick(rng, CARD_SPELLINGS, size),
        date_format=pick(rng, DATE_FORMATS, size),
        payment=pick(rng, PAYMENTS, size),
        till=(rng.random(size) < NEW_TILL).astype(np.int64),
        wrong=rng.integers(0, 2, size),
    )


def _traffic(span: Span) -> list[float]:
    """The weight of each day: business grows a little, and Saturdays and Decembers are busy."""
    days = [span.start + timedelta(days=day) for day in range(span.days)]
    return [
        (0.8 + 0.4 * at / span.days) * (1.4 if day.weekday() == 5 else 1.0) * (1.3 if day.month == 12 else 1.0)
        for at, day in enumerate(days)
    ]
