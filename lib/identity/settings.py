"""The model of conf/identity.yml."""

from typing import Literal

from pydantic import Field, model_validator

from lib.contract import ConfigModel, Name
from lib.gold.golden import GROUPS

ATTRIBUTES = ("first_name", "last_name", "birth_date", "email", "phone", "street", "postcode", "city", "gender")
"""What records may be compared by; see `lib.identity.records`."""

Kind = Literal["name", "date", "email", "text", "whole"]

Survival = Literal["recent", "frequent", "longest"] | list[Name]


class MatchModel(ConfigModel):
    """How the model compares records, and from what it learns."""

    train_from: int = Field(ge=2, description="records below which the exact rules alone decide")
    train_on: int = Field(ge=2, description="records at most from which the model learns")
    comparisons: dict[Name, Kind] = Field(min_length=2, description="columns, and how their values are compared")
    blocking: list[list[Name]] = Field(
        min_length=1, description="records that agree in all columns of one are compared"
    )
    training: list[list[Name]] = Field(
        min_length=2, description="pairs that agree in all columns of one teach how the other columns agree"
    )
    found_by_exact: float = Field(gt=0, le=1, description="the share of all true pairs that the exact rules find")
    sampled_pairs: int = Field(ge=1, description="random pairs that teach how the records of strangers agree")
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _every_comparison_is_taught(self) -> "MatchModel":
        untaught = [name for name in self.comparisons if all(name in same for same in self.training)]
        if untaught:
            raise ValueError(f"training: {', '.join(untaught)}: nothing teaches a column on which all pairs agree")
        return self


class IdentityFile(ConfigModel):
    """conf/identity.yml."""

    exact: dict[Name, list[Name]] = Field(
        min_length=1, description="rules: columns in which one person's records agree"
    )
    region: str = Field(pattern="^[A-Z]{2}$", description="country of phone numbers that do not say it: ISO 3166")
    strong: list[Name] = Field([], description="columns in which a person's records may not differ")
    largest: int = Field(ge=2, description="records of a person above which somebody has to look")
    join_above: float = Field(gt=0, le=1, description="probability from which on two records are one person")
    review_above: float = Field(gt=0, le=1, description="probability from which on somebody should look")
    matching: MatchModel = Field(alias="model")
    survivorship: dict[Name, Survival] = Field(
        description="which of a person's records each group of attributes is taken from; a list: the sources in order"
    )

    @model_validator(mode="after")
    def _columns_are_known(self) -> "IdentityFile":
        model = self.matching
        named = [*self.strong, *model.comparisons]
        named += [name for same in [*self.exact.values(), *model.blocking, *model.training] for name in same]
        unknown = sorted({*named} - {*ATTRIBUTES})
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no such column (there are {', '.join(ATTRIBUTES)})")
        odd = sorted({*self.survivorship} ^ {*GROUPS})
        if odd:
            raise ValueError(f"survivorship: {', '.join(odd)}: there must be one rule for each of {', '.join(GROUPS)}")
        if self.review_above > self.join_above:
            raise ValueError(f"review_above: {self.review_above} is above join_above ({self.join_above})")
        return self
