"""Which rows a reader of some countries sees: what the policies of the published tables say, as filters in DAX."""

from collections.abc import Iterable, Mapping

from lib.powerbi import dax
from lib.powerbi.relationships import Relationship
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import COUNTRY, Layout

_NONE = "FALSE()"


def filters_of(
    file: PowerBiFile, layouts: Mapping[str, Layout], relationships: Iterable[Relationship]
) -> dict[str, str]:
    """The filter of each table that has one.

    A table whose rows say no country has that of the table which its row refers to: an active relationship to one that
    is cut cuts it too, else the filter looks there. What is of no country is for nobody, but dimensions for all.
    """
    active = {(each.table, each.column): each for each in relationships if each.is_active}
    readers = file.readers
    found = {readers.table: f"{dax.column(readers.table, readers.reader)} = USERPRINCIPALNAME()"}
    for name in file.tables:
        layout = layouts[name]
        if name in readers.whole or layout.is_for_all:
            continue
        if layout.has_country:
            found[name] = _of_reader(file, dax.column(name, COUNTRY))
        elif layout.country_of is None:
            found[name] = _NONE
        else:
            way = active[name, layout.country_of[0]]
            if way.to_table in readers.whole:
                found[name] = _of_reader(file, f"RELATED({dax.column(way.to_table, COUNTRY)})")
    return found


def _of_reader(file: PowerBiFile, country: str) -> str:
    said = file.readers
    reader, countries = (dax.column(said.table, name) for name in (said.reader, said.country))
    return dax.is_of_reader(country, reader, countries)
