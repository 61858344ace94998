"""Small pieces of SQL text."""

import re

_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\bvalue\b""")


def sql_text(text: str) -> str:
    """A text as a SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def bind(expression: str, replacement: str) -> str:
    """An expression with the bare word `value` replaced, but not inside a string or a quoted name."""
    return _TOKEN.sub(lambda match: replacement if match[0] == "value" else match[0], expression)
