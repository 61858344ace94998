"""What the jobs share: their arguments, and how an error ends them."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from lib.config import Settings, load_settings
from lib.errors import LakehouseError


def arguments(description: str | None, conf: Path) -> argparse.ArgumentParser:
    """A parser with the options that all jobs have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--conf", type=Path, default=conf, help="the configuration folder (default: %(default)s)")
    parser.add_argument("--env", default="local", help="the environment of lakehouse.yml (default: %(default)s)")
    parser.add_argument("--root", help="the lake's folder; beats LAKEHOUSE_ROOT, which beats lakehouse.yml")
    return parser


def run_arguments(description: str | None, conf: Path) -> argparse.ArgumentParser:
    """A parser with the options of the jobs that work on a lake."""
    parser = arguments(description, conf)
    parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD (default: the latest order date)")
    parser.add_argument(
        "--landing",
        type=Path,
        default=os.environ.get("LAKEHOUSE_LANDING") or None,
        help="a folder whose files are copied into landing first (default: LAKEHOUSE_LANDING)",
    )
    parser.add_argument(
        "--on-fail", choices=["quarantine"], help="let this run pass rules that say `on_fail: fail`; part the rows"
    )
    parser.add_argument("--show", action="store_true", help="end with a first look at customer_360")
    return parser


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings that a job's arguments ask for."""
    return load_settings(given.conf, root=given.root, environment=given.env, as_of=getattr(given, "as_of", None))


def ended(work: Callable[[], int]) -> int:
    """The exit status of a job: that of its work, or of the error that ended it, which is told in its own words."""
    try:
        return work()
    except LakehouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run it again: what was begun is finished then\n")
        return 130


def run_job(description: str | None, conf: Path, layers: Sequence[str], argv: Sequence[str] | None = None) -> int:
    """A job that takes a lake through some layers."""
    given = run_arguments(description, conf).parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        # imported late: a mistake in the configuration is told at once, without Spark
        from lib.pipeline.run import run_layers
        from lib.session import build_session

        return run_layers(
            settings,
            lambda: build_session("customer-360"),
            layers=layers,
            copy_from=given.landing,
            forgiving=given.on_fail == "quarantine",
            show=given.show,
        )

    return ended(work)
