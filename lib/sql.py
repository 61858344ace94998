"""Small pieces of SQL text."""

import re

_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\bvalue\b""", re.IGNORECASE)


def sql_text(text: str) -> str:
    """A text as a SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(name: str) -> str:
    """A name as a SQL identifier."""
    return f"`{name.replace('`', '``')}`"


def bind(expression: str, replacement: str) -> str:
    """An expression with the name `value` replaced, quoted or not, but not the word inside a string or another name."""
    return _TOKEN.sub(lambda match: replacement if match[0].strip("`").lower() == "value" else match[0], expression)
