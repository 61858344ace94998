"""Gold to the database that it is served from; --list, --rollback [N]."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import publish_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(publish_job(__doc__, HOME / "conf"))
