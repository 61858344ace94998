"""The schemas of a publication: views of its tables, and of the queries; SQL text only."""

from collections.abc import Iterable, Iterator, Mapping

from lib.postgresql import literal, quoted
from lib.serving import ddl
from lib.serving.layout import Layout
from lib.serving.publications import Load, Publication
from lib.serving.queries import Query


def schemas_of(
    publication: Publication, layouts: Mapping[str, Layout], loads: Mapping[str, Load], queries: Iterable[Query]
) -> Iterator[tuple[str, str]]:
    """The statements that make the publication's schemas, with a view per table and query, and their fronts.

    A load that has no layout was made of others. Each statement comes with the name of the query that it is made of, if
    it is one: that is what can be wrong.
    """
    asked = list(queries)
    sides = zip((publication.schema_name, publication.pii_schema_name), publication.fronts.values(), strict=True)
    for side, (schema, front) in enumerate(sides):
        personal = side == 1
        yield (
            "",
            _joined(
                *ddl.create_schema(schema, personal=personal),
                *[
                    ddl.create_view(layouts[name], each.place, schema, personal=personal)
                    if name in layouts
                    else ddl.view_of(
                        schema, name, f"SELECT * FROM {ddl.name_of(ddl.DATA, each.place)}", personal=personal
                    )
                    for name, each in loads.items()
                ],
                f"SET LOCAL search_path = {quoted(schema)}",
            ),
        )
        for each in asked:
            yield each.name, ddl.view_of(schema, each.name, each.sql, personal=personal)
        names = [*loads, *[each.name for each in asked]]
        shown = {name: f"SELECT * FROM {ddl.name_of(schema, name)}" for name in names}
        yield (
            "",
            _joined(
                *ddl.create_schema(front, personal=personal),
                *[ddl.view_of(front, name, query, personal=personal) for name, query in shown.items()],
                *[line for name in layouts for line in ddl.comments("VIEW", ddl.name_of(front, name), layouts[name])],
                *[f"COMMENT ON VIEW {ddl.name_of(front, each.name)} IS {literal(each.title)}" for each in asked],
                "RESET search_path",
            ),
        )


def _joined(*statements: str) -> str:
    return "; ".join(statements)
