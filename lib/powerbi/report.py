"""The report as PBIR: pages of visuals whose fields are those of the semantic model.

Format: Microsoft Learn, "Power BI Desktop project report folder"; the schemas that each file names.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lib.powerbi.ids import short
from lib.powerbi.model import SemanticModel
from lib.powerbi.settings import PowerBiFile, Row, Visual

SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric"
ROLES = {
    "cardVisual": {"Data"},
    "clusteredBarChart": {"Category", "Series", "Y"},
    "clusteredColumnChart": {"Category", "Series", "Y"},
    "donutChart": {"Category", "Series", "Y"},
    "lineChart": {"Category", "Series", "Y"},
    "pivotTable": {"Columns", "Rows", "Values"},
    "slicer": {"Values"},
    "tableEx": {"Values"},
}
"""The visuals that there are, and what each takes fields for."""

_OF_A_TABLE = re.compile(r"(\w+)\[([^\]]+)\]")
_WIDTH, _HEIGHT, _GAP = 1280, 720, 12


def definition(file: PowerBiFile, model: SemanticModel) -> dict[str, Any]:
    """The documents of the folder `definition` by their paths in it."""
    pages = {title: short("page", title) for title in file.pages}
    found: dict[str, Any] = {
        "version.json": {"$schema": _schema("versionMetadata", "1.0.0"), "version": "2.0.0"},
        "report.json": {
            "$schema": _schema("report", "3.0.0"),
            "themeCollection": {},
            "settings": {"useStylableVisualContainerHeader": True},
        },
        "pages/pages.json": {
            "$schema": _schema("pagesMetadata", "1.0.0"),
            "pageOrder": [*pages.values()],
            "activePageName": next(iter(pages.values())),
        },
    }
    for title, rows in file.pages.items():
        folder = f"pages/{pages[title]}"
        found[f"{folder}/page.json"] = {
            "$schema": _schema("page", "2.0.0"),
            "name": pages[title],
            "displayName": title,
            "displayOption": "FitToPage",
            "height": _HEIGHT,
            "width": _WIDTH,
        }
        for number, (visual, position) in enumerate(_placed(rows)):
            name = short("visual", title, str(visual.title), str(number))
            found[f"{folder}/visuals/{name}/visual.json"] = {
                "$schema": _schema("visualContainer", "2.0.0"),
                "name": name,
                "position": {**position, "z": number, "tabOrder": number},
                "visual": _visual(visual, model),
            }
    return found


def is_field(text: str, model: SemanticModel) -> bool:
    """Does the model have what a visual names: a column, a hierarchy or a measure?"""
    match = _OF_A_TABLE.fullmatch(text)
    if match is None:
        return text in model.homes
    table = model.tables.get(match[1])
    return table is not None and (match[2] in table.hierarchies or table.column(match[2]) is not None)


def _placed(rows: list[Row]) -> Iterator[tuple[Visual, dict[str, float]]]:
    """The visuals of a page and where each is: rows and visuals share what the gaps leave of the page."""
    high = (_HEIGHT - _GAP * (len(rows) + 1)) / sum(row.height for row in rows)
    y = float(_GAP)
    for row in rows:
        wide = (_WIDTH - _GAP * (len(row.visuals) + 1)) / sum(visual.width for visual in row.visuals)
        x = float(_GAP)
        for visual in row.visuals:
            size = {"width": round(wide * visual.width, 2), "height": round(high * row.height, 2)}
            yield visual, {"x": round(x, 2), "y": round(y, 2), **size}
            x += wide * visual.width + _GAP
        y += high * row.height + _GAP


def _visual(visual: Visual, model: SemanticModel) -> dict[str, Any]:
    query: dict[str, Any] = {
        "queryState": {
            role: {"projections": [each for field in fields for each in _projections(field, model)]}
            for role, fields in visual.fields.items()
        }
    }
    if visual.sort:
        field = _projections(visual.sort.removeprefix("-"), model)[0]["field"]
        direction = "Descending" if visual.sort.startswith("-") else "Ascending"
        query["sortDefinition"] = {"sort": [{"field": field, "direction": direction}], "isDefaultSort": False}
    found = {"visualType": visual.type, "query": query, "drillFilterOtherVisuals": True}
    if visual.type == "slicer":
        mode = _literal("'Between'" if _is_day(visual.fields["Values"][0], model) else "'Dropdown'")
        found["objects"] = {"data": [{"properties": {"mode": mode}}]}
    if visual.title:
        said = visual.title.replace("'", "''")
        title = {"show": _literal("true"), "text": _literal(f"'{said}'")}
        found["visualContainerObjects"] = {"title": [{"properties": title}]}
    return found


def _is_day(text: str, model: SemanticModel) -> bool:
    match = _OF_A_TABLE.fullmatch(text)
    column = model.tables[match[1]].column(match[2]) if match else None
    return column is not None and column.is_day


def _projections(text: str, model: SemanticModel) -> list[dict[str, Any]]:
    """A field as Power BI's queries have it; a hierarchy is its levels, of which the first is shown."""
    match = _OF_A_TABLE.fullmatch(text)
    if match is None:
        return [_projection("Measure", model.homes[text], text)]
    table, name = match[1], match[2]
    if name not in model.tables[table].hierarchies:
        return [_projection("Column", table, name)]
    hierarchy = {"Hierarchy": {"Expression": _entity(table), "Hierarchy": name}}
    levels = model.tables[table].hierarchies[name]
    return [
        {
            "field": {"HierarchyLevel": {"Expression": hierarchy, "Level": level}},
            "queryRef": f"{table}.{name}.{level}",
            "nativeQueryRef": f"{name} {level}",
            **({"active": True} if level == levels[0] else {}),
        }
        for level in levels
    ]


def _projection(kind: str, table: str, name: str) -> dict[str, Any]:
    return {
        "field": {kind: {"Expression": _entity(table), "Property": name}},
        "queryRef": f"{table}.{name}",
        "nativeQueryRef": name,
    }


def _entity(table: str) -> dict[str, Mapping[str, str]]:
    return {"SourceRef": {"Entity": table}}


def _literal(value: str) -> dict[str, Any]:
    return {"expr": {"Literal": {"Value": value}}}


def _schema(name: str, version: str) -> str:
    return f"{SCHEMAS}/item/report/definition/{name}/{version}/schema.json"
