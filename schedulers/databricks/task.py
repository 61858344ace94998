"""Runs a program of jobs/ as a task of a Databricks job: HOME JOB [--option=value ...].

There a script has no `__file__`, by which the jobs find the configuration, and one that exits has failed whatever its
status. An option without a value, as a parameter of the job that was left empty gives it, is one that was not given.
"""

import runpy
import sys


def main(home: str, job: str, *options: str) -> None:
    """Run the job; an exit status other than 0 fails the task."""
    sys.argv = [job, *(option for option in options if not option.endswith("="))]
    try:
        runpy.run_path(f"{home}/jobs/{job}.py", run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])
