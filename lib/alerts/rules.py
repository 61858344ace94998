"""From what is known of a run and of its lake to troubles, and to what is good. No IO: who asks, brings the facts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from lib.alerts.settings import Kind, OfVolumes
from lib.alerts.troubles import Trouble
from lib.contract import Contract, age_of
from lib.errors import ConservationError, QualityError
from lib.freshness import Freshness

_SCALE = 1.4826
"""Of a normal distribution the standard deviation in median absolute deviations: 1 / 0.6745."""

NO_RUN, RUN, WORK = "no run", "run", "other work"


@dataclass(frozen=True)
class Usual:
    """The rows that a day usually brings: the median of days like it, and between which numbers."""

    median: float
    low: float
    high: float


def of_error(layer: str, name: str, error: Exception, text: str) -> Trouble:
    """Work on a table of a layer that ended with an error, told as `text`."""
    kind: Kind = "run_failed"
    if layer == "served":
        kind = "publish_failed"
    elif isinstance(error, QualityError):
        kind = "tolerance_exceeded"
    elif isinstance(error, ConservationError):
        kind = "conservation_broken"
    return Trouble(kind, f"{layer}.{name}", text, (f"{layer}.{name}",))


def of_conservation(layer: str, name: str, text: str) -> Trouble:
    """A table of which rows in and rows out are not the same."""
    return Trouble("conservation_broken", f"{layer}.{name}", text, (f"{layer}.{name}",))


def of_file(table: str, path: str, reason: str, where: str) -> Trouble:
    """A file of an entity that was refused for a reason, and where it is now; its path is that below landing."""
    return Trouble("file_rejected", path, reason, (f"file {path}", f"bronze.{table}"), where)


def of_fields(table: str, fields: Iterable[str], path: str) -> list[Trouble]:
    """Fields of an entity's file, or of its table in a database, that no contract knows; a trouble each."""
    what = f"no contract knows it, its values are kept in _rescued; first seen in {path}"
    return [
        Trouble("schema_drift", f"bronze.{table}.{field}", what, (f"field bronze.{table}.{field}",)) for field in fields
    ]


def of_crash(text: str, layers: Iterable[str], tables: Iterable[str], *, is_other_work: bool = False) -> Trouble:
    """A run that ended early. It is over when one ends that was asked for no less."""
    needs = tuple(sorted(asked_for(layers, tables, is_other_work=is_other_work)))
    return Trouble("run_failed", RUN, text, needs)


def asked_for(layers: Iterable[str], tables: Iterable[str], *, is_other_work: bool = False) -> set[str]:
    """What a run that was asked for some work on tables makes good by coming to its end."""
    of_work = {f"{RUN}: {WORK}"} if is_other_work else set()
    return {f"{RUN} ended", NO_RUN, *[f"{RUN}: {each}" for each in (*layers, *tables)], *of_work}


def of_dead_run(run_id: int, since: datetime) -> Trouble:
    """A run whose process is gone and that did not come to its end."""
    return Trouble("run_failed", RUN, f"run {run_id} was killed before its end", (f"{RUN} ended",), since=since)


def of_last_run(last: datetime | None, no_run_for: str | None, *, now: datetime) -> list[Trouble]:
    """A lake of which the last run that came to its end is too long ago."""
    if last is None or no_run_for is None or now - last <= age_of(no_run_for):
        return []
    what = f"the last run that came to its end is of {last:%Y-%m-%d %H:%M} UTC: older than {no_run_for}"
    return [Trouble("run_failed", NO_RUN, what, (NO_RUN,), since=last + age_of(no_run_for))]


def of_freshness(ages: Iterable[Freshness], contracts: Mapping[str, Contract]) -> list[Trouble]:
    """The entities that are older than their contracts say."""
    found = []
    for each in ages:
        level, _, why = each.verdict.partition(": ")
        if level not in {"warn", "error"}:
            continue
        limits = contracts[each.table].freshness
        limit = limits.error_after if level == "error" else limits.warn_after
        what = f"the newest file is of {each.newest:%Y-%m-%d %H:%M} UTC: {why}" if each.newest else why
        found.append(
            Trouble(
                "freshness", each.table, what, (f"fresh {each.table}",),
                since=each.newest + age_of(limit) if each.newest and limit else None,
                severity="warning" if level == "warn" else None,
            )
        )  # fmt: skip
    return found


def usual(days: Sequence[int], rule: OfVolumes) -> Usual | None:
    """What is usual after such days; None where they are too few, or days on which usually nothing comes.

    Outside of it are counts whose modified z-score, 0.6745 · |x − median| / MAD, is above `deviations`: Iglewicz and
    Hoaglin, How to Detect and Handle Outliers (1993), who propose 3.5. The MAD is the median of |x − median|; where
    most days are alike it is 0, and any difference an outlier: `slack` of the median is always usual.
    """
    middle = median(days) if len(days) >= rule.at_least else 0.0
    if not middle:
        return None
    deviation = _SCALE * median(abs(each - middle) for each in days)
    reach = max(rule.deviations * deviation, rule.slack * middle)
    return Usual(middle, max(middle - reach, 0.0), middle + reach)


def same_days(volumes: Mapping[str, Mapping[date, int]], table: str, today: date, weeks: int) -> list[int]:
    """The rows that came of an entity on the same day of each of the weeks before.

    A day on which only others came counts as 0, from the day on that the entity came first; one on which nothing at all
    came, as no run was made, is none.
    """
    first = min(volumes.get(table, {}), default=today)
    with_loads = {day for days in volumes.values() for day in days}
    days = [today - timedelta(weeks=week) for week in range(1, weeks + 1)]
    return [volumes[table].get(day, 0) for day in days if day in with_loads and day >= first]


def of_volumes(
    volumes: Mapping[str, Mapping[date, int]], tables: Iterable[str], rule: OfVolumes, *, now: datetime
) -> tuple[list[Trouble], set[str]]:
    """The entities of which today brought unusually few or many rows; and what is good, of the others.

    `volumes` are rows loaded by entity and day; nothing is said of an entity without a usual volume.
    """
    today, found, good = now.date(), [], set()
    for table in tables:
        days = same_days(volumes, table, today, rule.weeks)
        range_ = usual(days, rule)
        rows = volumes.get(table, {}).get(today, 0)
        if range_ is None or (rows < range_.low and now.hour < rule.complete_from):
            continue
        if range_.low <= rows <= range_.high:
            good.add(f"volume {table}")
            continue
        what = (
            f"{rows:,} rows on {today:%A} {today}; usual on that day of the week are {range_.low:,.0f} to "
            f"{range_.high:,.0f} (median {range_.median:,.0f} of {len(days)})"
        )
        found.append(Trouble("volume", f"bronze.{table}", what, (f"volume {table}",)))
    return found, good


def of_models(rows: Iterable[tuple[str, str, str, float]], psi_above: float) -> tuple[list[Trouble], set[str]]:
    """The measures of models (model, version, measure, PSI) that have drifted; and what is good, of the others."""
    found, good = [], set()
    for model, version, measure, psi in rows:
        subject = f"{model}.{measure}"
        if psi <= psi_above:
            good.add(f"model {subject}")
            continue
        what = f"population stability index {psi:.3f} is above {psi_above:g} (version {version})"
        found.append(Trouble("model_drift", subject, what, (f"model {subject}",)))
    return found, good


def known_fields(open_ones: Iterable[Trouble], contracts: Mapping[str, Contract], read: Collection[str]) -> set[str]:
    """What is good of fields that no contract knew: one does now, or the entity's newest rows came without them.

    `read` are the entities of which this run read rows.
    """
    good = set()
    for each in open_ones:
        if each.kind == "schema_drift":
            _, table, field = each.subject.split(".", 2)
            if table in read or (table in contracts and field in contracts[table].source_columns.values()):
                good |= {*each.needs}
    return good


def gone(open_ones: Iterable[Trouble], known: Collection[str]) -> set[str]:
    """What is good as the configuration names no such table any more: nobody will ever look at it again."""
    return {need for each in open_ones for need in each.needs if _table_of(need) not in {None, *known}}


def _table_of(need: str) -> str | None:
    kind, _, name = need.rpartition(" ")
    layer, _, table = name.partition(".")
    if kind in {"fresh", "volume"}:
        return name
    return table.partition(".")[0] if layer in {"bronze", "silver", "gold"} and kind in {"", "field"} else None
