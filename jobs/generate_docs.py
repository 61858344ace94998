"""Bring CATALOGUE.md, the README's table of tables and the schemas of the configuration up to code and contracts."""

import argparse
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(HOME))

from lib.catalogue import generate_docs  # noqa: E402
from lib.cli import ended  # noqa: E402


def main() -> int:
    """Parse the arguments; write, or only check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if something is not current")
    parser.add_argument("--home", type=Path, default=HOME, help="the project's folder (default: %(default)s)")
    given = parser.parse_args()
    return ended(lambda: generate_docs(given.home, only_check=given.check))


if __name__ == "__main__":
    sys.exit(main())
