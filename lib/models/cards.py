"""A model as plain numbers and back: what lies in the registry beside the form that MLflow keeps it in."""

from collections.abc import Callable, Mapping
from typing import Any

from lib.models.champions import Champion
from lib.models.churn import ChurnModel
from lib.models.lifetime import ValueModel
from lib.models.stability import Reference, as_json, from_json

Scorer = ChurnModel | ValueModel

_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Scorer]] = {
    "churn": ChurnModel.from_json,
    "value": ValueModel.from_json,
}


def card_of(model: Scorer, reference: Mapping[str, Reference]) -> dict[str, Any]:
    """A model and its reference as JSON."""
    return {"model": model.as_json(), "reference": as_json(reference)}


def champion_of(kind: str, name: str, version: str, card: Mapping[str, Any]) -> Champion:
    """The champion that a card describes; `kind` is its field in Champions."""
    return Champion(name, version, _KINDS[kind](card["model"]), from_json(card["reference"]))
