"""The shops with tills and the people who sell in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from lib.generate.assortment import TERRITORIES
from lib.generate.loyalty import Buyers, full_names
from lib.generate.vectors import Ints

STORES_OF_A_TERRITORY = 2
PLACES = ("High Street", "Station")
CREW = (3, 8)
# A store sells in proportion to its territory, and a little even in the smallest one.
LEAST_WEIGHT = 1.0

Record = Mapping[str, object]


class Shops(NamedTuple):
    """All stores and people as records; store n has the people from `first_person[n]` on, `crew[n]` of them."""

    stores: list[Record]
    people: list[Record]
    regions: list[str]
    weights: list[float]
    first_person: Ints
    crew: Ints


def draw_shops(rng: np.random.Generator, start: date) -> Shops:
    """Two stores a territory with some five people each, all there before the first day."""
    territories = [each for each in TERRITORIES for _ in range(STORES_OF_A_TERRITORY)]
    size = len(territories)
    opened = [start - timedelta(days=int(age)) for age in rng.integers(400, 5_000, size)]
    stores: list[Record] = [
        {
            "store_id": store_id(place),
            "name": f"{each.region} {PLACES[place % STORES_OF_A_TERRITORY]}",
            "region": each.region,
            "country": each.country,
            "opened_on": opened[place].isoformat(),
            "updated_at": f"{start - timedelta(days=30)}T06:00:00.000Z",
        }
        for place, each in enumerate(territories)
    ]
    crew = rng.integers(*CREW, size)
    return Shops(
        stores=stores,
        people=_people(rng, opened, crew, start),
        regions=[each.region for each in territories],
        weights=[each.weight + LEAST_WEIGHT for each in territories],
        first_person=np.cumsum(crew) - crew,
        crew=crew,
    )


def store_id(place: int) -> str:
    """The number of the store at a place, from 0, in the list of stores."""
    return f"S{place + 1:03d}"


def at_home(buyers: Buyers, territory: Ints) -> Buyers:
    """The same buyers, each of the members in a store of the territory that the member lives in."""
    home, place = buyers.home.copy(), buyers.members - 1
    home[place] = STORES_OF_A_TERRITORY * territory + home[place] % STORES_OF_A_TERRITORY
    return buyers._replace(home=home)


def _people(rng: np.random.Generator, opened: list[date], crew: Ints, start: date) -> list[Record]:
    stores = np.repeat(np.arange(len(crew)), crew).tolist()
    share = rng.random(len(stores)).tolist()
    names = full_names(rng, len(stores))
    return [
        {
            "sales_person_id": f"E{place + 1:04d}",
            "name": " ".join(names[place]),
            "store_id": store_id(store),
            "hired_on": (opened[store] + (start - opened[store]) * share[place]).isoformat(),
            "updated_at": f"{start - timedelta(days=30)}T06:00:00.000Z",
        }
        for place, store in enumerate(stores)
    ]
