"""The orders, their lines and the returns, as arrays; days count from the first day of the range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from lib.generate.assortment import TERRITORIES
from lib.generate.catalogue import Product
from lib.generate.vectors import Ints, Span, pick

FIRST_NUMBER = 45_079
SHARE_OF_SKIPPED_NUMBERS = 0.155

# How many customers in ten thousand place so many orders (the index) in the reference range of days.
ORDERS = (399, 6370, 2586, 542, 64, 15, 3, 3)
# The few who buy all the time, and how many orders each has at least, in the same range.
DEVOTED, DEVOTED_ORDERS = 18, 13
REFERENCE_DAYS = 912
ORDERS_AWAY = 0.01

# Clothing and accessories open late in the range; from then on there are many more orders, of several lines.
OPENING = 0.615
RUSH = 5.3
DECEMBER = 1.2
# How many orders in ten thousand have one line, two, and so on. A product drawn twice for one order counts once.
LINES = (1780, 3560, 2690, 1540, 358, 60, 8, 4)
BIKE_FIRST = 0.455
MANY = (0.2, 0.68, 0.12)

STOCK_LAG = (4763, 4870)
RETURNED = 0.0333
RETURNED_LATER = 0.02


class Orders(NamedTuple):
    """One element an order, by day and in no order within the day; `customer` is a position, not a key."""

    day: Ints
    number: Ints
    customer: Ints
    territory: Ints


class SalesLines(NamedTuple):
    """One element an order line, orders together; `order` and `product` are positions in what they refer to."""

    order: Ints
    product: Ints
    item: Ints
    quantity: Ints
    stock_lag: Ints


class Returns(NamedTuple):
    """One element a day, territory and product of which something came back."""

    day: Ints
    territory: Ints
    product: Ints
    quantity: Ints


def draw_orders(rng: np.random.Generator, customers: int, span: Span) -> Orders:
    """All orders of all customers: a customer buys in the home territory, bar one order in a hundred."""
    customer = np.repeat(np.arange(customers), _orders_of_each(rng, customers, span.days))
    size = len(customer)
    day = np.sort(pick(rng, _traffic(span), size))
    customer = rng.permutation(customer)
    numbers = FIRST_NUMBER - 1 + np.cumsum(1 + (rng.random(size) < SHARE_OF_SKIPPED_NUMBERS), dtype=np.int64)
    weights = [each.weight for each in TERRITORIES]
    home, visited = 1 + pick(rng, weights, customers), 1 + pick(rng, weights, size)
    territory = np.where(rng.random(size) < ORDERS_AWAY, visited, home[customer])
    return Orders(day, numbers[np.lexsort((rng.random(size), day))], customer, territory)


def draw_lines(rng: np.random.Generator, orders: Orders, products: Sequence[Product], *, span: Span) -> SalesLines:
    """All lines of all orders, several products an order, none of them twice."""
    order, product = _baskets(rng, orders, products, span=span)
    size = len(order)
    shuffled = np.lexsort((rng.random(size), order))
    starts = np.searchsorted(order, order)
    item = (1 + np.arange(size) - starts)[shuffled]
    product = product[shuffled]
    many = np.array([each.many for each in products])[product]
    quantity = np.where(many, 1 + pick(rng, MANY, size), 1)
    return SalesLines(order, product, item, quantity, rng.integers(*STOCK_LAG, size))


def draw_returns(rng: np.random.Generator, orders: Orders, lines: SalesLines, *, span: Span) -> Returns:
    """One unit of some lines comes back, mostly on the books of the same day; never before its sale."""
    kept = np.flatnonzero(rng.random(len(lines.order)) < RETURNED)
    order = lines.order[kept]
    later = np.where(rng.random(len(kept)) < RETURNED_LATER, rng.integers(1, 15, len(kept)), 0)
    day = np.minimum(orders.day[order] + later, span.days - 1)
    shape = (span.days, len(TERRITORIES) + 1, int(lines.product.max(initial=0)) + 1)
    cells, quantity = np.unique(
        np.ravel_multi_index((day, orders.territory[order], lines.product[kept]), shape), return_counts=True
    )
    returned, territory, product = np.unravel_index(cells, shape)
    return Returns(returned.astype(np.int64), territory.astype(np.int64), product.astype(np.int64), quantity)


def opening_day(span: Span) -> int:
    """The day on which clothing and accessories open; the very first one where the range is a day or so."""
    return int(OPENING * span.days)


def _orders_of_each(rng: np.random.Generator, customers: int, days: int) -> Ints:
    """How many orders each customer places: heavy-tailed, and in proportion to the length of the range."""
    count = pick(rng, (*ORDERS, DEVOTED), customers)
    devoted = count == len(ORDERS)
    count[devoted] = DEVOTED_ORDERS + rng.geometric(0.18, int(devoted.sum()))
    whole, rest = divmod(days, REFERENCE_DAYS)
    return count * whole + rng.binomial(count, rest / REFERENCE_DAYS)


def _traffic(span: Span) -> list[float]:
    """The weight of each day among the orders: it grows, jumps at the opening and peaks in December."""
    opened = opening_day(span)
    return [
        (0.6 + 0.8 * day / span.days)
        * (RUSH if day >= opened else 1.0)
        * (DECEMBER if (span.start + timedelta(days=day)).month == 12 else 1.0)
        for day in range(span.days)
    ]


def _baskets(rng: np.random.Generator, orders: Orders, products: Sequence[Product], *, span: Span) -> tuple[Ints, Ints]:
    """Pairs of order and product, by order, the bike of an order first."""
    opened = orders.day >= opening_day(span)
    order = np.repeat(np.arange(len(opened)), np.where(opened, 1 + pick(rng, LINES, len(opened)), 1))
    size = len(order)
    first = np.append(True, order[1:] != order[:-1])[:size]
    early = pick(rng, [each.early for each in products], size)
    bikes = pick(rng, [each.late if each.is_bike else 0.0 for each in products], size)
    goods = pick(rng, [0.0 if each.is_bike else each.late for each in products], size)
    product = np.where(first & (rng.random(size) < BIKE_FIRST), bikes, goods)
    product = np.where(opened[order], product, early)
    _, once = np.unique(order * len(products) + product, return_index=True)
    once.sort()
    return order[once], product[once]
