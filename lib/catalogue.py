"""The documents that are made from code and contracts, so that they cannot say something else."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console

from lib import notebooks
from lib.alerts.settings import AlertsFile
from lib.config import load_settings
from lib.contract import IS_LIVE, LINEAGE, Contract, Reference
from lib.dashboard.settings import DashboardFile
from lib.errors import ConfigError, LakehouseError
from lib.gold.registry import GoldTable, gold_tables
from lib.history import version_grain
from lib.identity import tables as identity
from lib.identity.settings import IdentityFile
from lib.lakehouse import LakehouseFile
from lib.models.settings import ModelsFile
from lib.powerbi.project import project_files
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import layouts_of
from lib.serving.queries import numbers_of
from lib.serving.settings import ServingFile
from lib.silver import SILVER_LINEAGE, version_order

_BEGIN, _END = "<!-- catalogue -->", "<!-- /catalogue -->"
_HOW = "make docs"
_LINEAGE = {
    "_source_file": "path of the landed file, relative to the landing folder",
    "_source_modified_at": "when that file was last changed, UTC",
    "_ingested_at": "when the run that loaded the row began, UTC",
    "_run_id": "number of the run that loaded the row",
    "_batch_id": "number of the append that brought the row into bronze; with `_row_id` the row's address",
    "_row_id": "number of the row within its batch",
    "_content_hash": "hash of all values of the row: the last word on which of two versions is newer",
}


def generate_docs(home: Path, *, only_check: bool, console: Console | None = None) -> int:
    """Bring every generated document of the project at `home` up to date and name those that changed.

    Raises:
        LakehouseError: if they are only to be checked, with a line for each one that is not up to date.
    """
    stale = stale_docs(home)
    names = [str(file.relative_to(home)) for file in stale]
    if only_check and stale:
        lines = [f"{name}: is not what the code and the contracts say" for name in names]
        raise LakehouseError("\n".join([*lines, f"bring it up to date with: {_HOW}"]))
    for file, text in stale.items():
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    said = f"written: {', '.join(names)}" if stale else "every generated document is up to date"
    (console or Console()).print(said, highlight=False, soft_wrap=True)
    return 0


def stale_docs(home: Path) -> dict[Path, str | None]:
    """The generated documents that are not up to date or not there, and what they should be; None is not there.

    Raises:
        ConfigError: if the configuration does not validate, or README.md lacks the place of its table.
    """
    conf, settings = home / "conf", load_settings(home / "conf")
    known, tables = list(settings.contracts.values()), _in_reading_order(gold_tables().values())
    texts: dict[Path, str] = {
        home / "CATALOGUE.md": catalogue(tables, known, [*identity.SCHEMAS]),
        home / "README.md": _with_section(home / "README.md", short_table(tables, known, [*identity.SCHEMAS])),
        conf / "alerts.schema.json": json_schema(AlertsFile),
        conf / "alerts.yml": _with_schema_line(conf / "alerts.yml", "alerts.schema.json"),
        conf / "contract.schema.json": json_schema(Contract),
        conf / "identity.schema.json": json_schema(IdentityFile),
        conf / "identity.yml": _with_schema_line(conf / "identity.yml", "identity.schema.json"),
        conf / "dashboard.schema.json": json_schema(DashboardFile),
        conf / "dashboard.yml": _with_schema_line(conf / "dashboard.yml", "dashboard.schema.json"),
        conf / "models.schema.json": json_schema(ModelsFile),
        conf / "models.yml": _with_schema_line(conf / "models.yml", "models.schema.json"),
        conf / "powerbi.schema.json": json_schema(PowerBiFile),
        conf / "powerbi.yml": _with_schema_line(conf / "powerbi.yml", "powerbi.schema.json"),
        conf / "serving.schema.json": json_schema(ServingFile),
        conf / "serving.yml": _with_schema_line(conf / "serving.yml", "serving.schema.json"),
        conf / "lakehouse.schema.json": json_schema(LakehouseFile),
        conf / "lakehouse.yml": _with_schema_line(conf / "lakehouse.yml", "lakehouse.schema.json"),
    }
    for name, source in notebooks.sources(home / "notebooks"):
        texts |= {home / "notebooks" / file: text for file, text in notebooks.fabric_files(name, source).items()}
    numbers = numbers_of(settings.measures | dict(settings.dashboard))
    layouts = layouts_of(gold_tables(), settings.serving)
    project = project_files(settings.power_bi, gold_tables(), layouts, numbers)
    texts |= {home / "powerbi" / file: text for file, text in project.items()}
    for contract in known:
        file = conf / "contracts" / contract.source / f"{contract.entity}.yml"
        texts[file] = _with_schema_line(file, "../../contract.schema.json")
    stale = {file: text for file, text in texts.items() if not file.is_file() or file.read_text("utf-8") != text}
    # Power BI would show a page, and load a table, that is not made any more
    left = [file for file in home.glob("powerbi/*/definition/**/*") if file.is_file() and file not in texts]
    return {**stale, **dict.fromkeys(left)}


def short_table(tables: Iterable[GoldTable], contracts: Iterable[Contract], people: Iterable[str] = ()) -> str:
    """A line per table of gold and silver, those about `people` by their names: what one row is, what identifies it."""
    rows = [(f"`gold.{each.name}`", each.description, ", ".join(each.grain)) for each in tables]
    for each in contracts:
        rows.append((f"`silver.{each.table}`", each.description, ", ".join(each.key)))
        if each.history:
            rows.append((f"`silver.{each.history_table}`", _version_of(each), ", ".join(version_grain(each))))
    rows += [(f"`{each}`", identity.DESCRIPTIONS[each], ", ".join(identity.GRAINS[each])) for each in people]
    return _table(("table", "what one row is", "key"), rows)


def catalogue(tables: Iterable[GoldTable], contracts: Iterable[Contract], people: Sequence[str] = ()) -> str:
    """The page with every column of every table, its type and its definition."""
    parts = [
        "# Catalogue",
        f"Every table and column, from the code of gold and the contracts of silver. Made by `{_HOW}`: do not edit.",
        "## Gold",
        *[_gold_section(table) for table in tables],
        "## Silver",
        "One row per key, its newest version. Beside the columns below, every table has those of its lineage:",
        _lineage_table(SILVER_LINEAGE),
        "Rows that fail a rule wait in `silver.{source}_{entity}_quarantine` under their address, with the values that "
        "landed (`raw`), all reasons (`dq_errors`), their `status` and its `history`.",
        *[section for each in contracts for section in (_silver_section(each), *_history_sections(each))],
        *(
            ["### Who is who", "Made by every run from the entities that describe and name customers."]
            if people
            else []
        ),
        *[_identity_section(table) for table in people],
        "## Bronze",
        "`bronze.{source}_{entity}` has the landed columns of its contract under their names in the source, all "
        "`STRING`; `_rescued`, a JSON object of what the contract does not know; and its lineage:",
        _lineage_table(LINEAGE),
    ]
    return "\n\n".join(parts) + "\n"


def json_schema(model: type[BaseModel]) -> str:
    """A model as JSON Schema under the keys that a user writes: an editor then completes and checks the file."""
    return json.dumps(model.model_json_schema(by_alias=True), indent=2, ensure_ascii=False) + "\n"


def _gold_section(table: GoldTable) -> str:
    columns = [(f"`{name}`", f"`{column.type}`", column.definition) for name, column in table.definitions.items()]
    return "\n\n".join(
        [
            f"### gold.{table.name}",
            table.description,
            f"Key: {_codes(table.grain)}. Made from: {_codes(table.inputs)}.",
            _table(("column", "type", "definition"), columns),
        ]
    )


def _silver_section(contract: Contract) -> str:
    columns = [
        (f"`{name}`", f"`{column.type.upper()}`", f"`{contract.source_columns[name]}`", column.description)
        for name, column in contract.columns.items()
    ]
    rules = [(f"`{name}`", f"`{rule.expect}`", rule.message, rule.on_fail) for name, rule in contract.rules.items()]
    parts = [
        f"### silver.{contract.table}",
        contract.description,
        f"Key: {_codes(contract.key)}. {_origin(contract)}.",
        _table(("column", "type", "from", "definition"), columns),
    ]
    rules += [(f"`{name}`", _in_words(each), each.message, each.on_fail) for name, each in contract.references.items()]
    if rules:
        parts.append(_table(("rule", "a row is good when", "else", "and then"), rules))
    return "\n\n".join(parts)


def _identity_section(table: str) -> str:
    columns = [column.split(" ") for column in identity.SCHEMAS[table].split(", ")]
    rows = [(f"`{name}`", f"`{type_name}`", identity.COLUMNS[name]) for name, type_name in columns]
    return "\n\n".join(
        [
            f"#### {table}",
            identity.DESCRIPTIONS[table],
            f"Key: {_codes(identity.GRAINS[table])}.",
            _table(("column", "type", "definition"), rows),
        ]
    )


def _origin(contract: Contract) -> str:
    if contract.jdbc is None:
        return f"Landed as: `{contract.files}`"
    return f"Read from a database: `{contract.jdbc.table}`, by `{contract.jdbc.watermark}`"


def _in_words(reference: Reference) -> str:
    same = [f"`{there}` = `{here}`" for here, there in reference.match.items()]
    since = [f"`{there}` <= `{here}`" for here, there in reference.since.items()]
    return f"`silver.{reference.entity}` has a row with {' and '.join(same + since)}"


def _history_sections(contract: Contract) -> list[str]:
    if not contract.history:
        return []
    live = f", and `{IS_LIVE}`: false where the version says that its key is gone" if contract.has_deletes else ""
    return [
        f"### silver.{contract.history_table}",
        _version_of(contract),
        f"Key: {_codes(version_grain(contract))}. A version holds from `{version_order(contract)[0]}` on. "
        f"Its columns are those of `silver.{contract.table}`{live}.",
    ]


def _version_of(contract: Contract) -> str:
    return f"One version of a row of `silver.{contract.table}`, whenever it came."


def _lineage_table(names: Sequence[str]) -> str:
    return _table(("column", "definition"), [(f"`{name}`", _LINEAGE[name]) for name in names])


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar within a cell is escaped."""
    lines = [header, ["---"] * len(header), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |".replace("  |", " |") for line in lines)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _in_reading_order(tables: Iterable[GoldTable]) -> list[GoldTable]:
    """Marts, facts, dimensions (the packages of `lib.gold`, backwards), each by name."""
    return sorted(tables, key=lambda table: table.function.__module__.split(".")[-2], reverse=True)


def _with_section(file: Path, section: str) -> str:
    """A document's text with another text between the marks."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ConfigError(f"{file}: has no place for the table of tables (expected {_BEGIN} and {_END})")
    return f"{before}{begin}\n{section}\n{end}{after}"


def _with_schema_line(file: Path, schema: str) -> str:
    """A YAML file's text with a first line that tells an editor its schema."""
    line = f"# yaml-language-server: $schema={schema}\n"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and lines[0].startswith("# yaml-language-server:"):
        lines = lines[1:]
    return line + "".join(lines)
