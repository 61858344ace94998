"""Who may import whom, and what only one module may do: the shape that keeps transforms free of IO."""

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1]
SOURCES = sorted([*HOME.glob("lib/**/*.py"), *HOME.glob("jobs/*.py")])
NAMES = (
    "bronze", "nesting", "quality", "silver", "history", "quarantine", "control", "drift", "diff", "sql", "contract",
    "maintenance", "jdbc", "ranges", "postgresql", "freshness", "alerts/troubles", "alerts/rules",
    "encryption", "personal",
)  # fmt: skip
TRANSFORMS = [
    path
    for path in SOURCES
    if path.is_relative_to(HOME / "lib/gold")
    or path.is_relative_to(HOME / "lib/powerbi")
    or (path.is_relative_to(HOME / "lib/models") and path.name != "tracking.py")
    or path in [HOME / f"lib/{name}.py" for name in NAMES]
]
IO_MODULES = {
    "lib.tables", "lib.session", "lib.landing", "lib.database", "lib.ops", "lib.pipeline", "lib.terminal", "lib.lock",
    "lib.logs",
    "delta", "fsspec", "os", "pathlib", "shutil", "subprocess", "time",
}  # fmt: skip


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def attributes(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", TRANSFORMS, ids=lambda path: str(path.relative_to(HOME)))
def test_a_transform_imports_no_io(path: Path) -> None:
    assert not {name for name in imports(path) if any(name == io or name.startswith(f"{io}.") for io in IO_MODULES)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HOME)))
def test_only_the_session_module_reaches_below_sparks_api(path: Path) -> None:
    below = {"sparkContext", "_jvm", "_jsparkSession", "rdd", "_jdf", "_sc"}
    assert path == HOME / "lib/session.py" or not attributes(path) & below


def test_only_the_tables_module_reads_and_writes_delta() -> None:
    users = [str(path.relative_to(HOME)) for path in SOURCES if any(n.startswith("delta") for n in imports(path))]
    assert users == ["lib/tables.py"]


def test_only_the_database_module_asks_databases() -> None:
    askers = [str(path.relative_to(HOME)) for path in SOURCES if 'format("jdbc")' in path.read_text("utf-8")]
    assert askers == ["lib/database.py"]


def test_lib_does_not_know_the_jobs() -> None:
    assert not [path for path in SOURCES if "lib" in path.parts and any(n.startswith("jobs") for n in imports(path))]


def test_a_job_is_thin() -> None:
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in HOME.glob("jobs/*.py")}
    assert {name: length for name, length in lengths.items() if length > 30} == {}


def test_no_transform_asks_the_clock() -> None:
    clock = {"current_date", "current_timestamp", "now", "today", "rand", "uuid"}
    assert not [str(path) for path in TRANSFORMS if attributes(path) & clock]
