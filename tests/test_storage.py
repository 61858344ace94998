"""Object storage without Spark: places, credentials by reference, and one run at a time on a real S3 server."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from lib import landing
from lib.config import load_settings
from lib.errors import ConfigError, LockedError, TransientError
from lib.landing import LandedFile
from lib.lock import last_run, locked
from lib.storage.places import Remote, files_of, found_below, place_of, remote, told, write_text
from lib.storage.settings import Storage
from tests.builders import CONF
from tests.s3 import KEYS, Store

HOME = Path(__file__).resolve().parents[1]
CONTRACTS = load_settings(CONF).contracts.values()


def holder(root: Remote, number: int, **said: object) -> None:
    """What another run left as its object."""
    facts = {"process": 1, "host": "elsewhere", "since": "2026-01-01T00:00:00+00:00", "has_ended": False}
    files_of(root).pipe_file(str(root.joinpath(".runs", f"{number:06d}")), json.dumps({**facts, **said}).encode())


def names(place: Remote) -> list[str]:
    return sorted(found_below(place))


def test_a_root_may_be_of_a_store_that_is_known(tmp_path: Path) -> None:
    url = "abfss://lake@account.dfs.core.windows.net/customers"
    settings = load_settings(CONF, root=f"{url}/")
    assert (str(settings.root), str(settings.landing)) == (url, f"{url}/landing")
    assert settings.local == CONF.parent / ".lakehouse/abfss/lake@account.dfs.core.windows.net/customers"
    with pytest.raises(ConfigError, match=r"'s3://' is no store that is known .*; did you mean s3a://\?"):
        load_settings(CONF, root="s3://bucket/lake")
    with pytest.raises(ConfigError, match="'gs://' names no bucket"):
        load_settings(CONF, root="gs://")
    assert place_of(str(tmp_path), settings.storage) == tmp_path


def test_keys_are_references_and_go_to_python_and_hadoop_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_KEY", "k")
    monkeypatch.setenv("S3_SECRET", "s")
    said = Storage.model_validate(Store("http://127.0.0.1:9").facts)
    assert said.of_python("s3a") == {
        "use_listings_cache": False, "endpoint_url": "http://127.0.0.1:9", "key": "k", "secret": "s",
        "client_kwargs": {"region_name": "eu-central-1"}, "config_kwargs": {"s3": {"addressing_style": "path"}},
    }  # fmt: skip
    assert said.of_hadoop() == {
        "fs.s3a.endpoint": "http://127.0.0.1:9", "fs.s3a.endpoint.region": "eu-central-1",
        "fs.s3a.path.style.access": "true", "fs.s3a.access.key": "k", "fs.s3a.secret.key": "s",
    }  # fmt: skip
    assert Storage.model_validate({}).of_hadoop() == {}
    with pytest.raises(ValidationError, match="is a secret in clear text"):
        Storage.model_validate({"access_key": "AKIA", "secret_key": "${env:S3_SECRET}"})
    with pytest.raises(ValidationError, match="access_key: is given without secret_key"):
        Storage.model_validate({"access_key": "${env:S3_KEY}"})


def test_what_is_wrong_with_a_store_is_told_with_the_place(store: Store) -> None:
    place = remote("s3a://nowhere/lake/landing", Storage.model_validate(store.facts))
    with pytest.raises(ConfigError, match=r"s3a://nowhere/lake/landing: the landing folder is not there"):
        landing.check_folder(place)
    said = "s3a://nowhere/lake/landing: the store says: TimeoutError: no answer"
    with pytest.raises(TransientError, match=said), told(place):
        raise TimeoutError("no answer")


def test_files_of_a_store_are_listed_read_and_moved(store: Store) -> None:
    root = store.bucket()
    assert landing.list_files(root / "landing") == []
    for name in ("pos/a[1].csv", "pos/_hidden.csv", "pos/b.csv.part"):
        write_text(root / "landing" / name, "id\n1\n")
    [file] = landing.list_files(root / "landing")
    assert (file.path, file.size) == ("pos/a[1].csv", 5)
    assert landing.read_text(root / "landing", file) == "id\n1\n"
    assert landing.is_unchanged(root / "landing", file)
    moved = landing.archive(root / "landing", file, landing.processed_to(root, "pos", 7))
    assert str(moved) == f"{root}/processed/pos/000007/pos/a[1].csv"
    assert not landing.is_unchanged(root / "landing", file)
    assert names(root) == ["landing/pos/_hidden.csv", "landing/pos/b.csv.part", "processed/pos/000007/pos/a[1].csv"]
    [away] = landing.list_processed(root)
    assert landing.remove(root, away) == 5
    assert landing.list_processed(root) == []


def test_a_file_that_the_store_has_is_not_copied_in_again(store: Store, tmp_path: Path) -> None:
    root, name = store.bucket(), "AdventureWorks_Calendar.csv"
    (tmp_path / name).write_text("Date\n1/1/2015\n")
    os.utime(tmp_path / name, (1_500_000_000, 1_500_000_000))

    def copied() -> list[str]:
        return [str(copy) for copy in landing.copy_in(tmp_path, root, root / "landing", CONTRACTS)]

    copy = f"{root}/landing/adventureworks/{name}"
    assert (copied(), copied()) == ([copy], [])
    [file] = landing.list_files(root / "landing")
    landing.archive(root / "landing", file, landing.processed_to(root, "adventureworks", 1))
    assert copied() == []
    (tmp_path / name).write_text("Date\n1/1/2015\n1/2/2015\n")
    assert copied() == [copy]


def test_a_file_moves_from_this_machine_to_a_store(store: Store, tmp_path: Path) -> None:
    root = store.bucket()
    (tmp_path / "a.csv").write_text("x")
    landing.archive(tmp_path, LandedFile(0, "a.csv", 1), root / "rejected", reason="no header")
    assert (names(root), list(tmp_path.iterdir())) == (["rejected/a.csv", "rejected/a.csv.reason.txt"], [])


def test_runs_of_a_store_are_numbered_and_hold_it_one_at_a_time(store: Store, tmp_path: Path) -> None:
    root = store.bucket()
    with locked(root, tmp_path) as first:
        with pytest.raises(LockedError, match=r"another run holds s3a://.*/\.runs/000001 since .* on this host\)"):
            locked(root, tmp_path).__enter__()
        seen = last_run(root)
        assert seen is not None
        assert (seen.run_id, seen.goes_on, seen.has_ended) == (1, True, False)
        first.ended()
    with locked(root, tmp_path) as second:
        assert (second.run_id, second.last_run_ended) == (2, True)
    with locked(root, tmp_path) as third:
        assert (third.run_id, third.last_run_ended) == (3, False)


def test_of_two_machines_that_see_the_same_last_run_one_gets_the_number(store: Store, tmp_path: Path) -> None:
    root, both, got = store.bucket(), threading.Barrier(8), []

    def run() -> None:
        both.wait()
        try:
            with locked(root, tmp_path) as lock:
                got.append(lock.run_id)
                held.wait(5)
        except LockedError:
            got.append(0)

    held = threading.Event()
    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(got) < 8 and any(thread.is_alive() for thread in threads):
        held.wait(0.05)
    held.set()
    for thread in threads:
        thread.join()
    assert sorted(got) == [0] * 7 + [1]


def test_a_run_that_was_silent_for_too_long_or_whose_process_is_gone_is_dead(store: Store, tmp_path: Path) -> None:
    silent = store.bucket(lease="1s")
    holder(silent, 4, is_held=True)
    with pytest.raises(LockedError, match="on host elsewhere"):
        locked(silent, tmp_path).__enter__()
    threading.Event().wait(2.1)
    with locked(silent, tmp_path) as next_one:
        assert (next_one.run_id, next_one.last_run_ended) == (5, False)
    gone = store.bucket()
    holder(gone, 9, is_held=True, host=socket.gethostname(), process=2**22 + 1)
    with locked(gone, tmp_path) as after:
        assert after.run_id == 10


def test_a_run_that_goes_on_keeps_its_lease(store: Store, tmp_path: Path) -> None:
    root = store.bucket(lease="2s")
    with locked(root, tmp_path):
        holder_was = files_of(root).info(f"{root}/.runs/000001")["LastModified"]
        threading.Event().wait(4.2)
        assert files_of(root).info(f"{root}/.runs/000001")["LastModified"] > holder_was
        with pytest.raises(LockedError):
            locked(root, tmp_path).__enter__()


def test_a_run_whose_place_was_taken_ends_its_process(store: Store, tmp_path: Path) -> None:
    root = store.bucket(lease="1s")
    script = """if True:
        import json, sys, time
        from pathlib import Path
        from lib.lock import locked
        from lib.storage.places import remote
        from lib.storage.settings import Storage
        root = remote(sys.argv[1], Storage.model_validate_json(sys.argv[2]))
        with locked(root, Path(sys.argv[3])) as lock:
            print("held", flush=True)
            time.sleep(30)
    """
    facts = json.dumps({**store.facts, "lease": "1s"})
    command = [sys.executable, "-c", script, str(root), facts, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **KEYS}
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        holder(root, 2, is_held=True)
        _, said = run.communicate(timeout=20)
    assert (run.returncode, said) == (
        -signal.SIGKILL, "run 1: the lease was lost, another run may go on; this process ends\n",
    )  # fmt: skip
