"""The dashboard: a web app on this machine that shows what was published, until it is interrupted."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import dashboard_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(dashboard_job(__doc__, HOME / "conf"))
