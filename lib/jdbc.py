"""What a contract may say of a database: names that are safe to quote, credentials by reference alone.

What is said here of a mistake never shows the value: it may be a password.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict

from lib.secrets import HOW, REFERENCE, check_references

_SCHEME = "jdbc:postgresql:"
_COLUMN = r"[A-Za-z_][\w$]*"
_TABLE = rf"{_COLUMN}(\.{_COLUMN})*"
# a parameter of the URL, and what stands before a host and an @
_CREDENTIALS = re.compile(r"password=[^&]|//[^/?]*@", re.IGNORECASE)
_NO_CREDENTIALS = f"has credentials in it (leave them out: give `user`, and `password` as {HOW})"
NEEDED: JsonDict = {
    "if": {"properties": {"format": {"const": "jdbc"}}},
    "then": {"required": ["jdbc"]},
    "else": {"required": ["files"]},
}
"""What `mistakes_of_format` finds missing, for editors."""

_OF_FILES = ("files", "csv", "after_load", "on_change", "on_duplicate", "control", "snapshot")


def check_url(text: Any) -> str:
    """Where a database is: a reference, or a URL with or without references in it."""
    bare = REFERENCE.sub("…", check_references(text))
    if _CREDENTIALS.search(bare):
        raise ValueError(_NO_CREDENTIALS)
    if bare == text and not bare.startswith(_SCHEME):
        raise ValueError(f"is neither the URL of a PostgreSQL database ({_SCHEME}//host:5432/name) nor {HOW}")
    return str(text)


def check_table(text: str) -> str:
    """The name of a table, with its schema or without."""
    if not re.fullmatch(_TABLE, text):
        raise ValueError(f"'{text}' is not the name of a table (e.g. public.interactions; letters, digits, _ and $)")
    return text


def check_column(text: str) -> str:
    """The name of a column of a table."""
    if not re.fullmatch(_COLUMN, text):
        raise ValueError(f"'{text}' is not the name of a column (letters, digits, _ and $)")
    return text


def mistake_of_url(url: str) -> str:
    """What is wrong with a URL whose references were looked up; empty if nothing is."""
    if not url.startswith(_SCHEME):
        return f"is not the URL of a PostgreSQL database ({_SCHEME}//host:5432/name)"
    return _NO_CREDENTIALS if _CREDENTIALS.search(url) else ""


def mistakes_of_format(document: Mapping[str, Any]) -> list[str]:
    """What a contract as it was written has and lacks for the kind of source that it names."""
    if document.get("format") != "jdbc":
        lacking = ["files: is missing"] if document.get("files") is None else []
        return lacking + (["jdbc: only for format jdbc"] if "jdbc" in document else [])
    mistakes = (
        [] if document.get("jdbc") is not None else ["jdbc: is missing (format jdbc reads a table of a database)"]
    )
    return mistakes + [
        f"{field}: only for files (format jdbc reads a table of a database)" for field in _OF_FILES if field in document
    ]


# a url, user or password is looked at before pydantic does, which would show what it does not like
Url = Annotated[str, BeforeValidator(check_url)]
TableName = Annotated[str, AfterValidator(check_table), Field(json_schema_extra={"pattern": f"^{_TABLE}$"})]
ColumnName = Annotated[str, AfterValidator(check_column), Field(json_schema_extra={"pattern": f"^{_COLUMN}$"})]
