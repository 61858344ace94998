"""Notebooks: one source each, in Databricks' format, the same for Fabric, and what they need to begin with.

Formats: Databricks, "Export and import notebooks", source file; Fabric, "Notebook definition", FabricGitSource, and
"Git integration source code format", .platform.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib.config import Settings
    from lib.tables import Tables

_HEADING = "# Databricks notebook source"
_BETWEEN = "# COMMAND ----------"
_MAGIC = "# MAGIC"
_PARAMETERS = "# parameters"
_STARS = "*" * 20
_LANGUAGE = '# META {\n# META   "language": "python",\n# META   "language_group": "synapse_pyspark"\n# META }'
_KERNEL = (
    '# META {\n# META   "kernel_info": {\n# META     "name": "synapse_pyspark"\n# META   },\n'
    '# META   "dependencies": {}\n# META }'
)
_SCHEMA = "https://developer.microsoft.com/json-schemas/fabric/gitIntegration/platformProperties/2.0.0/schema.json"
_IDS = uuid.UUID("5b0f6f0e-3f1c-4f57-9f6e-6a3f2b9f0360")
"""The namespace of the notebooks' ids in Fabric: a notebook has the same one whenever it is generated."""


@dataclass(frozen=True)
class Cell:
    """A cell: its text, which is markdown or Python; `is_parameters`: it begins with a comment that says so."""

    text: str
    is_markdown: bool = False

    @property
    def is_parameters(self) -> bool:
        """Are its assignments what somebody who runs the notebook may set?"""
        return not self.is_markdown and self.text.startswith(_PARAMETERS)


def cells_of(source: str) -> list[Cell]:
    """The cells of a notebook in Databricks' source format.

    Raises:
        ValueError: if the text does not begin as one does, or a cell has a magic other than %md.
    """
    if not source.startswith(_HEADING):
        raise ValueError(f"is no notebook: its first line is not '{_HEADING}'")
    return [_cell(part.strip("\n")) for part in source.removeprefix(_HEADING).split(_BETWEEN) if part.strip()]


def fabric_files(name: str, source: str) -> dict[str, str]:
    """The files of the notebook in Fabric's Git format, by their paths beside the source."""
    cells = cells_of(source)
    title = next((cell.text.splitlines()[0].lstrip("# ") for cell in cells if cell.is_markdown), name)
    platform = {
        "$schema": _SCHEMA,
        "metadata": {"type": "Notebook", "displayName": name, "description": title},
        "config": {"version": "2.0", "logicalId": str(uuid.uuid5(_IDS, name))},
    }
    head = f"# Fabric notebook source\n\n# METADATA {_STARS}\n\n{_KERNEL}\n"
    return {
        f"{name}.Notebook/notebook-content.py": "\n".join([head, *map(_of_fabric, cells)]),
        f"{name}.Notebook/.platform": json.dumps(platform, indent=2) + "\n",
    }


def as_json(source: str) -> dict[str, Any]:
    """The notebook in Jupyter's format (nbformat 4.5): what a kernel runs."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": f"cell-{n}", "metadata": {}, "source": cell.text}
        if cell.is_markdown
        else {
            "cell_type": "code", "id": f"cell-{n}", "metadata": {}, "source": cell.text, "outputs": [],
            "execution_count": None,
        }
        for n, cell in enumerate(cells_of(source))
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def asked(scope: Mapping[str, Any], *names: str) -> dict[str, str]:
    """What somebody asks of a notebook by its parameters, of which `scope`, its globals, has the values.

    Fabric and papermill set these themselves; on Databricks each is a widget, which has its value as the default.
    """
    widgets = getattr(scope.get("dbutils"), "widgets", None)
    values = {name: str(scope[name]) for name in names}
    if widgets is None:
        return values
    for name, value in values.items():
        widgets.text(name, value)
    return {name: str(widgets.get(name)) for name in names}


def opened(home: str, *, root: str = "", environment: str = "local") -> tuple["Settings", "Tables"]:
    """A lake to look at: `home` is the project's folder, `root` the lake, where it is not what the configuration says.

    Raises:
        ConfigError: if the configuration has mistakes, with a line for each.
        LakehouseError: if a newer version of the project wrote the lake.
    """
    from lib.config import load_settings
    from lib.formats import format_of
    from lib.session import build_session
    from lib.vault import tables_of

    settings = load_settings(Path(home).resolve() / "conf", root=root or None, environment=environment)
    session = build_session("notebook", settings.storage.of_hadoop())
    tables = tables_of(session, settings, masks=True)
    format_of(tables)
    return settings, tables


def sources(folder: Path) -> Iterator[tuple[str, str]]:
    """The notebooks of a folder: name and source, in order."""
    for file in sorted(folder.glob("*.py")):
        yield file.stem, file.read_text(encoding="utf-8")


def _cell(text: str) -> Cell:
    lines = text.splitlines()
    if not lines[0].startswith(_MAGIC):
        return Cell(text)
    said = [line.removeprefix(_MAGIC).removeprefix(" ") for line in lines]
    if not said[0].startswith("%md") or not all(line.startswith(_MAGIC) for line in lines):
        raise ValueError(f"a cell begins with '{lines[0]}': of the magics only %md is understood")
    return Cell("\n".join([said[0].removeprefix("%md").strip(), *said[1:]]).strip("\n"), is_markdown=True)


def _of_fabric(cell: Cell) -> str:
    if cell.is_markdown:
        text = "\n".join(f"# {line}".rstrip() for line in cell.text.splitlines())
        return f"# MARKDOWN {_STARS}\n\n{text}\n"
    kind = "PARAMETERS CELL" if cell.is_parameters else "CELL"
    return f"# {kind} {_STARS}\n\n{cell.text}\n\n# METADATA {_STARS}\n\n{_LANGUAGE}\n"
