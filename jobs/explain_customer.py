"""Why gold says what it says of a customer: --customer ID [--column total_spend]; exit status 1 if it adds up not."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import explain_job  # noqa: E402

if __name__ == "__main__":
    sys.exit(explain_job(__doc__, HOME / "conf"))
