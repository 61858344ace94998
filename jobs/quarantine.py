"""Rows that wait in quarantine: list | show | export | replay | discard."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import quarantine_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(quarantine_job(__doc__, HOME / "conf"))
