"""The only reader and writer of Delta tables. A table's name is `layer.table`; where it is, says lib/naming.py."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from itertools import takewhile
from urllib.parse import unquote

from delta.tables import DeltaMergeBuilder, DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.contract import IS_LIVE
from lib.diff import difference
from lib.encryption import Form, Vault, form_of
from lib.errors import ConservationError
from lib.maintenance import DataFile, Effect
from lib.naming import Catalog, Folders, Naming
from lib.sealing import Seal
from lib.session import (
    Commit,
    Snapshot,
    commits_of,
    configured,
    cut_log,
    files_of,
    local_frame,
    merge_metrics,
    rows_of,
    small_frame,
    snapshot_of,
)
from lib.sql import sql_text
from lib.storage.places import Place, found_below, modified_us, place_of, storage_of

FEED = {"delta.enableChangeDataFeed": "true"}
"""The property of tables whose readers follow what changed: Delta keeps which rows a commit changed."""

MARKS = {"delta.enableDeletionVectors": "true"}
"""The property of tables of which an update marks the rows that are gone, and does not write their files anew."""

_DATA = (".parquet", ".bin")
"""How the names of Delta's files of rows and of deletion vectors end."""


@dataclass(frozen=True)
class Written:
    """What a write did: rows offered to it, and rows inserted, updated and deleted, from the commit's own metrics."""

    offered: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def changed(self) -> int:
        """Rows that are not as they were before."""
        return self.inserted + self.updated + self.deleted


class Tables:
    """The Delta tables of one lake."""

    def __init__(
        self,
        spark: SparkSession,
        root: Place,
        *,
        catalog: str | None = None,
        rewrite_below: int = 0,
        vault: Vault | None = None,
    ) -> None:
        self.spark = spark
        self._seal = Seal(spark, vault)
        self.root = root
        self._names: Naming = Catalog(spark, root, catalog) if catalog else Folders(root)
        self.rewrite_below = rewrite_below
        self._counts: dict[tuple[str, int, bool], int] = {}

    @property
    def vault(self) -> Vault:
        """The keys of encrypted columns, and which columns are to be encrypted."""
        return self._seal.vault

    def path(self, name: str) -> str:
        """Where a table is that there is, or that there may be."""
        return self._names.location(name) or str(self.root.joinpath(*name.split(".")))

    def snapshot(self, name: str) -> Snapshot | None:
        """The newest version and the properties of a table, None where there is none."""
        place = self._names.location(name)
        return snapshot_of(self.spark, place) if place is not None else None

    def read(self, name: str, *, version: int | None = None, with_tombstones: bool = False) -> DataFrame:
        """A table's rows, at a version if one is given; without the keys that are gone, unless they are asked for.

        Encrypted columns have their values; masks, where these tables are those of a reader without the key.
        """
        rows = self._seal.opened(name, self._stored(name, version))
        is_whole = with_tombstones or IS_LIVE not in rows.columns
        return rows if is_whole else rows.filter(IS_LIVE).drop(IS_LIVE)

    def read_or_empty(self, name: str, schema: str) -> DataFrame:
        """A table's rows; where there is no table, none of the DDL `schema`."""
        return self.read(name) if self.snapshot(name) is not None else local_frame(self.spark, [], schema)

    def count(self, name: str, *, with_tombstones: bool = False) -> int:
        """A table's rows, by its log where this has them and there are no tombstones; 0 where there is no table.

        Asked once of each version: of many files, or of rows that live, it takes three queries of Delta's own.
        """
        snapshot = self.snapshot(name)
        if snapshot is None:
            return 0
        is_whole = with_tombstones or IS_LIVE not in snapshot.columns
        asked = (name, snapshot.version, is_whole)
        if asked not in self._counts:
            listed = rows_of(self.spark, self.path(name)) if is_whole else None
            self._counts[asked] = self._counted(name, is_whole=is_whole) if listed is None else listed
        return self._counts[asked]

    def commits(self, name: str, *, after: int, through: int) -> list[Commit] | None:
        """The commits above version `after` up to `through`; None where the log has lost one of them."""
        return commits_of(self.spark, self.path(name), after=after, through=through)

    def unchanged_until(self, name: str, version: int, *, through: int) -> int:
        """The newest version up to `through` that has the rows of `version`: compacting or describing changes none.

        It is `version` itself where the log has lost what came after it.
        """
        commits = self.commits(name, after=version, through=through) if 0 <= version < through else None
        same = takewhile(lambda commit: not commit.changes_rows, commits or [])
        return version + sum(1 for _ in same)

    def changes(self, name: str, *, after: int, through: int) -> DataFrame:
        """Delta's change feed above version `after` up to `through`: both images of an updated row, tombstones too."""
        feed = self.spark.read.format("delta").option("readChangeFeed", "true")
        feed = feed.option("startingVersion", after + 1).option("endingVersion", through)
        return self._seal.opened(name, self._names.load(feed, name))

    def append(
        self, name: str, rows: DataFrame, *, batch_id: int | None = None, options: Mapping[str, str] | None = None
    ) -> Written:
        """Append rows, creating the table if need be, with columns that it has not yet added to it.

        `options` are for a table that is created. A `batch_id` makes a second append of the batch impossible.

        Raises:
            ConservationError: if Delta took the batch for one that it already has.
        """
        once = {"txnAppId": name, "txnVersion": str(batch_id)} if batch_id is not None else {}
        said = {"mergeSchema": "true", **(options or {}), **once}
        stored = self._sealed(name, rows)
        metrics = self._committed(name, lambda: self._names.save(name, stored, "append", said))
        if metrics is None:
            raise ConservationError(f"{name}: batch {batch_id} was not written: the table already has a later batch")
        written = metrics.get("numOutputRows", 0)
        return Written(offered=written, inserted=written)

    def upsert(
        self,
        name: str,
        rows: DataFrame,
        key: Sequence[str],
        *,
        update_if: str | None = None,
        bounds: Sequence[Column] = (),
        options: Mapping[str, str] | None = None,
    ) -> Written:
        """MERGE rows (`s`) into a table (`t`) on a key that is never NULL; a table that is not there is created.

        `update_if` says which matched rows are taken over (all, if not given); "false" inserts only. `bounds` and
        `options` are those of `write_diff` and `append`.
        """
        if self.snapshot(name) is None:
            return self.append(name, rows, options=options)
        same = [F.col(f"t.`{column}`") == F.col(f"s.`{column}`") for column in key]
        merge = self._merge(name, self._sealed(name, rows), [*bounds, *same])
        merge = merge.withSchemaEvolution()
        if update_if != "false":
            merge = merge.whenMatchedUpdateAll(update_if)
        return self._executed(name, merge.whenNotMatchedInsertAll())

    def write_diff(
        self,
        name: str,
        new: DataFrame,
        grain: Sequence[str],
        *,
        within: Callable[[DataFrame], DataFrame] | None = None,
        bounds: Sequence[Column] = (),
        options: Mapping[str, str] | None = None,
    ) -> Written:
        """Make a table equal to `new` and write only what differs: no difference, no commit.

        A table that is not there is created, with the `options` of `append`; one of other columns or types is
        overwritten. `within` picks the rows of the table that `new` stands for, where those are not all; `bounds` hold
        for all of them (`t`): files in which no row meets them are not read. A table of fewer rows than `rewrite_below`
        is written anew with the difference in it, which is done before a MERGE has found the rows.

        Raises:
            ValueError: if `new` stands for some rows of a table that has other columns or types.
        """
        self._seal.check_writer(name)
        if self.snapshot(name) is None:
            return self.append(name, new, options=options)
        old = self.read(name, with_tombstones=True)
        if _shape(old) != _shape(new):
            if within is not None:
                raise ValueError(f"{name}: has the columns {_shape(old)}, not {_shape(new)}")
            return self.overwrite(name, new)
        changes = difference(within(old) if within is not None else old, new, grain).persist()
        try:
            actions = {row["_action"]: row["count"] for row in changes.groupBy("_action").count().collect()}
            if not actions:
                return Written(offered=self.count(name, with_tombstones=True))
            if actions.keys() == {"insert"}:
                # nothing to find in the table: an append does what a MERGE does, in a fifth of the time
                inserted = self.append(name, changes.drop("_action")).inserted
                return Written(offered=self.count(name, with_tombstones=True), inserted=inserted)
            same = [F.col(f"t.`{column}`").eqNullSafe(F.col(f"s.`{column}`")) for column in grain]
            if self.count(name, with_tombstones=True) < self.rewrite_below:
                return self._written_anew(name, changes, same, actions)
            stored = self._sealed(name, changes)
            values: dict[str, str | Column] = {
                column: f"s.`{column}`" for column in stored.columns if column != "_action"
            }
            merge = (
                self._merge(name, stored, [*bounds, *same])
                .whenMatchedDelete("s._action = 'delete'")
                .whenMatchedUpdate(set=values)
                .whenNotMatchedInsert(values=values)
            )
            written = self._executed(name, merge)
            # the table now is `new`, so that its own count is the count of what was offered
            return replace(written, offered=self.count(name, with_tombstones=True))
        finally:
            changes.unpersist()

    def overwrite(self, name: str, rows: DataFrame) -> Written:
        """Put rows, of whatever columns, in the place of all that a table has."""
        self._names.save(name, self._seal.sealed(name, rows, None), "overwrite", {"overwriteSchema": "true"})
        written = self._metrics(name).get("numOutputRows", 0)
        return Written(offered=written, inserted=written)

    def delete(self, name: str, condition: Column) -> int:
        """Delete the rows that meet a condition; gives their number."""
        metrics = self._committed(name, lambda: self._table(name).delete(condition))
        return metrics.get("numDeletedRows", 0) if metrics is not None else 0

    def delete_rows(self, name: str, rows: DataFrame, key: Sequence[str]) -> int:
        """Delete the rows that have the keys of some others; gives their number. No key gets into the table's log."""
        same = [F.col(f"t.`{column}`").eqNullSafe(F.col(f"s.`{column}`")) for column in key]
        return self._executed(name, self._merge(name, rows, same).whenMatchedDelete()).deleted

    def strip(self, name: str, condition: Column, column: str) -> int:
        """Take a column's values out of the rows that meet a condition, of which there are some; gives their number."""
        self._table(name).update(condition, {column: F.lit(None).cast(self._stored(name).schema[column].dataType)})
        return self._metrics(name).get("numUpdatedRows", 0)

    def form(self, name: str) -> Form:
        """Which columns of a table are encrypted, and which have tokens, as it is now."""
        return form_of(self._stored(name).schema)

    def is_as_wanted(self, name: str) -> bool:
        """Is a table encrypted as the environment says, all of it with the current key?"""
        return self._seal.is_as_wanted(name, self._stored(name))

    def seal_anew(self, name: str) -> Effect | None:
        """Write a table anew as the environment says that it is to be encrypted; None where it is so.

        The rows are the same. The commit says so to whoever follows this project's tables, and, where only a key is
        another one, to every reader of the table's feed.
        """
        if self.is_as_wanted(name):
            return None
        before, rows = self._stored(name), self.read(name, with_tombstones=True)
        anew = self._seal.sealed(name, rows, None)
        is_same = before.schema == anew.schema
        # Delta takes no change of a schema for one that leaves the rows as they are
        how = {"dataChange": "false"} if is_same else {"overwriteSchema": "true"}
        said = {"userMetadata": merge_metrics(insert=0, update=0, delete=0), **how}
        metrics = self._committed(name, lambda: self._names.save(name, anew, "overwrite", said)) or {}
        return Effect(files_added=metrics.get("numFiles", 0), rows=metrics.get("numOutputRows", 0))

    def files(self, name: str, *, clustered_by: str = "") -> list[DataFile]:
        """The data files of a table as its log has them, with their ranges of the column that it is clustered by."""
        stored = self._stored(name).schema
        of = stored[clustered_by].dataType.simpleString() if clustered_by else "string"
        low, high = (
            F.get_json_object("stats", f"$.{end}Values.{clustered_by}").try_cast(of) if clustered_by else F.lit(None)
            for end in ("min", "max")
        )
        rows = F.coalesce(F.get_json_object("stats", "$.numRecords").cast("bigint"), F.lit(0))
        marked = F.coalesce("deletionVector.cardinality", F.lit(0))
        found = files_of(self.spark, self.path(name)).select("size", rows, marked, low, high)
        return [DataFile(*row) for row in found.collect()]

    def set_file_sizes(self, *, small: int, target: int) -> None:
        """How many bytes a file has that `compact` takes for small, and one that it, `cluster` or `purge` writes.

        Delta takes both from the session, so that they are the same for all tables of a run.
        """
        self.spark.conf.set("spark.databricks.delta.optimize.minFileSize", small)
        self.spark.conf.set("spark.databricks.delta.optimize.maxFileSize", target)

    def compact(self, name: str) -> Effect | None:
        """Write the small files anew, as a few large ones; None where there is nothing to write."""
        return self._rewritten(name, lambda table: table.optimize().executeCompaction())

    def cluster(self, name: str, column: str) -> Effect | None:
        """Write all files anew, each with a range of the column's values of its own."""
        return self._rewritten(name, lambda table: table.optimize().executeZOrderBy(column))

    def purge(self, name: str) -> Effect | None:
        """Write the files anew that have rows marked as gone, without these."""
        statement = f"REORG TABLE {self._in_sql(name)} APPLY (PURGE)"
        return self._rewritten(name, lambda _: self.spark.sql(statement))

    def files_before(self, name: str, us: int) -> int:
        """Files of a table's folder, last changed before a time (microseconds since 1970), of older versions alone."""
        used = {unquote(row["path"]) for row in files_of(self.spark, self.path(name)).select("path").collect()}
        folder = place_of(self.path(name), storage_of(self.root))
        there = {path: modified_us(info) for path, info in found_below(folder).items() if path.endswith(_DATA)}
        others = (at for path, at in there.items() if path not in used and not path.startswith("_delta_log/"))
        return sum(at < us for at in others)

    def unused_files(self, name: str, before: datetime) -> int:
        """Files of a table's folder, last changed before a time, that `vacuum` would delete."""
        if not self.files_before(name, int(before.timestamp() * 1_000_000)):
            # Delta, which knows what is of older versions, takes seconds to say the same
            return 0
        listed = self.spark.sql(f"VACUUM {self._in_sql(name)} DRY RUN")
        # an emptied folder is listed as well, and goes with the next vacuum that has a file to delete
        return listed.filter(F.regexp_extract("path", r"\.\w+$", 0).isin(*_DATA)).count()

    def vacuum(self, name: str) -> Effect:
        """Delete the files that no version of the last `delta.deletedFileRetentionDuration` (a property) uses."""
        before = self._version(name)
        self._table(name).vacuum()
        metrics: dict[str, int] = {}
        for commit in self.commits(name, after=before, through=self._version(name)) or []:
            metrics |= commit.metrics
        return Effect(
            files_removed=metrics.get("numDeletedFiles", 0), bytes_removed=metrics.get("sizeOfDataToDelete", 0)
        )

    def vacuum_now(self, name: str) -> None:
        """Delete all files that the newest version does not use: no older one can be read, nor what changed since it.

        Only within `vacuuming_now`, and without the commits that a vacuum makes otherwise.
        """
        self._table(name).vacuum(0)

    def vacuuming_now(self) -> AbstractContextManager[None]:
        """Have `vacuum_now` work as long as the block takes: around all that threads do with it, who share settings."""
        conf = {
            "spark.databricks.delta.retentionDurationCheck.enabled": "false",
            "spark.databricks.delta.vacuum.logging.enabled": "false",
        }
        return configured(self.spark, conf)

    def cut_log(self, name: str) -> None:
        """Have a table's log begin with its newest version: no older one can be read, nor what changed since it."""
        cut_log(self.spark, self.path(name))

    def set_properties(self, name: str, properties: Mapping[str, str]) -> None:
        """Write table properties, in one commit; `comment` sets the table's description."""
        pairs = ", ".join(f"{sql_text(key)} = {sql_text(value)}" for key, value in properties.items())
        self.spark.sql(f"ALTER TABLE {self._in_sql(name)} SET TBLPROPERTIES ({pairs})")

    def _stored(self, name: str, version: int | None = None) -> DataFrame:
        """The rows as they are stored, at the newest version if none is given: what is written later is not in them."""
        if isinstance(self._names, Folders):
            small = small_frame(self.spark, self._names.location(name), version=version)
            if small is not None:
                return small
        reader, pinned = self.spark.read.format("delta"), self._version(name) if version is None else version
        # of a table that is not there Delta says so itself
        return self._names.load(reader.option("versionAsOf", pinned) if pinned >= 0 else reader, name)

    def _counted(self, name: str, *, is_whole: bool) -> int:
        stored = self._stored(name)
        return (stored if is_whole else stored.filter(IS_LIVE)).count()

    def _sealed(self, name: str, rows: DataFrame) -> DataFrame:
        if self.vault == Vault():
            # a run over an encrypted lake ends before this (lib/formats.py)
            return rows
        return self._seal.sealed(name, rows, self._stored(name).schema if self.snapshot(name) is not None else None)

    def _in_sql(self, name: str) -> str:
        return self._names.in_sql(name)

    def _table(self, name: str) -> DeltaTable:
        if isinstance(self._names, Folders):
            return DeltaTable.forPath(self.spark, self._names.location(name))
        return DeltaTable.forName(self.spark, self._in_sql(name))

    def _version(self, name: str) -> int:
        snapshot = self.snapshot(name)
        return snapshot.version if snapshot else -1

    def _rewritten(self, name: str, work: Callable[[DeltaTable], object]) -> Effect | None:
        metrics = self._committed(name, lambda: work(self._table(name)))
        if metrics is None:
            return None
        return Effect(
            files_removed=metrics.get("numRemovedFiles", 0),
            files_added=metrics.get("numAddedFiles", 0),
            bytes_removed=metrics.get("numRemovedBytes", 0),
            bytes_added=metrics.get("numAddedBytes", 0),
        )

    def _written_anew(
        self, name: str, changes: DataFrame, same: Sequence[Column], actions: Mapping[str, int]
    ) -> Written:
        # what is not touched stays as it is stored, encrypted
        old, new = self._stored(name), self._sealed(name, changes.filter("_action <> 'delete'").drop("_action"))
        others = old.alias("t").join(F.broadcast(changes.alias("s")), reduce(Column.__and__, same), how="left_anti")
        done = {action: actions.get(action, 0) for action in ("insert", "update", "delete")}
        # the commit would say that it wrote all rows: who follows the table asks how many of them are others
        said = {"userMetadata": merge_metrics(**done)}
        self._names.save(name, others.unionByName(new).coalesce(1), "overwrite", said)
        return Written(self._metrics(name).get("numOutputRows", 0), *done.values())

    def _merge(self, name: str, rows: DataFrame, conditions: Sequence[Column]) -> DeltaMergeBuilder:
        into = self._table(name).alias("t")
        return into.merge(rows.alias("s"), reduce(Column.__and__, conditions))

    def _executed(self, name: str, merge: DeltaMergeBuilder) -> Written:
        metrics = self._committed(name, merge.execute)
        if metrics is None:
            return Written()
        return Written(
            offered=metrics.get("numSourceRows", 0),
            inserted=metrics.get("numTargetRowsInserted", 0),
            updated=metrics.get("numTargetRowsUpdated", 0),
            deleted=metrics.get("numTargetRowsDeleted", 0),
        )

    def _committed(self, name: str, work: Callable[[], object]) -> dict[str, int] | None:
        """Do something with a table; gives the metrics of the commit that it made, None where it made none."""
        before = self._version(name)
        work()
        return self._metrics(name) if self._version(name) != before else None

    def _metrics(self, name: str) -> dict[str, int]:
        """The metrics of the table's newest commit: there is one writer per table in a run, and one run per lake."""
        snapshot = self.snapshot(name)
        newest = self.commits(name, after=snapshot.version - 1, through=snapshot.version) if snapshot else None
        return newest[0].metrics if newest else {}


def _shape(frame: DataFrame) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]
