"""What Microsoft's own library (Analysis Services, TMDL) reads in a folder; run as a program, it prints that as JSON.

The library is one of .NET: its assemblies are in the package pbi-cli-tool, a runtime for Linux in dotnetcore2. It has a
process of its own, for a runtime that is loaded stays.
"""

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def read(folder: Path, written: Path) -> dict[str, Any]:
    """The model in a folder; the library's own text of it is `written`. What it refuses is a ValueError."""
    command = [sys.executable, __file__, str(folder), str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise ValueError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _place(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    return Path(next(iter(spec.submodule_search_locations or [])))


def _library() -> Any:
    import pythonnet
    from clr_loader import get_coreclr

    options = {
        "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"},
        "configProperties": {"System.Globalization.Invariant": True},
    }
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "runtimeconfig.json"
        config.write_text(json.dumps({"runtimeOptions": options}))
        pythonnet.load(get_coreclr(runtime_config=str(config), dotnet_root=str(_place("dotnetcore2") / "bin")))
    import clr

    sys.path.insert(0, str(_place("pbi_cli") / "dlls"))
    clr.AddReference("Microsoft.AnalysisServices.Tabular")
    from Microsoft.AnalysisServices import Tabular

    return Tabular


def _main(folder: str, written: str) -> None:
    tom = _library()
    model = tom.TmdlSerializer.DeserializeDatabaseFromFolder(folder).Model
    tom.TmdlSerializer.SerializeModelToFolder(model, written)
    tables = {
        table.Name: {
            "columns": {
                column.Name: [str(column.DataType), getattr(column, "SourceColumn", None), column.Description]
                for column in table.Columns
                if str(column.Type) != "RowNumber"
            },
            "keys": [column.Name for column in table.Columns if column.IsKey],
            "hidden": [column.Name for column in table.Columns if column.IsHidden],
            "measures": {measure.Name: measure.Expression for measure in table.Measures},
            "hierarchies": {each.Name: [level.Column.Name for level in each.Levels] for each in table.Hierarchies},
            "sources": [partition.Source.Expression for partition in table.Partitions],
            "kind": table.DataCategory,
            "description": table.Description,
        }
        for table in model.Tables
    }
    relationships = [
        [each.FromTable.Name, each.FromColumn.Name, each.ToTable.Name, each.ToColumn.Name, bool(each.IsActive)]
        for each in model.Relationships
    ]
    roles = {
        role.Name: {each.Table.Name: each.FilterExpression for each in role.TablePermissions} for role in model.Roles
    }
    parameters = {each.Name: each.Expression for each in model.Expressions}
    found = {"tables": tables, "relationships": relationships, "roles": roles, "parameters": parameters}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
