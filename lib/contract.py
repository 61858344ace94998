"""The models of a contract. Config is facts: what a contract may say is all here."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from lib.jdbc import NEEDED, ColumnName, TableName, Url, mistakes_of_format
from lib.secrets import Referring, Secret

IS_LIVE = "_is_live"
"""The column of silver that an entity has whose keys can go: false in a tombstone."""

LINEAGE = ("_source_file", "_source_modified_at", "_ingested_at", "_run_id", "_batch_id", "_row_id")
"""The columns that bronze adds to every row; the last two are the row's address in every later table."""

_BRONZE_ITSELF = (*LINEAGE, "_rescued")
_SIMPLE_TYPES = ("string", "int", "bigint", "double", "boolean", "date", "timestamp")
_DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_PATTERN_LETTERS = {
    "D": "day of year; did you mean dd?",
    "Y": "the year of the week; did you mean yyyy?",
    "w": "week of year",
    "u": "day of week",
}
_DATE_LETTERS = set("GyMLdQqEFa")
_TIMESTAMP_LETTERS = _DATE_LETTERS | set("hHkKmsSVzOXxZ")
_AGE = re.compile(r"([1-9]\d*)([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"(\d+)(ms|s)")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)%")


def _check_type(text: str) -> str:
    decimal = _DECIMAL.fullmatch(text)
    if decimal and int(decimal[2]) <= int(decimal[1]) <= 38 and int(decimal[1]) > 0:
        return text
    if text not in _SIMPLE_TYPES:
        raise ValueError(
            f"'{text}' is not a type (allowed: {', '.join(_SIMPLE_TYPES)}, decimal(p,s) with s <= p <= 38)"
        )
    return text


def _check_identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise ValueError(f"'{text}' is not a name (allowed: lower case letters, digits and _, a letter first)")
    return text


def _check_glob(text: str) -> str:
    if text.startswith("/") or ".." in text.split("/"):
        raise ValueError(f"'{text}' leaves the landing folder (give a pattern relative to it)")
    return text


def _check_age(text: str) -> str:
    if not _AGE.fullmatch(text):
        raise ValueError(f"'{text}' is not an age (e.g. 90m, 24h or 2d)")
    return text


def _check_span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise ValueError(f"'{text}' is not a span of time (e.g. 500ms or 10s)")
    return text


def _check_tolerance(tolerance: str | int) -> str | int:
    share = _SHARE.fullmatch(tolerance) if isinstance(tolerance, str) else None
    if isinstance(tolerance, str) and not (share and float(share[1]) <= 100):
        raise ValueError(f"'{tolerance}' is no tolerance (a number of rows, e.g. 10, or a share of them, e.g. 5%)")
    return tolerance


# for editors, by way of the JSON Schema; the functions above say in words what is wrong
_A_TYPE: JsonDict = {"pattern": rf"^({'|'.join(_SIMPLE_TYPES)}|{_DECIMAL.pattern})$"}
_BY_NAME: JsonDict = {"propertyNames": {"pattern": f"^{_IDENTIFIER.pattern}$"}}
ColumnType = Annotated[str, AfterValidator(_check_type), Field(json_schema_extra=_A_TYPE)]
Name = Annotated[str, AfterValidator(_check_identifier)]
Age = Annotated[str, AfterValidator(_check_age), Field(json_schema_extra={"pattern": f"^{_AGE.pattern}$"})]
Span = Annotated[str, AfterValidator(_check_span), Field(json_schema_extra={"pattern": f"^{_SPAN.pattern}$"})]
Tolerance = Annotated[str | Annotated[int, Field(ge=0)], AfterValidator(_check_tolerance)]
Glob = Annotated[str, Field(min_length=1), AfterValidator(_check_glob)]


class ConfigModel(BaseModel):
    """What a configuration file may say is what its model has, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(ConfigModel):
    """One column of an entity: where its text comes from and how the text becomes a typed value."""

    type: ColumnType = Field(description="string, int, bigint, double, boolean, date, timestamp or decimal(p,s)")
    from_: str | None = Field(
        None,
        alias="from",
        min_length=1,
        description="the source's name, if it differs; in JSON a path, e.g. product.id",
    )
    formats: list[str] = Field([], description="date patterns, tried in order after the ISO form")
    nulls: list[str] = Field([], description="texts that mean: no value (a blank text always does)")
    clean: str | None = Field(None, description="a SQL expression over `value`, the text that landed")
    default: str | int | float | None = Field(None, description="taken where there is no value")
    optional: bool = Field(False, description="a file without this column is not rejected")
    pii: bool = Field(
        False,
        description="says who a person is: looked for everywhere when the person is forgotten, encrypted where the "
        "environment says so (but a key)",
    )
    token: bool = Field(
        False, description="beside the encrypted value its token, the same for the same value in all tables: for joins"
    )
    description: str = Field("", description="what the column means, with its unit")

    @model_validator(mode="after")
    def _tokens_are_of_what_is_encrypted(self) -> "Column":
        if self.token and not self.pii:
            raise ValueError("token: only of a column that is encrypted (say pii: true as well)")
        return self

    @model_validator(mode="after")
    def _formats_are_date_patterns(self) -> "Column":
        if not self.formats:
            return self
        if self.type not in ("date", "timestamp"):
            raise ValueError(f"formats: only for date and timestamp (the type is {self.type})")
        allowed = _DATE_LETTERS if self.type == "date" else _TIMESTAMP_LETTERS
        for position, pattern in enumerate(self.formats):
            for letter in re.sub(r"'[^']*'|[^A-Za-z]", "", pattern):
                if letter not in allowed:
                    why = _PATTERN_LETTERS.get(letter, f"not a part of a {self.type}")
                    raise ValueError(
                        f"formats[{position}]: '{pattern}' is not a {self.type} pattern ({letter} is {why})"
                    )
        return self


class Demand(ConfigModel):
    """Something that each row is asked for, and what becomes of a row that lacks it."""

    message: str = Field(min_length=1, description="what is wrong with a row that fails, in words")
    on_fail: Literal["warn", "quarantine", "fail"] = Field(
        "quarantine", description="keep and count the row, part it, or stop the entity before anything is written"
    )
    max_failed: Tolerance | None = Field(
        None, description="rows of a batch, or the share of them, that may fail; above it the entity stops"
    )

    def tolerates(self, failed: int, rows: int) -> bool:
        """May so many of a batch's rows fail? None of a rule that says `fail`, any number of another one."""
        if self.max_failed is None:
            return self.on_fail != "fail" or failed == 0
        share = _SHARE.fullmatch(self.max_failed) if isinstance(self.max_failed, str) else None
        return Decimal(100) * failed <= Decimal(share[1]) * rows if share else failed <= int(self.max_failed)


class Rule(Demand):
    """A data-quality rule: `expect` says when a row is good; NULL counts as failing."""

    expect: str = Field(min_length=1, description="a SQL condition over the typed columns")


class Reference(Demand):
    """A row of another entity that a row needs. One without a value in a column of `match` or `since` needs none."""

    entity: Name = Field(description="the other entity, e.g. crm_exchange_rates")
    match: dict[Name, Name] = Field(min_length=1, description="columns here: the columns there that they are equal to")
    since: dict[Name, Name] = Field(
        {}, max_length=1, description="a column here: the one there from whose value on the other row counts"
    )

    @property
    def pairs(self) -> dict[str, str]:
        """All columns here that it goes by: the columns there that they are compared with."""
        return {**self.match, **self.since}


class Csv(ConfigModel):
    """How the text of a CSV file is laid out."""

    encoding: str = Field("utf-8", description="a Python codec name, e.g. utf-8 or windows-1252")
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)

    @model_validator(mode="after")
    def _encoding_is_known(self) -> "Csv":
        try:
            line_end = "\n".encode(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: '{self.encoding}' is not an encoding (e.g. utf-8, windows-1252)") from None
        if line_end != b"\n":
            raise ValueError(
                f"encoding: '{self.encoding}' cannot be read line by line (utf-8, which may begin with a byte order "
                "mark, and encodings of one byte per character can)"
            )
        return self


class Jdbc(ConfigModel):
    """The table of a PostgreSQL database that an entity is read from, a range of its watermark with each run.

    `${env:NAME}` and `${file:/path}` are looked up when the database is asked, and never before.
    """

    url: Url = Field(description="e.g. jdbc:postgresql://host:5432/crm, or a reference to it; without a password")
    user: Referring | None = Field(None, description="who asks; needs no more than SELECT on the table")
    password: Secret | None = Field(None, description="a reference: ${env:NAME}, ${file:/path} or ${secret:scope/key}")
    table: TableName = Field(description="e.g. public.interactions, spelled as the database does")
    watermark: ColumnName = Field(
        description="a column there that grows with every change of a row: a timestamp, or a whole number"
    )
    lag: Age | None = Field(
        None, description="rows younger than this by the database's clock wait for the next run; 1m if not given"
    )
    partition_by: ColumnName | None = Field(None, description="a numeric column there, to read in parallel by")
    partitions: int = Field(4, ge=1, le=64, description="parallel reads, where there is a partition_by")

    @model_validator(mode="after")
    def _partitions_are_by_something(self) -> "Jdbc":
        if "partitions" in self.model_fields_set and self.partition_by is None:
            raise ValueError("partitions: parallel reads need a partition_by")
        return self


class Freshness(ConfigModel):
    """How old the newest loaded file of an entity may be, or the newest row that was read of its table."""

    warn_after: Age | None = Field(None, description="e.g. 24h")
    error_after: Age | None = Field(None, description="e.g. 2d")

    @model_validator(mode="after")
    def _warns_before_it_fails(self) -> "Freshness":
        if self.warn_after and self.error_after and age_of(self.warn_after) > age_of(self.error_after):
            raise ValueError(f"warn_after: {self.warn_after} is later than error_after ({self.error_after})")
        return self


class Control(ConfigModel):
    """The files that announce others: CSV with a header, `file` and `rows`, and `sum` if `sum_of` is given."""

    files: Glob = Field(description="a pattern relative to the landing folder")
    sum_of: str | None = Field(None, description="the column whose values add up to `sum`")
    required: bool = Field(False, description="a file that none of them announces waits in landing")


class Contract(ConfigModel):
    """What one entity of one source promises: its files or table, key, order of versions, columns and rules."""

    model_config = ConfigDict(json_schema_extra=NEEDED)

    source: Name
    entity: Name
    description: str = Field(min_length=1, description="the grain: what one row is")
    files: Glob | None = Field(None, description="a pattern relative to the landing folder; needed but for jdbc")
    format: Literal["csv", "json", "jdbc"] = Field(
        description="json: an object a line, or a file that is one array of objects; jdbc: a table of a database"
    )
    csv: Csv = Csv()  # type: ignore[call-arg]
    jdbc: Jdbc | None = None
    after_load: Literal["move", "keep"] = Field(
        "move", description="where a loaded file goes: to processed, or nowhere"
    )
    on_change: Literal["reload", "ignore", "fail"] = Field(
        "reload", description="what to do with a file that changed after it was loaded and kept"
    )
    on_duplicate: Literal["load", "skip", "fail"] = Field(
        "load", description="what to do with a file whose content was loaded before under another name"
    )
    control: Control | None = None
    freshness: Freshness = Freshness()  # type: ignore[call-arg]
    key: list[str] = Field(min_length=1, description="the columns that identify a row")
    latest_by: list[str] = Field([], description="the columns that order a key's versions; else the file's time")
    delete_when: str | None = Field(
        None, min_length=1, description="a SQL condition over the typed columns: the row says that its key is gone"
    )
    snapshot: bool = Field(False, description="a file is the whole entity: a key that the newest one lacks is gone")
    history: bool = Field(False, description="every version of a key is kept, in a table of its own beside the newest")
    columns: dict[Name, Column] = Field(min_length=1, json_schema_extra=_BY_NAME)
    rules: dict[Name, Rule] = Field({}, json_schema_extra=_BY_NAME)
    references: dict[Name, Reference] = Field({}, json_schema_extra=_BY_NAME)

    @property
    def table(self) -> str:
        """The name of the entity's tables in bronze and silver."""
        return f"{self.source}_{self.entity}"

    @property
    def demands(self) -> dict[str, Demand]:
        """What the contract asks of a row, beside key and types: rules, then references."""
        return {**self.rules, **self.references}

    @property
    def history_table(self) -> str:
        """The name of the table in silver that keeps every version, where there is one."""
        return f"{self.table}_history"

    @property
    def has_deletes(self) -> bool:
        """Can a key of the entity go? Silver then keeps it as a tombstone, so that a late row does not revive it."""
        return self.delete_when is not None or self.snapshot

    @property
    def source_columns(self) -> dict[str, str]:
        """The source's name of each column, by the column's own name."""
        return {name: column.from_ or name for name, column in self.columns.items()}

    @property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Where bronze has each column, by its name: one name, or in JSON the names from the record down to it."""
        is_path = self.format == "json"
        return {
            name: tuple(map(bronze_name, source.split("."))) if is_path else (bronze_name(source),)
            for name, source in self.source_columns.items()
        }

    @property
    def encoding(self) -> str:
        """The Python codec name of the entity's files; JSON is UTF-8."""
        return self.csv.encoding if self.format == "csv" else "utf-8"

    @property
    def required_source_columns(self) -> list[str]:
        """The columns, by the source's names, without which a file is rejected."""
        return [column.from_ or name for name, column in self.columns.items() if not column.optional]

    def missing_among(self, names: Collection[str]) -> str:
        """Which required columns a source with these lacks, in words; empty if none."""
        missing = [name for name in self.required_source_columns if name not in names]
        if not missing:
            return ""
        what = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
        return f"{what} missing (there are {', '.join(names)})"

    def strangers_among(self, names: Iterable[str]) -> list[str]:
        """Which columns of a source the contract does not know."""
        return [name for name in names if name not in self.source_columns.values()]

    def unknown_among(self, names: Iterable[str]) -> str:
        """Which columns of a source the contract does not know, in words; empty if none."""
        unknown = self.strangers_among(names)
        if not unknown:
            return ""
        what = f"column {unknown[0]} is" if len(unknown) == 1 else f"columns {', '.join(unknown)} are"
        return f"{what} not in the contract; the values are kept in _rescued"


def mistakes_between_fields(document: Mapping[str, Any]) -> list[str]:
    """What is wrong between the fields of a contract as it was written, whatever is wrong within them."""
    columns, of_format = document.get("columns"), mistakes_of_format(document)
    if not isinstance(columns, Mapping):
        return of_format
    control = document.get("control")
    named = {field: _texts(document.get(field)) for field in ("key", "latest_by")}
    named["control.sum_of"] = _texts([control.get("sum_of")]) if isinstance(control, Mapping) else []
    mistakes = of_format + [
        f"{field}: '{name}' is not a column (there are {', '.join(map(str, columns))})"
        for field, names in named.items()
        for name in names
        if name not in columns
    ]
    mistakes += [
        f"columns.{name}.token: a key is never encrypted, and joins as it is (leave token out)"
        for name in (*named["key"], *named["latest_by"])
        if isinstance(columns.get(name), Mapping) and columns[name].get("token") is True
    ]
    if document.get("snapshot") is True and document.get("latest_by"):
        mistakes.append("snapshot: a key's newest version is that of the newest file; leave latest_by out")
    mistakes += _mistaken_references(document, columns)
    if document.get("history") is True:
        mistakes += _timeless_versions(document, columns)
    if document.get("format") == "json" and "csv" in document:
        mistakes.append("csv: only for format csv (JSON is read as UTF-8)")
    sources = {
        name: str(column.get("from", name) if isinstance(column, Mapping) else name) for name, column in columns.items()
    }
    if document.get("format") == "json":
        return mistakes + _clashes_of_paths(sources)
    return mistakes + _clashes_of_names(sources)


def _mistaken_references(document: Mapping[str, Any], columns: Mapping[Any, Any]) -> list[str]:
    references, rules = document.get("references"), document.get("rules")
    mistakes = []
    for name, reference in references.items() if isinstance(references, Mapping) else ():
        if isinstance(rules, Mapping) and name in rules:
            mistakes.append(f"references.{name}: a rule has this name too")
        for field in ("match", "since"):
            pairs = reference.get(field) if isinstance(reference, Mapping) else None
            mistakes += [
                f"references.{name}.{field}: '{column}' is not a column (there are {', '.join(map(str, columns))})"
                for column in (pairs if isinstance(pairs, Mapping) else ())
                if column not in columns
            ]
    return mistakes


def mistakes_between_contracts(contracts: Mapping[str, Contract]) -> list[str]:
    """What is wrong with what contracts say of one another, a line each, with the contract's file."""
    mistakes = []
    for contract in contracts.values():
        for name, reference in contract.references.items():
            said = _mistake_of(reference, contract, contracts.get(reference.entity))
            if said:
                mistakes.append(f"{contract.source}/{contract.entity}.yml: references.{name}.{said}")
    graph = {name: [each.entity for each in contract.references.values()] for name, contract in contracts.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        mistakes.append(f"references: none of {', '.join(error.args[1][1:])} can be refined before the others")
    return mistakes


def _mistake_of(reference: Reference, contract: Contract, other: Contract | None) -> str:
    if other is None:
        return f"entity: there is no '{reference.entity}'"
    for here, there in reference.pairs.items():
        if there not in other.columns:
            return f"match, since: '{there}' is not a column of {other.table} (there are {', '.join(other.columns)})"
        types = contract.columns[here].type, other.columns[there].type
        if len({*types}) > 1:
            return f"match, since: {here} is {types[0]}, but {there} of {other.table} is {types[1]}"
    return ""


def _timeless_versions(document: Mapping[str, Any], columns: Mapping[Any, Any]) -> list[str]:
    """A version holds from the first of `latest_by` on: that has to be a point in time."""
    for name in _texts(document.get("latest_by"))[:1]:
        column = columns.get(name)
        if isinstance(column, Mapping) and column.get("type") not in ("date", "timestamp"):
            return [f"history: a version holds from latest_by[0] on, and '{name}' is neither a date nor a timestamp"]
    return []


def _clashes_of_names(sources: Mapping[Any, str]) -> list[str]:
    mistakes = []
    stored_as: dict[str, str] = {}
    for name, source_name in sources.items():
        stored = bronze_name(source_name).lower()
        if stored in _BRONZE_ITSELF:
            mistakes.append(f"columns.{name}.from: '{source_name}' is a name that bronze uses itself")
        if stored_as.setdefault(stored, source_name) != source_name:
            mistakes.append(f"columns.{name}.from: '{source_name}' and '{stored_as[stored]}' share a bronze column")
    return mistakes


def _clashes_of_paths(sources: Mapping[Any, str]) -> list[str]:
    mistakes = []
    before: list[str] = []
    for name, path in sources.items():
        parts = path.split(".")
        if not all(parts):
            mistakes.append(f"columns.{name}.from: '{path}' is not a path (names with one dot between them)")
        elif bronze_name(parts[0]).lower() in _BRONZE_ITSELF:
            mistakes.append(f"columns.{name}.from: '{path}' begins with a name that bronze uses itself")
        other = next((each for each in before if _share_a_place(each, path)), None)
        if other is not None:
            mistakes.append(f"columns.{name}.from: '{path}' and '{other}' share a place in bronze")
        before.append(path)
    return mistakes


def _share_a_place(path: str, other: str) -> bool:
    """Can bronze not hold them beside one another? At some level they differ in spelling only, or one is within the
    other."""
    parts, others = path.split("."), other.split(".")
    for one, two in zip(parts, others, strict=False):
        if one != two:
            return bronze_name(one).lower() == bronze_name(two).lower()
    return len(parts) != len(others)


def _texts(names: Any) -> list[str]:
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def bronze_name(source_name: str) -> str:
    """The column name under which bronze stores a source column: Delta allows none of ` ,;{}()\\n\\t=` in a name."""
    return re.sub(r"[ ,;{}()\n\t=`]", "_", source_name)


def age_of(text: str) -> timedelta:
    """An age as it is written in a contract, e.g. 90m, 24h or 2d."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not an age")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def seconds_of(text: str) -> float:
    """A span of time as configuration has it, e.g. 500ms or 10s."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a span of time")
    return int(match[1]) / (1000 if match[2] == "ms" else 1)


def decimal_of(type_name: str) -> tuple[int, int] | None:
    """Precision and scale of a decimal type, None for every other type."""
    match = _DECIMAL.fullmatch(type_name)
    return (int(match[1]), int(match[2])) if match else None


def default_literal(column: Column) -> str | None:
    """The default as the text that the column's cast reads: a float without an exponent."""
    if isinstance(column.default, float):
        return f"{Decimal(str(column.default)):f}"
    return None if column.default is None else str(column.default)
