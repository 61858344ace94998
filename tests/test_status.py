"""How fresh an entity is, by what its contract says of the age of its newest file."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from lib.contract import Freshness as Limits
from lib.freshness import Freshness, freshness_of
from tests.builders import RECEIPTS

NOW = datetime(2026, 1, 10, 12, tzinfo=timezone.utc)
BOTH = {"warn_after": "24h", "error_after": "2d"}


@pytest.mark.parametrize(
    ("limits", "hours", "verdict"),
    [
        ({}, 10_000, "ok"),
        (BOTH, 24, "ok"),
        (BOTH, 24.1, "warn: older than 24h"),
        (BOTH, 48, "warn: older than 24h"),
        (BOTH, 48.1, "error: older than 2d"),
        ({"warn_after": "90m"}, 2, "warn: older than 90m"),
        ({"error_after": "90m"}, 1, "ok"),
        ({"error_after": "90m"}, 2, "error: older than 90m"),
        (BOTH, -1, "ok"),
    ],
)
def test_an_entity_is_as_old_as_its_newest_file(limits: dict[str, Any], hours: float, verdict: str) -> None:
    contract = RECEIPTS.model_copy(update={"freshness": Limits(**limits)})
    newest = NOW - timedelta(hours=hours)
    found = freshness_of(contract, newest, NOW)
    assert found == Freshness("shop_receipts", newest, pytest.approx(hours), verdict)


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [({}, "never loaded"), ({"warn_after": "1d"}, "never loaded"), (BOTH, "error: never loaded")],
)
def test_an_entity_that_was_never_loaded_is_an_error_only_where_an_age_is_one(
    limits: dict[str, Any], verdict: str
) -> None:
    contract = RECEIPTS.model_copy(update={"freshness": Limits(**limits)})
    assert freshness_of(contract, None, NOW) == Freshness("shop_receipts", None, None, verdict)
