"""The only builder of a SparkSession, and the only place that reaches below Spark's Python API."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.logger import PySparkLogger
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

_NEEDED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Delta rebuilds a table's state on every commit unless session and JVM are both on UTC
    "spark.sql.session.timeZone": "UTC",
    # without it the CSV reader refuses Windows-1252
    "spark.sql.legacy.javaCharsets": "true",
    # a name that stands twice in a JSON object must not end the run
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    # 50 by default: for tables of this size one task reads the log faster than fifty
    "spark.databricks.delta.snapshotPartitions": "1",
}

_LOGGERS_OF_ERRORS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""They write the stack of every error to stderr, of those too that are caught and told in a sentence."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a Delta table: its newest version and its table properties."""

    version: int
    properties: dict[str, str]


def build_session(app_name: str) -> SparkSession:
    """A session with what Delta and the layers need; where it runs is spark-submit's word, never ours."""
    builder = SparkSession.builder.appName(app_name)
    for key, value in _NEEDED.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    for logger in _LOGGERS_OF_ERRORS:
        PySparkLogger.getLogger(logger).disabled = True
    spark.sparkContext.setLogLevel("ERROR")
    utc = _jvm(spark).java.util.TimeZone.getTimeZone("UTC")
    _jvm(spark).java.util.TimeZone.setDefault(utc)
    return spark


def master_of(spark: SparkSession) -> str:
    """Where the session runs, e.g. `local[*]`."""
    return str(spark.sparkContext.master)


def local_frame(spark: SparkSession, rows: Iterable[Mapping[str, Any]], schema: str) -> DataFrame:
    """A frame of rows that the driver holds, of the DDL `schema`; a datetime must carry its time zone.

    The rows travel as one JSON literal. createDataFrame would start Python workers for them, which takes longer than
    most of the jobs that read such a frame.
    """
    text = json.dumps([dict(row) for row in rows], default=str)
    parsed = F.from_json(F.lit(text), f"ARRAY<STRUCT<{schema}>>", {"mode": "FAILFAST"})
    return spark.range(1).select(F.inline(parsed))


def snapshot_of(spark: SparkSession, path: str) -> Snapshot | None:
    """The newest snapshot of the Delta table at `path`, None where there is no table.

    DESCRIBE DETAIL and DESCRIBE HISTORY say the same, at a Spark job each; this reads the log alone.
    """
    none = _jvm(spark).scala.Option.empty()
    snapshot = _delta_log(spark, path).update(False, none, none)
    if snapshot.version() < 0:
        return None
    entries = snapshot.metadata().configuration().iterator()
    properties = {}
    while entries.hasNext():
        entry = entries.next()
        properties[str(entry._1())] = str(entry._2())
    return Snapshot(version=int(snapshot.version()), properties=properties)


def commit_metrics(spark: SparkSession, path: str, version: int) -> dict[str, int]:
    """The operation metrics that Delta wrote into the commit `version` of the table at `path`, e.g. `numOutputRows`.

    DESCRIBE HISTORY shows the same, at a Spark job; this reads the one file of the log.
    """
    log = _delta_log(spark, path)
    commit = _jvm(spark).org.apache.hadoop.fs.Path(f"{path}/_delta_log/{version:020d}.json")
    lines = log.store().read(commit, log.newDeltaHadoopConf()).iterator()
    while lines.hasNext():
        action = json.loads(lines.next())
        if "commitInfo" in action:
            metrics = action["commitInfo"].get("operationMetrics", {})
            return {name: int(value) for name, value in metrics.items() if str(value).lstrip("-").isdigit()}
    return {}


def _delta_log(spark: SparkSession, path: str) -> Any:
    return _jvm(spark).org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)


def _jvm(spark: SparkSession) -> Any:
    return spark.sparkContext._jvm
