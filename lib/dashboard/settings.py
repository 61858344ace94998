"""The model of conf/dashboard.yml."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, StringConstraints, ValidationError

from lib.contract import ConfigModel
from lib.errors import ConfigError

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-F]{6}$")]


class Colours(ConfigModel):
    """Of marks; text and background are the browser's choice of light or dark."""

    main: Colour
    pale: Colour
    second: Colour
    muted: Colour
    palette: list[Colour] = Field(min_length=2)
    genders: dict[str, Colour]
    channels: dict[str, Colour]
    verdicts: dict[str, Colour]


class DashboardFile(ConfigModel):
    """conf/dashboard.yml."""

    port: int = Field(ge=1, le=65535)
    default_months: int = Field(ge=1)
    top_products: int = Field(ge=1)
    top_customers: int = Field(ge=1)
    found_at_most: int = Field(ge=1)
    rows_at_most: int = Field(ge=1)
    bars_shown: int = Field(ge=1)
    cohorts_shown: int = Field(ge=1)
    income_band: int = Field(ge=1)
    results_kept: int = Field(ge=1)
    connections: int = Field(ge=1)
    statement_timeout: str = Field(pattern=r"^\d+(ms|s)$")
    colours: Colours
    map_names: dict[str, str]


def load_dashboard(conf: Path) -> DashboardFile:
    """Read `dashboard.yml`.

    Raises:
        ConfigError: with one line per mistake.
    """
    file = conf / "dashboard.yml"
    try:
        return DashboardFile.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: is not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise ConfigError("\n".join(lines)) from None
