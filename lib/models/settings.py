"""The models of conf/models.yml, and where an environment keeps what was learnt."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from lib.contract import ConfigModel
from lib.secrets import HOW, REFERENCE, Referring, check_references

EMBEDDED = "embedded"
_SERVER = re.compile(r"(https?|databricks|databricks-uc|postgresql|mysql|mssql|sqlite)(://\S*)?")


def check_tracking(text: Any) -> str:
    """Where MLflow keeps its records: `embedded`, the URI of a server or database, or a reference to one."""
    said = check_references(text)
    if said != EMBEDDED and not _SERVER.fullmatch(REFERENCE.sub("http://reference", said)):
        raise ValueError(f"is neither {EMBEDDED}, the URI of an MLflow server (https://…, databricks) nor {HOW}")
    return said


class Tracking(ConfigModel):
    """Where an environment keeps its models."""

    uri: Annotated[str, BeforeValidator(check_tracking)] = Field(
        EMBEDDED, description="embedded: a store of the lake's own; or the tracking URI of an MLflow server"
    )
    registry_uri: Referring | None = Field(None, description="of the registry, if it is another one")
    prefix: str = Field(
        "", pattern=r"^[\w.-]*$", description="put before the names of models: catalog.schema. in Unity"
    )


class Churn(ConfigModel):
    """What churn is, and from what it is learnt."""

    days: int = Field(ge=1, description="who places no order in this many days has left")
    active_within: int = Field(
        ge=1, description="days: who was away for longer has left already and is not asked about"
    )
    periods: int = Field(ge=2, description="days, `days` apart, from which it learns; the last of them calibrates it")
    least: int = Field(ge=1, description="customers that each day must have of both kinds")
    penalty: float = Field(ge=0, description="on the squares of the coefficients")
    judged_by: Literal["auc", "average_precision", "lift_top_decile"] = Field(
        description="what a better model has more of"
    )


class Value(ConfigModel):
    """What is foretold of a customer's purchases, and how that is tested."""

    held_out_days: int = Field(ge=1, description="days at the end that are foretold from those before, and compared")
    least: int = Field(ge=1, description="customers who bought on two days at least, below which nothing is learnt")


class Drift(ConfigModel):
    """How the customers of today are compared with those that a model was tested on."""

    bins: int = Field(ge=2, description="parts, of equally many customers, into which each measure is cut")


class ModelsFile(ConfigModel):
    """conf/models.yml."""

    churn: Churn
    value: Value
    drift: Drift
    bins: int = Field(ge=2, description="bins of the calibration")
    reasons: int = Field(ge=1, description="reasons that a customer's score is given with")
