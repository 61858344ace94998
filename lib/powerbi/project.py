"""The project that Power BI Desktop opens: its files, by their paths."""

import json
from collections.abc import Mapping
from typing import Any

from lib.gold.registry import GoldTable
from lib.powerbi import report, tmdl
from lib.powerbi.ids import tag
from lib.powerbi.model import semantic_model
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import Layout

_SCHEMAS = report.SCHEMAS
_README = """# Power BI

Made by `make docs` from gold's definitions, `conf/serving.yml` and `conf/powerbi.yml`: change these, not these files.
Open the `.pbip` with Power BI Desktop; the project's README says as whom to connect.
"""


def project_files(
    file: PowerBiFile, gold: Mapping[str, GoldTable], layouts: Mapping[str, Layout], numbers: Mapping[str, Any]
) -> dict[str, str]:
    """The text of every file of the project, the semantic model's and the report's folder beside the `.pbip`."""
    model = semantic_model(file, gold, layouts, numbers)
    of_model, of_report = f"{file.name}.SemanticModel", f"{file.name}.Report"
    documents = {
        f"{file.name}.pbip": {
            "$schema": f"{_SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json",
            "version": "1.0",
            "artifacts": [{"report": {"path": of_report}}],
            "settings": {"enableAutoRecovery": True},
        },
        f"{of_model}/definition.pbism": {
            "$schema": f"{_SCHEMAS}/item/semanticModel/definitionProperties/1.0.0/schema.json",
            "version": "4.2",
            "settings": {},
        },
        f"{of_report}/definition.pbir": {
            "$schema": f"{_SCHEMAS}/item/report/definitionProperties/2.0.0/schema.json",
            "version": "4.0",
            "datasetReference": {"byPath": {"path": f"../{of_model}"}},
        },
        f"{of_model}/.platform": _platform(file, "SemanticModel"),
        f"{of_report}/.platform": _platform(file, "Report"),
        **{f"{of_report}/definition/{path}": each for path, each in report.definition(file, model).items()},
    }
    return {
        "README.md": _README,
        **{path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in documents.items()},
        **{f"{of_model}/definition/{path}": text for path, text in tmdl.definition(file, model).items()},
    }


def _platform(file: PowerBiFile, kind: str) -> dict[str, Any]:
    return {
        "$schema": f"{_SCHEMAS}/gitIntegration/platformProperties/2.0.0/schema.json",
        "metadata": {"type": kind, "displayName": file.title, "description": file.description},
        "config": {"version": "2.0", "logicalId": tag(kind, file.name)},
    }
