"""The order of an erasure and its report."""

from dataclasses import replace
from pathlib import Path

import pytest

from lib.erasure.report import ORDER, Order, is_genuine, read_order, signed, write_order
from lib.erasure.suppression import key_of, token
from lib.errors import LakehouseError

KEY, OTHER = b"k" * 32, b"o" * 32
ADA = Order(
    "asked", "letter of 3 May", "2026-01-01T00:00:00+00:00", "9f1c", ("01ab",), ("pos:C7",), ("ada@example.com",)
)


def test_an_order_is_kept_encrypted_until_it_is_carried_out(tmp_path: Path) -> None:
    assert read_order(tmp_path, KEY) is None
    write_order(tmp_path, ADA, KEY)
    assert read_order(tmp_path, KEY) == ADA
    assert b"ada" not in (tmp_path / ORDER).read_bytes()
    write_order(tmp_path, replace(ADA, reason="again"), KEY)
    assert [each.name for each in (tmp_path / ORDER).parent.iterdir()] == ["open"]


def test_another_key_opens_no_order(tmp_path: Path) -> None:
    write_order(tmp_path, ADA, KEY)
    with pytest.raises(LakehouseError, match="an erasure was begun with another key"):
        read_order(tmp_path, OTHER)


def test_a_report_that_somebody_changed_is_not_genuine() -> None:
    report = signed({"is_gone": False, "left": {"a": 1}}, KEY)
    assert is_genuine(report, KEY)
    assert not is_genuine({**report, "is_gone": True}, KEY)
    assert not is_genuine(report, OTHER)


def test_a_hash_is_an_hmac_and_another_one_for_every_source_and_key() -> None:
    # as openssl dgst -sha256 -hmac says
    assert token(KEY, "pos", "C7") == "83da62f7ea421810158ef6ad599fa9d051e5ca0fe225a270b6f7e16a91982d2d"
    assert (
        len({token(KEY, "pos", "C7"), token(KEY, "crm", "C7"), token(KEY, "pos", "C8"), token(OTHER, "pos", "C7")}) == 4
    )


@pytest.mark.parametrize(("text", "said"), [("", "is not given"), ("short", "has fewer than 32 characters")])
def test_a_key_that_anybody_could_guess_is_refused(text: str, said: str) -> None:
    with pytest.raises(LakehouseError, match=said):
        key_of(text, "erasure.key")
