"""One run at a time per lake, and a number for each."""

import subprocess
import sys
from pathlib import Path

import pytest

from lib.errors import LakehouseError, LockedError
from lib.lock import locked


def test_runs_are_numbered_also_after_one_that_died_or_lost_its_lock_file(tmp_path: Path) -> None:
    with locked(tmp_path) as first:
        pass
    with pytest.raises(ZeroDivisionError), locked(tmp_path) as second:
        1 / 0  # noqa: B018
    (tmp_path / ".lock").unlink()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/run-0041.jsonl").touch()
    with locked(tmp_path) as third:
        assert (first.run_id, second.run_id, third.run_id) == (1, 2, 42)


def test_a_lock_file_that_was_half_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text('{"run": 3, "pro')
    with locked(tmp_path) as lock:
        assert lock.run_id == 1


def test_a_second_run_is_told_who_holds_the_lake(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from lib.lock import locked\nwith locked(Path(sys.argv[1])): pass"
    home = Path(__file__).resolve().parents[1]
    with locked(tmp_path):
        command = [sys.executable, "-c", script, str(tmp_path)]
        other = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        with pytest.raises(LockedError, match=r"another run holds .*\.lock since .* \(process \d+ on this host\)"):
            locked(tmp_path).__enter__()
    assert "LockedError" in other.stderr
    subprocess.run(command, cwd=home, check=True)


def test_a_lake_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakehouseError, match="the lake's folder cannot be written"):
        locked(tmp_path / "file").__enter__()
