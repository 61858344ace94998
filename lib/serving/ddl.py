"""The SQL that makes tables and views of a layout. Text only; every name in it is quoted."""

from collections.abc import Iterable, Mapping

from lib.postgresql import literal, quoted
from lib.serving.layout import COUNTRY, OF_COUNTRY, Column, Layout

DATA = "gold_data"
"""The schema of the loaded tables."""

_ALL = "gold_reader, gold_reader_pii"
_REGIONAL = "gold_reader_regional"


def name_of(schema: str, table: str) -> str:
    """The quoted name of a table or view in a schema."""
    return f"{quoted(schema)}.{quoted(table)}"


def listed(columns: Iterable[str]) -> str:
    """Quoted names, with commas."""
    return ", ".join(map(quoted, columns))


def masked_name(column: str) -> str:
    """The column of a loaded table that has what may be seen of a personal one."""
    return f"{column}_masked"


def loaded_columns(layout: Layout) -> list[Column]:
    """The columns of the loaded table: gold's, what may be seen of the personal ones, and the country."""
    types = {column.name: column.type for column in layout.columns}
    masked = [Column(masked_name(each), types[each], f"What may be seen of {each}.") for each in layout.masked]
    country = [Column(OF_COUNTRY, "text", "Whose it is.")] if layout.country_of else []
    return [*layout.columns, *masked, *country]


def create_table(layout: Layout, table: str) -> str:
    """The loaded table, without what is better made when its rows are there."""
    columns = [f"{quoted(column.name)} {column.type}" for column in loaded_columns(layout)]
    return f"CREATE TABLE {quoted(DATA)}.{quoted(table)} ({', '.join(columns)})"


def finish_table(layout: Layout, table: str) -> list[str]:
    """Its key, indexes and comments, and who may read what of it."""
    place = name_of(DATA, table)
    open_to_all = [column.name for column in loaded_columns(layout) if column.mask is None]
    return [
        f"ALTER TABLE {place} ADD PRIMARY KEY ({listed(layout.grain)})",
        *[f"CREATE INDEX ON {place} ({listed(columns)})" for columns in layout.indexes],
        *comments("TABLE", place, layout),
        f"GRANT SELECT ON {place} TO gold_reader_pii",
        f"GRANT SELECT ({listed(open_to_all)}) ON {place} TO gold_reader, {_REGIONAL}",
        *_policies(
            place,
            COUNTRY if layout.has_country else OF_COUNTRY if layout.country_of else None,
            is_for_all=layout.is_for_all,
        ),
    ]


def finish_rollup(table: str, description: str, indexes: Iterable[Iterable[str]], *, has_country: bool) -> list[str]:
    """The indexes and comment of a table that was made of others, and who may read it: it has no personal data."""
    place = name_of(DATA, table)
    return [
        *[f"CREATE INDEX ON {place} ({listed(columns)})" for columns in indexes],
        f"COMMENT ON TABLE {place} IS {literal(description)}",
        f"GRANT SELECT ON {place} TO {_ALL}, {_REGIONAL}",
        *_policies(place, COUNTRY if has_country else None, is_for_all=False),
    ]


def create_schema(schema: str, *, personal: bool) -> list[str]:
    """A schema of views for those who may see personal data, or for all readers."""
    readers = "gold_reader_pii" if personal else f"{_ALL}, {_REGIONAL}"
    return [f"CREATE SCHEMA {quoted(schema)}", f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {readers}"]


def create_view(layout: Layout, table: str, schema: str, *, personal: bool) -> str:
    """The view of a loaded table; who reads it needs the right to what it shows, and sees the rows of its countries."""
    columns = [_shown(column, personal=personal) for column in layout.columns]
    query = f"SELECT {', '.join(columns)} FROM {name_of(DATA, table)}"
    return view_of(schema, layout.name, query, personal=personal)


def view_of(schema: str, view: str, query: str, *, personal: bool) -> str:
    """A view that asks with the rights of who reads it, and who may."""
    readers = "gold_reader_pii" if personal else f"{_ALL}, {_REGIONAL}"
    place = name_of(schema, view)
    return f"CREATE VIEW {place} WITH (security_invoker) AS {query}; GRANT SELECT ON {place} TO {readers}"


def comments(kind: str, place: str, layout: Layout) -> list[str]:
    """What a table or view and its columns tell of themselves."""
    return [
        f"COMMENT ON {kind} {place} IS {literal(layout.description)}",
        *[f"COMMENT ON COLUMN {place}.{quoted(each.name)} IS {literal(each.definition)}" for each in layout.columns],
    ]


def measured(layout: Layout, table: str) -> str:
    """One row: how many there are, and the sum of each column of money."""
    sums = [f"sum({quoted(column.name)})" for column in layout.columns if column.is_money]
    return f"SELECT {', '.join(['count(*)', *sums])} FROM {name_of(DATA, table)}"


def dangling(layout: Layout, table: str, loads: Mapping[str, str]) -> dict[str, str]:
    """Per column that refers to a dimension the query for some of its values that the dimension does not have."""
    return {
        column: (
            f"SELECT DISTINCT here.{quoted(column)}::text FROM {name_of(DATA, table)} AS here "
            f"WHERE here.{quoted(column)} IS NOT NULL AND NOT EXISTS "
            f"(SELECT FROM {name_of(DATA, loads[dimension])} AS there "
            f"WHERE there.{quoted(key)} = here.{quoted(column)}) LIMIT 5"
        )
        for column, (dimension, key) in layout.references.items()
        if dimension in loads
    }


def _shown(column: Column, *, personal: bool) -> str:
    if personal or column.mask is None:
        return quoted(column.name)
    seen = f"NULL::{column.type}" if column.mask == "hidden" else quoted(masked_name(column.name))
    return f"{seen} AS {quoted(column.name)}"


def _policies(place: str, column: str | None, *, is_for_all: bool) -> list[str]:
    """All rows for all readers, and for a regional one those whose country, in the column, is one of theirs."""
    theirs = f"{quoted(column)} = ANY (ARRAY(SELECT unnest(serving.countries_of_reader())))" if column else "true"
    regional = [f"CREATE POLICY regional ON {place} FOR SELECT TO {_REGIONAL} USING ({theirs})"]
    return [
        f"ALTER TABLE {place} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY everyone ON {place} FOR SELECT TO {_ALL} USING (true)",
        *(regional if column or is_for_all else []),
    ]
