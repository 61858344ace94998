"""Credentials by reference: what configuration may say of one, and what it stands for.

What is said here of a mistake never shows the value: it may be a password.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BeforeValidator, Field

from lib.errors import LakehouseError

REFERENCE = re.compile(r"\$\{(?:env:([A-Za-z_]\w*)|file:(/[^}]*)|secret:([\w.@-]+)/([\w.@-]+))\}", re.ASCII)
"""The value of an environment variable (group 1), the text of a file (2) or a secret of Databricks (scope 3, key 4).

It is looked up when it is needed.
"""

HOW = "${env:NAME}, ${file:/path} or ${secret:scope/key}"
HIDDEN = "[hidden]"

_LEAST = 8
"""Letters of a text that is hidden wherever it would be told: a shorter one is a part of words."""
_looked_up: set[str] = set()


def check_references(text: Any) -> str:
    """A text in which references may stand."""
    if not isinstance(text, str) or not text:
        raise ValueError(f"is not a text (a plain one, or {HOW})")
    if "${" in REFERENCE.sub("", text):
        raise ValueError(f"has a reference that is neither {HOW} (the path of a file is absolute)")
    return text


def check_secret(text: Any) -> str:
    """A reference, and nothing else."""
    if not isinstance(text, str) or not REFERENCE.fullmatch(text):
        raise ValueError(f"is a secret in clear text (give a reference: {HOW})")
    return text


def looked_up(text: str | None, place: str, *, as_written: Callable[[str], str] = str, is_secret: bool = True) -> str:
    """A text with what its references stand for; empty without one. `place` is where it stands, for messages.

    `as_written` says how what a reference stands for is written in the text. What `is_secret` is `hidden` from then on.

    Raises:
        LakehouseError: if a variable is not set, a file is not there, empty or not UTF-8, or Databricks does not give
            the secret.
    """

    def found(match: re.Match[str]) -> str:
        variable, file, scope, key = match.groups()
        value = _of_environment(variable, place) if variable else _of_file(file, place) if file else ""
        value = value or _of_databricks(scope, key, place)
        if is_secret and len(value) >= _LEAST:
            # as it may stand in JSON, or in a URL, too
            _looked_up.update(
                {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value)}
            )
        return as_written(value)

    return REFERENCE.sub(found, text or "")


def hidden(text: str) -> str:
    """A text that somebody will read, without the secrets that this process has looked up."""
    for secret in sorted(_looked_up, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _of_environment(variable: str, place: str) -> str:
    if not os.environ.get(variable):
        raise LakehouseError(f"{place}: the environment variable {variable} is not set")
    return os.environ[variable]


def _of_file(file: str, place: str) -> str:
    try:
        secret = Path(file).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise LakehouseError(f"{place}: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LakehouseError(f"{place}: {file} is not UTF-8") from None
    if not secret:
        raise LakehouseError(f"{place}: {file} is empty")
    return secret


def _of_databricks(scope: str, key: str, place: str) -> str:
    """As its client finds it: in a notebook or job of the workspace that it runs in, elsewhere of DATABRICKS_HOST."""
    # imported where it is used: it takes a second
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.errors.base import DatabricksError

    try:
        # decoded, unlike what the API itself answers
        secret: str = WorkspaceClient().dbutils.secrets.get(scope, key)
    except (DatabricksError, ValueError) as error:
        said = str(error).strip().splitlines()[0]
        raise LakehouseError(f"{place}: Databricks does not give the secret {scope}/{key}: {said}") from None
    if not secret:
        raise LakehouseError(f"{place}: the secret {scope}/{key} of Databricks is empty")
    return secret


# a text is looked at before pydantic does, which would show what it does not like
Referring = Annotated[str, BeforeValidator(check_references)]
Secret = Annotated[str, BeforeValidator(check_secret), Field(json_schema_extra={"pattern": f"^{REFERENCE.pattern}$"})]
