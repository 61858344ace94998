"""Encrypted columns: what is stored is not readable, what is read is what was written, and masks stay masks."""

import base64
import hmac
import json
from datetime import date, datetime, timezone
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.encryption import ENCRYPTED, MARK, MASK, Personal, Vault, decoder, key_of
from lib.errors import ConfigError, LakehouseError
from lib.tables import FEED, Tables, Written
from tests.builders import assert_rows

K1, K2, OF_TOKENS = (sha256(name.encode()).digest() for name in ("k1", "k2", "tokens"))
SCHEMA = "id INT, name STRING, born DATE"
ADA, BOB = (1, "Ada Lovelace", date(1815, 12, 10)), (2, None, None)
PERSONAL = {"silver.it": Personal(frozenset({"name", "born"}), frozenset({"name"}))}


def vault(**changes: Any) -> Vault:
    facts: dict[str, Any] = {"keys": {"k1": K1}, "current": "k1", "of_tokens": OF_TOKENS, "personal": PERSONAL}
    return Vault(**(facts | changes))


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Any:
    """The same tables with whatever keys."""
    return lambda **changes: Tables(spark, tmp_path, vault=vault(**changes))


@pytest.fixture
def tables(lake: Any) -> Tables:
    made: Tables = lake()
    return made


def rows(spark: SparkSession, *values: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(list(values), SCHEMA)


def stored(tables: Tables, name: str = "silver.it") -> DataFrame:
    """What somebody sees who reads the files."""
    return tables.spark.read.format("delta").load(tables.path(name))


VALUES = [
    ("string", "Ada"), ("string", ""), ("string", "Łódź 😀\n"), ("date", date(1815, 12, 10)), ("int", -7),
    ("timestamp", datetime(2017, 1, 1, 12, 0, 0, 123456, timezone.utc)), ("decimal(12,2)", Decimal("1.10")),
    ("double", 0.1), ("boolean", False), ("bigint", 2**60), ("array<string>", ["a", None, 'b"c']),
    ("array<string>", []),
    ("struct<name:string,inside:struct<a:string,b:string>>", ("x", ("1.10", None))),
]  # fmt: skip


def test_every_type_comes_back_as_it_was_and_null_stays_null(spark: SparkSession, lake: Any) -> None:
    names = [f"c{position}" for position in range(len(VALUES))]
    tables = lake(personal={"silver.it": Personal(frozenset(names))})
    schema = ", ".join(f"{name} {type_}" for name, (type_, _) in zip(names, VALUES, strict=True))
    written = spark.createDataFrame([tuple(value for _, value in VALUES), (None,) * len(VALUES)], f"{schema}")
    tables.append("silver.it", written)
    assert tables.read("silver.it").schema == written.schema
    assert sorted(map(str, tables.read("silver.it").collect())) == sorted(map(str, written.collect()))
    kept = [tuple(row) for row in stored(tables).collect()]
    assert (None,) * len(VALUES) in kept
    assert all(str(value).startswith(f"{MARK}k1:") for row in kept if any(row) for value in row)


def test_a_value_is_stored_with_its_keys_id_and_never_twice_the_same(spark: SparkSession, tables: Tables) -> None:
    tables.append("silver.it", rows(spark, ADA, (3, *ADA[1:])))
    field = stored(tables).schema["born"]
    assert (field.dataType.simpleString(), json.loads(field.metadata[ENCRYPTED])) == ("string", "date")
    names = [row.name for row in stored(tables).collect()]
    assert all(name.startswith(f"{MARK}k1:") for name in names)
    assert len({*names}) == 2
    assert decoder(vault())("name", [*names, "plain"]) == ["Ada Lovelace"] * 2


def test_a_log_has_nothing_of_a_value(spark: SparkSession, tables: Tables) -> None:
    tables.append("silver.it", rows(spark, ADA, (3, "Charles Babbage", date(1791, 12, 26))))
    spark.sql(f"ALTER TABLE delta.`{tables.path('silver.it')}` SET TBLPROPERTIES ('delta.checkpointInterval' = '1')")
    tables.append("silver.it", rows(spark, BOB))
    logged = Path(tables.path("silver.it"), "_delta_log")
    assert MARK in (logged / f"{0:020d}.json").read_text()
    values = [value for row in stored(tables).collect() for value in (row["name"], row["born"]) if value]
    seen = b"".join(path.read_bytes() for path in logged.iterdir() if path.is_file()).decode("latin-1")
    assert [value for value in values if value[len(MARK) :][:10] in seen] == []
    assert decoder(vault())("name", [MARK, f"{MARK}\x7f"]) == []
    with pytest.raises(LakehouseError, match="does not decrypt"):
        decoder(vault())("name", [values[0][:60]])


def test_an_unchanged_row_makes_no_commit_and_a_changed_one_is_found(spark: SparkSession, tables: Tables) -> None:
    assert tables.write_diff("silver.it", rows(spark, ADA, BOB), ["id"]) == Written(2, 2)
    assert tables.write_diff("silver.it", rows(spark, ADA, BOB), ["id"]) == Written(2)
    assert tables.snapshot("silver.it").version == 0  # type: ignore[union-attr]
    changed = (2, "Bob", date(2000, 1, 1))
    assert tables.write_diff("silver.it", rows(spark, ADA, changed), ["id"]) == Written(2, 0, 1)
    tables.rewrite_below = 100
    assert tables.write_diff("silver.it", rows(spark, changed, (3, "New", None)), ["id"]) == Written(2, 1, 0, 1)
    tables.upsert("silver.it", rows(spark, (3, "Newer", None), (4, "Last", None)), ["id"], update_if="s.id > 2")
    assert_rows(tables.read("silver.it"), ["id", "name", "born"], [changed, (3, "Newer", None), (4, "Last", None)])
    assert stored(tables).filter(f"NOT startswith(name, '{MARK}k1:')").isEmpty()


def test_a_reader_without_the_key_sees_masks_and_writes_nothing(spark: SparkSession, tables: Tables, lake: Any) -> None:
    tables.append("silver.it", rows(spark, ADA, BOB))
    for reader in (lake(keys={}, masks=True), lake(keys={"k2": K2}, current="k2", masks=True)):
        seen = reader.read("silver.it")
        assert seen.drop("name_token").schema == tables.read("silver.it").schema
        assert_rows(seen, ["id", "name", "born"], [(1, MASK, None), (2, None, None)])
        for write in (reader.append, reader.overwrite):
            with pytest.raises(ConfigError, match="may be masks"):
                write("gold.other", seen)
        with pytest.raises(ConfigError, match="may be masks"):
            reader.write_diff("silver.it", seen, ["id"])


def test_who_has_no_key_and_may_write_is_stopped(spark: SparkSession, tables: Tables, lake: Any) -> None:
    tables.append("silver.it", rows(spark, ADA))
    with pytest.raises(ConfigError, match="born, name are encrypted, and the environment gives no key"):
        Tables(spark, tables.root).read("silver.it")
    with pytest.raises(PySparkException, match="encrypted with the key 'k1', which the environment does not give"):
        lake(keys={"k2": K2}, current="k2").read("silver.it").collect()
    with pytest.raises(ConfigError, match="no current key"):
        lake(current=None).append("silver.it", rows(spark, ADA))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("translate(name, 'ABCDEF', 'BCDEFA')", "does not decrypt with its key"),
        ("born", "does not decrypt with its key"),
        (f"'{MARK}k1:none'", "does not decrypt with its key"),
        ("'Ada Lovelace'", "is not encrypted, in an encrypted column"),
    ],
)
def test_a_value_that_was_changed_or_moved_is_told_and_not_read(
    spark: SparkSession, tables: Tables, wrong: str, said: str
) -> None:
    tables.append("silver.it", rows(spark, ADA))
    spark.sql(f"UPDATE delta.`{tables.path('silver.it')}` SET name = {wrong}")
    with pytest.raises(PySparkException, match=f"silver.it: name .*{said}"):
        tables.read("silver.it").collect()


def test_another_key_of_the_same_id_reads_nothing(spark: SparkSession, tables: Tables, lake: Any) -> None:
    tables.append("silver.it", rows(spark, ADA))
    for other in (lake(keys={"k1": K2}), lake(keys={"k1": K2}, masks=True)):
        with pytest.raises(PySparkException, match="does not decrypt with its key"):
            other.read("silver.it").collect()
    with pytest.raises(LakehouseError, match="does not decrypt"):
        decoder(vault(keys={"k1": K2}))("name", [stored(tables).collect()[0]["name"]])


def test_a_token_is_the_same_wherever_the_value_is_and_the_pipeline_does_not_see_it(
    spark: SparkSession, lake: Any
) -> None:
    both = {"silver.it": PERSONAL["silver.it"], "silver.other": Personal(frozenset({"called"}), frozenset({"called"}))}
    tables, reader = lake(personal=both), lake(keys={}, masks=True)
    tables.append("silver.it", rows(spark, ADA, BOB))
    tables.append("silver.other", spark.createDataFrame([("Ada Lovelace",), ("ada lovelace",)], "called STRING"))
    assert tables.read("silver.it").columns == ["id", "name", "born"]
    mine, others = reader.read("silver.it"), reader.read("silver.other")
    assert mine.join(others, F.col("name_token") == F.col("called_token"), "inner").count() == 1
    assert others.select("called_token").distinct().count() == 2
    assert_rows(mine, ["id", "name_token IS NULL"], [(1, False), (2, True)])


def test_the_token_is_an_hmac_that_any_library_makes(spark: SparkSession, tables: Tables) -> None:
    tables.append("silver.it", rows(spark, ADA))
    [row] = stored(tables).collect()
    assert row["name_token"] == hmac.new(OF_TOKENS, b"Ada Lovelace", "sha256").hexdigest()


def test_a_rotation_changes_no_row_and_who_follows_the_table_sees_none(
    spark: SparkSession, tables: Tables, lake: Any
) -> None:
    tables.append("silver.it", rows(spark, ADA, BOB), options=FEED)
    token = stored(tables).filter("id = 1").collect()[0]["name_token"]
    anew = lake(keys={"k1": K1, "k2": K2}, current="k2")
    effect = anew.seal_anew("silver.it")
    assert effect is not None
    assert effect.rows == 2
    assert_rows(anew.read("silver.it"), ["id", "name", "born"], [ADA, BOB])
    assert stored(tables).filter(f"startswith(name, '{MARK}k1:') OR startswith(born, '{MARK}k1:')").isEmpty()
    assert stored(tables).filter("id = 1").collect()[0]["name_token"] == token
    assert anew.unchanged_until("silver.it", 0, through=1) == 1
    # nor does a reader of Delta's feed, whatever it is
    assert anew.changes("silver.it", after=0, through=1).isEmpty()
    assert anew.seal_anew("silver.it") is None
    assert anew.snapshot("silver.it").version == 1
    # a killed rotation has some values under each key: both are read, and it is finished
    anew.append("silver.it", rows(spark, (3, "Third", None)))
    assert anew.read("silver.it").count() == 3


def test_a_plain_table_is_encrypted_and_made_plain_again(spark: SparkSession, tables: Tables, lake: Any) -> None:
    plain = lake(current=None)
    plain.append("silver.it", rows(spark, ADA, BOB), options=FEED)
    assert stored(tables).schema == rows(spark).schema
    # a table stays as it is until it is written anew: half of a column is never encrypted
    tables.append("silver.it", rows(spark, (3, "Third", None)))
    assert stored(tables).schema == rows(spark).schema
    assert tables.seal_anew("silver.it") is not None
    assert stored(tables).columns == ["id", "name", "born", "name_token"]
    assert_rows(tables.read("silver.it"), ["id", "name", "born"], [ADA, BOB, (3, "Third", None)])
    assert tables.unchanged_until("silver.it", 1, through=2) == 2
    assert plain.seal_anew("silver.it") is not None
    assert plain.seal_anew("silver.it") is None
    assert stored(tables).schema == rows(spark).schema
    assert_rows(Tables(spark, tables.root).read("silver.it"), ["id", "name"], [(1, ADA[1]), (2, None), (3, "Third")])


def test_another_token_key_makes_other_tokens(spark: SparkSession, tables: Tables, lake: Any) -> None:
    tables.append("silver.it", rows(spark, ADA))
    before = stored(tables).collect()[0]["name_token"]
    anew = lake(of_tokens=K2)
    assert anew.seal_anew("silver.it") is not None
    assert stored(tables).collect()[0]["name_token"] != before
    assert anew.seal_anew("silver.it") is None


def test_a_column_that_comes_later_is_encrypted_too(spark: SparkSession, lake: Any) -> None:
    tables = lake(personal={"silver.it": Personal(frozenset({"name", "called"}))})
    tables.append("silver.it", rows(spark, ADA))
    tables.append("silver.it", rows(spark, BOB).withColumn("called", F.lit("Bobby")))
    assert_rows(tables.read("silver.it"), ["id", "called"], [(1, None), (2, "Bobby")])
    assert stored(tables).filter("called = 'Bobby'").isEmpty()


@pytest.mark.parametrize("text", [K1.hex(), K1.hex().upper(), base64.b64encode(K1).decode(), f" {K1.hex()}\n"])
def test_a_key_is_hex_or_base64(text: str) -> None:
    assert key_of(text, "here") == K1


@pytest.mark.parametrize("text", ["", "hunter2", "zz" * 32, K1.hex()[:32], base64.b64encode(K1[:16]).decode()])
def test_what_is_no_key_is_said_and_not_shown(text: str) -> None:
    with pytest.raises(LakehouseError, match="here: is not a key: 32 bytes in hex or base64") as error:
        key_of(text, "here")
    assert not text or text not in str(error.value)
    assert "hunter2" not in repr(vault(keys={"hunter2-id": b"hunter2"}, of_tokens=b"hunter2")).replace("hunter2-id", "")


def test_no_spelling_of_a_key_is_in_a_plan_before_or_after_it_ran(spark: SparkSession, tables: Tables) -> None:
    tables.append("silver.it", rows(spark, ADA, BOB))
    frame = tables.read("silver.it").filter("name = 'Ada Lovelace'").groupBy("born").count()
    shown = ""
    for mode in ("extended", "formatted", "codegen", "cost"):
        shown += frame._explain_string(mode=mode) if hasattr(frame, "_explain_string") else ""
    frame.collect()
    shown += frame._jdf.queryExecution().toString() + frame._jdf.queryExecution().executedPlan().toString()
    shown += "".join(str(row) for row in spark.sql(f"DESCRIBE HISTORY delta.`{tables.path('silver.it')}`").collect())
    assert "try_aes_decrypt" in shown or "aesDecrypt" in shown
    for key in (K1, OF_TOKENS):
        assert not [each for each in spellings(key) if each in shown]


def spellings(key: bytes) -> list[str]:
    """How a key may stand in a text: also the first bytes of it, and as Python or Java print bytes."""
    signed = [each - 256 if each > 127 else each for each in key]
    return [
        key.hex(), key.hex().upper(), base64.b64encode(key).decode()[:20], base64.urlsafe_b64encode(key).decode()[:20],
        " ".join(f"{each:02X}" for each in key), ", ".join(map(str, signed)), ",".join(map(str, signed)),
        key[:16].hex(), key[:16].hex().upper(),
    ]  # fmt: skip
