"""Every notebook runs, from its first cell to its last, in a kernel of its own on a small lake."""

from datetime import date
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lib.generate.adventureworks import generate
from lib.notebooks import as_json, cells_of, sources
from tests.builders import CONF, Lake

DAY, LAST = date(2017, 1, 1), date(2017, 3, 31)

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel inherits what tests of the dashboard leave behind: Streamlit sets it when it is imported."""
    monkeypatch.delenv("MPLBACKEND", raising=False)


NOTEBOOKS = dict(sources(CONF.parent / "notebooks"))


def run(name: str, root: Path, **parameters: str) -> list[str]:
    """What the notebook shows, as texts; of a picture its type. What somebody asks for is set after its parameters."""
    notebook = nbformat.from_dict(as_json(NOTEBOOKS[name]))
    place = next(n for n, cell in enumerate(cells_of(NOTEBOOKS[name])) if cell.is_parameters)
    given = {"root": str(root), **parameters}
    lines = "\n".join(f"{key} = {value!r}" for key, value in given.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(lines))
    folder = {"metadata": {"path": str(CONF.parent / "notebooks")}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=folder).execute()
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            shown.append("image/png" if "image/png" in data else output.get("text") or data.get("text/plain", ""))
    return shown


def test_every_notebook_is_in_databricks_format_and_has_parameters() -> None:
    assert len(NOTEBOOKS) == 4
    for name, source in NOTEBOOKS.items():
        cells = cells_of(source)
        assert cells[0].is_markdown, name
        assert sum(cell.is_parameters for cell in cells) == 1, name


def test_a_notebook_runs_the_pipeline(tmp_path: Path) -> None:
    generate(tmp_path / "lake" / "landing" / "adventureworks", customers=50, start=DAY, end=LAST, seed=1)
    shown = run("01_run_the_pipeline", tmp_path / "lake", layers="bronze silver")
    assert any(text.strip() == "good" for text in shown), shown
    assert any("adventureworks_sales" in text for text in shown), shown


def test_the_other_notebooks_look_at_a_lake(served: Lake, tmp_path: Path) -> None:
    lake = served.copy(tmp_path / "lake")
    explored = run("02_explore_customer_360", lake.root)
    assert explored.count("image/png") == 2
    assert any("Champions" in text for text in explored)
    quality = run("03_quality_and_quarantine", lake.root)
    assert any("quantity must be above zero" in text for text in quality), quality
    models = run("04_models", lake.root)
    assert any("no model yet" in text for text in models), models
