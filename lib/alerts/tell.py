"""Compares what was found with what is known, and tells whoever is to know; a channel that is down stops nothing."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lib.alerts import store
from lib.alerts.settings import Severity, Watch
from lib.alerts.store import State
from lib.alerts.troubles import News, Trouble, compared, message_of, title_of, told_by
from lib.contract import seconds_of


def tell(
    watch: Watch,
    found: Iterable[Trouble],
    good: Callable[[Sequence[Trouble]], Collection[str]],
    *,
    now: datetime,
    warn: Callable[[str], None],
) -> list[News]:
    """Write down what is wrong with a lake and send what is news; gives the news.

    `good` says, of the open troubles, what was found good. What a channel does not take is a warning, is kept, and is
    tried again the next time. A death between sending and writing that down sends twice; where nothing can be written
    all is sent each time.
    """
    try:
        with store.held(watch.local):
            return _compared_and_told(watch, found, good, now, warn)
    except OSError as error:
        # a full disk or a lost one is what somebody has to be told of
        news = [News(replace(each, since=each.since or now)) for each in told_by(watch.alerts, found)]
        unsent = waiting({}, news, watch)
        if unsent:
            warn(f"{watch.local / 'alerts'}: cannot be written: {error.strerror}; what is wrong is told each time")
        _sent(watch, unsent, warn)
        return news


def _compared_and_told(
    watch: Watch,
    found: Iterable[Trouble],
    good: Callable[[Sequence[Trouble]], Collection[str]],
    now: datetime,
    warn: Callable[[str], None],
) -> list[News]:
    alerts, root = watch.alerts, watch.local
    before = _known(root, warn)
    open_ones = told_by(alerts, before.open)
    still, news = compared({each.key: each for each in open_ones}, told_by(alerts, found), good(open_ones), now=now)
    state = State([*still.values()], waiting(before.unsent, news, watch))
    if state != before:
        _write(root, state, warn)
    _log(root, now, [store.as_line(each) for each in news], warn)
    sent = _sent(watch, state.unsent, warn)
    if sent:
        left = {name: each for name, each in state.unsent.items() if name not in sent}
        _write(root, State(state.open, left), warn)
        _log(root, now, [{"event": "sent", "channel": name, "news": count} for name, count in sent.items()], warn)
    return news


def waiting(before: dict[str, list[News]], news: Sequence[News], watch: Watch) -> dict[str, list[News]]:
    """What each channel has yet to be told: what it was not told before and what is new, of a trouble the last."""
    rules, found = watch.alerts.rules, {}
    for name in watch.alerts.channels:
        of_channel = [each for each in news if name in (rules[each.trouble.kind].channels or watch.alerts.channels)]
        last = {each.trouble.key: each for each in (*before.get(name, ()), *of_channel)}
        if last:
            found[name] = [*last.values()]
    return found


def _known(root: Path, warn: Callable[[str], None]) -> State:
    try:
        return store.read_state(root)
    except ValueError:
        warn(f"{store.put_aside(root)}: is not what a run wrote; what was open is told again")
        return State()


def _sent(watch: Watch, unsent: dict[str, list[News]], warn: Callable[[str], None]) -> dict[str, int]:
    """The number of news by the channels that took them; all at the same time, as each may take its time."""
    if not unsent:
        return {}
    # imported where it is used: most runs have nothing to tell
    from lib.alerts.channels import send

    def to(name: str) -> str:
        news = unsent[name]
        said = title_of(news, watch), message_of(news, watch)
        return send(
            watch.alerts.channels[name], f"alerts.yml: channels.{name}", *said, severity=worst(news),
            timeout=seconds_of(watch.alerts.timeout),
        )  # fmt: skip

    with ThreadPoolExecutor(len(unsent)) as pool:
        refusals = dict(zip(unsent, pool.map(to, unsent), strict=True))
    for name, why in refusals.items():
        if why:
            warn(f"alerts were not sent to {name}: {why}; the next run tries again")
    return {name: len(unsent[name]) for name, why in refusals.items() if not why}


def worst(news: Iterable[News]) -> Severity | None:
    """The gravest severity of what is wrong; None where all of it is over."""
    found = {each.trouble.severity for each in news if each.cleared_at is None}
    return "error" if "error" in found else "warning" if found else None


def _write(root: Path, state: State, warn: Callable[[str], None]) -> None:
    try:
        store.write_state(root, state)
    except OSError as error:
        # to be told twice is better than not at all
        warn(f"{store.state_file(root)}: cannot be written: {error.strerror}; what is open will be told again")


def _log(root: Path, now: datetime, lines: Sequence[dict[str, object]], warn: Callable[[str], None]) -> None:
    try:
        if lines:
            store.log(root, now, lines)
    except OSError as error:
        warn(f"{root / 'alerts' / 'log.jsonl'}: cannot be written: {error.strerror}")
