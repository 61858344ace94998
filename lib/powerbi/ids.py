"""Ids that stay: an object has the same one whenever the project is generated."""

import uuid

_NAMESPACE = uuid.UUID("0f3b0c52-6f0e-4b8e-9d3a-2c9a5f2f7d11")


def tag(*names: str) -> str:
    """The id of what these names lead to, as a GUID."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def short(*names: str) -> str:
    """The same, in the form that a report's pages and visuals have: 20 hexadecimal digits."""
    return uuid.uuid5(_NAMESPACE, "/".join(names)).hex[:20]
