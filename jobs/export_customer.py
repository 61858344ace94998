"""All that is known of a person, in every layer, as JSON."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import export_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(export_job(__doc__, HOME / "conf"))
