"""The landing lines of the tills: every field has its ready texts, and a line strings together one of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from json import dumps
from typing import NamedTuple

import numpy as np

from lib.generate.assortment import CATEGORIES, SUBCATEGORIES
from lib.generate.catalogue import Product
from lib.generate.faults import Faults
from lib.generate.fraud import DISCOUNTS as TOO_GENEROUS
from lib.generate.fraud import OVERCHARGES
from lib.generate.fraud import QUANTITIES as TOO_MANY
from lib.generate.shops import Shops
from lib.generate.till import DAY, SECOND, Sales, Till
from lib.generate.vectors import BATCH, Bools, Ints, Span, Texts

DISCOUNTS = ("0", "0.05", "0.1", "0.15", "0.2", "0.5", "null", None)
# Behind what is usual comes what is fraud, and behind that what is wrong.
DISCOUNT_TOO_BIG = len(DISCOUNTS) + len(TOO_GENEROUS)
DISCOUNT_NOT_A_NUMBER = DISCOUNT_TOO_BIG + 2
WRONG_DISCOUNTS = ("1.5", "-0.1", '"n/a"')
QUANTITIES = tuple(range(1, 1 + TOO_MANY[1]))
QUANTITY_NOT_POSITIVE, QUANTITY_NOT_WHOLE = len(QUANTITIES), len(QUANTITIES) + 2
WRONG_QUANTITIES = ("0", "-1", '"two"', "1.5")
WRONG_DATES = ('"2017-13-45"', '"yesterday"')
PAYMENTS = ("card", "cash", "voucher", "app")
TAILS = ("}", ', "till_version": "4.2"}')
DAYS_AFTER_THE_LAST = 15


class Labels(NamedTuple):
    """The texts of the fields, each with its name before it and the comma behind it."""

    card: Texts
    person: Texts
    product: Texts
    quantity: Texts
    discount: Texts
    payment: Texts
    day: Texts
    clock: Texts
    clock_of_update: Texts
    millisecond: Texts


def receipt_lines(till: Till, faults: Faults, labels: Labels) -> Iterator[str]:
    """All lines in the order of arrival; one batch of them is in memory at a time."""
    for at in range(0, len(till.shown), BATCH):
        shown = till.shown[at : at + BATCH]
        yield from _batch(Sales(*(column[shown] for column in till.sales)), faults.take(shown), labels)


def make_labels(shops: Shops, products: Sequence[Product], *, buyers: int, span: Span) -> Labels:
    """The texts for these shops, products and days, and for so many buyers."""
    numbers = range(1, buyers + 1)
    spellings = ('"C{:07d}"', '" C{:07d} "', '"c{:07d}"', "null")
    days = [span.start + timedelta(days=day) for day in range(span.days + DAYS_AFTER_THE_LAST)]
    iso = [f'"{day}' for day in days]
    clocks = [f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}" for at in range(86_400)]
    return Labels(
        card=_texts([[f'"customer_id": {spelling.format(number)}, ' for number in numbers] for spelling in spellings]),
        person=_texts(
            [
                f'"store_id": "{each["store_id"]}", "sales_person_id": "{each["sales_person_id"]}", '
                for each in shops.people
            ]
        ),
        product=_texts([[_product(each, factor) for each in products] for factor in (1, *OVERCHARGES, None)]),
        quantity=_texts([f'"quantity": {each}, ' for each in (*QUANTITIES, *WRONG_QUANTITIES)]),
        discount=_texts(
            ["" if each is None else f'"discount": {each}, ' for each in (*DISCOUNTS, *TOO_GENEROUS, *WRONG_DISCOUNTS)]
        ),
        payment=_texts([f'"payment_method": "{each}", "updated_at": ' for each in PAYMENTS]),
        day=_texts([iso, [f'"{day:%d/%m/%Y}' for day in days], iso]),
        clock=_texts([[f'T{at}Z"' for at in clocks], [f' {at}"' for at in clocks], ['"'] * len(clocks)]),
        clock_of_update=_texts([f"T{at}" for at in clocks]),
        millisecond=_texts([f'.{each:03d}Z"' for each in range(SECOND)]),
    )


def _batch(sales: Sales, faults: Faults, labels: Labels) -> Iterator[str]:
    card = np.where(faults.hits("customer_id_null"), 3, sales.card_spelling)
    columns = (
        _heads(sales, faults.hits("transaction_id_null")),
        labels.card[card, sales.customer],
        labels.person[sales.person],
        labels.product[np.where(faults.hits("price_null"), -1, sales.overcharge), sales.product],
        labels.quantity[_quantities(sales, faults)],
        labels.discount[_discounts(sales, faults)],
        _dates(sales, faults.hits("date_not_a_date"), labels),
        labels.payment[sales.payment],
        _updates(sales, faults.hits("updated_at_null"), labels),
        _texts(TAILS)[sales.till],
    )
    texts = map("".join, zip(*(column.tolist() for column in columns), strict=True))
    for text, is_cut in zip(texts, faults.hits("malformed").tolist(), strict=True):
        yield text[: len(text) // 2] if is_cut else text


def _heads(sales: Sales, is_null: Bools) -> Texts:
    heads = _texts([f'{{"transaction_id": "T{number:010d}", ' for number in sales.transaction.tolist()])
    heads[is_null] = _texts(['{"transaction_id": null, ', "{"])[sales.wrong[is_null]]
    return heads


def _quantities(sales: Sales, faults: Faults) -> Ints:
    place = np.where(faults.hits("quantity_not_positive"), QUANTITY_NOT_POSITIVE + sales.wrong, sales.quantity - 1)
    return np.where(faults.hits("quantity_not_whole"), QUANTITY_NOT_WHOLE + sales.wrong, place)


def _discounts(sales: Sales, faults: Faults) -> Ints:
    place = np.where(faults.hits("discount_out_of_range"), DISCOUNT_TOO_BIG + sales.wrong, sales.discount)
    return np.where(faults.hits("discount_not_a_number"), DISCOUNT_NOT_A_NUMBER, place)


def _dates(sales: Sales, is_wrong: Bools, labels: Labels) -> Texts:
    day, second = sales.sold // DAY, sales.sold % DAY // SECOND
    dates: Texts = '"date": ' + labels.day[sales.date_format, day] + labels.clock[sales.date_format, second] + ", "
    dates[is_wrong] = _texts([f'"date": {each}, ' for each in WRONG_DATES])[sales.wrong[is_wrong]]
    return dates


def _updates(sales: Sales, is_null: Bools, labels: Labels) -> Texts:
    day, second = sales.updated // DAY, sales.updated % DAY // SECOND
    updates: Texts = labels.day[0, day] + labels.clock_of_update[second] + labels.millisecond[sales.updated % SECOND]
    updates[is_null] = "null"
    return updates


def _product(product: Product, factor: float | None) -> str:
    """With so many times its price, or none."""
    name, category = product.name, CATEGORIES[SUBCATEGORIES[product.subcategory - 1].category - 1]
    head = f'"product": {{"id": {dumps(product.sku)}, "name": {dumps(name)}, "category": {dumps(category)}'
    return (
        f'{head}, "price": null}}, ' if factor is None else f'{head}, "price": {factor * float(product.price):.2f}}}, '
    )


def _texts(values: Sequence[object]) -> Texts:
    return np.array(values, dtype=np.object_)
