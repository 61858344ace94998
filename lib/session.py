"""The only builder of a SparkSession, and the only place that reaches below Spark's Python API."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.logger import PySparkLogger
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import BinaryType, MapType, StringType, StructField, StructType
from pyspark.sql.utils import is_remote

from lib.errors import ConfigError

_NEEDED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Delta rebuilds a table's state on every commit unless session and JVM are both on UTC
    "spark.sql.session.timeZone": "UTC",
    # without it the CSV reader refuses Windows-1252
    "spark.sql.legacy.javaCharsets": "true",
    # a name that stands twice in a JSON object must not end the run
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    # Delta refuses versions and feeds of more than a week ago: gold follows a table from whenever it last changed, and
    # maintenance keeps the files of that
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
    # 50 by default: for tables of this size one task reads the log faster than fifty
    "spark.databricks.delta.snapshotPartitions": "1",
}

_LOGGERS_OF_ERRORS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""They write the stack of every error to stderr, of those too that are caught and told in a sentence."""


_LOOKED_UP = (
    "functions",
    "PythonUtils",
    "PythonSQLUtils",
    "scala.Option",
    "org.apache.spark.sql.functions",
    "org.apache.spark.sql.delta.DeltaLog",
)
"""Classes of the JVM by the names that PySpark and this module look them up by."""

_MANY = 1_000
"""Rows from which on the text of a literal costs more than Arrow does."""

_WITHOUT_ROWS = frozenset(
    {"OPTIMIZE", "REORG", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES", "CHANGE COLUMN"}
)
"""Operations after which a table has the rows that it had before."""


_WRITING = ("WRITE", "CREATE TABLE AS SELECT")
"""Operations that add all rows that they write: the second one creates a table that a catalog names."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a Delta table: its newest version, its properties, its description, its id and its columns' names.

    A table that is made anew in the place of another one has another id.
    """

    version: int
    properties: dict[str, str]
    description: str = ""
    table_id: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit:
    """A commit of a Delta table: what it says it did, e.g. `MERGE`, its metrics, e.g. `numOutputRows`, and its time.

    One that wrote the whole table anew may have metrics of a MERGE beside its own: they count. `at_ms`: milliseconds
    since 1970, when the commit was about to be made.
    """

    operation: str
    metrics: dict[str, int]
    at_ms: int = 0

    @property
    def changes_rows(self) -> bool:
        """Can the table's rows be others than before? Not if it counts those that are, and there is none."""
        counts = "numTargetRowsInserted" in self.metrics
        return self.operation not in _WITHOUT_ROWS and not (counts and self.rows_written == 0)

    @property
    def inserted_or_deleted(self) -> int:
        """Rows that it added or took away."""
        is_append = self.operation in _WRITING and "numTargetRowsInserted" not in self.metrics
        written = self.metrics.get("numOutputRows", 0) if is_append else 0
        moved = ("numTargetRowsInserted", "numTargetRowsDeleted", "numDeletedRows")
        return written + sum(self.metrics.get(name, 0) for name in moved)

    @property
    def rows_written(self) -> int:
        """Rows that it added, took away or made others."""
        return self.inserted_or_deleted + self.metrics.get("numTargetRowsUpdated", 0)


def merge_metrics(*, insert: int, update: int, delete: int) -> str:
    """What a commit that stands for a MERGE says in its `userMetadata`: how many rows it changed."""
    return json.dumps({"numTargetRowsInserted": insert, "numTargetRowsUpdated": update, "numTargetRowsDeleted": delete})


def build_session(app_name: str, hadoop: Mapping[str, str] | None = None) -> SparkSession:
    """A session with what Delta and the layers need; where it runs is spark-submit's word, never ours.

    `hadoop` are options of Hadoop. They may have credentials: as options of Spark these were arguments of a process.
    One that is there already, as in a notebook or on Databricks, is taken, with what of that can be set while it runs.

    Raises:
        ConfigError: where sessions are Spark Connect's.
    """
    if is_remote():
        raise ConfigError(
            "Spark: sessions here are Spark Connect's, as on serverless compute, and Delta's logs are read by the JVM: "
            "run it on a cluster"
        )
    # else the workers take whatever `python3` is first on the path, which has none of the packages
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    for key, value in _NEEDED.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    _resolve(spark)
    for key, value in (hadoop or {}).items():
        spark.sparkContext._jsc.hadoopConfiguration().set(key, value)
    for logger in _LOGGERS_OF_ERRORS:
        PySparkLogger.getLogger(logger).disabled = True
    spark.sparkContext.setLogLevel("ERROR")
    utc = _class(spark, "java.util.TimeZone").getTimeZone("UTC")
    _class(spark, "java.util.TimeZone").setDefault(utc)
    # Delta prints there how many files a vacuum deleted; what a run shows is the reporter's word
    nowhere = _class(spark, "java.io.PrintStream")(_class(spark, "java.io.OutputStream").nullOutputStream())
    _class(spark, "java.lang.System").setOut(nowhere)
    return spark


@contextmanager
def scratch(spark: SparkSession, folder: str) -> Iterator[None]:
    """A place for what a library writes between its steps, gone afterwards; all executors have to see the folder."""
    spark.sparkContext.setCheckpointDir(folder)
    try:
        yield
    finally:
        path = _class(spark, "org.apache.hadoop.fs.Path")(folder)
        path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()).delete(path, True)


def is_local(spark: SparkSession) -> bool:
    """Does all of it run in this machine's process, so that a folder of this machine will do for all?"""
    return master_of(spark).startswith("local")


def master_of(spark: SparkSession) -> str:
    """Where the session runs, e.g. `local[*]`."""
    return str(spark.sparkContext.master)


def local_frame(spark: SparkSession, rows: Iterable[Mapping[str, Any]], schema: str) -> DataFrame:
    """A frame of rows that the driver holds, of the DDL `schema`; a datetime must carry its time zone.

    The rows travel as one JSON literal. createDataFrame would start Python workers for them, which takes longer than
    most of the jobs that read such a frame.
    """
    found = [dict(row) for row in rows]
    if not found:
        # the optimizer knows that there is nothing, and leaves out what is done with it
        return (
            spark.range(1).select(F.from_json(F.lit("{}"), schema).alias("_row")).filter(F.lit(False)).select("_row.*")
        )
    text = json.dumps(found, default=str)
    parsed = F.from_json(F.lit(text), f"ARRAY<STRUCT<{schema}>>", {"mode": "FAILFAST"})
    return spark.range(1).select(F.inline(parsed))


def frame_of(spark: SparkSession, rows: Sequence[Mapping[str, Any]], schema: str) -> DataFrame:
    """A frame of very many rows that the driver holds, of the DDL `schema`: they travel as Arrow; few as a literal."""
    if len(rows) < _MANY:
        return local_frame(spark, rows, schema)
    types = local_frame(spark, [], schema).schema
    return spark.createDataFrame(pa.Table.from_pylist(rows, to_arrow_schema(types)), types)


def secret_values(spark: SparkSession, values: Mapping[str, bytes]) -> Column:
    """Secrets by their names, MAP<STRING, BINARY>, as a column for whatever frame: a scalar subquery over one row.

    A plan shows its literals, but of a local relation's rows nothing; made by the JVM, they pass through no file.
    """
    schema = StructType([StructField("_secrets", MapType(StringType(), BinaryType()))])
    secrets = _class(spark, "java.util.HashMap")()
    for name, value in values.items():
        secrets.put(name, bytearray(value))
    cell = _class(spark, "java.util.ArrayList")()
    cell.add(_class(spark, "scala.jdk.javaapi.CollectionConverters").asScala(secrets))
    rows = _class(spark, "java.util.ArrayList")()
    rows.add(_class(spark, "org.apache.spark.sql.RowFactory").create(cell.toArray()))
    typed = _class(spark, "org.apache.spark.sql.types.DataType").fromJson(schema.json())
    return DataFrame(spark._jsparkSession.createDataFrame(rows, typed), spark).scalar()


def snapshot_of(spark: SparkSession, path: str) -> Snapshot | None:
    """The newest snapshot of the Delta table at `path`, None where there is no table.

    DESCRIBE DETAIL and DESCRIBE HISTORY say the same, at a Spark job each; this reads the log alone.
    """
    snapshot = _newest(spark, path)
    if snapshot.version() < 0:
        return None
    metadata = snapshot.metadata()
    entries = metadata.configuration().iterator()
    properties = {}
    while entries.hasNext():
        entry = entries.next()
        properties[str(entry._1())] = str(entry._2())
    columns = tuple(column["name"] for column in json.loads(metadata.schemaString())["fields"])
    return Snapshot(int(snapshot.version()), properties, str(metadata.description() or ""), str(metadata.id()), columns)


def rows_of(spark: SparkSession, path: str) -> int | None:
    """The rows of the newest version of the table at `path`, by the files that its checksum lists.

    None where it lists none, as of a table of many files, or where one of them has no count: then Spark has to ask.
    """
    listed = _listed(_newest(spark, path))
    if listed is None:
        return None
    files, rows = listed.iterator(), 0
    while files.hasNext():
        count = files.next().numLogicalRecords()
        if count.isEmpty():
            return None
        rows += int(count.get())
    return rows


def small_frame(spark: SparkSession, path: str, *, version: int | None = None) -> DataFrame | None:
    """The rows of the newest version of the table at `path`, by the files that its checksum lists, as Delta reads them.

    Delta's own reader looks for the files of each table that a query reads by a query or two, which take longer than
    the rows of a small table. None of a table that more than one task would read, where it pays to look which files a
    filter leaves; of one whose checksum lists no files; and if another `version` is asked for.
    """
    newest = _newest(spark, path)
    listed = _listed(newest) if version in (None, newest.version()) else None
    if listed is None or newest.checksumOpt().get().tableSizeBytes() > _bytes_of_a_task(spark):
        return None
    none = _class(spark, "scala.Option").empty()
    return DataFrame(_delta_log(spark, path).createDataFrame(newest, listed, False, none), spark)


def files_of(spark: SparkSession, path: str) -> DataFrame:
    """The data files of the newest version of the table at `path`, as its log has them: Delta's AddFile, a row each."""
    return DataFrame(_newest(spark, path).allFiles().toDF(), spark)


def commits_of(spark: SparkSession, path: str, *, after: int, through: int) -> list[Commit] | None:
    """The commits above version `after` up to `through` of the table at `path`; None where the log lost one of them.

    DESCRIBE HISTORY shows the same, at a Spark job; this reads a file of the log for each.
    """
    log = _delta_log(spark, path)
    hadoop = log.newDeltaHadoopConf()
    found = []
    for version in range(after + 1, through + 1):
        file = _class(spark, "org.apache.hadoop.fs.Path")(f"{path}/_delta_log/{version:020d}.json")
        if not file.getFileSystem(hadoop).exists(file):
            return None
        found.append(_commit(log.store().read(file, hadoop).iterator()))
    return found


def cut_log(spark: SparkSession, path: str) -> None:
    """Have the log of the table at `path` begin with a checkpoint of its newest version.

    What Delta's own clean-up does with logs that are older than `delta.logRetentionDuration`, whole days at a time.
    """
    log, snapshot = _delta_log(spark, path), _newest(spark, path)
    log.checkpoint(snapshot, _class(spark, "scala.Option").empty())
    newest, hadoop = int(snapshot.version()), log.newDeltaHadoopConf()
    folder = _class(spark, "org.apache.hadoop.fs.Path")(f"{path}/_delta_log")
    files = folder.getFileSystem(hadoop)
    for status in files.listStatus(folder):
        version = str(status.getPath().getName()).lstrip(".").split(".")[0]
        if version.isdigit() and int(version) < newest:
            files.delete(status.getPath(), False)


@contextmanager
def configured(spark: SparkSession, conf: Mapping[str, str]) -> Iterator[None]:
    """Settings of the session for as long as the block takes."""
    before = {name: spark.conf.get(name, None) for name in conf}
    for name, value in conf.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, was in before.items():
            if was is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, was)


def _commit(lines: Any) -> Commit:
    while lines.hasNext():
        action = json.loads(lines.next())
        if "commitInfo" in action:
            info = action["commitInfo"]
            metrics = {**info.get("operationMetrics", {}), **_ours(info.get("userMetadata"))}
            numbers = {name: int(value) for name, value in metrics.items() if str(value).lstrip("-").isdigit()}
            return Commit(info.get("operation", ""), numbers, int(info.get("timestamp", 0)))
    return Commit("", {})


def _ours(metadata: str | None) -> dict[str, Any]:
    """What `merge_metrics` said of a commit; nothing where the words are somebody else's."""
    try:
        said = json.loads(metadata or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _listed(snapshot: Any) -> Any:
    """The files of a snapshot by its checksum, a Seq of AddFile; None where that lists none, as of very many."""
    checksum = snapshot.checksumOpt()
    files = checksum.get().allFiles() if checksum.isDefined() else None
    return files.get() if files is not None and files.isDefined() else None


def _bytes_of_a_task(spark: SparkSession) -> int:
    return int(spark._jsparkSession.sessionState().conf().filesMaxPartitionBytes())


def _newest(spark: SparkSession, path: str) -> Any:
    none = _class(spark, "scala.Option").empty()
    return _delta_log(spark, path).update(False, none, none)


def _delta_log(spark: SparkSession, path: str) -> Any:
    return _class(spark, "org.apache.spark.sql.delta.DeltaLog").forTable(spark._jsparkSession, path)


def _class(spark: SparkSession, name: str) -> Any:
    """A class of the JVM by its full name: `_jvm.org.apache` would ask of each part whether a jar has such a class."""
    return getattr(_jvm(spark), name)


def _resolve(spark: SparkSession) -> None:
    """Look up once what PySpark looks up by its short name for every column that it makes.

    A name without a package is tried in each package that PySpark imports, and each time in some 300 jars: a tenth of
    what a run of small tables computes.
    """
    jvm = _jvm(spark)
    for name in _LOOKED_UP:
        jvm.__dict__[name] = getattr(jvm, name)


def _jvm(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm
