"""A real S3 server on this machine, which ends with the test: buckets, and how to speak to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lib.storage.places import Remote, files_of, remote
from lib.storage.settings import Storage

KEYS = {"S3_KEY": "planted-key", "S3_SECRET": "planted-secret"}
"""Environment variables that the configuration refers to."""


@dataclass(frozen=True)
class Store:
    """An S3 server, and what `storage` in lakehouse.yml says of it."""

    endpoint: str

    @property
    def facts(self) -> dict[str, Any]:
        """As in lakehouse.yml."""
        return {
            "endpoint": self.endpoint,
            "region": "eu-central-1",
            "path_style": True,
            "access_key": "${env:S3_KEY}",
            "secret_key": "${env:S3_SECRET}",
        }

    def bucket(self, **facts: Any) -> Remote:
        """A new and empty bucket, spoken to as `facts` say beside the usual ones."""
        place = remote(f"s3a://{uuid4().hex}/lake", Storage.model_validate({**self.facts, **facts}))
        files_of(place).mkdir(str(place.parent))
        return place


@contextmanager
def s3_server() -> Iterator[Store]:
    """A server of its own; KEYS must be in the environment of whoever speaks to it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Store(f"http://{host}:{port}")
    finally:
        server.stop()
