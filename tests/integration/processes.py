"""Programs as a user starts them: in processes of their own, which end with the test whatever happens."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pyspark
import pytest

T = TypeVar("T")

HOME = Path(__file__).resolve().parents[2]
SPARK_HOME = Path(pyspark.__file__).parent
ARCHIVE = Path(sys.prefix) / "spark.jsa"
FAST = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m "
    f'"-XX:SharedArchiveFile={ARCHIVE}" -Xshare:auto -Xlog:disable -Xlog:all=error,cds*=off:stderr'
)
"""Options of a JVM that does not run for long: the quick compiler, room for what it compiles, set-up's archive."""
SPARK_SUBMIT, SPARK_CLASS = (str(SPARK_HOME / "bin" / name) for name in ("spark-submit", "spark-class"))


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without what it says of Spark, of Python's path or of a lake, and with `variables`."""
    foreign = ("SPARK_", "PYSPARK_", "PYTHONPATH", "LAKEHOUSE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "SPARK_LOCAL_IP": "127.0.0.1", **variables}


@contextmanager
def started(*command: str | Path, log: Path, cwd: Path, env: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A program under way, in a group of its own; when the block ends, nothing of the group is left."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env=dict(env),
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        _end(process)


def run(*command: str | Path, cwd: Path, env: Mapping[str, str], timeout: float) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; the test fails, with what the program said, if that takes too long."""
    logs = (cwd / "stdout.log", cwd / "stderr.log")
    with logs[0].open("w") as out, logs[1].open("w") as err:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=err, cwd=cwd, env=dict(env),
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        pytest.fail(f"not done after {timeout} s\n{shown(*logs)}")
    finally:
        _end(process)
    return subprocess.CompletedProcess(process.args, status, *(log.read_text() for log in logs))


def wait_until(found: Callable[[], T | None], *, within: float, logs: Callable[[], str]) -> T:
    """What `found` gives, as soon as it is something; the test fails with the logs if that takes too long."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.2)
    pytest.fail(f"waited {within} s in vain\n{logs()}")


def shown(*logs: Path, lines: int = 60) -> str:
    """The last lines of logs, each under its name."""
    return "\n".join(
        "\n".join([f"--- {log}", *log.read_text(errors="replace").splitlines()[-lines:]])
        for log in logs
        if log.is_file()
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its whole group: politely, then not."""
    for how, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 15.0)):
        _signal(process.pid, how)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if process.poll() is not None and not _signal(process.pid, 0):
                return
            time.sleep(0.1)
    pytest.fail(f"{process.args} or a child of it is still there")


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group; was there one?"""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
