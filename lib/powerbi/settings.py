"""The model of conf/powerbi.yml."""

from typing import Literal

from pydantic import Field, model_validator

from lib.contract import ConfigModel, Name

Role = str
"""What a visual takes fields for, as Power BI names it: Category, Y, Rows, Values, …"""


class Parameter(ConfigModel):
    """Something that who opens the project sets: where the database is."""

    value: str
    description: str


class Calculated(ConfigModel):
    """A column that Power BI computes."""

    type: str = Field(description="as gold writes it: STRING, INT, DATE")
    dax: str
    description: str
    hidden: bool = False


class Measure(ConfigModel):
    """A measure; with `compared`, two more are made of it: `{name} before` and `{name} change`."""

    dax: str
    format: Name = Field(description="one of formats")
    description: str
    compared: Literal["period", "year"] | None = Field(
        None, description="with the period before, as long as the one shown; or with the same days a year earlier"
    )


class Table(ConfigModel):
    """What the model has of a table beside the columns that are published."""

    columns: dict[Name, Calculated] = Field(default_factory=dict)
    hierarchies: dict[str, list[Name]] = Field(default_factory=dict, description="from the top down")
    sorted_by: dict[Name, Name] = Field(default_factory=dict, description="columns, and those that order their values")
    refers_to: dict[Name, Name] = Field(
        default_factory=dict, description="columns, and the tables whose key they have, where gold does not declare it"
    )
    measures: dict[str, Measure] = Field(default_factory=dict)


class Readers(ConfigModel):
    """The role that sees rows of some countries alone, and the table that says of which."""

    role: str
    description: str
    table: Name = Field(description="the table's name in the model")
    source: tuple[Name, Name] = Field(description="its schema and name in the database")
    reader: Name = Field(description="its column with who reads")
    country: Name = Field(description="its column with a country")
    whole: list[Name] = Field(description="dimensions that are not cut: a fact that names none of them would be lost")


class Visual(ConfigModel):
    """A visual; a field is `table[column]`, `table[hierarchy]` or the name of a measure."""

    type: str = Field(description="as Power BI names it")
    title: str | None = None
    fields: dict[Role, list[str]] = Field(min_length=1)
    sort: str | None = Field(None, description="a field; with a - before it the highest come first")
    width: float = Field(1, gt=0, description="its share of the row")


class Row(ConfigModel):
    """Visuals beside each other."""

    height: float = Field(gt=0, description="the row's share of the page")
    visuals: list[Visual] = Field(min_length=1)


class PowerBiFile(ConfigModel):
    """conf/powerbi.yml."""

    name: Name = Field(description="of the project, and of the folders of model and report")
    title: str
    description: str
    culture: str = Field(pattern=r"^[a-z]{2}-[A-Z]{2}$")
    parameters: dict[Name, Parameter]
    calendar: Name = Field(description="the table that is marked as the one of dates")
    geography: dict[Name, Literal["Continent", "Country", "StateOrProvince", "City", "PostalCode"]]
    formats: dict[str, str] = Field(description="of measures by their name, of columns by gold's type without brackets")
    tables: dict[Name, Table]
    readers: Readers
    answers: dict[Name, list[str]] = Field(description="queries of conf/queries, and the measures that answer them")
    pages: dict[str, list[Row]] = Field(min_length=1, description="by their titles, in order")

    @model_validator(mode="after")
    def _needs_what_the_source_is_read_by(self) -> "PowerBiFile":
        missing = {"server", "database", "schema"} - self.parameters.keys()
        if missing:
            raise ValueError(f"parameters: {', '.join(sorted(missing))} is missing (needed: server, database, schema)")
        return self
