"""What a program costs: its seconds, and the most memory that it and what it starts have at once."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
PAGE = os.sysconf("SC_PAGE_SIZE")
SECONDS_BETWEEN_LOOKS = 0.2
SMALL_LOAD = 100_000 * 1024
"""Of fewer bytes in landing `make run` takes the quick compiler."""


@dataclass(frozen=True)
class Cost:
    """Wall seconds from start to exit; the highest sum of resident memory over the process tree, 0 if it is unknown."""

    seconds: float
    peak_bytes: int


def cost_of(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end. One that fails ends the benchmark, with all that it had to say."""
    with tempfile.TemporaryFile() as out:
        begun = time.monotonic()
        program = subprocess.Popen(
            [str(each) for each in command], cwd=HOME, env={**os.environ, **(environment or {})},
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        peak = 0
        with program:
            while True:
                try:
                    program.wait(SECONDS_BETWEEN_LOOKS)
                    break
                except subprocess.TimeoutExpired:
                    peak = max(peak, memory_of_tree(program.pid))
        seconds = time.monotonic() - begun
        if program.returncode:
            out.seek(0)
            sys.exit(out.read().decode(errors="replace"))
    return Cost(seconds, peak)


def run_through(*layers: str) -> list[object]:
    """The command of a run of this project through some layers; a job's arguments follow."""
    run = "from lib.cli import run_job; import sys; from pathlib import Path; "
    return [sys.executable, "-c", f"{run}sys.exit(run_job('', Path('conf'), {list(layers)}, sys.argv[1:]))"]


def memory_of_tree(root: int) -> int:
    """Resident bytes of a process and of all that descend from it, as Linux tells them; 0 elsewhere."""
    parents, resident, programs = {}, {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # after the name, which is in brackets and may hold anything: state and parent
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            pages = (folder / "statm").read_text().split()[1]
            programs[int(folder.name)] = (folder / "exe").readlink()
        except OSError:
            continue  # it ended meanwhile, or is not ours
        parents[int(folder.name)], resident[int(folder.name)] = int(parent), int(pages)
    tree, found = {root}, {root}
    while found:
        found = {process for process, parent in parents.items() if parent in found} - tree
        tree |= found
    # the JVM sets file permissions by a program: what it has forked for it is the JVM's memory once more, until it is
    # that program
    forked = {each for each in tree - {root} if programs.get(each) == programs.get(parents[each])}
    return PAGE * sum(resident.get(each, 0) for each in tree - forked)


def bytes_below(folder: Path) -> int:
    """The sizes of all files of a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def plain_spark(heap: str) -> dict[str, str]:
    """The environment of a Spark program that sets nothing but its memory."""
    return {"PYSPARK_SUBMIT_ARGS": f"--driver-memory {heap} pyspark-shell"}


def spark_of_the_project(heap: str, *, is_small: bool) -> dict[str, str]:
    """The environment that `make` gives the jobs; a small load is run with the quick compiler, as `make run` does."""
    arguments = os.environ["PYSPARK_SUBMIT_ARGS"].replace("pyspark-shell", f"--driver-memory {heap} pyspark-shell")
    if is_small:
        quick = "-Xshare:auto -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
        arguments = arguments.replace("-Xshare:auto", quick)
    return {"PYSPARK_SUBMIT_ARGS": arguments}
