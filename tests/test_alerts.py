"""What is wrong, what is news of it, and who is told: once, until it is over."""

import shutil
import socket
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lib.alerts import rules, store
from lib.alerts.settings import AlertsFile, OfVolumes, Watch
from lib.alerts.store import State, read_state, write_state
from lib.alerts.tell import tell
from lib.alerts.troubles import News, Trouble, compared, message_of, next_of, title_of, told_by
from lib.config import load_settings
from lib.contract import Freshness as Limits
from lib.errors import ConfigError, ConservationError, LakehouseError, QualityError
from lib.freshness import Freshness
from tests.builders import CONF, RECEIPTS
from tests.receivers import mail_server, web_server

MONDAY = datetime(2026, 1, 12, 2, tzinfo=timezone.utc)
LATER = MONDAY + timedelta(days=1)
ALERTS = load_settings(CONF).alerts
VOLUME = ALERTS.kinds.volume


def failed(name: str, what: str = "it broke") -> Trouble:
    return Trouble("run_failed", f"gold.{name}", what, (f"gold.{name}",), severity="error")


def watch(root: Path, *, listed: int = 20, **channels: str) -> Watch:
    alerts = AlertsFile.model_validate({**ALERTS.model_dump(), "channels": channels, "timeout": "1s", "listed": listed})
    return Watch(alerts, "local", root, root / "landing", root)


def as_open(*troubles: Trouble) -> dict[Any, Trouble]:
    return {each.key: each for each in troubles}


def test_a_trouble_is_news_once_and_then_when_it_is_over() -> None:
    still, news = compared({}, [failed("a")], (), now=MONDAY)
    assert [(each.trouble.subject, each.cleared_at) for each in news] == [("gold.a", None)]
    assert [each.since for each in still.values()] == [MONDAY]

    again, news = compared(still, [failed("a", "it broke otherwise")], (), now=LATER)
    assert news == []
    assert [(each.since, each.what) for each in again.values()] == [(MONDAY, "it broke otherwise")]

    over, news = compared(again, [], {"gold.a"}, now=LATER)
    assert over == {}
    assert [(each.trouble.since, each.cleared_at) for each in news] == [(MONDAY, LATER)]


def test_what_a_run_did_not_look_at_stays() -> None:
    before = as_open(failed("a"), failed("b"))
    still, news = compared(before, [], {"gold.b"}, now=LATER)
    assert [each.subject for each in still.values()] == ["gold.a"]
    assert [each.trouble.subject for each in news] == ["gold.b"]


def test_a_trouble_that_becomes_graver_is_news_again() -> None:
    warned = Trouble("freshness", "pos_sales", "older than 24h", ("fresh pos_sales",), severity="warning", since=MONDAY)
    worse = Trouble("freshness", "pos_sales", "older than 48h", ("fresh pos_sales",), severity="error")
    _, news = compared(as_open(warned), [worse], (), now=LATER)
    assert [(each.trouble.what, each.trouble.since) for each in news] == [("older than 48h", MONDAY)]
    assert compared(as_open(worse), [warned], (), now=LATER)[1] == []


def test_a_kind_that_is_not_told_is_none() -> None:
    quiet = ALERTS.model_copy(
        update={"kinds": ALERTS.kinds.model_copy(update={"run_failed": ALERTS.kinds.run_failed.model_copy(
            update={"enabled": False})})}
    )  # fmt: skip
    assert told_by(quiet, [failed("a")]) == []
    assert told_by(ALERTS, [Trouble("volume", "bronze.a", "", ())])[0].severity == "warning"


@pytest.mark.parametrize(
    ("layer", "error", "kind"),
    [
        ("gold", LakehouseError("x"), "run_failed"),
        ("bronze", ValueError("x"), "run_failed"),
        ("silver", QualityError("x"), "tolerance_exceeded"),
        ("silver", ConservationError("x"), "conservation_broken"),
        ("served", ConservationError("x"), "publish_failed"),
    ],
)
def test_an_error_is_a_trouble_of_a_kind(layer: str, error: Exception, kind: str) -> None:
    assert rules.of_error(layer, "t", error, "x") == Trouble(kind, f"{layer}.t", "x", (f"{layer}.t",))  # type: ignore[arg-type]


def test_a_crash_is_over_when_a_run_of_no_less_comes_to_its_end() -> None:
    crash = rules.of_crash("no Java", ["bronze", "gold"], ["a", "b"])

    def is_over(layers: Sequence[str], tables: Sequence[str]) -> bool:
        return not compared(as_open(crash), [], rules.asked_for(layers, tables), now=LATER)[0]

    assert is_over(["bronze", "silver", "gold"], ["a", "b", "c"])
    assert not is_over(["bronze", "gold"], ["a"])
    assert not is_over(["gold"], ["a", "b"])


def test_a_file_that_is_too_old_is_a_trouble_since_it_was_so() -> None:
    contract = RECEIPTS.model_copy(update={"freshness": Limits(warn_after="24h", error_after="2d")})
    newest = MONDAY - timedelta(days=3)
    ages = [
        Freshness("shop_receipts", newest, 72.0, "error: older than 2d"),
        Freshness("fresh", newest, 72.0, "ok"),
        Freshness("never", None, None, "never loaded"),
    ]
    assert rules.of_freshness(ages, {"shop_receipts": contract}) == [
        Trouble(
            "freshness", "shop_receipts", "the newest file is of 2026-01-09 02:00 UTC: older than 2d",
            ("fresh shop_receipts",), since=newest + timedelta(days=2),
        )
    ]  # fmt: skip
    [warned] = rules.of_freshness(
        [Freshness("shop_receipts", newest, 30.0, "warn: older than 24h")], {"shop_receipts": contract}
    )
    assert (warned.severity, warned.since) == ("warning", newest + timedelta(days=1))


def test_a_lake_without_runs_is_a_trouble() -> None:
    assert rules.of_last_run(MONDAY, "26h", now=MONDAY + timedelta(hours=26)) == []
    [found] = rules.of_last_run(MONDAY, "26h", now=MONDAY + timedelta(hours=27))
    assert (found.subject, found.since) == ("no run", MONDAY + timedelta(hours=26))
    assert rules.of_last_run(MONDAY, None, now=LATER + timedelta(days=9)) == []
    assert compared(as_open(found), [], rules.asked_for(["gold"], ["a"]), now=LATER)[0] == {}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([100, 110, 90], None),
        ([0, 0, 0, 100], None),
        # median 100, MAD 10: 3.5 × 1.4826 × 10 = 51.891
        ([80, 90, 100, 100, 110, 120, 130], (100, 48.109, 151.891)),
        # one wild day moves neither
        ([80, 90, 100, 100, 110, 120, 1_000_000], (100, 48.109, 151.891)),
        ([100, 100, 100, 100], (100, 80, 120)),
    ],
)
def test_usual_is_what_is_near_the_median(days: list[int], expected: tuple[float, ...] | None) -> None:
    found = rules.usual(days, VOLUME)
    assert (found and (found.median, found.low, found.high)) == (expected and pytest.approx(expected))


def weeks(rows: Iterable[int], *, today: int | None = None) -> dict[date, int]:
    days = {MONDAY.date() - timedelta(weeks=week): count for week, count in enumerate(rows, 1)}
    return days | ({MONDAY.date(): today} if today is not None else {})


@pytest.mark.parametrize(
    ("today", "what"),
    [
        (None, "0 rows on Monday 2026-01-12; usual on that day of the week are 80 to 120 (median 100 of 4)"),
        (79, "79 rows on Monday 2026-01-12; usual on that day of the week are 80 to 120 (median 100 of 4)"),
        (80, None),
        (121, "121 rows on Monday 2026-01-12; usual on that day of the week are 80 to 120 (median 100 of 4)"),
    ],
)
def test_a_day_is_compared_with_the_same_days_of_the_weeks_before(today: int | None, what: str | None) -> None:
    sundays = {MONDAY.date() - timedelta(days=1): 5_000}
    found, good = rules.of_volumes({"t": weeks([100] * 4, today=today) | sundays}, ["t"], VOLUME, now=MONDAY)
    assert [each.what for each in found] == ([what] if what else [])
    assert good == (set() if what else {"volume t"})


def test_days_on_which_only_others_came_count_and_days_without_a_run_do_not() -> None:
    volumes = {"often": weeks([9, 9, 9, 9, 9, 9]), "seldom": weeks([0, 0, 0, 7])}
    del volumes["seldom"][MONDAY.date() - timedelta(weeks=2)]
    del volumes["often"][MONDAY.date() - timedelta(weeks=3)]
    del volumes["seldom"][MONDAY.date() - timedelta(weeks=3)]
    assert rules.same_days(volumes, "seldom", MONDAY.date(), 8) == [0, 0, 7]
    assert rules.same_days(volumes, "often", MONDAY.date(), 2) == [9, 9]


def test_too_few_rows_are_told_once_the_day_is_complete() -> None:
    late = OfVolumes.model_validate({**VOLUME.model_dump(), "complete_from": 6})
    volumes = {"t": weeks([100] * 4, today=10), "much": weeks([100] * 4, today=999)}
    assert [each.subject for each in rules.of_volumes(volumes, [*volumes], late, now=MONDAY)[0]] == ["bronze.much"]
    at_six = MONDAY.replace(hour=6)
    assert len(rules.of_volumes(volumes, [*volumes], late, now=at_six)[0]) == 2


def test_a_measure_of_a_model_above_the_limit_is_a_trouble() -> None:
    rows = [("churn", "3", "tenure", 0.25), ("churn", "3", "spend", 0.2)]
    found, good = rules.of_models(rows, 0.2)
    assert [(each.subject, each.what) for each in found] == [
        ("churn.tenure", "population stability index 0.250 is above 0.2 (version 3)")
    ]
    assert good == {"model churn.spend"}


def test_an_unknown_field_is_over_when_it_is_known_or_does_not_come_any_more() -> None:
    [drift] = rules.of_fields("shop_receipts", ["Note.Colour"], "a.json")
    known = RECEIPTS.model_copy(update={"columns": {"colour": RECEIPTS.columns["note"].model_copy(
        update={"from_": "Note.Colour"})}})  # fmt: skip
    assert rules.known_fields([drift], {"shop_receipts": RECEIPTS}, ()) == set()
    assert rules.known_fields([drift], {"shop_receipts": known}, ()) == {*drift.needs}
    assert rules.known_fields([drift], {"shop_receipts": RECEIPTS}, ["shop_receipts"]) == {*drift.needs}


def test_what_is_configured_no_more_is_over() -> None:
    [drift] = rules.of_fields("gone", ["a"], "a.json")
    stale = Trouble("freshness", "gone", "", ("fresh gone",))
    others = [
        failed("stays"),
        rules.of_crash("", ["gold"], ["stays"]),
        rules.of_models([("m", "1", "x", 9)], 0.2)[0][0],
    ]
    rejected = rules.of_file("gone", "shop/a.json", "", "")
    assert rules.gone([drift, stale, failed("gone"), *others, rejected], {"stays"}) == {
        "field bronze.gone.a", "fresh gone", "gold.gone", "bronze.gone",
    }  # fmt: skip


def test_a_message_says_what_where_since_when_and_what_to_type() -> None:
    lake = Path("/my lake")
    rejected = rules.of_file(
        "pos_sales", "pos/a.json", "line 3 has the byte 0xff", f"{lake}/rejected/pos/000004/pos/a.json"
    )
    volume = Trouble("volume", "bronze.pos_sales", "0 rows", ("volume pos_sales",))
    news = [News(each) for each in compared({}, told_by(ALERTS, [volume, rejected]), (), now=MONDAY)[0].values()]
    news.append(News(failed("fact_sales"), LATER))
    seen = watch(lake)
    assert title_of(news, seen) == "lakehouse local: 2 new, 1 cleared"
    assert (
        message_of(news, seen)
        == """\
lake: /my lake

error: file rejected: pos/a.json
  what:  line 3 has the byte 0xff
  where: /my lake/rejected/pos/000004/pos/a.json
  since: 2026-01-12 02:00 UTC
  next:  mv '/my lake/rejected/pos/000004/pos/a.json' '/my lake/landing/pos/a.json' && make run ROOT='/my lake'

warning: volume: bronze.pos_sales
  what:  0 rows
  since: 2026-01-12 02:00 UTC
  next:  make status ROOT='/my lake'

cleared: run failed: gold.fact_sales
  was:   it broke
  from:  ?
  until: 2026-01-13 02:00 UTC"""
    )


def test_a_message_spells_out_so_many_and_counts_the_rest(tmp_path: Path) -> None:
    news = [News(failed(f"t{n}")) for n in range(5)]
    said = message_of(news, watch(tmp_path, listed=2))
    assert said.count("run failed") == 2
    assert said.endswith(f"and 3 more: make status ROOT={tmp_path}")


@pytest.mark.parametrize(
    ("trouble", "command"),
    [
        (Trouble("conservation_broken", "silver.pos_sales", "", ()), ("run", "--from-bronze pos_sales")),
        (Trouble("conservation_broken", "gold.fact_sales", "", ()), ("run", "--full-refresh fact_sales")),
        (Trouble("tolerance_exceeded", "silver.x", "", ()), ("run", "--on-fail quarantine")),
        (Trouble("publish_failed", "served.publication", "", ()), ("publish", "")),
        (Trouble("run_failed", "maintenance.gold.x", "", ()), ("maintain", "")),
        (Trouble("file_rejected", "a/b.csv", "", (), where="/l/landing/a/b.csv"), ("run", "")),
        (Trouble("schema_drift", "bronze.x.y", "", ()), ("validate", "--drift")),
    ],
)  # fmt: skip
def test_each_trouble_has_its_next_command(trouble: Trouble, command: tuple[str, str]) -> None:
    target, arguments = command
    given = f"--env prod {arguments}".strip()
    seen = Watch(ALERTS, "prod", Path("/l"), Path("/l/landing"), Path("/l"))
    assert next_of(trouble, seen) == f'make {target} ROOT=/l ARGS="{given}"'


def test_a_rule_may_name_another_next_command() -> None:
    drift = {**ALERTS.kinds.model_drift.model_dump(), "next": "make retrain"}
    alerts = AlertsFile.model_validate(
        {**ALERTS.model_dump(), "kinds": {**ALERTS.kinds.model_dump(), "model_drift": drift}}
    )
    drift_of_a_model = Trouble("model_drift", "m.x", "", ())
    assert (
        next_of(drift_of_a_model, Watch(alerts, "prod", Path("/l"), Path("/l/landing"), Path("/l"))) == "make retrain"
    )


@pytest.mark.parametrize(
    "address",
    ["${env:SLACK}", "${file:/run/secrets/hook}", "mailto://mail.example.com:25?from=a@x.org&to=b@x.org",
     "mailtos://me:${env:PASSWORD}@mail.example.com", "jsons://example.com/hook?+Token=${env:TOKEN}"],
)  # fmt: skip
def test_an_address_without_a_secret_in_it_is_taken(address: str) -> None:
    assert watch(Path("/l"), team=address).alerts.channels == {"team": address}


@pytest.mark.parametrize(
    "address",
    ["mailtos://me:hunter2@mail.example.com", "slack://hunter2/hunter2/hunter2", "mailto://x.org?pass=hunter2",
     "https://hooks.slack.com/services/hunter2", "jsons://example.com/?+Authorization=hunter2", "${vault:hunter2}"],
)  # fmt: skip
def test_an_address_with_a_secret_in_it_is_refused_without_showing_it(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        watch(tmp_path, team=address)
    shutil.copytree(CONF, tmp_path / "conf")
    text = (CONF / "alerts.yml").read_text().replace("channels: {}", f'channels: {{team: "{address}"}}')
    (tmp_path / "conf/alerts.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"alerts.yml: channels.team: ") as found:
        load_settings(tmp_path / "conf")
    assert "hunter2" not in str(found.value)


def told(
    seen: Watch, *found: Trouble, good: Iterable[str] = (), now: datetime = MONDAY
) -> tuple[list[News], list[str]]:
    warnings: list[str] = []
    news = tell(seen, found, lambda _: [*good], now=now, warn=warnings.append)
    return news, warnings


def test_a_trouble_is_mailed_and_posted_once_and_then_that_it_is_over(tmp_path: Path) -> None:
    with mail_server() as mail, web_server() as web:
        seen = watch(tmp_path, mail=mail.address, web=web.address)
        assert told(seen, failed("a"))[1] == []
        assert told(seen, failed("a"), now=LATER) == ([], [])
        told(seen, good=["gold.a"], now=LATER)
    assert [title for title, _ in mail.messages] == ["lakehouse local: 1 new", "lakehouse local: 1 cleared"]
    assert mail.messages[0][1] == message_of([News(read_since(failed("a")))], seen)
    assert web.messages[1][1].startswith(f"lake: {tmp_path}\n\ncleared: run failed: gold.a\n  was:   it broke\n")
    assert read_state(tmp_path) == State()
    events = [
        line.split('"event": "')[1].split('"')[0] for line in (tmp_path / "alerts/log.jsonl").read_text().splitlines()
    ]
    assert events == ["opened", "sent", "sent", "cleared", "sent", "sent"]


def read_since(trouble: Trouble) -> Trouble:
    return next(iter(compared({}, [trouble], (), now=MONDAY)[0].values()))


def test_what_a_channel_does_not_take_it_is_told_the_next_time(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with web_server() as web, mail_server() as mail:
        seen = watch(tmp_path, mail=mail.address, web=web.address)
        web.answer = 503
        _, warnings = told(seen, failed("a"), failed("b"))
        assert warnings == ["alerts were not sent to web: the other side answered 503; the next run tries again"]
        web.answer = 200
        _, warnings = told(seen, failed("b"), good=["gold.a"], now=LATER)
        assert warnings == []
    assert [title for title, _ in web.messages] == ["lakehouse local: 1 new, 1 cleared"]
    assert [title for title, _ in mail.messages] == ["lakehouse local: 2 new", "lakehouse local: 1 cleared"]
    _, warnings = told(seen, failed("c"))
    assert sorted(warnings) == [
        f"alerts were not sent to {name}: it cannot be reached, or does not take it; the next run tries again"
        for name in ("mail", "web")
    ]
    assert "127.0.0.1" not in "".join([*warnings, *capfd.readouterr()])


def test_a_channel_that_says_nothing_holds_nobody_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        seen = watch(tmp_path, web=f"json://{place}/", mail=f"mailto://{place}?from=a@x.org&to=b@x.org")
        started = time.monotonic()
        _, warnings = told(seen, failed("a"))
    assert time.monotonic() - started < 4
    assert len(warnings) == 2


def test_a_secret_is_looked_up_when_it_is_sent_to_and_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as web:
        host = web.address.removeprefix("json://")
        seen = watch(tmp_path, web=f"json://me:${{env:HOOK_PASSWORD}}@{host}")
        _, warnings = told(seen, failed("a"))
        assert warnings == [
            "alerts were not sent to web: alerts.yml: channels.web: the environment variable HOOK_PASSWORD is not set; "
            "the next run tries again"
        ]
        monkeypatch.setenv("HOOK_PASSWORD", "p@ss/w:rd?")
        assert told(seen, failed("a"))[1] == []
    assert len(web.messages) == 1
    written = "".join(path.read_text() for path in (tmp_path / "alerts").iterdir())
    assert "p@ss" not in written


def test_a_kind_goes_to_its_channels(tmp_path: Path) -> None:
    with web_server() as one, web_server() as other:
        seen = watch(tmp_path, one=one.address, other=other.address)
        rule = seen.alerts.kinds.run_failed.model_copy(update={"channels": ["one"]})
        kinds = seen.alerts.kinds.model_copy(update={"run_failed": rule})
        told(Watch(seen.alerts.model_copy(update={"kinds": kinds}), "local", tmp_path, tmp_path, tmp_path), failed("a"))
    assert (len(one.messages), len(other.messages)) == (1, 0)


def test_where_nothing_can_be_written_all_is_told_each_time(tmp_path: Path) -> None:
    (tmp_path / "alerts").write_text("a file where the folder should be")
    with web_server() as web:
        seen = watch(tmp_path, web=web.address)
        for _ in range(2):
            _, warnings = told(seen, failed("a"))
            assert warnings == [f"{tmp_path}/alerts: cannot be written: File exists; what is wrong is told each time"]
    assert [title for title, _ in web.messages] == ["lakehouse local: 1 new"] * 2
    assert told(watch(tmp_path), failed("a"))[1] == []


def test_a_state_that_nobody_can_read_is_put_aside_and_said(tmp_path: Path) -> None:
    write_state(tmp_path, State([failed("a")]))
    store.state_file(tmp_path).write_text("{")
    news, warnings = told(watch(tmp_path), failed("a"))
    assert len(news) == 1
    assert warnings == [f"{tmp_path}/alerts/open.broken: is not what a run wrote; what was open is told again"]
    assert [each.subject for each in read_state(tmp_path).open] == ["gold.a"]
