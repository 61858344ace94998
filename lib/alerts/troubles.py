"""Troubles: what is wrong now, compared with what was before; and what a person is told of it."""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lib.alerts.settings import AlertsFile, Kind, Severity, Watch

Key = tuple[Kind, str]
_SEVERITIES = ("warning", "error")
_DONE_BY = {"maintenance": "maintain", "served": "publish"}
"""The target of make that does a layer's work, where it is not `run`."""

_ANEW = {"silver": "--from-bronze", "gold": "--full-refresh"}
"""How a table of a layer is made anew."""

_NEXT: Mapping[Kind, tuple[str, ...]] = {
    "file_rejected": ("run",),
    "tolerance_exceeded": ("run", "--on-fail quarantine"),
    "schema_drift": ("validate", "--drift"),
    "publish_failed": ("publish",),
}
"""The target of make, and its arguments, for what is said of all troubles of a kind; of others `status`."""


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong; two of the same kind and subject are the same one.

    `subject`: a table (`silver.pos_sales`), the path of a file below landing, `run`, a measure of a model; `what`: in
    words; `where`: a place to look at, beyond the subject; `since`: when it began, None for "when it was found";
    `severity`: None for that of its kind; `needs`: what a run has to have found good for it to be over.
    """

    kind: Kind
    subject: str
    what: str
    needs: tuple[str, ...]
    where: str = ""
    since: datetime | None = None
    severity: Severity | None = None

    @property
    def key(self) -> Key:
        """What makes it the same trouble as another one."""
        return self.kind, self.subject


@dataclass(frozen=True)
class News:
    """A trouble that began, or that was over at a time."""

    trouble: Trouble
    cleared_at: datetime | None = None


def told_by(alerts: AlertsFile, troubles: Iterable[Trouble]) -> list[Trouble]:
    """Those of the kinds that are told, each with its severity."""
    return [
        replace(each, severity=each.severity or alerts.rules[each.kind].severity)
        for each in troubles
        if alerts.rules[each.kind].enabled
    ]


def compared(
    before: Mapping[Key, Trouble], found: Iterable[Trouble], good: Collection[str], *, now: datetime
) -> tuple[dict[Key, Trouble], list[News]]:
    """What is wrong after this, and what is news of it.

    A trouble that is found again is no news unless it became graver. One that is not found is over if all that it
    `needs` is among what was found `good`; else nobody looked, and it stays.
    """
    still: dict[Key, Trouble] = {}
    news = []
    for each in found:
        known = before.get(each.key)
        since = known.since if known else each.since
        still[each.key] = replace(each, since=since or now)
        if known is None or _rank(each) > _rank(known):
            news.append(News(still[each.key]))
    for key, known in before.items():
        if key not in still and {*good}.issuperset(known.needs):
            news.append(News(known, cleared_at=now))
        elif key not in still:
            still[key] = known
    return still, news


def _rank(trouble: Trouble) -> int:
    return _SEVERITIES.index(trouble.severity or "error")


def title_of(news: Sequence[News], watch: Watch) -> str:
    """The message's first line: how many troubles are new and how many over, and of which lake."""
    counts = {"new": sum(each.cleared_at is None for each in news)}
    counts["cleared"] = len(news) - counts["new"]
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"lakehouse {watch.environment}: {said}"


def message_of(news: Sequence[News], watch: Watch) -> str:
    """The message: of each trouble what, where, since when, and the next command to type; errors first."""
    ordered = sorted(news, key=lambda each: (each.cleared_at is not None, -_rank(each.trouble), each.trouble.key))
    parts = [_in_words(each, watch) for each in ordered[: watch.alerts.listed]]
    rest = len(ordered) - len(parts)
    more = [f"and {rest} more: {_make(watch, 'status')}"] if rest else []
    return "\n\n".join([f"lake: {watch.root}", *parts, *more])


def _in_words(news: News, watch: Watch) -> str:
    each = news.trouble
    kind = each.kind.replace("_", " ")
    since = f"{each.since:%Y-%m-%d %H:%M} UTC" if each.since else "?"
    if news.cleared_at is not None:
        until = f"{news.cleared_at:%Y-%m-%d %H:%M} UTC"
        return f"cleared: {kind}: {each.subject}\n  was:   {each.what}\n  from:  {since}\n  until: {until}"
    lines = [
        f"{each.severity}: {kind}: {each.subject}", f"  what:  {each.what}",
        *([f"  where: {each.where}"] if each.where else []), f"  since: {since}", f"  next:  {next_of(each, watch)}",
    ]  # fmt: skip
    return "\n".join(lines)


def next_of(trouble: Trouble, watch: Watch) -> str:
    """The command to type next."""
    layer, _, table = trouble.subject.partition(".")
    given = watch.alerts.rules[trouble.kind].next
    if given:
        return given
    is_moved = trouble.where not in {"", str(watch.landing / trouble.subject)}
    if trouble.kind == "file_rejected" and is_moved:
        move = ["hadoop", "fs", "-mv"] if "://" in trouble.where else ["mv"]
        back = shlex.join([*move, trouble.where, str(watch.landing / trouble.subject)])
        return f"{back} && {_make(watch, 'run')}"
    if trouble.kind == "run_failed":
        return _make(watch, _DONE_BY.get(layer, "run"))
    if trouble.kind == "conservation_broken" and layer in _ANEW:
        return _make(watch, "run", f"{_ANEW[layer]} {table}")
    return _make(watch, *_NEXT.get(trouble.kind, ("status",)))


def _make(watch: Watch, target: str, *arguments: str) -> str:
    environment = [] if watch.environment == "local" else [f"--env {watch.environment}"]
    given = " ".join([*environment, *arguments])
    return f"make {target} ROOT={shlex.quote(str(watch.root))}" + (f' ARGS="{given}"' if given else "")
