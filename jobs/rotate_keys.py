"""Rotate keys: personal columns are written anew under the current key, whatever they are now; or in clear text."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import rotate_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(rotate_job(__doc__, HOME / "conf"))
