"""YAML to validated models: every mistake of every file at once, each with its file and key."""

import difflib
import hashlib
import json
import os
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lib.alerts.settings import AlertsFile, Watch, mistakes_of_alerts
from lib.contract import Contract, age_of, mistakes_between_contracts, mistakes_between_fields
from lib.dashboard.settings import DashboardFile
from lib.errors import ConfigError
from lib.gold.registry import gold_tables
from lib.identity.settings import IdentityFile
from lib.lakehouse import Demo, Encryption, Environment, Erasure, LakehouseFile, Maintenance, Retries
from lib.models.settings import ModelsFile, Tracking
from lib.powerbi.mistakes import mistakes_of_power_bi
from lib.powerbi.settings import PowerBiFile
from lib.serving.layout import layouts_of
from lib.serving.queries import Query, numbers_of, read_queries
from lib.serving.settings import Database, ServingFile, mistakes_of_serving
from lib.storage.places import Place, is_remote, local_folder, remote
from lib.storage.settings import Storage

M = TypeVar("M", AlertsFile, Contract, DashboardFile, IdentityFile, LakehouseFile, ModelsFile, PowerBiFile, ServingFile)

_NAMES_A_FIELD = re.compile(r"[a-z_]+[\w.\[\]]*: ")


@dataclass(frozen=True)
class Upkeep:
    """What maintenance goes by: the model Maintenance in bytes and time spans; None keeps for ever."""

    target_bytes: int
    small_bytes: int
    compact_above: int
    recluster_above: float
    purge_above: float
    vacuum_after: timedelta | None = None
    keep_processed: timedelta | None = None
    keep_settled: timedelta | None = None
    keep_logs: timedelta | None = None
    keep_ops: timedelta | None = None


@dataclass(frozen=True)
class Settings:
    """What one run works with.

    `root` and `landing` are absolute paths, or places of an object store; `local` is the folder of this machine for
    what cannot be there: logs, alerts, embedded databases. `as_of` is None for "the latest order date"; `measures` has
    the values of the model Measures by their names, `survivorship` and `reasons_of_score`; `contracts` maps
    `{source}_{entity}` to its contract, in name order.
    """

    environment: str
    root: Place
    landing: Place
    local: Path
    storage: Storage
    catalog: str | None
    as_of: date | None
    batch_bytes: int
    batch_files: int
    threads: int
    mark_above: int
    file_rows: int
    rewrite_below: int
    full_above: float
    measures: dict[str, Any]
    maintenance: Upkeep
    demo: Demo
    contracts: dict[str, Contract]
    identity: IdentityFile
    database: Database
    serving: ServingFile
    queries: dict[str, Query]
    dashboard: DashboardFile
    models: ModelsFile
    power_bi: PowerBiFile
    tracking: Tracking
    erasure: Erasure
    encryption: Encryption | None
    alerts: AlertsFile
    retries: Retries

    @property
    def watch(self) -> Watch:
        """What it takes to tell somebody of the lake."""
        return Watch(self.alerts, self.environment, self.root, self.landing, self.local)


class _StrictLoader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence; this loader refuses them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if not isinstance(key, Hashable):
                said = "a key must be a text (in quotes, if it begins with { or [)"
                raise yaml.constructor.ConstructorError(None, None, said, key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} appears twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_settings(
    conf: Path, *, root: str | None = None, environment: str = "local", as_of: date | None = None
) -> Settings:
    """Read `lakehouse.yml` and all contracts below `conf`.

    An argument beats the environment variable LAKEHOUSE_ROOT, which beats the file. A relative path in the file is
    relative to the folder above `conf`; elsewhere to the current directory.

    Raises:
        ConfigError: with one line per mistake, over all files.
    """
    contracts, mistakes = read_contracts(conf / "contracts")
    lakehouse, more = _read_model(conf / "lakehouse.yml", LakehouseFile)
    identity, mistaken = _read_model(conf / "identity.yml", IdentityFile)
    serving, not_served = _read_model(conf / "serving.yml", ServingFile)
    dashboard, not_shown = _read_model(conf / "dashboard.yml", DashboardFile)
    models, not_learnt = _read_model(conf / "models.yml", ModelsFile)
    power_bi, not_drawn = _read_model(conf / "powerbi.yml", PowerBiFile)
    alerts, not_told = _read_model(conf / "alerts.yml", AlertsFile)
    not_told += [f"{conf / 'alerts.yml'}: {line}" for line in (mistakes_of_alerts(alerts) if alerts else [])]
    mistakes += more + mistaken + not_served + not_shown + not_told + not_learnt + not_drawn
    if serving is not None:
        mistakes += [f"{conf / 'serving.yml'}: {line}" for line in mistakes_of_serving(serving, gold_tables())]
    if identity is not None and not mistakes:
        mistakes += _unknown_sources(conf / "identity.yml", identity, {each.source for each in contracts.values()})
    queries: dict[str, Query] = {}
    chosen: Environment | None = None
    if lakehouse is not None:
        queries, not_asked = read_queries(conf / "queries", gold_tables(), dict(lakehouse.measures))
        mistakes += not_asked
        chosen = lakehouse.environments.get(environment)
        if chosen is None:
            known = ", ".join(sorted(lakehouse.environments))
            mistakes.append(f"{conf / 'lakehouse.yml'}: environments: there is no '{environment}' (there are {known})")
    if power_bi and serving and lakehouse and dashboard and not mistakes:
        numbers = numbers_of(dict(lakehouse.measures) | dict(dashboard))
        layouts = layouts_of(gold_tables(), serving)
        found = mistakes_of_power_bi(power_bi, gold_tables(), layouts, numbers, queries)
        mistakes += [f"{conf / 'powerbi.yml'}: {line}" for line in found]
    if mistakes or not (lakehouse and chosen and identity and serving and dashboard and alerts and models and power_bi):
        raise ConfigError("\n".join(mistakes))
    lake = _lake(conf, chosen, root)
    return Settings(
        environment=environment,
        root=lake,
        landing=_landing(conf, chosen, lake),
        local=_local(conf, chosen, lake),
        storage=chosen.storage,
        catalog=chosen.catalog,
        as_of=as_of or chosen.as_of,
        batch_bytes=chosen.batch_mib * 1024 * 1024,
        batch_files=chosen.batch_files,
        threads=chosen.threads,
        mark_above=chosen.mark_above,
        file_rows=chosen.file_rows,
        rewrite_below=chosen.rewrite_below,
        full_above=chosen.full_above,
        measures={
            **dict(lakehouse.measures),
            "survivorship": identity.survivorship,
            "reasons_of_score": models.reasons,
        },
        maintenance=_upkeep(lakehouse.maintenance),
        demo=lakehouse.demo,
        contracts=contracts,
        identity=identity,
        database=chosen.serving,
        serving=serving,
        queries=queries,
        dashboard=dashboard,
        models=models,
        power_bi=power_bi,
        tracking=chosen.models,
        erasure=chosen.erasure,
        encryption=chosen.encryption,
        alerts=alerts,
        retries=lakehouse.retries,
    )


def load_watch(conf: Path, *, root: str | None = None, environment: str = "local") -> Watch | None:
    """Whom to tell of a configuration that does not validate, if what says so does; None if not."""
    alerts, _ = _read_model(conf / "alerts.yml", AlertsFile)
    lakehouse, _ = _read_model(conf / "lakehouse.yml", LakehouseFile)
    chosen = lakehouse.environments.get(environment) if lakehouse is not None else None
    if alerts is None or chosen is None:
        return None
    lake = _lake(conf, chosen, root)
    return Watch(alerts, environment, lake, _landing(conf, chosen, lake), _local(conf, chosen, lake))


def read_contracts(folder: Path) -> tuple[dict[str, Contract], list[str]]:
    """All contracts below `folder` by table name, and the mistakes of those that do not validate."""
    contracts: dict[str, Contract] = {}
    mistakes: list[str] = []
    files = sorted(folder.glob("*/*.yml")) if folder.is_dir() else []
    if not files:
        return {}, [f"{folder}: there is no contract (expected <source>/<entity>.yml)"]
    for file in files:
        contract, found = _read_model(file, Contract)
        mistakes += found
        if contract is not None:
            if contract.table in contracts:
                other = contracts[contract.table]
                place = f"{other.source}/{other.entity}.yml"
                mistakes.append(f"{file}: source, entity: its tables would be those of {place}: '{contract.table}'")
            contracts[contract.table] = contract
    # what one says of another that does not validate is no mistake of its own
    return contracts, mistakes or [f"{folder}/{line}" for line in mistakes_between_contracts(contracts)]


def contract_hash(contract: Contract) -> str:
    """What decides silver's content, as a hash: when it differs, silver is refined again from all of bronze."""
    facts = contract.model_dump(include={"key", "latest_by", "columns", "rules"}, mode="json")
    for part in [*facts["columns"].values(), *facts["rules"].values()]:
        for name in ("description", "max_failed", "pii", "token"):
            part.pop(name, None)
    # only where they are used: a contract that does without them keeps the hash that it had before there were any
    facts |= contract.model_dump(include={"delete_when", "snapshot", "history", "references"}, exclude_defaults=True)
    for part in facts.get("references", {}).values():
        part.pop("max_failed", None)
    # dumped in order: the order of columns and of latest_by matters
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _upkeep(said: Maintenance) -> Upkeep:
    ages = said.model_dump(include={"vacuum_after", "keep_processed", "keep_settled", "keep_logs", "keep_ops"})
    return Upkeep(
        target_bytes=said.target_mib * 1024 * 1024,
        small_bytes=said.small_mib * 1024 * 1024,
        compact_above=said.compact_above,
        recluster_above=said.recluster_above,
        purge_above=said.purge_above,
        **{name: age_of(age) for name, age in ages.items() if age is not None},
    )


def _unknown_sources(file: Path, identity: IdentityFile, sources: set[str]) -> list[str]:
    return [
        f"{file}: survivorship.{group}: no contract has the source '{source}' (there are {', '.join(sorted(sources))})"
        for group, rule in identity.survivorship.items()
        if not isinstance(rule, str)
        for source in rule
        if source not in sources
    ]


def _lake(conf: Path, chosen: Environment, root: str | None) -> Place:
    given = root or os.environ.get("LAKEHOUSE_ROOT")
    if is_remote(given or chosen.root):
        return remote(given or chosen.root, chosen.storage)
    return _place(Path(given).expanduser() if given else conf.parent / chosen.root)


def _landing(conf: Path, chosen: Environment, lake: Place) -> Place:
    if chosen.landing is None:
        return lake / "landing"
    return remote(chosen.landing, chosen.storage) if is_remote(chosen.landing) else _place(conf.parent / chosen.landing)


def _local(conf: Path, chosen: Environment, lake: Place) -> Path:
    if isinstance(lake, Path):
        return lake
    # another lake than the configuration's must not take its logs and alerts for its own
    is_the_one = chosen.local is not None and remote(chosen.root, chosen.storage) == lake
    folder = conf.parent / (chosen.local or ".lakehouse")
    return _place(folder if is_the_one else local_folder(folder, lake))


def _place(path: Path) -> Path:
    """The absolute path without `..`: Hadoop takes those out, and a file's path must begin with that of its folder."""
    return Path(os.path.abspath(path))  # noqa: PTH100 resolve() would follow links as well


def _read_model(file: Path, model: type[M]) -> tuple[M | None, list[str]]:
    if not file.is_file():
        return None, [f"{file}: there is no such file"]
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (yaml.YAMLError, ValueError) as error:
        # a ValueError is bytes that are not UTF-8, or a date that no calendar has
        return None, [f"{file}: is not YAML: {' '.join(str(error).split())}"]
    mistakes = _mistakes_of_a_contract(file, document) if model is Contract else []
    try:
        found = model.model_validate(document, strict=False)
    except ValidationError as error:
        return None, [f"{file}: {line}" for line in [_in_words(each, model) for each in error.errors()] + mistakes]
    return (None if mistakes else found), [f"{file}: {line}" for line in mistakes]


def _mistakes_of_a_contract(file: Path, document: Any) -> list[str]:
    """What no field can know of itself: told beside the mistakes within the fields, not after they are mended."""
    if not isinstance(document, Mapping):
        return []
    misplaced = [
        f"{field}: '{document[field]}' does not match the file's place (expected '{expected}')"
        for field, expected in (("source", file.parent.name), ("entity", file.stem))
        if field in document and document[field] != expected
    ]
    return misplaced + mistakes_between_fields(document)


def _in_words(mistake: ErrorDetails, model: type[BaseModel]) -> str:
    """A mistake as `key: what is wrong (what is allowed)`."""
    place = ".".join(str(part) for part in mistake["loc"]) or "the file"
    if mistake["type"] == "extra_forbidden":
        allowed = _allowed_keys(model, mistake["loc"][:-1])
        close = difflib.get_close_matches(str(mistake["loc"][-1]), allowed, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"{place}: unknown key (allowed: {', '.join(allowed)}{hint})"
    if mistake["type"] == "missing":
        return f"{place}: is missing"
    if mistake["type"] == "value_error":
        said = str(mistake["ctx"]["error"])
        # what a model says of one of its fields begins with the field's name
        return f"{place}.{said}" if _NAMES_A_FIELD.match(said) else f"{place}: {said}"
    # what stands in place of an address or password is not shown
    hidden = {"channels", "encryption", "erasure", "jdbc", "serving", "storage"} & {*mistake["loc"]}
    found = "" if hidden else f" (found {mistake['input']!r})"
    return f"{place}: {mistake['msg'][:1].lower()}{mistake['msg'][1:]}{found}"


def _allowed_keys(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at a place of the document takes."""
    schema = model.model_json_schema()
    node = schema
    for part in place:
        node = node.get("properties", {}).get(part) or node.get("additionalProperties", {})
        # of a field that may be left out: anyOf it and null
        node = next((each for each in node.get("anyOf", []) if "$ref" in each), node)
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return list(node.get("properties", {}))
