"""Find out which records of the sources are one person, and give each person an id that stays."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import identify_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(identify_job(__doc__, HOME / "conf"))
