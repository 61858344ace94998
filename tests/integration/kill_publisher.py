"""The job that publishes, in a process that is killed when all is loaded and prepared: kill_publisher.py ARGS."""

import os
import signal
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME))

from lib.cli import publish_job  # noqa: E402
from lib.serving import publications  # noqa: E402


def kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    publications.make_live = kill  # type: ignore[assignment]
    sys.exit(publish_job(__doc__, HOME / "conf", sys.argv[1:]))
