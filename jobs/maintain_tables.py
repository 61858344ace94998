"""Maintain a lake: compact, cluster, purge and vacuum its tables, and take away what the configuration says is old."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import maintain_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(maintain_job(__doc__, HOME / "conf"))
