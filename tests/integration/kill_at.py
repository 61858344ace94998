"""The pipeline, in a process of its own that kills its whole group at a durable effect: kill_at.py WHEN LABEL ARGS."""

import os
import signal
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME))

from lib.cli import run_job  # noqa: E402
from lib.pipeline.request import LAYERS  # noqa: E402
from tests.integration.faults import on_effects  # noqa: E402


def kill_if(is_here: bool) -> None:
    if is_here:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    when, point, *arguments = sys.argv[1:]
    on_effects(
        pytest.MonkeyPatch(),
        before=lambda label: kill_if(when == "before" and label == point),
        after=lambda label, _: kill_if(when == "after" and label == point),
    )
    sys.exit(run_job(__doc__, HOME / "conf", LAYERS, arguments))
