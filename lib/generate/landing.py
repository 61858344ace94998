"""How a landing file is written: Windows-1252, CRLF, commas, and never seen half done."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ENCODING = "cp1252"


def csv_line(values: Iterable[object]) -> str:
    """One line of CSV; a value is quoted only where it holds a comma or a quote."""
    return ",".join(_field(str(value)) for value in values)


def write_file(path: Path, columns: str, lines: Iterable[str]) -> Path:
    """Write the header `columns` and the lines, then give the file its name in one step.

    A pipeline may be listing the folder meanwhile: it sees the whole file or none of it.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding=ENCODING, newline="\r\n") as out:
            out.write(columns + "\n")
            out.writelines(f"{line}\n" for line in lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _field(value: str) -> str:
    if "," in value or '"' in value:
        return '"' + value.replace('"', '""') + '"'
    return value
