"""Faults that pass by themselves: which errors they are, and how work that met one is done again.

What is not in the table is permanent: the same work would fail in the same way.
"""

import errno
import re
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from itertools import count
from threading import Event
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_when_event_set
from tenacity.wait import wait_exponential_jitter

from lib.contract import seconds_of
from lib.errors import LakehouseError, TransientError
from lib.lakehouse import Retries

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """A fault that passes, and by what an error is known to be it: any one of these is enough.

    `types`: of Python; `errnos`: of an OSError; `sqlstates`: of PostgreSQL; `statuses`: of an HTTP answer; `words`: in
    `class: text` of the error, where those of Spark and Delta have the classes of all that caused them.
    """

    name: str
    types: tuple[type[BaseException], ...] = ()
    errnos: frozenset[int] = frozenset()
    sqlstates: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    words: str = r"(?!)"


TRANSIENT = (
    Fault(
        "a connection was refused, broke or took too long",
        types=(ConnectionError, TimeoutError),
        errnos=frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}),
        sqlstates=frozenset({"08000", "08001", "08003", "08006"}),
        words=r"\bPSQLException: (The connection attempt failed|An I/O error occurred|This connection has been closed)"
        r"|\bjava\.net\.(Connect|NoRouteToHost|Socket|SocketTimeout|UnknownHost)Exception\b"
        r"|^psycopg\..*(Connection (refused|reset|timed out)|timeout expired|closed the connection unexpectedly"
        r"|could not (receive data|translate host name)|connection is (lost|closed))",
    ),
    Fault(
        "a database is starting, stopping or has no connection left",
        sqlstates=frozenset({"57P01", "57P02", "57P03", "53300"}),
        words=r"\bFATAL: +(the database system is|sorry, too many clients|remaining connection slots"
        r"|terminating connection due to administrator command)",
    ),
    Fault(
        "two transactions of a database stood in each other's way",
        sqlstates=frozenset({"40001", "40P01"}),
        words=r"\bERROR: +(deadlock detected|could not serialize access)",
    ),
    Fault(
        "a server or an object store is busy",
        statuses=frozenset({429, 500, 502, 503, 504}),
        words=r"\bStatus Code: (429|500|502|503|504)\b|\bSlowDown\b|\bServiceUnavailable\b"
        r"|\b(AWSServiceThrottled|AWSStatus500|AWSApiCallTimeout|ApiCallTimeout|ApiCallAttemptTimeout)Exception\b"
        r"|\borg\.apache\.http\.(conn\.ConnectTimeout|NoHttpResponse)Exception\b",
    ),
    Fault(
        "another commit came first",
        words=r"\b(Concurrent(Write|Append|DeleteRead|DeleteDelete|Transaction)|MetadataChanged|ProtocolChanged"
        r"|DeltaConcurrentModification)Exception\b|\bDELTA_(CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED)\b",
    ),
    Fault(
        "a file system did not answer or was busy",
        errnos=frozenset({errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE}),
    ),
)
"""Every fault that is worth another try."""

PERMANENT = re.compile(
    # the JVM is gone: its socket refuses connections too, and nothing brings it back
    r"^py4j\.protocol\.Py4JNetworkError\b"
    # a host with two addresses, of which one refused and the other one knows better
    r"|\b(password|peer|ident) authentication failed|\bno pg_hba\.conf entry",
    re.IGNORECASE,
)
"""What is permanent whatever else the error says."""


def fault_of(error: BaseException) -> str | None:
    """The name of the passing fault that an error is, by itself or by what caused it; None for a permanent one."""
    chain = [(each, _words_of(each)) for each in _causes(error)]
    if any(PERMANENT.search(words) for _, words in chain):
        return None
    known = (each.fault for each, _ in chain if isinstance(each, TransientError))
    found = (fault.name for fault in TRANSIENT for each, words in chain if _is(fault, each, words))
    return next(known, None) or next(found, None)


def in_words(message: str, cause: BaseException) -> LakehouseError:
    """An error that tells of another one in a sentence and keeps nothing of it but whether it passes by itself."""
    fault = fault_of(cause)
    return TransientError(message, fault) if fault else LakehouseError(message)


def retried(
    work: Callable[[int], T],
    retries: Retries,
    *,
    told: Callable[[str, BaseException, int, float], None],
    stop: Event | None = None,
) -> T:
    """Do the work, again and again as long as what it meets passes by itself, with growing and uneven pauses between.

    `work` is given the number of the attempt, from 1 on; `told` the fault, the error, that number and the seconds until
    the next one. Once `stop` is set there is none, and nobody waits for it any longer.

    Raises:
        Exception: what the last attempt met.
        CancelledError: if `stop` was set while it waited.
    """
    stopped, numbers, first = stop or Event(), count(1), seconds_of(retries.first_wait)

    def pause(seconds: float) -> None:
        if stopped.wait(seconds):
            raise CancelledError

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None:
            told(fault_of(error) or "", error, state.attempt_number, state.upcoming_sleep)

    again = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Exception) and fault_of(error) is not None),
        stop=stop_after_attempt(retries.attempts) | stop_when_event_set(stopped),
        wait=wait_exponential_jitter(multiplier=first, jitter=first, max=seconds_of(retries.most)),
        sleep=pause,
        before_sleep=tell,
        reraise=True,
    )
    return again(lambda: work(next(numbers)))


def _is(fault: Fault, error: BaseException, words: str) -> bool:
    response = getattr(error, "response", None)
    codes: tuple[tuple[Any, frozenset[Any]], ...] = (
        (getattr(error, "errno", None), fault.errnos),
        (getattr(error, "sqlstate", None), fault.sqlstates),
        (getattr(error, "status", None) or getattr(response, "status_code", None), fault.statuses),
    )
    is_known = isinstance(error, fault.types) or any(code in codes_of for code, codes_of in codes)
    return is_known or re.search(fault.words, words, re.DOTALL) is not None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what caused it by Python's word or by that of Spark's errors."""
    seen, waiting = set[int](), [error]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            context = None if each.__suppress_context__ else each.__context__
            nexts = (each.__cause__, context, getattr(each, "_cause", None))
            waiting += [cause for cause in nexts if isinstance(cause, BaseException)]


def _words_of(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}: {error}"
