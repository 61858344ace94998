"""Write the files of a lake's large tables without the rows that are marked as gone: for readers that know no marks.

python -m tests.benchmarks.rewrite <copy of a lake's table> ...
"""

import sys

from lib.session import build_session


def main(*paths: str) -> None:
    """Rewrite the Delta tables at these paths."""
    spark = build_session("rewrite")
    for path in paths:
        spark.sql(f"REORG TABLE delta.`{path}` APPLY (PURGE)")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
