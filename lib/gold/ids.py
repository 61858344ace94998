"""The ids under which gold knows what the sources number themselves."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def id_of(source: str, key: str) -> Column:
    """`{source}:{key}`, STRING: unique over all sources, NULL where the key is."""
    return F.concat(F.lit(f"{source}:"), F.col(key).cast("string"))
