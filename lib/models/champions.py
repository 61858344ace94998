"""The models that customers are scored by: what gold is computed with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.models.stability import Reference

QUARTER, YEAR = 90, 365
"""Days for which orders and value are foretold; the names of the columns of gold.customer_scores say them."""


@dataclass(frozen=True)
class Champion:
    """A model of the registry, by its name and version there, and how the customers were whom it was tested on.

    `model` is a ChurnModel or a ValueModel.
    """

    name: str
    version: str
    model: Any
    reference: Mapping[str, Reference] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Champions:
    """The models that customers are scored by, None where there is none yet."""

    churn: Champion | None = None
    value: Champion | None = None

    def __bool__(self) -> bool:
        return bool(self.churn or self.value)

    def __str__(self) -> str:
        """What decides the scores: stands in the record of what gold was made from."""
        return ", ".join(str(each) for each in (self.churn, self.value) if each) or "none"
