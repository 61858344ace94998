"""The registry of models, when it cannot be read."""

import socket
from pathlib import Path

import pytest

from lib.errors import LakehouseError, TransientError
from lib.models.champions import Champions
from lib.models.settings import Tracking
from lib.models.tracking import Tracker


def test_a_lake_where_nobody_trained_has_no_champions_and_gets_no_registry(tmp_path: Path) -> None:
    assert Tracker(Tracking(), tmp_path / "models").champions() == Champions()
    assert not (tmp_path / "models").exists()


def test_a_broken_registry_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(
        LakehouseError, match=r"cannot be read \(DatabaseError\).*: move .*mlflow\.db away, and `make tra"
    ):
        Tracker(Tracking(), tmp_path).champions()


def test_a_server_that_does_not_answer_is_tried_again_and_its_address_not_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(TransientError, match=r"see that the server at models\.uri") as refused:
        Tracker(Tracking(uri=f"http://127.0.0.1:{port}"), tmp_path).champions()
    assert str(port) not in str(refused.value)
