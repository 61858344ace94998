"""How tables are named: each by its folder below the lake, or by its name in a catalog."""

import re
from collections.abc import Mapping
from typing import Literal, Protocol

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F

from lib.session import snapshot_of
from lib.sql import quoted, sql_text
from lib.storage.places import Place

Mode = Literal["append", "overwrite"]

SPARK_CATALOG = "spark_catalog"
"""Spark's own, of which a schema has a folder: there the lake's layers are below its root as they are without it."""

_OF_TABLE = "delta."
"""How the options begin that are properties of a table to be created."""


class Naming(Protocol):
    """What it takes to find, read and write a table by its name in the lake, `layer.table`."""

    def location(self, name: str) -> str | None:
        """The folder of the table; None where it is known that there is no table."""

    def in_sql(self, name: str) -> str:
        """The table as a statement names it."""

    def load(self, reader: DataFrameReader, name: str) -> DataFrame:
        """Its rows, by the reader's options."""

    def save(self, name: str, rows: DataFrame, mode: Mode, options: Mapping[str, str]) -> None:
        """Write rows into it; `delta.…` among the options are for a table that is created."""


class Folders:
    """Tables by their folders, `<root>/layer/table`."""

    def __init__(self, root: Place) -> None:
        self._root = root

    def location(self, name: str) -> str:
        """The table's folder, whether or not there is a table."""
        return str(self._root.joinpath(*name.split(".")))

    def in_sql(self, name: str) -> str:
        """As Delta names a folder."""
        return f"delta.{quoted(self.location(name))}"

    def load(self, reader: DataFrameReader, name: str) -> DataFrame:
        """By the folder."""
        return reader.load(self.location(name))

    def save(self, name: str, rows: DataFrame, mode: Mode, options: Mapping[str, str]) -> None:
        """Into the folder."""
        rows.write.format("delta").mode(mode).options(**options).save(self.location(name))


class Catalog:
    """Tables by their names in a catalog, `catalog.layer.table`; its schemas and tables are created as they are needed.

    Where a table is, is asked once: Delta's log is read there.
    """

    def __init__(self, spark: SparkSession, root: Place, catalog: str) -> None:
        self._spark = spark
        self._catalog = catalog
        self._folders = Folders(root) if catalog == SPARK_CATALOG else None
        self._locations: dict[str, str] = {}

    def location(self, name: str) -> str | None:
        """The table's folder by the catalog's word; None where there is no table."""
        if name not in self._locations and (self._exists(name) or self._registered(name)):
            detail = self._spark.sql(f"DESCRIBE DETAIL {self.in_sql(name)}").collect()[0]
            self._locations[name] = re.sub(r"^file:/+", "/", detail["location"])
        return self._locations.get(name)

    def in_sql(self, name: str) -> str:
        """The name with its catalog."""
        return ".".join(map(quoted, (self._catalog, *name.split("."))))

    def load(self, reader: DataFrameReader, name: str) -> DataFrame:
        """By the name."""
        return reader.table(self.in_sql(name))

    def save(self, name: str, rows: DataFrame, mode: Mode, options: Mapping[str, str]) -> None:
        """Into the table of the name. One that is there keeps its properties, also where all its rows are others."""
        own = {key: value for key, value in options.items() if not key.startswith(_OF_TABLE)}
        writer = rows.writeTo(self.in_sql(name)).options(**own)
        if self.location(name) is None:
            self._make_schema(name)
            for key, value in options.items():
                writer = writer.tableProperty(key, value) if key.startswith(_OF_TABLE) else writer
            writer.using("delta").create()
        elif mode == "append":
            writer.append()
        else:
            writer.overwrite(F.lit(True))

    def _exists(self, name: str) -> bool:
        return self._spark.catalog.tableExists(self.in_sql(name))

    def _registered(self, name: str) -> bool:
        """Does the lake have the table, as one without a catalog does, and did the catalog not know it yet?"""
        if self._folders is None or snapshot_of(self._spark, self._folders.location(name)) is None:
            return False
        self._make_schema(name)
        place = sql_text(self._folders.location(name))
        self._spark.sql(f"CREATE TABLE IF NOT EXISTS {self.in_sql(name)} USING delta LOCATION {place}")
        return True

    def _make_schema(self, name: str) -> None:
        layer = name.partition(".")[0]
        schema = f"{quoted(self._catalog)}.{quoted(layer)}"
        place = f" LOCATION {sql_text(self._folders.location(layer))}" if self._folders else ""
        self._spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}{place}")
