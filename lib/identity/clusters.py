"""Connected components of records and links."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def components(keys: DataFrame, links: DataFrame) -> DataFrame:
    """One row per key: `key`, and `component`, the smallest key that links lead to from it.

    Each round a key takes the smallest component of its neighbours, and then that one's own, so that long chains take
    few rounds (after Shiloach & Vishkin, An O(log n) parallel connectivity algorithm, Journal of Algorithms 3, 1982).
    Runs some Spark jobs a round; both ends of a link must be among the keys.
    """
    ways = links.select("key_l", "key_r").unionByName(
        links.select(F.col("key_r").alias("key_l"), F.col("key_l").alias("key_r"))
    )
    ways = ways.localCheckpoint()
    found = keys.select("key", F.col("key").alias("component"))
    while True:
        near = ways.join(found.withColumnRenamed("key", "key_r"), "key_r").groupBy(F.col("key_l").alias("key"))
        taken = found.join(near.agg(F.min("component").alias("_near")), "key", how="left").select(
            "key", F.least("component", "_near").alias("component"), F.col("component").alias("_before")
        )
        roots = taken.select(F.col("key").alias("component"), F.col("component").alias("_root"))
        jumped = (
            taken.join(roots, "component").select("key", F.col("_root").alias("component"), "_before").localCheckpoint()
        )
        if jumped.filter("component <> _before").isEmpty():
            return jumped.drop("_before")
        found = jumped.drop("_before")
