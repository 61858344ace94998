"""A lake whose personal columns are encrypted is the lake that it is without; its bytes tell nobody who is in it."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lib.encryption import MASK, decoder
from lib.erasure.search import search
from lib.erasure.values import Sought, sought_of
from lib.errors import ConfigError
from lib.explain import explain
from lib.formats import ENCRYPTED, FORMAT, format_of
from lib.generate.demo import generate_landing
from lib.gold.registry import gold_tables
from lib.pipeline.forget import forget
from lib.pipeline.prove import prove
from lib.pipeline.rotate import rotate
from lib.status import waiting_rows
from lib.tables import Tables
from lib.vault import tables_of
from tests.builders import CONF, Lake, Outcome
from tests.test_encryption import K1, K2, OF_TOKENS, spellings

LAYERS = ("bronze", "silver", "gold", "ops")
NIGHT: dict[str, Any] = {"layers": ["bronze", "silver", "gold"], "only": ["customer_360"], "resolved": True}
"""With who is who, and all that customer_360 is made from: half of gold."""

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def conf_with(folder: Path, current: str | None, *ids: str) -> Path:
    """The project's configuration, with these keys."""
    shutil.copytree(CONF, folder)
    facts = yaml.safe_load((folder / "lakehouse.yml").read_text("utf-8"))
    keys = {name: f"${{env:KEY_{name.upper()}}}" for name in ids}
    said = {"current": current, "keys": keys, "token_key": "${env:KEY_OF_TOKENS}"}
    facts["environments"]["local"] |= {"encryption": said, "serving": {"url": "none"}}
    (folder / "lakehouse.yml").write_text(yaml.safe_dump(facts), "utf-8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _keys() -> Iterator[None]:
    """The keys are in the environment, as the configuration says."""
    with pytest.MonkeyPatch.context() as patch:
        for name, key in (("K1", K1), ("K2", K2), ("OF_TOKENS", OF_TOKENS)):
            patch.setenv(f"KEY_{name}", key.hex())
        patch.setenv("LAKEHOUSE_ERASURE_KEY", "0123456789abcdef0123456789abcdef")
        yield


@pytest.fixture(scope="module")
def landed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all three sources."""
    lake = Lake(spark, tmp_path_factory.mktemp("landed"), CONF)
    generate_landing(lake.settings(), customers=60, rows=300, files=2)
    return lake.landing


def loaded(spark: SparkSession, folder: Path, conf: Path, landing: Path) -> Lake:
    """A lake with these files, to gold."""
    lake = Lake(spark, folder / "lake", conf)
    shutil.copytree(landing, lake.landing)
    outcome = lake.run(**NIGHT)
    assert outcome.status == 0, outcome.text
    return lake


@pytest.fixture(scope="module")
def plain(spark: SparkSession, landed: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake in clear text; nobody changes it."""
    return loaded(spark, tmp_path_factory.mktemp("plain"), CONF, landed)


@pytest.fixture(scope="module")
def secret(spark: SparkSession, landed: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same files in a lake that is encrypted; nobody changes it."""
    folder = tmp_path_factory.mktemp("secret")
    return loaded(spark, folder, conf_with(folder / "conf", "k1", "k1"), landed)


@pytest.fixture
def lake(secret: Lake, tmp_path: Path) -> Lake:
    """The encrypted one, to be changed."""
    return secret.copy(tmp_path / "lake")


def tables(lake: Lake, *, masks: bool = False) -> Tables:
    return tables_of(lake.spark, lake.settings(), masks=masks)


def built(found: Tables) -> list[str]:
    """The tables of gold that there are."""
    return [name for each in gold_tables() if found.snapshot(name := f"gold.{each}") is not None]


def somebody(lake: Lake) -> tuple[Any, Sought]:
    """A customer whom all that is personal is known of, and texts that only that customer has."""
    known = tables(lake).read("gold.dim_customers").filter("is_current AND email IS NOT NULL AND street IS NOT NULL")
    [row] = (
        known.filter("birth_date IS NOT NULL").orderBy(F.desc(F.size("source_ids")), "customer_id").limit(1).collect()
    )
    born = [f"{row.birth_date:{form}}" for form in ("%Y-%m-%d", "%d/%m/%Y")]
    return row, sought_of((), (), [row.full_name, row.email, row.street, *born], ())


def dates_in(file: Path) -> set[date]:
    """All values of a Parquet file that are dates."""
    found = pq.read_table(file)
    return {day for column in found.columns if pa.types.is_date(column.type) for day in column.to_pylist() if day}


def seen_in(lake: Lake, sought: Sought) -> dict[str, set[str]]:
    """What stands in the bytes of the lake's tables for who has no key."""
    return {
        f"{layer}/{path}": texts
        for layer in LAYERS
        for path, texts in search(lake.root / layer, sought, decoded=lambda *_: []).found.items()
    }


def test_gold_is_what_it_is_without_encryption(plain: Lake, secret: Lake) -> None:
    for name in built(tables(plain)):
        one, other = tables(plain).read(name), tables(secret).read(name)
        assert one.schema == other.schema
        assert sorted(map(str, one.collect())) == sorted(map(str, other.collect())), name


def test_no_byte_of_a_table_tells_who_is_in_it(plain: Lake, secret: Lake) -> None:
    row, sought = somebody(plain)
    assert {path.split("/")[0] for path in seen_in(plain, sought)} == {"bronze", "silver", "gold"}
    assert seen_in(secret, sought) == {}
    files = [path for layer in LAYERS for path in (secret.root / layer).rglob("*.parquet")]
    assert len(files) > 50
    assert [path for path in files if row.birth_date in dates_in(path)] == []
    keys = [spelt.encode() for key in (K1, OF_TOKENS) for spelt in (*spellings(key), key.decode("latin-1"))]
    kept = [path for path in secret.root.rglob("*") if path.is_file() and not path.is_relative_to(secret.landing)]
    assert [path for path in kept if any(key in path.read_bytes() for key in keys)] == []


def test_who_has_no_key_reads_masks_joins_by_tokens_and_writes_nothing(
    secret: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    emails = {
        each: tables(secret).read(f"silver.{each}").select("email") for each in ("pos_customers", "crm_customers")
    }
    shared = emails["pos_customers"].join(emails["crm_customers"], "email").count()
    monkeypatch.delenv("KEY_K1")
    monkeypatch.delenv("KEY_OF_TOKENS")
    reader = tables(secret, masks=True)
    seen = reader.read("gold.customer_360").filter("email IS NOT NULL")
    assert {(row.full_name, row.email, row.birth_date) for row in seen.collect()} == {(MASK, MASK, None)}
    pos, crm = reader.read("silver.pos_customers"), reader.read("silver.crm_customers")
    assert pos.join(crm, "email_token").count() == shared > 0
    [customer] = seen.limit(1).collect()
    why = explain(reader, secret.settings(), customer.customer_id)
    assert why["customer"]["full_name"] == MASK
    assert [record["record"] for record in why["records"]]
    assert {row[3] for row in waiting_rows(reader, ["pos_customers"], datetime.now(timezone.utc))} == {MASK}
    before = secret.versions()
    with pytest.raises(ConfigError, match=r"encryption\.keys\.k1: the environment variable KEY_K1 is not set") as error:
        secret.run()
    assert error.value.exit_status == 2
    assert secret.versions() == before


def test_a_night_after_a_rotation_writes_only_what_is_another(lake: Lake) -> None:
    gold = built(tables(lake))
    rows = {name: sorted(map(str, tables(lake).read(name).collect())) for name in gold}
    anew = Lake(lake.spark, lake.root, conf_with(lake.root.parent / "conf", "k2", "k1", "k2"))
    assert "may be in clear text, or under another key" in anew.run(**NIGHT).text
    before = lake.versions()
    rotated = anew.run(work=rotate(), layers=[])
    assert rotated.status == 0, rotated.text
    assert "keep k1 until then" in rotated.text
    changed = {name for name, version in anew.versions().items() if version > before[name]}
    personal = {name for name in tables(anew).vault.personal if name in before}
    assert changed == {name for name in personal if anew.read(name).limit(1).count()}
    for name in personal:
        assert tables(anew).is_as_wanted(name)
    assert {name: sorted(map(str, tables(anew).read(name).collect())) for name in gold} == rows

    versions = anew.versions()
    quiet = anew.run(**NIGHT)
    assert quiet.status == 0, quiet.text
    assert "may be in clear text" not in quiet.text
    assert anew.versions() == versions
    again = anew.run(work=rotate(at_once=True), layers=[])
    assert again.status == 0, again.text
    assert "no table that the configuration knows has a value under k1" in again.text
    # and the next night follows one customer by key
    person = {"customer_id": "C9999999", "name": "Grace Hopper", "email": "grace@example.com"}
    line = json.dumps({**person, "updated_at": "2018-01-01T00:00:00"})
    anew.land("customers/late.jsonl", f"{line}\n", source="pos")
    only_k2 = Lake(lake.spark, lake.root, conf_with(lake.root.parent / "conf2", "k2", "k2"))
    night = only_k2.run(**NIGHT)
    assert night.status == 0, night.text
    assert tables(only_k2).read("gold.customer_360").filter("email = 'grace@example.com'").count() == 1
    assert "cannot be read any more" not in night.text
    assert seen_in(only_k2, sought_of((), (), ["grace@example.com"], ())) == {}


def test_a_lake_in_clear_text_is_encrypted_and_made_plain_again(plain: Lake, tmp_path: Path) -> None:
    plain = plain.copy(tmp_path / "lake")
    _, sought = somebody(plain)
    on = Lake(plain.spark, plain.root, conf_with(tmp_path / "on", "k1", "k1"))
    off = Lake(plain.spark, plain.root, conf_with(tmp_path / "off", None, "k1"))
    before = plain.versions()
    turned = on.run(work=rotate(at_once=True), layers=[])
    assert turned.status == 0, turned.text
    assert seen_in(on, sought) == {}
    assert format_of(tables(on)) == ENCRYPTED
    quiet = on.run(**NIGHT)
    assert quiet.status == 0, quiet.text
    for wrong, said in ((plain, "says no current key"), (off, "`make rotate` writes them in clear text")):
        with pytest.raises(ConfigError, match=said):
            wrong.run()
    assert off.run(work=rotate(), layers=[]).status == 0
    assert format_of(tables(off)) == FORMAT
    after = plain.run(**NIGHT)
    assert after.status == 0, after.text
    assert seen_in(plain, sought).keys()
    assert before.keys() == plain.versions().keys()


def erase(lake: Lake, customer_id: str) -> tuple[Outcome, Outcome]:
    asked = {**NIGHT, "layers": ["silver", "gold"], "forgiving": True}
    return lake.run(work=forget(customer_id, "a letter"), **asked), lake.run(work=prove, layers=[], resolved=True)


def test_an_erasure_looks_into_what_is_encrypted(lake: Lake) -> None:
    row, sought = somebody(lake)
    opened = decoder(tables(lake).vault)
    there = search(lake.root, sought, decoded=opened).found
    assert {path.split("/")[0] for path in there} >= {"bronze", "silver", "gold"}
    with pytest.raises(ConfigError, match="which the environment does not give"):
        search(lake.root / "silver", sought)
    first, second = erase(lake, row.customer_id)
    assert (first.status, second.status) == (0, 0), first.text + second.text
    left = search(lake.root, sought_of((), (), [row.email], ()), decoded=opened).found
    assert left == {}
