"""Notebooks: from Databricks' format to Fabric's and to what a kernel runs."""

import json
from types import SimpleNamespace

import pytest

from lib.notebooks import Cell, as_json, asked, cells_of, fabric_files

SOURCE = """# Databricks notebook source
# MAGIC %md
# MAGIC # Orders
# MAGIC
# MAGIC What they come to.

# COMMAND ----------

# parameters
root = ""

# COMMAND ----------

import sys

print(root)
"""


def test_a_notebook_is_its_cells() -> None:
    assert cells_of(SOURCE) == [
        Cell("# Orders\n\nWhat they come to.", is_markdown=True),
        Cell('# parameters\nroot = ""'),
        Cell("import sys\n\nprint(root)"),
    ]
    assert [cell.is_parameters for cell in cells_of(SOURCE)] == [False, True, False]


def test_what_is_no_notebook_and_what_is_no_python_is_refused() -> None:
    with pytest.raises(ValueError, match="is no notebook"):
        cells_of("import sys\n")
    with pytest.raises(ValueError, match="a cell begins with '# MAGIC %sql'"):
        cells_of("# Databricks notebook source\n# MAGIC %sql\n# MAGIC SELECT 1\n")


def test_fabric_gets_the_same_cells_and_an_id_that_stays() -> None:
    files = fabric_files("orders", SOURCE)
    text = files["orders.Notebook/notebook-content.py"]
    kinds = [line for line in text.splitlines() if line.endswith("*" * 20)]
    assert kinds == [
        f"# {kind} {'*' * 20}" for kind in ("METADATA", "MARKDOWN", "PARAMETERS CELL", "METADATA", "CELL", "METADATA")
    ]
    assert text.startswith("# Fabric notebook source\n\n# METADATA")
    assert "# # Orders\n#\n# What they come to.\n" in text
    platform = json.loads(files["orders.Notebook/.platform"])
    assert platform["metadata"] == {"type": "Notebook", "displayName": "orders", "description": "Orders"}
    assert platform == json.loads(fabric_files("orders", SOURCE)["orders.Notebook/.platform"])
    other = json.loads(fabric_files("others", SOURCE)["others.Notebook/.platform"])
    assert other["config"]["logicalId"] != platform["config"]["logicalId"]


def test_a_kernel_gets_code_and_markdown() -> None:
    assert [(cell["cell_type"], cell["source"]) for cell in as_json(SOURCE)["cells"]][1:] == [
        ("code", '# parameters\nroot = ""'),
        ("code", "import sys\n\nprint(root)"),
    ]


def test_a_parameter_is_a_widget_where_there_are_any() -> None:
    class Widgets:
        def __init__(self) -> None:
            self.said = {"root": "/lake"}

        def text(self, name: str, default: str) -> None:
            self.said.setdefault(name, default)

        def get(self, name: str) -> str:
            return self.said[name]

    scope = {"root": "", "environment": "local"}
    assert asked(scope, "root", "environment") == scope
    on_databricks = {**scope, "dbutils": SimpleNamespace(widgets=Widgets())}
    assert asked(on_databricks, "root", "environment") == {"root": "/lake", "environment": "local"}
