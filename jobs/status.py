"""How the lake is: last runs, freshness, quarantine, trends; exit status 1 if something is in error."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import status_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(status_job(__doc__, HOME / "conf"))
