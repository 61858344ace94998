"""Streets, cities and postcodes: none of the streets exists, and no city has one of the postcodes but by chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lib.generate.assortment import TERRITORIES
from lib.generate.vectors import Ints, Texts, rows, texts

# By region, in the order of TERRITORIES.
CITIES = {
    "Northwest": ("Seattle", "Portland", "Tacoma", "Spokane", "Boise", "Salem", "Everett"),
    "Northeast": ("Boston", "Albany", "Hartford", "Providence"),
    "Central": ("Chicago", "Omaha", "Madison", "Des Moines"),
    "Southwest": ("Phoenix", "San Diego", "Tucson", "Fresno", "Santa Fe", "Las Vegas", "Long Beach"),
    "Southeast": ("Atlanta", "Tampa", "Raleigh", "Charleston"),
    "Canada": ("Toronto", "Calgary", "Vancouver", "Halifax", "Ottawa", "Québec"),
    "France": ("Lyon", "Nantes", "Lille", "Dijon", "Orléans", "Roubaix"),
    "Germany": ("Hamburg", "Kassel", "Leipzig", "Bonn", "Ulm", "Münster"),
    "Australia": ("Perth", "Hobart", "Geelong", "Cairns", "Ballarat", "Newcastle", "Darwin"),
    "United Kingdom": ("Leeds", "York", "Bristol", "Norwich", "Cardiff", "Dundee"),
}

TREES = "Alder Ash Aspen Beech Birch Cedar Cherry Chestnut Elm Fir Hawthorn Hazel Hickory Holly Juniper Laurel"
SIGHTS = "Bridge Brook Castle Chapel Ferry Garden Harbor Hill Lake Market Meadow Mill Orchard Quarry Spring"
KINDS = ("Street", "Road", "Avenue", "Lane", "Drive", "Court", "Place", "Way", "Terrace")
STREETS = [f"{name} {kind}" for name in f"{TREES} {SIGHTS}".split() for kind in KINDS]

# How the five digits that are drawn for a postcode are written.
POSTCODES = {
    "United States": "{0}{1}{2}{3}{4}",
    "Canada": "K{0}A {1}B{2}",
    "France": "{0}{1}{2}{3}{4}",
    "Germany": "{0}{1}{2}{3}{4}",
    "Australia": "{0}{1}{2}{3}",
    "United Kingdom": "LS{0}{1} {2}AB",
}


class Places(NamedTuple):
    """Addresses, one element each: `territory`, `city` and `street` are places in the lists, `code` has five digits."""

    territory: Ints
    city: Ints
    street: Ints
    house: Ints
    code: Ints

    def take(self, places: Ints) -> Places:
        """Some of the addresses."""
        return Places._make(column[places] for column in self)


def draw_places(rng: np.random.Generator, territory: Ints) -> Places:
    """One address in each of these territories."""
    size = len(territory)
    cities = np.array([len(CITIES[each.region]) for each in TERRITORIES])
    return Places(
        territory=territory,
        city=rng.integers(0, cities[territory]),
        street=rng.integers(0, len(STREETS), size),
        house=1 + rng.integers(0, 400, size),
        code=rng.integers(0, 100_000, size),
    )


def place_texts(places: Places) -> Texts:
    """The columns street, city, postcode, region and country of each address, with commas between."""
    return texts([_written(*place) for place in rows(*places)])


def _written(territory: int, city: int, street: int, house: int, code: int) -> str:
    region, country = TERRITORIES[territory].region, TERRITORIES[territory].country
    postcode = POSTCODES[country].format(*f"{code:05d}")
    return f"{house} {STREETS[street]},{CITIES[region][city]},{postcode},{region},{country}"
