"""Generate landing files of a web shop, of shop tills and of a contact centre into the lake's landing folder."""

import sys
from datetime import date
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import arguments, ended, settings_of  # noqa: E402
from lib.generate.demo import SOURCES, generate_landing  # noqa: E402


def main() -> int:
    """Parse the arguments and generate."""
    parser = arguments(__doc__, HOME / "conf")
    parser.add_argument("--source", choices=SOURCES, default="all", help="whose files (default: %(default)s)")
    parser.add_argument("--customers", type=int, help="number of customers of each (pos: one for every twenty rows)")
    parser.add_argument("--rows", type=int, help="pos: number of sales lines")
    parser.add_argument("--files", type=int, help="pos: number of files of sales")
    parser.add_argument("--start", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--end", type=date.fromisoformat, help="last day, YYYY-MM-DD")
    parser.add_argument("--seed", type=int, help="the same seed gives the same bytes")
    given = parser.parse_args()
    asked = {name: value for name, value in vars(given).items() if name not in ("conf", "env", "root")}
    return ended(lambda: generate_landing(settings_of(given), **asked))


if __name__ == "__main__":
    sys.exit(main())
