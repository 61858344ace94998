"""Faults that pass by themselves are met again with a new attempt; all others are not."""

import errno
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest
from py4j.protocol import Py4JNetworkError

from lib.config import load_settings
from lib.contract import Span
from lib.errors import LakehouseError, QualityError, TransientError
from lib.lakehouse import Retries
from lib.logs import no_log
from lib.ops import Step
from lib.pipeline.context import Run, now
from lib.pipeline.request import requested
from lib.terminal import Reporter, open_console
from lib.transient import fault_of, in_words, retried
from tests.builders import CONF

AT_ONCE = Retries(attempts=4, first_wait="1ms", most="5ms")
CONNECTION, STARTING = (
    "a connection was refused, broke or took too long",
    "a database is starting, stopping or has no connection left",
)
CLASH, BUSY, COMMIT = (
    "two transactions of a database stood in each other's way",
    "a server or an object store is busy",
    "another commit came first",
)


class SparkLikeError(Exception):
    """As Spark's errors come: the text has the trace of Java, with all that caused it."""


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


TABLE = [
    (ConnectionRefusedError(), CONNECTION),
    (TimeoutError(), CONNECTION),
    (OSError(errno.ENETUNREACH, "Network is unreachable"), CONNECTION),
    (psycopg.OperationalError('connection to server at "10.0.0.1", port 5432 failed: Connection refused'), CONNECTION),
    (psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly"), CONNECTION),
    (psycopg.errors.ConnectionTimeout("connection timeout expired"), CONNECTION),
    (psycopg.errors.ConnectionFailure("08006"), CONNECTION),
    (SparkLikeError("[FAILED_JDBC] …\nCaused by: java.net.ConnectException: Connection refused"), CONNECTION),
    (SparkLikeError("PSQLException: The connection attempt failed.\nCaused by: java.io.EOFException"), CONNECTION),
    (SparkLikeError("Lost task 0.0 (host executor 1): java.net.SocketTimeoutException: Read timed out"), CONNECTION),
    (psycopg.OperationalError("connection failed: FATAL:  the database system is starting up"), STARTING),
    (psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already"), STARTING),
    (psycopg.errors.AdminShutdown("57P01"), STARTING),
    (SparkLikeError("org.postgresql.util.PSQLException: FATAL: the database system is shutting down"), STARTING),
    (psycopg.errors.DeadlockDetected("40P01"), CLASH),
    (HTTPError("http://x", 503, "Slow Down", None, None), BUSY),  # type: ignore[arg-type]
    (SparkLikeError("AmazonS3Exception: Slow Down (Service: Amazon S3; Status Code: 503; Error Code: 503)"), BUSY),
    (SparkLikeError("[DELTA_CONCURRENT_APPEND] ConcurrentAppendException: Files were added"), COMMIT),
    (SparkLikeError("io.delta.exceptions.MetadataChangedException: The metadata has been changed"), COMMIT),
    (OSError(errno.ESTALE, "Stale file handle"), "a file system did not answer or was busy"),
    (caused(LakehouseError("a.csv: cannot be moved"), ConnectionResetError()), CONNECTION),
    (TransientError("the database cannot be asked", CONNECTION), CONNECTION),
    # permanent
    (OSError(errno.ENOSPC, "No space left on device"), None),
    (FileNotFoundError(errno.ENOENT, "No such file"), None),
    (PermissionError(errno.EACCES, "Permission denied"), None),
    (psycopg.OperationalError('connection failed: FATAL:  password authentication failed for user "x"'), None),
    (psycopg.OperationalError("::1 failed: Connection refused 127.0.0.1 failed: no pg_hba.conf entry"), None),
    (psycopg.errors.UndefinedTable("42P01"), None),
    (HTTPError("http://x", 404, "Not Found", None, None), None),  # type: ignore[arg-type]
    (SparkLikeError("AmazonS3Exception: Access Denied (Service: Amazon S3; Status Code: 403)"), None),
    (SparkLikeError("[CAST_INVALID_INPUT] The value 'ConnectException' of the type STRING cannot be cast"), None),
    (caused(Py4JNetworkError("Answer from Java side is empty"), ConnectionRefusedError()), None),
    (QualityError("3 of 10 rows"), None),
    (KeyboardInterrupt(), None),
]


@pytest.mark.parametrize(("error", "fault"), TABLE, ids=lambda each: str(each)[:50])
def test_an_error_passes_by_itself_or_not(error: BaseException, fault: str | None) -> None:
    assert fault_of(error) == fault


def test_an_error_that_tells_of_another_one_passes_as_that_does() -> None:
    assert fault_of(in_words("the database says no", psycopg.errors.AdminShutdown())) == STARTING
    assert fault_of(in_words("the database says no", psycopg.errors.UndefinedTable())) is None


@contextmanager
def serving(failures: int) -> Iterator[tuple[str, list[int]]]:
    """A web server that answers 503 so many times and then 200; gives its address and what it answered."""
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.append(503 if len(answers) < failures else 200)
            self.send_response(answers[-1])
            self.end_headers()
            self.wfile.write(b"here")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()


def asked(url: str, told: list[tuple[str, int]]) -> bytes:
    def ask(_: int) -> bytes:
        with urlopen(url, timeout=5) as answer:
            return bytes(answer.read())

    return retried(ask, AT_ONCE, told=lambda fault, _, attempt, __: told.append((fault, attempt)))


def test_a_server_that_is_busy_three_times_is_asked_four_times() -> None:
    told: list[tuple[str, int]] = []
    with serving(3) as (url, answers):
        assert asked(url, told) == b"here"
    assert answers == [503, 503, 503, 200]
    assert told == [(BUSY, 1), (BUSY, 2), (BUSY, 3)]


def test_a_server_that_stays_busy_is_given_up() -> None:
    told: list[tuple[str, int]] = []
    with serving(9) as (url, answers), pytest.raises(HTTPError):
        asked(url, told)
    assert answers == [503] * 4


def test_a_port_on_which_nobody_listens_yet_is_tried_until_somebody_does() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = taken.getsockname()

        def connect(attempt: int) -> None:
            if attempt == 3:
                taken.listen()
            socket.create_connection(place, timeout=5).close()

        told: list[int] = []
        retried(connect, AT_ONCE, told=lambda *args: told.append(args[2]))
    assert told == [1, 2]


def test_pauses_grow_differ_and_are_bounded() -> None:
    def pauses(attempts: int, most: Span) -> list[float]:
        found: list[float] = []

        def refuse(_: int) -> None:
            raise ConnectionRefusedError

        with pytest.raises(ConnectionRefusedError):
            retried(
                refuse,
                Retries(attempts=attempts, first_wait="10ms", most=most),
                told=lambda *args: found.append(args[3]),
            )
        return found

    first, other = pauses(4, "1s"), pauses(4, "1s")
    for found in (first, other):
        for pause, least in zip(found, (0.01, 0.02, 0.04), strict=True):
            assert least <= pause <= least + 0.01
    assert first != other
    assert max(pauses(4, "15ms")) <= 0.015


def test_a_permanent_error_is_met_once() -> None:
    attempts: list[int] = []

    def refuse(attempt: int) -> None:
        attempts.append(attempt)
        raise PermissionError(errno.EACCES, "no")

    with pytest.raises(PermissionError):
        retried(refuse, AT_ONCE, told=lambda *_: None)
    assert attempts == [1]


def test_who_waits_for_another_attempt_is_let_go_when_the_run_ends() -> None:
    stop = threading.Event()

    def refuse(_: int) -> None:
        raise ConnectionRefusedError

    threading.Timer(0.1, stop.set).start()
    started = time.monotonic()
    with pytest.raises(CancelledError):
        retried(refuse, Retries(attempts=4, first_wait="20s", most="30s"), told=lambda *_: None, stop=stop)
    assert time.monotonic() - started < 5


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run without Spark."""
    settings = load_settings(CONF, root=str(tmp_path))
    object.__setattr__(settings, "retries", AT_ONCE)
    reporter = Reporter(open_console(), no_log(), tmp_path / "log")
    return Run(1, settings, None, reporter, now(), requested(settings.contracts))  # type: ignore[arg-type]


def test_of_a_failed_attempt_nothing_is_taken_down(run: Run) -> None:
    def work(name: str) -> str:
        run.warn(f"{name} warns")
        run.conserve("gold", name, "a to b", rows_in=1, rows_out=1)
        run.done(Step("gold", name, 1, "full", now()))
        if not run.is_repeated:
            run.fail(name, "not conserved")
            raise ConnectionResetError
        return "good"

    assert run.each(["a"], work, layer="gold") == {"a": "good"}
    assert run.warnings == ["a warns"]
    assert run.conserved == [("a to b", True)]
    assert len(run.steps) == 1
    assert (run.failures, run.troubles, run.looked_at) == ({}, [], {"gold.a"})


def test_of_the_last_attempt_all_is_taken_down(run: Run) -> None:
    def work(name: str) -> None:
        run.warn(f"{name} warns")
        raise ConnectionResetError

    assert run.each(["a"], work, layer="silver") == {}
    assert run.warnings == ["a warns"]
    assert [(each.kind, each.subject) for each in run.troubles] == [("run_failed", "silver.a")]
    assert run.looked_at == set()


def test_what_work_within_work_takes_down_is_that_of_the_attempt(run: Run) -> None:
    def inner(name: str) -> None:
        run.warn(f"{name} warns")

    def outer(_: str) -> None:
        run.each(["x", "y"], inner, layer="served")
        if not run.is_repeated:
            raise ConnectionResetError

    run.each(["publication"], outer, layer="served")
    assert sorted(run.warnings) == ["x warns", "y warns"]


def test_an_interrupted_run_does_not_wait_for_another_attempt(run: Run) -> None:
    object.__setattr__(run.settings, "retries", Retries(attempts=4, first_wait="30s", most="30s"))

    def refuse(_: str) -> None:
        raise ConnectionRefusedError

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    try:
        threading.Timer(0.3, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            run.each(["a"], refuse, layer="gold")
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 5
