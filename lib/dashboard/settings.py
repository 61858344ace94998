"""The model of conf/dashboard.yml."""

from typing import Annotated

from pydantic import Field, StringConstraints

from lib.contract import ConfigModel

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

    port: int = Field(ge=1, le=65535, description="where the dashboard listens")
    default_months: int = Field(
        ge=1, description="the period that a page opens with, to the day that the publication is of"
    )
    top_products: int = Field(ge=1, description="products shown as the best")
    top_customers: int = Field(ge=1, description="customers shown as the best")
    found_at_most: int = Field(ge=1, description="customers that a search shows")
    rows_at_most: int = Field(ge=1, description="rows of a table on a page, and of a download")
    bars_shown: int = Field(ge=1, description="bars of a chart at most; the table has all")
    cohorts_shown: int = Field(ge=1, description="the newest cohorts")
    income_band: int = Field(ge=1, description="US dollars a year: how wide a band of income is")
    results_kept: int = Field(ge=1, description="results of queries kept in memory")
    connections: int = Field(ge=1, description="to the database at most, for all who look")
    statement_timeout: str = Field(pattern=r"^\d+(ms|s)$", description="after which a query is given up")
    colours: Colours
    map_names: dict[str, str]
