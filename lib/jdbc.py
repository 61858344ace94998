"""What a contract may say of a database: names that are safe to quote, credentials by reference alone.

What is said here of a mistake never shows the value: it may be a password.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict

REFERENCE = re.compile(r"\$\{(?:env:([A-Za-z_]\w*)|file:(/[^}]*))\}", re.ASCII)
"""The value of an environment variable (group 1) or the text of a file (group 2), looked up when the database is asked.
"""

_HOW = "${env:NAME} or ${file:/path}"
_SCHEME = "jdbc:postgresql:"
_COLUMN = r"[A-Za-z_][\w$]*"
_TABLE = rf"{_COLUMN}(\.{_COLUMN})*"
# a parameter of the URL, and what stands before a host and an @
_CREDENTIALS = re.compile(r"password=[^&]|//[^/?]*@", re.IGNORECASE)
_NO_CREDENTIALS = f"has credentials in it (leave them out: give `user`, and `password` as {_HOW})"
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
        raise ValueError(f"is neither the URL of a PostgreSQL database ({_SCHEME}//host:5432/name) nor {_HOW}")
    return str(text)


def check_references(text: Any) -> str:
    """A text in which references may stand."""
    if not isinstance(text, str) or not text:
        raise ValueError(f"is not a text (a plain one, or {_HOW})")
    if "${" in REFERENCE.sub("", text):
        raise ValueError(f"has a reference that is neither {_HOW} (the path of a file is absolute)")
    return text


def check_secret(text: Any) -> str:
    """A reference, and nothing else."""
    if not isinstance(text, str) or not REFERENCE.fullmatch(text):
        raise ValueError(f"is a secret in clear text (give a reference: {_HOW})")
    return text


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
Referring = Annotated[str, BeforeValidator(check_references)]
Secret = Annotated[str, BeforeValidator(check_secret), Field(json_schema_extra={"pattern": f"^{REFERENCE.pattern}$"})]
TableName = Annotated[str, AfterValidator(check_table), Field(json_schema_extra={"pattern": f"^{_TABLE}$"})]
ColumnName = Annotated[str, AfterValidator(check_column), Field(json_schema_extra={"pattern": f"^{_COLUMN}$"})]
