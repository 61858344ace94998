"""The model of conf/serving.yml, and what an environment says of its database."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from lib.contract import Age, ConfigModel, Name
from lib.gold.registry import GoldTable
from lib.secrets import HOW, REFERENCE, Referring, Secret, check_references

EMBEDDED, NONE = "embedded", "none"
SCHEME = re.compile(r"postgres(ql)?://")
CREDENTIALS = re.compile(r"[?&]password=[^&]|://[^/?@]*:[^/?@]+@", re.IGNORECASE)
"""A password in a URL: as a parameter, or between a user and the host."""

Mask = Literal["hidden", "initials", "year", "system", "token"]
_OF = {"hidden": None, "initials": "STRING", "year": "DATE", "system": "STRING", "token": "STRING"}
"""The type of columns that a mask is for; None for all."""


def check_url(text: Any) -> str:
    """Where the database is: `embedded`, `none`, a URL without a password, or a reference to one."""
    bare = REFERENCE.sub("…", check_references(text))
    if CREDENTIALS.search(bare):
        raise ValueError(f"has a password in it (leave it out: give `password` as {HOW})")
    if bare == text and text not in {EMBEDDED, NONE} and not SCHEME.match(bare):
        raise ValueError(f"is neither {EMBEDDED}, {NONE}, the URL of a PostgreSQL database (postgresql://…) nor {HOW}")
    return str(text)


Url = Annotated[str, BeforeValidator(check_url)]


class Database(ConfigModel):
    """The database that an environment is served from."""

    url: Url = Field(EMBEDDED, description="embedded: a PostgreSQL of the lake's own; postgresql://host/name; or none")
    user: Referring | None = Field(None, description="who publishes; a member of lakehouse_publisher")
    password: Secret | None = None
    reader: Referring | None = Field(None, description="who reads for the dashboard; a member of gold_reader")
    reader_password: Secret | None = None

    @model_validator(mode="after")
    def _no_users_of_its_own(self) -> "Database":
        given = [name for name in ("user", "password", "reader", "reader_password") if getattr(self, name) is not None]
        if given and self.url in {EMBEDDED, NONE}:
            raise ValueError(f"{given[0]}: only for a database with a URL (url is {self.url})")
        return self


class ServingFile(ConfigModel):
    """conf/serving.yml."""

    keep: int = Field(ge=1, description="publications before the live one that can be rolled back to")
    keep_for: Age = Field(description="how long at least a replaced publication is kept for those who read it")
    lock_timeout: str = Field(pattern=r"^\d+(ms|s)$", description="how long to wait for readers of what is dropped")
    personal: dict[Name, dict[Name, Mask]] = Field(description="tables and their columns that gold_reader sees masked")
    country_of: dict[Name, Name] = Field(description="columns, and the tables where their country is found")
    embedded: dict[Name, str | int] = Field(description="settings of the embedded server, by PostgreSQL's names")


def mistakes_of_serving(serving: ServingFile, tables: Mapping[str, GoldTable]) -> list[str]:
    """What is said of tables or columns that gold does not have."""
    found = []
    for table, columns in serving.personal.items():
        if table not in tables:
            found.append(f"personal.{table}: gold has no table of this name (there are {', '.join(sorted(tables))})")
            continue
        defined = tables[table].definitions
        for column, mask in columns.items():
            if column not in defined:
                found.append(
                    f"personal.{table}.{column}: the table has no such column (there are {', '.join(defined)})"
                )
            elif _OF[mask] not in {None, defined[column].type}:
                found.append(f"personal.{table}.{column}: '{mask}' is for {_OF[mask]}, not {defined[column].type}")
    for column, table in serving.country_of.items():
        if table not in tables or not {column, "country"} <= tables[table].definitions.keys():
            found.append(f"country_of.{column}: gold has no table {table} with the columns {column} and country")
    return found
