"""The models of conf/lakehouse.yml: environments, thresholds, maintenance, and what the demo generates."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from lib.contract import Age, ConfigModel, Span
from lib.encryption import KEY_ID
from lib.models.settings import Tracking
from lib.secrets import Secret
from lib.serving.settings import Database
from lib.storage.places import is_remote, mistake_of
from lib.storage.settings import Storage


class Erasure(ConfigModel):
    """What it takes to forget a person."""

    key: Secret | None = Field(
        None,
        description="32 characters at least: what is kept of a forgotten person is hashed with it, reports are signed",
    )
    at_once: bool = Field(
        True, description="older versions of tables go at once; false: when maintenance's vacuum_after has passed"
    )


KeyId = Annotated[str, Field(pattern=f"^{KEY_ID.pattern}$")]


class Encryption(ConfigModel):
    """The keys of columns that say who a person is: 32 bytes each, in hex or base64."""

    current: KeyId | None = Field(
        None, description="the id of the key that encrypts; without it tables are plain after `make rotate`"
    )
    keys: dict[KeyId, Secret] = Field(
        min_length=1, description="keys by ids of your own: all that a value may still be encrypted with"
    )
    token_key: Secret | None = Field(
        None, description="the key of tokens (`token: true` in contracts), which keep when the others are rotated"
    )

    @model_validator(mode="after")
    def _current_is_a_key(self) -> "Encryption":
        if self.current is not None and self.current not in self.keys:
            raise ValueError(f"current: there is no key '{self.current}' (there are {', '.join(self.keys)})")
        return self


class Environment(ConfigModel):
    """Where a lake is and how much a run takes at once."""

    root: str = Field(
        min_length=1, description="the lake's folder, relative to the folder above conf; or s3a://, abfss://, gs://"
    )
    landing: str | None = Field(None, description="where files land, of either kind; <root>/landing if not given")
    local: str | None = Field(
        None, min_length=1,
        description="of a lake in an object store, the folder for logs, alerts, embedded databases; below .lakehouse",
    )  # fmt: skip
    storage: Storage = Field(Storage.model_validate({}), description="how an object store is spoken to")
    catalog: str | None = Field(
        None, min_length=1, description="the catalog that tables are named in; by their folders if not given"
    )
    as_of: date | None = Field(None, description="the day customer_360 is computed for; else the latest order date")
    serving: Database = Field(Database.model_validate({}), description="the database that gold is served from")
    models: Tracking = Field(Tracking.model_validate({}), description="where models and their trainings are kept")
    erasure: Erasure = Field(Erasure.model_validate({}), description="how a person is forgotten")
    encryption: Encryption | None = Field(
        None, description="keys of columns that are stored encrypted; nothing is, if not given"
    )
    batch_mib: int = Field(ge=1, description="MiB of landed files that one bronze batch takes at most")
    batch_files: int = Field(ge=1, description="landed files that one bronze batch takes at most")
    threads: int = Field(ge=1, le=64, description="tables worked on at the same time")
    mark_above: int = Field(
        ge=0, description="rows of a table of silver or gold above which an update marks rows instead of writing files"
    )
    rewrite_below: int = Field(
        ge=0, description="rows of a table of gold below which it is written anew where something in it changed"
    )
    file_rows: int = Field(
        ge=1, description="rows to a file, where a large table's first load brings like rows together"
    )
    full_above: float = Field(
        ge=0, le=1, description="share of an input's rows, or of a gold table's, above which gold is computed whole"
    )

    @model_validator(mode="after")
    def _places_are_known(self) -> "Environment":
        for name, text in (("root", self.root), ("landing", self.landing or "")):
            mistake = mistake_of(text)
            if mistake:
                raise ValueError(f"{name}: {mistake}")
        if self.local is not None and not is_remote(self.root):
            raise ValueError("local: is for a lake in an object store; that of a folder is the folder itself")
        return self


class IncentiveTier(ConfigModel):
    """What a sales person gets for a month whose sales reach `from`."""

    from_: Decimal = Field(
        alias="from", ge=0, max_digits=19, decimal_places=4, description="sales of the month, US dollars"
    )
    rate: Decimal = Field(ge=0, le=1, decimal_places=6, description="share of all sales of the month")


class LeastSales(ConfigModel):
    """Order lines in the 12 months before a sale's month, below which these say nothing of what is usual."""

    customer: int = Field(ge=1)
    product: int = Field(ge=1)
    place: int = Field(ge=1, description="of a store, or of the web shop of a territory")


class LeastScale(ConfigModel):
    """What the spread around the median counts as, at least: a history of sales that are all alike has none."""

    value: float = Field(gt=0, description="natural logarithm: 0.3 is a factor of 1.35")
    quantity: float = Field(gt=0, description="units")
    discount: float = Field(gt=0, description="share of the price")


class Anomalies(ConfigModel):
    """From where on a sale or a refund is suspicious: sales_anomalies."""

    z_above: float = Field(gt=0, description="modified z-score above which a measure is far from what is usual")
    rare_below: float = Field(gt=0, lt=1, description="and the share of a history's sales that may be as high")
    least_sales: LeastSales
    least_scale: LeastScale
    orders_of_a_day: int = Field(ge=2, description="orders of one customer on one day that are many")
    nobody_from: int = Field(
        ge=3, description="orders on one day that no person makes: the id is one that tills use for whoever has none"
    )
    refunds: int = Field(ge=1, description="refunds of one customer within refund_days that are many")
    refund_days: int = Field(ge=1, description="days")
    refund_share: float = Field(
        ge=0, description="if they are more than this share of what was paid in the year before"
    )
    medium_from: float = Field(ge=1, description="times its limit at which something is of severity medium")
    high_from: float = Field(ge=1, description="times its limit at which something is of severity high")

    @model_validator(mode="after")
    def _limits_ascend(self) -> "Anomalies":
        for low, high in (("orders_of_a_day", "nobody_from"), ("medium_from", "high_from")):
            if getattr(self, high) <= getattr(self, low):
                raise ValueError(f"{high}: {getattr(self, high)} is not above {low} ({getattr(self, low)})")
        return self


class Measures(ConfigModel):
    """Thresholds of gold's measures; a gold function takes one as the parameter of its name."""

    inactive_after_days: int = Field(ge=0, description="days without an order after which a customer is inactive")
    high_value_above: Decimal = Field(
        ge=0, max_digits=19, decimal_places=4, description="US dollars above which an order is of high value"
    )
    incentive_tiers: list[IncentiveTier] = Field(
        min_length=1, description="ascending; the last tier that a month's sales reach is paid on all of them"
    )
    anomalies: Anomalies

    @model_validator(mode="after")
    def _tiers_ascend(self) -> "Measures":
        for position, (before, tier) in enumerate(pairwise(self.incentive_tiers), 1):
            if tier.from_ <= before.from_:
                raise ValueError(
                    f"incentive_tiers[{position}].from: {tier.from_} is not above {before.from_} (tiers ascend)"
                )
        return self


Share = Annotated[float, Field(ge=0, le=1)]


class PosDemo(ConfigModel):
    """What the generator of the shop tills writes unless told otherwise."""

    rows: int = Field(ge=1, description="lines of sales; there is a customer for every twenty")
    files: int = Field(ge=1, description="files that the lines of sales are cut into")
    start: date
    end: date
    faults: dict[str, Share] = Field(
        description="the share of rows that each fault of lib/generate/faults.py hits; none if not named"
    )
    fraud: dict[str, Share] = Field(
        {}, description="the share of rows that is of each kind of lib/generate/fraud.py; none if not named"
    )


class CrmDemo(ConfigModel):
    """What the generator of the contact centre writes unless told otherwise."""

    customers: int = Field(ge=1, description="people; some three contacts and two payments each")
    start: date
    end: date
    faults: dict[str, Share] = Field(
        description="the share of rows that each fault of lib/generate/faults.py hits; none if not named"
    )
    fraud: dict[str, Share] = Field(
        {}, description="the share of rows that is of each kind of lib/generate/fraud.py; none if not named"
    )


class Overlap(ConfigModel):
    """How many people the systems share, and in what their records of one person differ (lib/generate/records.py)."""

    pos_in_web: Share = Field(description="of the loyalty programme's members, those who are web customers")
    crm_in_web: Share = Field(description="of the contact centre's people, those who are web customers, at least")
    crm_in_pos: Share = Field(description="of the contact centre's people, those who are members")
    duplicates: Share = Field(description="of the contact centre's people, those who have two records there")
    households: Share = Field(description="of the people new to a system, those who live with another one in it")
    twins: Share = Field(description="of these, those who are that one's twin")
    shared_email: Share = Field(description="of these, those who use that one's e-mail address")
    typo: Share = Field(description="a letter missing, doubled or exchanged with the next one, in a name")
    nickname: Share = Field(description="a short form instead of the first name, where it has one")
    new_surname: Share = Field(description="another last name, as after a marriage")
    other_email: Share = Field(description="the system's own e-mail address instead of the one known elsewhere")
    email_missing: Share
    birth_swapped: Share = Field(description="day and month of birth exchanged, where there is such a day")
    birth_missing: Share
    moved: Share = Field(description="another address, and from when to when the old one was right")
    new_phone: Share = Field(description="another phone number than the one known elsewhere")

    @model_validator(mode="after")
    def _the_centre_holds_them(self) -> "Overlap":
        if self.crm_in_web + self.crm_in_pos > 1:
            raise ValueError(
                f"crm_in_pos: {self.crm_in_pos} and crm_in_web ({self.crm_in_web}) are more than 1 together"
            )
        return self


class Demo(ConfigModel):
    """What the generators write unless told otherwise."""

    customers: int = Field(ge=1)
    start: date
    end: date
    seed: int = Field(ge=0, description="the same seed gives the same bytes")
    pos: PosDemo
    crm: CrmDemo
    overlap: Overlap


class Maintenance(ConfigModel):
    """What `make maintain` writes anew and takes away; an age that is not given keeps for ever."""

    target_mib: int = Field(ge=1, description="MiB of the files that compaction and clustering write")
    small_mib: int = Field(ge=1, description="MiB below which a file is small; at most half of target_mib")
    compact_above: int = Field(ge=1, description="small files of a table above which they are written as large ones")
    recluster_above: float = Field(
        ge=0, le=1, description="share of a clustered table that a reader of one value may open in vain"
    )
    purge_above: float = Field(
        ge=0, le=1, description="share of a table's rows marked as gone above which files are written without them"
    )
    vacuum_after: Age | None = Field(
        None,
        description="age from which files that no version of a table needs are deleted; as far as one can look back",
    )
    keep_processed: Age | None = Field(None, description="age from which files in processed/ are deleted")
    keep_settled: Age | None = Field(
        None, description="age from which accepted and discarded rows of quarantine lose the text that landed"
    )
    keep_logs: Age | None = Field(None, description="age from which logs of runs are deleted")
    keep_ops: Age | None = Field(None, description="age from which rows of ops (all but ops.files) are deleted")

    @model_validator(mode="after")
    def _two_small_ones_fit_a_file(self) -> "Maintenance":
        if 2 * self.small_mib > self.target_mib:
            raise ValueError(f"small_mib: {self.small_mib} is more than half of target_mib ({self.target_mib})")
        return self


class Retries(ConfigModel):
    """How often work is done again that met a fault which passes by itself (the table in lib/transient.py)."""

    attempts: int = Field(ge=1, le=20, description="how often it is done at most; 1: never again")
    first_wait: Span = Field(description="the pause after the first attempt; each later one is twice as long")
    most: Span = Field(description="the longest pause")


class LakehouseFile(ConfigModel):
    """conf/lakehouse.yml."""

    environments: dict[str, Environment] = Field(min_length=1)
    retries: Retries
    measures: Measures
    maintenance: Maintenance
    demo: Demo
