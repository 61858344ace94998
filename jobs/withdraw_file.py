"""Take a loaded file out again: its rows leave bronze, silver and gold as if it had never come."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import withdraw_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(withdraw_job(__doc__, HOME / "conf"))
