"""The queries of conf/queries, asked of the published database."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import queries_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(queries_job(__doc__, HOME / "conf"))
