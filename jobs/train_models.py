"""Learn from gold who leaves and what customers will be worth; what beats its baselines scores from then on."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import train_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(train_job(__doc__, HOME / "conf"))
