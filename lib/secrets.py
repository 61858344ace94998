"""Credentials by reference: what configuration may say of one, and what it stands for.

What is said here of a mistake never shows the value: it may be a password.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from lib.errors import LakehouseError

REFERENCE = re.compile(r"\$\{(?:env:([A-Za-z_]\w*)|file:(/[^}]*))\}", re.ASCII)
"""The value of an environment variable (group 1) or the text of a file (group 2), looked up when it is needed."""

HOW = "${env:NAME} or ${file:/path}"


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


def looked_up(text: str | None, place: str, *, as_written: Callable[[str], str] = str) -> str:
    """A text with what its references stand for; empty without one. `place` is where it stands, for messages.

    `as_written` says how what a reference stands for is written in the text.

    Raises:
        LakehouseError: if a variable is not set, or a file is not there, empty or not UTF-8.
    """

    def found(match: re.Match[str]) -> str:
        variable, file = match.groups()
        if variable:
            if not os.environ.get(variable):
                raise LakehouseError(f"{place}: the environment variable {variable} is not set")
            return as_written(os.environ[variable])
        try:
            secret = Path(file).read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            raise LakehouseError(f"{place}: {file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise LakehouseError(f"{place}: {file} is not UTF-8") from None
        if not secret:
            raise LakehouseError(f"{place}: {file} is empty")
        return as_written(secret)

    return REFERENCE.sub(found, text or "")


# a text is looked at before pydantic does, which would show what it does not like
Referring = Annotated[str, BeforeValidator(check_references)]
Secret = Annotated[str, BeforeValidator(check_secret), Field(json_schema_extra={"pattern": f"^{REFERENCE.pattern}$"})]
