"""The schemas of a publication: views of its tables, and of the queries; SQL text only."""

from collections.abc import Iterable, Mapping

from lib.postgresql import literal, quoted
from lib.serving import ddl
from lib.serving.layout import Layout
from lib.serving.publications import Load, Publication
from lib.serving.queries import Query


def schemas_of(
    publication: Publication, layouts: Mapping[str, Layout], loads: Mapping[str, Load], queries: Iterable[Query]
) -> list[str]:
    """The statements that make the publication's schemas, with a view per table and query, and their fronts."""
    asked = list(queries)
    statements: list[str] = []
    sides = zip((publication.schema_name, publication.pii_schema_name), publication.fronts.values(), strict=True)
    for personal, (schema, front) in enumerate(sides):
        statements += [*ddl.create_schema(schema, personal=bool(personal)), f"SET LOCAL search_path = {quoted(schema)}"]
        for name, each in loads.items():
            statements += ddl.create_view(layouts[name], each.place, schema, personal=bool(personal))
        statements += [ddl.view_of(schema, each.name, each.sql, personal=bool(personal)) for each in asked]
        statements += ddl.create_schema(front, personal=bool(personal))
        for name in [*loads, *[each.name for each in asked]]:
            query = f"SELECT * FROM {ddl.name_of(schema, name)}"
            statements.append(ddl.view_of(front, name, query, personal=bool(personal)))
        for name in loads:
            statements += ddl.comments("VIEW", ddl.name_of(front, name), layouts[name])
        statements += [f"COMMENT ON VIEW {ddl.name_of(front, each.name)} IS {literal(each.title)}" for each in asked]
    return [*statements, "RESET search_path"]
