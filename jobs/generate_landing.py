"""Generate landing files like those of the AdventureWorks shop into the lake's landing folder."""

import sys
from datetime import date
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import arguments, ended, settings_of  # noqa: E402
from lib.generate.demo import generate_landing  # noqa: E402


def main() -> int:
    """Parse the arguments and generate."""
    parser = arguments(__doc__, HOME / "conf")
    parser.add_argument("--customers", type=int, help="number of customers; sales lines are about three times as many")
    parser.add_argument("--start", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--end", type=date.fromisoformat, help="last day, YYYY-MM-DD")
    parser.add_argument("--seed", type=int, help="the same seed gives the same bytes")
    given = parser.parse_args()
    asked = {name: getattr(given, name) for name in ("customers", "start", "end", "seed")}
    return ended(lambda: generate_landing(settings_of(given), **asked))


if __name__ == "__main__":
    sys.exit(main())
