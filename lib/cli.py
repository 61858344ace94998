"""What the jobs share: their arguments, and how an error ends them."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.config import Settings, load_settings, load_watch
from lib.errors import ConfigError, LakehouseError
from lib.logs import hide_secrets
from lib.ops import SERVED
from lib.secrets import hidden
from lib.terminal import open_console

if TYPE_CHECKING:
    from lib.pipeline.request import Request
    from lib.tables import Tables


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
    names: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "TABLE"}
    parser.add_argument("--only", **names, help="these tables, or patterns like 'pos_*', and what they are made from")
    parser.add_argument("--exclude", **names, help="leave these tables as they are")
    parser.add_argument(
        "--full-refresh", nargs="*", metavar="TABLE", help="compute these gold tables whole (default: all of gold)"
    )
    parser.add_argument("--from-bronze", **names, help="judge all of bronze again for these entities")
    parser.add_argument("--plan", action="store_true", help="say what the run would do, and change nothing")
    parser.add_argument("--show", action="store_true", help="end with a first look at customer_360")
    return parser


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings that a job's arguments ask for."""
    return load_settings(given.conf, root=given.root, environment=given.env, as_of=getattr(given, "as_of", None))


def _settings_of_a_run(given: argparse.Namespace) -> Settings:
    """The settings of a job that runs at night: of a mistake in them somebody is told."""
    try:
        return settings_of(given)
    except ConfigError as error:
        watch = load_watch(given.conf, root=given.root, environment=given.env)
        if watch is not None and not given.plan:
            from lib.pipeline.alert import tell_of_crash

            tell_of_crash(watch, error)
        raise


def ended(work: Callable[[], int]) -> int:
    """The exit status of a job: that of its work, or of the error that ended it, which is told in its own words."""
    hide_secrets()
    try:
        return work()
    except LakehouseError as error:
        sys.stderr.write(f"{hidden(str(error))}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run it again: what was begun is finished then\n")
        return 130


def run_job(description: str | None, conf: Path, layers: Sequence[str], argv: Sequence[str] | None = None) -> int:
    """A job that takes a lake through some layers."""
    given = run_arguments(description, conf).parse_args(argv)

    def work() -> int:
        settings = _settings_of_a_run(given)
        from lib.pipeline.request import requested

        request = requested(
            settings.contracts, layers=layers, forgiving=bool(given.on_fail), only=given.only, exclude=given.exclude,
            full_refresh=given.full_refresh, from_bronze=given.from_bronze,
        )  # fmt: skip
        if given.plan:
            return _plan(settings, request, copy_from=given.landing)
        return _run(settings, request, copy_from=given.landing, show=given.show)

    return ended(work)


def withdraw_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that takes loaded files out again."""
    parser = arguments(description, conf)
    parser.add_argument("path", help="the file's path below landing, e.g. pos/sales/sales_2017-01.jsonl")
    parser.add_argument("--batch", type=int, help="which one, if a file of that name was loaded more than once")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.pipeline.withdraw import withdraw

        return _run(settings, _all_of(settings, "silver", "gold"), prepare=withdraw(given.path, given.batch))

    return ended(work)


def maintain_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that looks after the files of a lake."""
    parser = arguments(description, conf)
    names: dict[str, Any] = {"nargs": "+", "default": [], "metavar": "TABLE"}
    parser.add_argument("--only", **names, help="these tables by their full names, or patterns like 'gold.*'")
    parser.add_argument("--exclude", **names, help="leave these alone, e.g. 'bronze.*' or files.logs")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and change nothing")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        _check_lake(settings)
        from lib.pipeline.maintain import maintain, names, print_plan
        from lib.pipeline.request import matching

        known = names(settings)
        chosen = matching("--only", given.only, known) if given.only else {*known}
        chosen -= matching("--exclude", given.exclude, known)
        in_order = [name for name in known if name in chosen]
        if given.dry_run:
            return print_plan(_tables(settings), settings, in_order, open_console())
        return _run(settings, _all_of(settings), work=maintain(in_order))

    return ended(work)


def rotate_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that encrypts personal columns with the current key, whatever they are now."""
    parser = arguments(description, conf)
    parser.add_argument(
        "--at-once", action="store_true", help="older versions of what is written anew go now, and not with a vacuum"
    )
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        _check_lake(settings)
        from lib.pipeline.rotate import rotate

        return _run(settings, _all_of(settings), work=rotate(at_once=given.at_once))

    return ended(work)


def train_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that learns models from gold."""
    parser = arguments(description, conf)
    parser.add_argument("--as-of", type=date.fromisoformat, help="YYYY-MM-DD: leave out what came later")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        _check_lake(settings)
        from lib.pipeline.train import train

        return _run(settings, _all_of(settings), work=train)

    return ended(work)


def identify_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that finds out which records of the sources are one person."""
    parser = arguments(description, conf)
    parser.add_argument("--retrain", action="store_true", help="learn a new model, and compare all records by it")
    parser.add_argument("--decisions", type=Path, metavar="FILE", help="take what a person decided: CSV, see --review")
    parser.add_argument(
        "--review",
        type=Path,
        metavar="FILE",
        help="write the pairs that wait for a decision as CSV, and do nothing else",
    )
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        _check_lake(settings)
        if given.review is not None:
            from lib.pipeline.decide import print_review

            return print_review(_tables(settings, masks=False), given.review, open_console())
        from lib.pipeline.identify import identify

        # gold follows at once: a decision is seen where it was asked for
        prepare = identify(retrain=given.retrain, decisions=given.decisions)
        return _run(settings, _all_of(settings, "gold"), prepare=prepare)

    return ended(work)


def publish_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that publishes gold to the database that it is served from, or goes back to what was published before."""
    parser = arguments(description, conf)
    parser.add_argument("--list", action="store_true", help="print which publications there are, and do nothing else")
    parser.add_argument(
        "--rollback", nargs="?", type=int, const=0, metavar="N", help="serve the publication before again, or number N"
    )
    parser.add_argument("--force", action="store_true", help="publish what was rolled back, though gold is the same")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        _check_lake(settings)
        if given.list:
            from lib.serving.show import print_publications

            return print_publications(settings, open_console())
        from lib.pipeline import publish

        if given.rollback is not None:
            return _run(settings, _all_of(settings), work=lambda run: publish.roll_back(run, given.rollback or None))
        return _run(settings, _all_of(settings, SERVED), work=lambda run: publish.publish(run, force=given.force))

    return ended(work)


def queries_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that asks the published database the queries of conf/queries."""
    parser = arguments(description, conf)
    parser.add_argument("query", nargs="*", help="names of queries (default: all)")
    parser.add_argument("--role", default="gold_reader", help="who asks (default: %(default)s, names are masked)")
    parser.add_argument("--limit", type=int, default=20, help="rows of each at most (default: %(default)s)")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.serving.show import print_queries

        return print_queries(settings, given.query, open_console(), role=given.role, limit=given.limit)

    return ended(work)


def explain_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that says why gold says what it says of a customer."""
    parser = arguments(description, conf)
    parser.add_argument("--customer", required=True, help="an id of gold, a record (pos:C0001234), a key or an e-mail")
    parser.add_argument("--column", help="a figure of customer_360, e.g. total_spend: the rows that add up to it")
    parser.add_argument("--limit", type=int, default=20, help="of these rows the newest (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.explain import explain, print_explanation

        said = explain(_tables(settings), settings, given.customer, column=given.column, limit=given.limit)
        if given.json:
            sys.stdout.write(_as_json(said))
        else:
            print_explanation(open_console(), said)
        return 1 if said.get("figure", {}).get("adds_up") is False else 0

    return ended(work)


def erase_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that forgets a person, and proves it."""
    parser = arguments(description, conf)
    parser.add_argument(
        "--customer", help="an id of gold, a record (pos:C0001234), a key or an e-mail; - takes it from standard input"
    )
    parser.add_argument("--reason", help="why, for the report; says nothing of the person")
    parser.add_argument(
        "--also", type=Path, nargs="+", default=[], metavar="FOLDER", help="folders outside of the lake with exports"
    )
    parser.add_argument("--verify", type=Path, metavar="REPORT", help="is a report as it was signed? and nothing else")
    given = parser.parse_args(argv)
    if given.verify is None and bool(given.customer) != bool(given.reason):
        parser.error("--customer and --reason go together (without both: finish what was begun)")

    def work() -> int:
        settings = settings_of(given)
        from lib.pipeline.suppress import key_of_erasure

        if given.verify is not None:
            return _verify(given.verify, key_of_erasure(settings))
        _check_lake(settings)
        # before anything is begun: without it nothing could be finished
        key_of_erasure(settings)
        from lib.pipeline.forget import forget
        from lib.pipeline.prove import prove

        whom = sys.stdin.readline().strip() if given.customer == "-" else given.customer
        request = _all_of(settings, "silver", "gold", SERVED, forgiving=True)
        status = _run(settings, request, work=forget(whom, given.reason or "", also=given.also))
        # the second half looks at what the first one left in the ledger
        return status or _run(settings, _all_of(settings), work=prove)

    return ended(work)


def _verify(report: Path, key: bytes) -> int:
    from lib.erasure.report import is_genuine

    try:
        said = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LakehouseError(f"{report}: is no report: {error}") from None
    genuine = is_genuine(said, key)
    open_console().print(f"{report}: {'as it was signed' if genuine else 'NOT as it was signed'}", soft_wrap=True)
    return 0 if genuine else 1


def _as_json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, default=str, ensure_ascii=False, indent=2) + "\n"


def export_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that writes down all that is known of a person."""
    parser = arguments(description, conf)
    parser.add_argument("--customer", required=True, help="an id of gold, a record (pos:C0001234), a key or an e-mail")
    parser.add_argument("--to", type=Path, metavar="FILE", help="where it is written (default: standard output)")
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.export import export

        said = _as_json(export(_tables(settings, masks=False), settings, given.customer))
        if given.to is None:
            sys.stdout.write(said)
        else:
            try:
                given.to.write_text(said, encoding="utf-8")
            except OSError as error:
                raise LakehouseError(f"{given.to}: cannot be written: {error.strerror}") from None
        return 0

    return ended(work)


def status_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that says how a lake is."""
    parser = arguments(description, conf)
    parser.add_argument(
        "--alert", action="store_true", help="tell whom alerts.yml names of what is new: for a scheduler"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="only whether an entity is older than its contract says: for a sensor"
    )
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.status import freshness, status

        tables, now = _tables(settings), datetime.now(timezone.utc)
        if given.alert:
            from lib.pipeline.alert import tell_of_lake

            tell_of_lake(tables, settings, now=now)
        say = freshness if given.fresh else status
        return say(tables, settings, now=now, console=open_console())

    return ended(work)


def quarantine_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job for the rows that wait: list, show, export, replay or discard."""
    given = _quarantine_arguments(description, conf).parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.pipeline import quarantine

        entity = quarantine.entity_of(settings, given.entity) if given.entity else None
        if given.action == "replay" and entity:
            return _run(settings, _all_of(settings, "silver", "gold"), prepare=quarantine.replay(entity, given.file))
        if given.action == "discard" and entity:
            return _run(settings, _all_of(settings), prepare=quarantine.discard(entity, given.where, given.note))
        from lib import waiting

        if given.action == "show" and entity:
            return waiting.print_rows_of(_tables(settings, masks=False), entity, open_console(), limit=given.limit)
        chosen = [entity] if entity else list(settings.contracts.values())
        if given.action == "export":
            return waiting.print_export(_tables(settings, masks=False), chosen, open_console(), folder=given.to)
        return waiting.print_list(_tables(settings), chosen, open_console())

    return ended(work)


def _quarantine_arguments(description: str | None, conf: Path) -> argparse.ArgumentParser:
    parser = arguments(description, conf)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="age, count and reasons per entity").set_defaults(entity=None)
    show = actions.add_parser("show", help="the rows that wait, with their reasons")
    show.add_argument("entity", help="e.g. pos_sales")
    show.add_argument("--limit", type=int, default=20, help="rows at most (default: %(default)s)")
    export = actions.add_parser("export", help="the waiting rows into files that a person can mend")
    export.add_argument("entity", nargs="?", help="e.g. pos_sales (default: all)")
    export.add_argument("--to", type=Path, default=Path("quarantine"), help="folder (default: %(default)s)")
    replay = actions.add_parser("replay", help="judge rows again, after a file of corrections or a change of contract")
    replay.add_argument("entity", help="e.g. pos_sales")
    replay.add_argument("file", nargs="?", type=Path, help="a mended export (default: judge by today's contract)")
    discard = actions.add_parser("discard", help="give rows up; they stay on record")
    discard.add_argument("entity", help="e.g. pos_sales")
    discard.add_argument("--where", required=True, help="SQL over the quarantine's columns, e.g. '_batch_id = 3'")
    discard.add_argument("--note", required=True, help="why, for the record")
    return parser


def _tables(settings: Settings, *, masks: bool = True) -> "Tables":
    """The tables of a lake that is there, to be read; encrypted columns as masks, if need be and it serves."""
    from lib.formats import format_of
    from lib.session import build_session
    from lib.vault import tables_of, vault_of

    _check_lake(settings)
    vault = vault_of(settings, masks=masks)
    session = build_session("customer-360", settings.storage.of_hadoop())
    tables = tables_of(session, settings, vault=vault)
    format_of(tables)
    return tables


def _check_lake(settings: Settings) -> None:
    if not settings.root.is_dir():
        raise ConfigError(f"{settings.root}: there is no lake (`make demo` makes one)")


def _all_of(settings: Settings, *layers: str, forgiving: bool = False) -> "Request":
    from lib.pipeline.request import requested

    return requested(settings.contracts, layers=layers, forgiving=forgiving)


def _plan(settings: Settings, request: "Request", **options: Any) -> int:
    from lib.pipeline.run import show_plan
    from lib.session import build_session

    session = partial(build_session, "customer-360", settings.storage.of_hadoop())
    return show_plan(settings, session, request, **options)


def _run(settings: Settings, request: "Request", **options: Any) -> int:
    # imported late: a mistake in the configuration is told at once, without Spark
    from lib.pipeline.run import run_layers
    from lib.session import build_session

    session = partial(build_session, "customer-360", settings.storage.of_hadoop())
    return run_layers(settings, session, request, **options)


def dashboard_job(description: str | None, conf: Path, argv: Sequence[str] | None = None) -> int:
    """A job that shows what was published in a browser."""
    parser = arguments(description, conf)
    parser.add_argument("--port", type=int, help="where it listens (default: dashboard.yml's)")
    parser.add_argument(
        "--address", default="127.0.0.1", help="for whom: 0.0.0.0 for others too (default: %(default)s)"
    )
    parser.add_argument(
        "--role", choices=["gold_reader", "gold_reader_pii"], default="gold_reader",
        help="as whom it reads: gold_reader_pii sees names and addresses (default: %(default)s)",
    )  # fmt: skip
    given = parser.parse_args(argv)

    def work() -> int:
        settings = settings_of(given)
        from lib.dashboard.launch import launch

        dashboard, console = settings.dashboard, open_console()
        return launch(
            settings, dashboard, role=given.role, address=given.address,
            port=dashboard.port if given.port is None else given.port,
            ready=lambda url: console.print(f"dashboard: {url} (Ctrl-C ends it)", highlight=False, soft_wrap=True),
        )  # fmt: skip

    return ended(work)
