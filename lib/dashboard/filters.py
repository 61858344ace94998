"""What a page is filtered by, and how that is written in its URL. Pure: knows neither Streamlit nor the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date

DIMENSIONS = (
    "country", "region", "channel", "segment", "gender", "category", "subcategory", "product", "store", "person",
)  # fmt: skip
"""What has values to choose from; also the names in the URL."""

SALES = ("country", "region", "channel", "segment", "gender")
"""Those that every sale has."""

_BELOW = {"country": ("region", "store", "person"), "region": ("store", "person"), "store": ("person",),
          "category": ("subcategory", "product"), "subcategory": ("product",)}  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """Chosen values by dimension, none for all; the days from `start` to `end`, None for the page's default."""

    start: date | None = None
    end: date | None = None
    country: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    gender: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    subcategory: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    store: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    customer: str = ""
    search: str = ""

    def chosen(self, dimension: str) -> tuple[str, ...]:
        """The values chosen of a dimension."""
        values: tuple[str, ...] = getattr(self, dimension)
        return values

    def with_values(self, dimension: str, values: Sequence[str]) -> "Filters":
        """The same with other values of a dimension; what was chosen below another parent is let go."""
        fresh = tuple(dict.fromkeys(values))
        if fresh == self.chosen(dimension):
            return self
        changes = {dimension: fresh, **dict.fromkeys(_BELOW.get(dimension, ()), ())}
        return replace(self, **changes)  # type: ignore[arg-type]

    def toggled(self, dimension: str, value: str) -> "Filters":
        """After a click on a value: it alone, or all where it alone was chosen already."""
        return self.with_values(dimension, () if self.chosen(dimension) == (value,) else (value,))

    def with_dates(self, start: date | None, end: date | None) -> "Filters":
        """The same for other days; in order, whichever was given first."""
        if start and end and start > end:
            start, end = end, start
        return replace(self, start=start, end=end)

    def cleared(self) -> "Filters":
        """Nothing chosen; who is looked at stays."""
        return Filters(customer=self.customer, search=self.search)


def to_query(filters: Filters) -> dict[str, str | list[str]]:
    """The parameters of the URL that `from_query` reads; nothing for what was not chosen."""
    query: dict[str, str | list[str]] = {}
    for name in ("start", "end"):
        day = getattr(filters, name)
        if day is not None:
            query[name] = day.isoformat()
    query |= {name: list(filters.chosen(name)) for name in DIMENSIONS if filters.chosen(name)}
    return query | {name: getattr(filters, name) for name in ("customer", "search") if getattr(filters, name)}


def from_query(query: Mapping[str, Sequence[str]]) -> tuple[Filters, list[str]]:
    """The filters that a URL asks for, and what in it cannot be understood."""
    known = {field.name for field in fields(Filters)}
    ignored = [name for name in query if name not in known]
    days: dict[str, date | None] = {"start": None, "end": None}
    for name in days:
        if query.get(name):
            try:
                days[name] = date.fromisoformat(query[name][0])
            except ValueError:
                ignored.append(f"{name}={query[name][0]}")
    chosen = {name: tuple(dict.fromkeys(query[name])) for name in DIMENSIONS if query.get(name)}
    texts = {name: query[name][0] for name in ("customer", "search") if query.get(name)}
    filters = Filters(**chosen, **texts)  # type: ignore[arg-type]
    return filters.with_dates(days["start"], days["end"]), ignored


def without_unknown(filters: Filters, known: Mapping[str, Sequence[str]]) -> tuple[Filters, list[str]]:
    """The filters without values that there are not, and those."""
    unknown: list[str] = []
    kept: dict[str, tuple[str, ...]] = {}
    for name, values in known.items():
        unknown += [f"{name}={value}" for value in filters.chosen(name) if value not in values]
        kept[name] = tuple(value for value in filters.chosen(name) if value in values)
    return replace(filters, **kept), unknown  # type: ignore[arg-type]
