"""The model of conf/alerts.yml. A channel's address is a credential: no message shows what stands in its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from lib.contract import Age, ConfigModel, Name, Span
from lib.secrets import HOW, REFERENCE, check_references
from lib.storage.places import Place

Kind = Literal[
    "run_failed", "conservation_broken", "file_rejected", "tolerance_exceeded", "freshness", "volume", "schema_drift",
    "publish_failed", "model_drift",
]  # fmt: skip
Severity = Literal["warning", "error"]

_PLAIN = re.compile(r"(mailtos?|jsons?)://")
"""What has an address that can be told to all: a mail server, a web server. Of others it is the key to them."""

_SECRET = re.compile(r"://[^/?@]*:[^/?@]+@|[?&]([+:-][^=]*|[^=]*(pass|token|key|secret)[^=]*)=[^&]", re.IGNORECASE)
"""A password before the host, or as a parameter; a header, a member or a parameter of the request to a web server."""


def check_address(text: Any) -> str:
    """The address of a channel: a reference, or a plain one with references where it has secrets."""
    bare = REFERENCE.sub("", check_references(text))
    if bare and not _PLAIN.match(bare):
        raise ValueError(f"is neither mailto(s)://… nor json(s)://…: other addresses are secrets (give {HOW})")
    if _SECRET.search(bare):
        raise ValueError(f"has a secret in it (give {HOW} in its place)")
    return str(text)


Address = Annotated[str, BeforeValidator(check_address)]


class Rule(ConfigModel):
    """What is done about a kind of trouble."""

    enabled: bool = Field(True, description="is it told at all?")
    severity: Severity = Field(description="how grave it is")
    channels: list[Name] | None = Field(None, description="who is told; all channels, if not given")
    next: str | None = Field(None, min_length=1, description="the command to type next, instead of the usual one")


class OfRuns(Rule):
    """Of runs that fail, and of those that there are not."""

    no_run_for: Age | None = Field(None, description="age of the last run from which `status --alert` tells of it")


class OfVolumes(Rule):
    """Of days that bring unusually few or many rows, against the same days of the weeks before."""

    weeks: int = Field(ge=1, description="weeks to look back on")
    at_least: int = Field(ge=2, description="days of these weeks without which nothing is usual")
    deviations: float = Field(gt=0, description="scaled median absolute deviations from the median that are usual")
    slack: float = Field(ge=0, description="share of the median that is usual in any case")
    complete_from: int = Field(ge=0, le=23, description="hour of the day, UTC, before which only too many are told")


class OfModels(Rule):
    """Of models whose inputs or scores are others than those that they learnt from."""

    psi_above: float = Field(gt=0, description="population stability index above which a measure has drifted")


class Kinds(ConfigModel):
    """A rule for each kind of trouble."""

    run_failed: OfRuns
    conservation_broken: Rule
    file_rejected: Rule
    tolerance_exceeded: Rule
    freshness: Rule
    volume: OfVolumes
    schema_drift: Rule
    publish_failed: Rule
    model_drift: OfModels


class AlertsFile(ConfigModel):
    """conf/alerts.yml."""

    channels: dict[Name, Address] = Field(description="addresses as Apprise writes them, by names of your own")
    timeout: Span = Field(description="how long a channel may take")
    listed: int = Field(ge=1, description="troubles that a message spells out at most")
    kinds: Kinds

    @property
    def rules(self) -> Mapping[Kind, Rule]:
        """The rules by their kinds."""
        return {kind: getattr(self.kinds, kind) for kind in get_args(Kind)}


@dataclass(frozen=True)
class Watch:
    """What it takes to tell somebody of a lake: whom and of what, which lake it is, and the folder of what was told."""

    alerts: AlertsFile
    environment: str
    root: Place
    landing: Place
    local: Path


def mistakes_of_alerts(alerts: AlertsFile) -> list[str]:
    """What rules say of channels that there are not."""
    known = ", ".join(alerts.channels) or "none"
    return [
        f"kinds.{kind}.channels: there is no channel '{name}' (there are {known})"
        for kind, rule in alerts.rules.items()
        for name in rule.channels or ()
        if name not in alerts.channels
    ]
