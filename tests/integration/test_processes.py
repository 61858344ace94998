"""Nothing that a test started is left behind."""

import os
from pathlib import Path

import pytest

from tests.integration.processes import environment, run, started, wait_until


def test_a_program_and_its_children_end_with_the_block_even_if_it_fails(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(ZeroDivisionError):  # noqa: PT012, SIM117
        with started("sh", "-c", "sleep 60 & echo $! && wait", log=log, cwd=tmp_path, env=environment()) as process:
            child = int(wait_until(lambda: log.read_text().strip(), within=10, logs=lambda: ""))
            assert alive(child)
            _ = 1 / 0
    assert process.returncode is not None
    assert not alive(child)


def test_a_program_that_takes_too_long_is_ended_and_what_it_said_is_shown(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"not done after 0\.5 s\n--- .*stdout.log\nhalf way"):
        run("sh", "-c", "echo half way; sleep 60", cwd=tmp_path, env=environment(), timeout=0.5)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
