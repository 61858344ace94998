"""Landing files like those of the AdventureWorks shop, of any size, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lib.errors import ConfigError
from lib.generate.assortment import CATEGORIES, SUBCATEGORIES, TERRITORIES
from lib.generate.catalogue import COLUMNS as PRODUCT_COLUMNS
from lib.generate.catalogue import Product, catalogue
from lib.generate.landing import csv_line, write_file
from lib.generate.orders import STOCK_LAG, Orders, Returns, SalesLines, draw_lines, draw_orders, draw_returns
from lib.generate.people import COLUMNS as CUSTOMER_COLUMNS
from lib.generate.people import WebPeople, customer_keys, customer_lines, draw_people
from lib.generate.vectors import Ints, Span, day_labels, rows

CALENDAR_COLUMNS = "Date"
CATEGORY_COLUMNS = "ProductCategoryKey,CategoryName"
SUBCATEGORY_COLUMNS = "ProductSubcategoryKey,SubcategoryName,ProductCategoryKey"
TERRITORY_COLUMNS = "SalesTerritoryKey,Region,Country,Continent"
SALES_COLUMNS = "OrderDate,StockDate,OrderNumber,ProductKey,CustomerKey,TerritoryKey,OrderLineItem,OrderQuantity"
RETURN_COLUMNS = "ReturnDate,TerritoryKey,ProductKey,ReturnQuantity"

# Each part draws from a stream of its own, so that the products stay as they are when only the size changes.
PRODUCT_STREAM, CUSTOMER_STREAM, SALES_STREAM = range(3)


class Trade(NamedTuple):
    """What happened over the range, and the keys that the positions in it stand for."""

    span: Span
    product_keys: Ints
    customer_keys: Ints
    orders: Orders
    lines: SalesLines
    returns: Returns


def generate(folder: Path, *, customers: int, start: date, end: date, seed: int) -> list[Path]:
    """Write the landing files of `customers` customers over the days from `start` to `end`, both included.

    The files are AdventureWorks_<Name>.csv with one of Sales for each year; they are returned in name order.
    Sales lines grow in proportion to the customers and to the days: about 3 a customer in 30 months.
    """
    check(customers=customers, start=start, end=end, seed=seed)
    span = Span(start, (end - start).days + 1)
    folder.mkdir(parents=True, exist_ok=True)
    products = catalogue(np.random.default_rng((seed, PRODUCT_STREAM)))
    people = draw_web_people(customers=customers, start=start, seed=seed)
    written = _write_fixed(folder, products, span)
    written.append(_write(folder, "Customers", CUSTOMER_COLUMNS, customer_lines(people)))
    trade = _trade(np.random.default_rng((seed, SALES_STREAM)), products, people.key, span=span)
    written += [_write(folder, f"Sales_{year}", SALES_COLUMNS, _sales_lines(trade, year)) for year in _years(span)]
    written.append(_write(folder, "Returns", RETURN_COLUMNS, _return_lines(trade)))
    return sorted(written)


def draw_web_people(*, customers: int, start: date, seed: int) -> WebPeople:
    """The customers whom the files of this size, first day and seed have."""
    rng = np.random.default_rng((seed, CUSTOMER_STREAM))
    return draw_people(rng, customer_keys(rng, customers), start)


def check(*, customers: int, start: date, end: date, seed: int) -> None:
    """Refuse what cannot be generated."""
    if customers < 1:
        raise ConfigError(f"customers must be at least 1, not {customers}")
    if end < start:
        raise ConfigError(f"end must not be before start, but {end} is before {start}")
    if seed < 0:
        raise ConfigError(f"seed must be at least 0, not {seed}")


def _write(folder: Path, name: str, columns: str, lines: Iterable[str]) -> Path:
    return write_file(folder / f"AdventureWorks_{name}.csv", columns, lines)


def _write_fixed(folder: Path, products: Sequence[Product], span: Span) -> list[Path]:
    """The files whose size does not follow the customers; territories and categories come in key order."""
    subcategories = ((key, each.name, each.category) for key, each in enumerate(SUBCATEGORIES, 1))
    territories = ((key, each.region, each.country, each.continent) for key, each in enumerate(TERRITORIES, 1))
    return [
        _write(folder, "Calendar", CALENDAR_COLUMNS, day_labels(*span)),
        _write(folder, "Product_Categories", CATEGORY_COLUMNS, map(csv_line, enumerate(CATEGORIES, 1))),
        _write(folder, "Product_Subcategories", SUBCATEGORY_COLUMNS, map(csv_line, subcategories)),
        _write(folder, "Products", PRODUCT_COLUMNS, (csv_line(each.landed) for each in products)),
        _write(folder, "Territories", TERRITORY_COLUMNS, map(csv_line, territories)),
    ]


def _trade(rng: np.random.Generator, products: Sequence[Product], customer_keys: Ints, *, span: Span) -> Trade:
    orders = draw_orders(rng, len(customer_keys), span)
    lines = draw_lines(rng, orders, products, span=span)
    returns = draw_returns(rng, orders, lines, span=span)
    return Trade(span, np.array([each.key for each in products]), customer_keys, orders, lines, returns)


def _years(span: Span) -> range:
    return range(span.start.year, span.last.year + 1)


def _sales_lines(trade: Trade, year: int) -> Iterator[str]:
    """One landing line an order line of the year, by day."""
    span, orders, longest = trade.span, trade.orders, STOCK_LAG[1]
    first, last = ((each - span.start).days for each in (date(year, 1, 1), date(year, 12, 31)))
    begin, end = np.searchsorted(orders.day[trade.lines.order], (first, last + 1))
    lines = SalesLines(*(column[begin:end] for column in trade.lines))
    labels = day_labels(span.start - timedelta(days=longest), longest + span.days)
    day = longest + orders.day[lines.order]
    columns = (
        day,
        day - lines.stock_lag,
        orders.number[lines.order],
        trade.product_keys[lines.product],
        trade.customer_keys[orders.customer[lines.order]],
        orders.territory[lines.order],
        lines.item,
        lines.quantity,
    )
    for ordered, stocked, number, product, customer, territory, item, quantity in rows(*columns):
        yield f"{labels[ordered]},{labels[stocked]},SO{number},{product},{customer},{territory},{item},{quantity}"


def _return_lines(trade: Trade) -> Iterator[str]:
    """One landing line a day, territory and product that came back."""
    labels, returns = day_labels(*trade.span), trade.returns
    columns = (returns.day, returns.territory, trade.product_keys[returns.product], returns.quantity)
    for day, territory, product, quantity in rows(*columns):
        yield f"{labels[day]},{territory},{product},{quantity}"
