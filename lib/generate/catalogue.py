"""The products: every line of the assortment spelled out by grade, colour and size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as combinations
from typing import NamedTuple

import numpy as np

from lib.generate.assortment import BIKES, LINES, SUBCATEGORIES, Line

COLUMNS = (
    "ProductKey,ProductSubcategoryKey,ProductSKU,ProductName,ModelName,ProductDescription,"
    "ProductColor,ProductSize,ProductStyle,ProductCost,ProductPrice"
)
FIRST_KEY, LAST_KEY = 214, 606
GRADE_STEP = 1.6
ODD_PRICES = 0.25


class Product(NamedTuple):
    """One product: the eleven columns of its landing line first, then what steers its sales."""

    key: int
    subcategory: int
    sku: str
    name: str
    model: str
    description: str
    colour: str
    size: str
    style: str
    cost: str
    price: str
    early: float
    late: float
    many: bool

    @property
    def landed(self) -> tuple[object, ...]:
        """The values of the landing line, in the order of COLUMNS."""
        return self[: len(COLUMNS.split(","))]

    @property
    def is_bike(self) -> bool:
        """Whether the product is of the category Bikes."""
        return SUBCATEGORIES[self.subcategory - 1].category == BIKES


def catalogue(rng: np.random.Generator) -> list[Product]:
    """All 293 products in key order; the keys run from 214 to 606 with holes, as after years of withdrawn goods."""
    made = [each for number, line in enumerate(LINES) for each in _variants(rng, line, number)]
    inner = rng.choice(np.arange(FIRST_KEY + 1, LAST_KEY), len(made) - 2, replace=False)
    keys = sorted([FIRST_KEY, *inner.tolist(), LAST_KEY])
    return [each._replace(key=key) for key, each in zip(keys, made, strict=True)]


def _variants(rng: np.random.Generator, line: Line, number: int) -> Iterator[Product]:
    """The products of one line, still without a key; they share the line's weights evenly."""
    grades, colours, sizes = line.grades.split() or [""], line.colours.split(), line.sizes.split()
    family = SUBCATEGORIES[line.subcategory - 1]
    groups = list(combinations(enumerate(grades), colours))
    count = len(groups) * len(sizes)
    for group, ((rank, grade), colour) in enumerate(groups):
        price = _price(rng, line.price * GRADE_STEP**rank)
        cost = price * family.cost * rng.uniform(0.98, 1.02)
        model = f"{grade} {line.model}".strip()
        code = f"{family.sku}-{line.model[0]}{number:02d}{chr(ord('A') + group)}"
        for size in sizes:
            yield Product(
                key=0,
                subcategory=line.subcategory,
                sku=code if size == "0" else f"{code}-{size}",
                name=_name(model, colours, colour, size),
                model=model,
                description=family.description,
                colour=colour,
                size=size,
                style=line.style,
                cost=_money(cost),
                price=_money(price),
                early=line.early / count,
                late=line.late / count,
                many=line.many,
            )


def _price(rng: np.random.Generator, list_price: float) -> float:
    """The list price in whole cents, or, for some, a little less with four decimals, as after a conversion."""
    factor = rng.uniform(0.9, 0.99)
    return list_price * factor if rng.random() < ODD_PRICES else round(list_price, 2)


def _name(model: str, colours: Sequence[str], colour: str, size: str) -> str:
    """The product's name: a colour where it tells products apart, a size where there is one."""
    by_the_tape = size.isdigit() and size != "0"
    if by_the_tape and colour != "NA":
        return f"{model} {colour}, {size}"
    tail = [*([colour] if len(colours) > 1 else []), *([size] if size != "0" else [])]
    return ", ".join([model, *tail])


def _money(value: float) -> str:
    """An amount with at most four decimals and no trailing zeros."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
