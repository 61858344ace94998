"""The order to forget somebody while it is carried out, and the signed report of it afterwards."""

import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lib.errors import LakehouseError

_NONCE = 12


@dataclass(frozen=True)
class Order:
    """Who is to be forgotten and why.

    `asked` is a hash of what they were asked for by, `values` is what columns that are marked `pii` say of them.
    """

    asked: str
    reason: str
    ordered_at: str
    customer_id: str
    former_ids: tuple[str, ...]
    source_ids: tuple[str, ...]
    values: tuple[str, ...]


def order_file(root: Path) -> Path:
    """Where an order is until it is carried out."""
    return root / "erasures" / "open"


def report_file(root: Path, run_id: int) -> Path:
    """Where the report of a run is."""
    return root / "erasures" / f"erasure-{run_id:04d}.json"


def write_order(root: Path, order: Order, key: bytes) -> None:
    """Keep an order, encrypted (AES-256-GCM): it is all that is left of the person when a run dies."""
    nonce = os.urandom(_NONCE)
    sealed = nonce + AESGCM(_sealing(key)).encrypt(nonce, json.dumps(asdict(order)).encode(), None)
    file = order_file(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name("open.part")
    with part.open("wb") as out:
        out.write(sealed)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def read_order(root: Path, key: bytes) -> Order | None:
    """The order that was not carried out to its end, None where there is none.

    Raises:
        LakehouseError: if it was written with another key.
    """
    file = order_file(root)
    if not file.is_file():
        return None
    sealed = file.read_bytes()
    try:
        said = json.loads(AESGCM(_sealing(key)).decrypt(sealed[:_NONCE], sealed[_NONCE:], None))
    except InvalidTag:
        raise LakehouseError(
            f"{file}: an erasure was begun with another key; give that one, so that it is finished"
        ) from None
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in said.items()}
    return Order(**values)


def signed(report: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """A report with its signature, the HMAC-SHA-256 of its JSON with sorted keys."""
    return {**report, "signature": _signature(report, key)}


def is_genuine(report: Mapping[str, Any], key: bytes) -> bool:
    """Was a report signed with this key, and is it as it was then?"""
    unsigned = {name: value for name, value in report.items() if name != "signature"}
    return hmac.compare_digest(str(report.get("signature")), _signature(unsigned, key))


def _signature(report: Mapping[str, Any], key: bytes) -> str:
    text = json.dumps(report, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac.new(key, text.encode(), sha256).hexdigest()


def _sealing(key: bytes) -> bytes:
    # another key than that of the hashes and signatures, from the same secret
    return hmac.new(key, b"order", sha256).digest()
