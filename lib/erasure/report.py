"""The order to forget somebody while it is carried out, and the signed report of it afterwards."""

import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lib.errors import LakehouseError
from lib.storage.places import Place, copy, files_of

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


ORDER = "erasures/open"
"""Where in a lake an order is until it is carried out."""


def report_file(root: Place, run_id: int) -> Place:
    """Where the report of a run is."""
    return root / "erasures" / f"erasure-{run_id:04d}.json"


def write_order(root: Place, order: Order, key: bytes) -> None:
    """Keep an order, encrypted (AES-256-GCM): it is all that is left of the person when a run dies."""
    nonce = os.urandom(_NONCE)
    sealed = nonce + AESGCM(_sealing(key)).encrypt(nonce, json.dumps(asdict(order)).encode(), None)
    with TemporaryDirectory() as folder:
        part = Path(folder, "open")
        part.write_bytes(sealed)
        copy(part, root / ORDER)


def read_order(root: Place, key: bytes) -> Order | None:
    """The order that was not carried out to its end, None where there is none.

    Raises:
        LakehouseError: if it was written with another key.
    """
    file = root / ORDER
    if not file.exists():
        return None
    sealed: bytes = files_of(root).cat_file(str(file))
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
