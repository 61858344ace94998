"""What was measured, as a Markdown table, a chart and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

WIDTH, BARS_FROM, BARS_UNTIL, LINE = 860, 400, 640, 26
OURS, OTHERS, INK, PAPER = "#1f6feb", "#afb8c1", "#1f2328", "#ffffff"


@dataclass(frozen=True)
class Result:
    """What one pipeline took for one load."""

    name: str
    is_ours: bool
    seconds: float
    peak_bytes: int
    written_bytes: int


@dataclass(frozen=True)
class Measured:
    """All results of one size of load, and under what they were measured."""

    rows: int
    batch: int
    customers: int
    landed_bytes: int
    cpus: int
    heap: str
    duckdb_memory: str
    results: tuple[Result, ...]


def write(folder: Path, measured: Measured) -> str:
    """Put the results of a size beside those of other sizes in the folder; the table and the chart are of all of them.

    Gives the table. The files are rows_<rows>.json, results.md and results.svg.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"rows_{measured.rows}.json").write_text(json.dumps(asdict(measured), indent=2) + "\n")
    sizes = sorted(map(_read, folder.glob("rows_*.json")), key=lambda each: each.rows)
    table = "\n".join(map(table_of, sizes))
    (folder / "results.md").write_text(table)
    (folder / "results.svg").write_text(chart_of(sizes))
    return table


def table_of(measured: Measured) -> str:
    """A Markdown table, one line a pipeline."""
    head = f"| {_title(measured)} | seconds | peak memory | written |\n| --- | ---: | ---: | ---: |\n"
    return head + "".join(
        f"| {each.name} | {each.seconds:,.1f} | {_size(each.peak_bytes)} | {_size(each.written_bytes)} |\n"
        for each in measured.results
    )


def chart_of(sizes: Sequence[Measured]) -> str:
    """An SVG: a bar of seconds a pipeline, the longest bar of each size as long as that of the others."""
    parts: list[str] = []
    top = 0
    for measured in sizes:
        parts.append(_text(16, top + 30, _title(measured), more=' font-weight="600"'))
        longest = max(each.seconds for each in measured.results)
        for number, each in enumerate(measured.results):
            parts += _bar(each, top + 44 + number * LINE, (BARS_UNTIL - BARS_FROM) * each.seconds / longest)
        top += 54 + len(measured.results) * LINE
    box = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    paper = f'<rect width="{WIDTH}" height="{top}" rx="6" fill="{PAPER}"/>'
    return f'{box} font-family="sans-serif" font-size="13">\n{paper}\n' + "\n".join(parts) + "\n</svg>\n"


def _bar(result: Result, top: float, length: float) -> list[str]:
    colour = OURS if result.is_ours else OTHERS
    box = f'<rect x="{BARS_FROM}" y="{top}" width="{max(length, 1):.1f}" height="{LINE - 8}" fill="{colour}"/>'
    said = f"{result.seconds:,.1f} s · {_size(result.peak_bytes)}"
    name = _text(BARS_FROM - 10, top + 14, result.name, more=' text-anchor="end"')
    return [name, box, _text(BARS_FROM + length + 8, top + 14, said)]


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}"{more}>{escape(words)}</text>'


def _title(measured: Measured) -> str:
    return f"{measured.rows:,} receipts ({_size(measured.landed_bytes)}), landing to gold"


def _size(size: int) -> str:
    """Bytes as a person reads them; a dash for what could not be measured."""
    if not size:
        return "–"
    return f"{size / 1e9:,.1f} GB" if size >= 999_500_000 else f"{size / 1e6:,.0f} MB"


def _read(file: Path) -> Measured:
    found = json.loads(file.read_text())
    return Measured(**{**found, "results": tuple(Result(**each) for each in found["results"])})
