"""How the pages read the database: one publication per page, few connections, results that are kept."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from queue import Empty, LifoQueue
from threading import BoundedSemaphore, Lock
from typing import Any

import pandas as pd
import psycopg
from psycopg import sql
from psycopg.types.numeric import FloatLoader

from lib.config import Settings
from lib.dashboard.queries.common import PUBLICATION
from lib.dashboard.queries.query import Query
from lib.dashboard.settings import DashboardFile
from lib.errors import LakehouseError
from lib.serving.database import Server, serving


class NothingPublished(LakehouseError):  # noqa: N818 what is the case, not who erred
    """The database is there, and there is nothing in it to show."""


class PublishedBefore(LakehouseError):  # noqa: N818 what is the case, not who erred
    """What is served was published by an earlier version of this project."""


@dataclass(frozen=True)
class Publication:
    """What a page is from."""

    schema: str
    publication_id: int
    run_id: int
    as_of: date
    published_at: datetime


class Reader:
    """Reads as one role; connections are opened as they are needed, and shared."""

    def __init__(self, settings: Settings, dashboard: DashboardFile, role: str) -> None:
        self.settings = settings
        self.role = role
        self._timeout = dashboard.statement_timeout
        self._idle: LifoQueue[tuple[psycopg.Connection, str]] = LifoQueue()
        self._kept: OrderedDict[tuple[str, str, str], pd.DataFrame] = OrderedDict()
        self._keep = dashboard.results_kept
        self._keeping = Lock()
        self._may_open = BoundedSemaphore(dashboard.connections)
        self._using = ExitStack()
        self._server: Server = self._using.enter_context(serving(settings))

    @property
    def place(self) -> str:
        """Where the database is, without credentials."""
        return self._server.place

    def close(self) -> None:
        """End the connections that are idle, and let the server go."""
        while not self._idle.empty():
            self._idle.get_nowait()[0].close()
        self._using.close()

    def publication(self) -> Publication:
        """The live publication.

        Raises:
            LakehouseError: if there is none, or no database.
        """
        try:
            with self._connection("") as connection:
                row = connection.execute(PUBLICATION.sql.encode()).fetchone()
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedTable):
            row = None
        if row is None or row[0] is None:
            raise NothingPublished(f"{self.place}: nothing was published yet")
        return Publication(*row)

    def kept(self, schema: str, query: Query) -> pd.DataFrame:
        """The same from memory where it was asked for lately: a publication does not change. Not to be written to."""
        key = (schema, query.sql, repr(sorted(query.params.items())))
        with self._keeping:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self.fetch(schema, query)
        with self._keeping:
            self._kept[key] = found
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        return found

    def fetch(self, schema: str, query: Query) -> pd.DataFrame:
        """The rows of a query over the tables of a schema.

        Raises:
            PublishedBefore: if the schema lacks a table or a column that pages of today show.
        """
        with self._connection(schema) as connection, connection.cursor() as cursor:
            try:
                cursor.execute(query.sql.encode(), query.params)
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
                raise PublishedBefore(f"{self.place}: {schema}: {_first_line(error)}") from error
            names = [column.name for column in cursor.description or ()]
            return pd.DataFrame.from_records(cursor.fetchall(), columns=names)

    @contextmanager
    def _connection(self, schema: str) -> Iterator[psycopg.Connection]:
        with self._may_open:
            connection, searched = self._taken()
            try:
                if schema and searched != schema:
                    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
                    searched = schema
                yield connection
            except psycopg.OperationalError as error:
                connection.close()
                raise LakehouseError(f"{self.place}: {' '.join(str(error).split())}") from error
            finally:
                if not connection.closed:
                    self._idle.put((connection, searched))

    def _taken(self) -> tuple[psycopg.Connection, str]:
        try:
            while True:
                connection, searched = self._idle.get_nowait()
                if not connection.broken and not connection.closed:
                    return connection, searched
        except Empty:
            return self._opened(), ""

    def _opened(self) -> psycopg.Connection:
        try:
            connection = self._server.reader(self.role)
        except psycopg.OperationalError as error:
            raise LakehouseError(f"{self.place}: {_first_line(error)}") from error
        # sums are shown rounded, and a decimal takes ten times as long to draw
        connection.adapters.register_loader("numeric", FloatLoader)
        connection.execute(sql.SQL("SET statement_timeout = {}").format(self._timeout))
        connection.execute("SET default_transaction_read_only = on")
        return connection


def _first_line(error: BaseException) -> str:
    return re.split(r"\n", str(error).strip(), maxsplit=1)[0]


def plain(value: Any) -> Any:
    """None for what pandas says where there is nothing."""
    return None if value is None or (not isinstance(value, list) and pd.isna(value)) else value
