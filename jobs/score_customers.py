"""Score the customers by the champions of the registry, as every run does; and publish."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import run_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(run_job(__doc__, HOME / "conf", ["gold", "served"]))
