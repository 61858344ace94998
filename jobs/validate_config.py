"""Validate the configuration: every mistake of every file at once; SQL is compiled, no data is read."""

import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.cli import arguments, ended, settings_of  # noqa: E402
from lib.validate import validate  # noqa: E402


def main() -> int:
    """Parse the arguments and validate."""
    parser = arguments(__doc__, HOME / "conf")
    parser.add_argument("--drift", action="store_true", help="print contract lines for fields that no contract knows")
    given = parser.parse_args()
    return ended(lambda: validate(settings_of(given), drift=given.drift))


if __name__ == "__main__":
    sys.exit(main())
