"""The only reader of databases: a table's columns, what a range of it holds, and its rows; by Spark's JDBC reader.

PostgreSQL is the one that is known. Secrets are looked up here and handed to Spark's reader; no message has them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from lib.contract import Contract, Jdbc, age_of
from lib.errors import LakehouseError
from lib.jdbc import mistake_of_url
from lib.postgresql import MOMENTS, NUMERIC, PART, WHOLE, columns_query, rows_query, survey_query
from lib.ranges import Range, is_moment
from lib.secrets import looked_up
from lib.transient import in_words

T = TypeVar("T")

_LAG = "1m"
_SAID = (
    re.compile(r"PSQLException: (.+)"),
    re.compile(r"error was caused by the query .*? (ERROR: [^\n]+)"),
)
"""Where PostgreSQL's own words stand in an error of Spark."""


@dataclass(frozen=True)
class Survey:
    """What a look at the rows of a range shows, before they are read.

    `columns`: the table's, with their types in the database's words; `through`: the newest watermark among the rows;
    `at`: the database's clock; `low`, `high`: of the column to read in parallel by; `is_timeless`: has the table rows
    without a watermark?
    """

    columns: dict[str, str]
    rows: int
    through: str | None
    at: str
    low: str | None
    high: str | None
    is_timeless: bool

    @property
    def ends(self) -> tuple[int, int] | None:
        """Between which numbers to cut the rows into parts; None where there is nothing to cut."""
        if self.low is None or self.high is None:
            return None
        low, high = Decimal(self.low), Decimal(self.high)
        if not (low.is_finite() and high.is_finite()):
            return None
        whole = max(int(low), -(2**63)), min(int(high), 2**63 - 1)
        return whole if whole[0] < whole[1] else None


class Database:
    """The database that a contract names. No dataclass: what prints its members would print the secrets among them."""

    def __init__(self, spark: SparkSession, contract: Contract) -> None:
        """Look up what the contract refers to.

        Raises:
            LakehouseError: if a variable or a file is not there, or what the URL refers to is none.
        """
        if contract.jdbc is None:
            raise ValueError(f"{contract.table}: is not read from a database")
        self._spark = spark
        self._contract = contract
        self._jdbc: Jdbc = contract.jdbc
        self._url = looked_up(contract.jdbc.url, _place(contract, "url"), is_secret=False)
        mistake = mistake_of_url(self._url)
        if mistake:
            raise LakehouseError(f"{_place(contract, 'url')}: what it refers to {mistake}")
        self._user = looked_up(contract.jdbc.user, _place(contract, "user"), is_secret=False)
        self._password = looked_up(contract.jdbc.password, _place(contract, "password"))

    def columns(self) -> dict[str, str]:
        """The table's columns in their order, with their types in the database's words.

        Raises:
            LakehouseError: if the database cannot be asked, or the table lacks what the contract needs of it.
        """
        rows = self._asked(lambda: self._query(columns_query(self._jdbc)).collect())
        columns = {row["name"]: row["type"] for row in sorted(rows, key=lambda row: int(row["place"]))}
        offence = _offence_of(columns, self._contract, self._jdbc)
        if offence:
            raise LakehouseError(f"{self._contract.table}: {offence}")
        return columns

    def survey(self, columns: Mapping[str, str], after: str | None, through: str | None = None) -> Survey:
        """Look at the rows above `after`: up to `through`, or without it up to now less the contract's lag.

        Raises:
            LakehouseError: if the database cannot be asked.
        """
        kind, lag = columns[self._jdbc.watermark], int(age_of(self._jdbc.lag or _LAG).total_seconds())
        query = survey_query(self._jdbc, kind, after=after, through=through, lag_seconds=lag)
        [row] = self._asked(lambda: self._query(query).collect())
        return Survey(dict(columns), **row.asDict())

    def knows(self, wanted: Range, columns: Mapping[str, str]) -> bool:
        """Is it a range of the contract's table and of its watermark's type?"""
        kinds = MOMENTS if is_moment(wanted.through) else WHOLE
        return wanted.table == self._jdbc.table and columns[self._jdbc.watermark] in kinds

    def rows(self, wanted: Range, survey: Survey) -> DataFrame:
        """The rows of a range, yet to be read: the text of each column of `survey` in its order, as `_0`, `_1`, ….

        Raises:
            LakehouseError: if the database cannot be asked.
        """
        query = rows_query(self._jdbc, survey.columns, after=wanted.after, through=wanted.through)
        options = {}
        if survey.ends:
            # Spark adds what is below the first part, above the last one, or NULL, to these two
            options = {"partitionColumn": PART, "numPartitions": str(self._jdbc.partitions)}
            options |= {"lowerBound": str(survey.ends[0]), "upperBound": str(survey.ends[1])}
        found = self._asked(lambda: self._query(query, options))
        return found.select(*[f"_{position}" for position in range(len(survey.columns))])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What the database has against a query is told in its words; other errors stay as they are.

        Raises:
            LakehouseError: with these words.
        """
        try:
            yield
        except (PySparkException, Py4JJavaError) as error:
            said = self._words_of(error)
            if not said:
                raise
            raise in_words(f"{self._contract.table}: the database says: {said}", error) from None

    def _query(self, query: str, options: Mapping[str, str] | None = None) -> DataFrame:
        known = {"url": self._url, "user": self._user, "password": self._password}
        reader = self._spark.read.format("jdbc").options(**{name: each for name, each in known.items() if each})
        reader = reader.options(
            driver="org.postgresql.Driver",
            dbtable=f"({query}) AS asked",
            # what times within arrays and the like are told in
            sessionInitStatement="SET TIME ZONE 'UTC'",
            fetchsize="10000",
            connectTimeout="10",
            ApplicationName="customer-360-lakehouse",
        )
        return reader.options(**(options or {})).load()

    def _asked(self, work: Callable[[], T]) -> T:
        """The answer to a question. Of an error only the words: its trace would go into the log, with what it holds."""
        try:
            return work()
        except (PySparkException, Py4JJavaError) as error:
            said = self._words_of(error) or self._masked(str(error).splitlines()[0])
            told = in_words(f"{self._contract.table}: the database cannot be asked: {said}", error)
        raise told

    def _words_of(self, error: BaseException) -> str:
        """PostgreSQL's own words in an error of Spark or in what caused it; empty if there are none."""
        each: BaseException | None = error
        while each is not None:
            for pattern in _SAID:
                match = pattern.search(str(each))
                if match:
                    return self._masked(match[1].strip())
            each = getattr(each, "_cause", None)
        return ""

    def _masked(self, text: str) -> str:
        for secret in filter(None, (self._password, self._url)):
            text = text.replace(secret, "…")
        return text


def _offence_of(columns: Mapping[str, str], contract: Contract, jdbc: Jdbc) -> str:
    """What a table lacks that the contract needs; empty if nothing."""
    if not columns:
        return f"there is no table {jdbc.table} in the database, or its user may not see it"
    missing = contract.missing_among(columns)
    if missing:
        return f"{jdbc.table}: {missing}"
    needed = {"watermark": (jdbc.watermark, (*WHOLE, *MOMENTS)), "partition_by": (jdbc.partition_by, NUMERIC)}
    for key, (name, kinds) in needed.items():
        if name is not None and columns.get(name) not in kinds:
            found = f"is {columns[name]}" if name in columns else f"is missing (there are {', '.join(columns)})"
            return f"{jdbc.table}: {key}: column {name} {found}; it must be one of {', '.join(kinds)}"
    if jdbc.lag and columns[jdbc.watermark] in WHOLE:
        return f"{jdbc.table}: lag: column {jdbc.watermark} is {columns[jdbc.watermark]} and tells no age; leave it out"
    return ""


def _place(contract: Contract, key: str) -> str:
    return f"{contract.source}/{contract.entity}.yml: jdbc.{key}"
