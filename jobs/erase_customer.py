"""Forget a person: in every layer, in files, in the database; a signed report says what was done and what is left."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import erase_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(erase_job(__doc__, HOME / "conf"))
