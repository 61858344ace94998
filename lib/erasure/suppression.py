"""Who is forgotten: HMACs of their keys in the sources, and whether a row or a record of a file names one of them.

HMAC-SHA-256 (RFC 2104), by a key that is not in the lake: without it nobody can tell, by trying all numbers there are,
whose the hashes are.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lib.bronze import texts_of
from lib.contract import Contract
from lib.errors import LakehouseError
from lib.identity.tables import DESCRIBED_BY, NAMED_BY
from lib.quality import text_of, typed_of

SUPPRESSED = "ops.suppressed"
SCHEMA = "source STRING, token STRING, run_id BIGINT, since TIMESTAMP"
"""One forgotten key of a source: who is asked for it has to have the key that it was hashed with."""

_BLOCK = 64
_LEAST = 32
_WHOLE = ("int", "bigint")


def key_of(text: str, place: str) -> bytes:
    """The key that hashes are made with, of what a reference stands for.

    Raises:
        LakehouseError: if there is none, or it is short enough to be guessed.
    """
    if len(text) < _LEAST:
        said = (
            "has fewer than 32 characters"
            if text
            else "is not given: nobody can be forgotten without it, or kept from coming back"
        )
        raise LakehouseError(f"{place}: {said} (`openssl rand -hex 32` makes one; keep it outside of the lake)")
    return text.encode()


def column_of(contract: Contract) -> str | None:
    """The column by which an entity's rows name a person, None where they name nobody."""
    of_source = DESCRIBED_BY.get(contract.source, {}) | NAMED_BY.get(contract.source, {})
    return of_source.get(contract.table)


def token(key: bytes, source: str, name: str) -> str:
    """The hash of a person's key in a source, as `spelt` gives it."""
    return hmac.new(key, f"{source}:{name}".encode(), sha256).hexdigest()


def spelt(text: str, contract: Contract) -> str:
    """A key as all its spellings are hashed: without spaces around it, in capitals; of a number, the number."""
    column = column_of(contract)
    is_whole = column is not None and contract.columns[column].type in _WHOLE
    text = text.strip().upper()
    return str(int(text)) if is_whole and text.isascii() and text.isdigit() else text


def is_forgotten(rows: DataFrame, contract: Contract, tokens: DataFrame, pads: DataFrame) -> DataFrame:
    """Rows of bronze with `_is_forgotten` BOOLEAN: do they name somebody of `tokens`? `pads` are `pads_of` the key."""
    column = column_of(contract)
    if column is None:
        return rows.withColumn("_is_forgotten", F.lit(False))
    known = F.broadcast(tokens.filter(F.col("source") == contract.source).select(F.col("token").alias("_known")))
    hashed = _with_key(rows, contract, column).join(F.broadcast(pads))
    asked = hashed.join(known, _token(F.col("_key"), contract) == F.col("_known"), how="left")
    return asked.select(*rows.columns, F.col("_known").isNotNull().alias("_is_forgotten"))


def pads_of(spark: SparkSession, key: bytes) -> DataFrame:
    """One row with the two blocks of bytes that an HMAC begins with; as a table, for a plan shows its literals."""
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    row = {"_inner": bytes(each ^ 0x36 for each in block), "_outer": bytes(each ^ 0x5C for each in block)}
    return spark.createDataFrame(pa.Table.from_pylist([row]))


def checked_by(key: bytes) -> str:
    """What is kept beside the hashes, to know the key by that they were made with."""
    return token(key, "", "")


def token_rows(key: bytes, source_ids: Iterable[str], **facts: object) -> list[dict[str, object]]:
    """What is written down of records, `{source}:{key}`: their hashes, with the other `facts` of SCHEMA."""
    split = (each.split(":", 1) for each in source_ids)
    tokens = [("", checked_by(key)), *((source, token(key, source, name.strip().upper())) for source, name in split)]
    return [{"source": source, "token": each, **facts} for source, each in tokens]


def _with_key(rows: DataFrame, contract: Contract, column: str) -> DataFrame:
    """The rows with `_key`: as `spelt`, what the contract makes of the text, or the text where that is nothing."""
    said = contract.columns[column]
    texts = rows.withColumn("_landed", texts_of(rows, contract)[column])
    texts = texts.withColumn("_text", F.expr(text_of(said, "_landed")))
    typed = F.expr(typed_of(said, "_text")).cast("string")
    return texts.withColumn("_key", F.upper(F.trim(F.coalesce(typed, "_landed"))))


def _token(text: Column, contract: Contract) -> Column:
    message = F.encode(F.concat(F.lit(f"{contract.source}:"), text), "UTF-8")
    inner = F.unhex(F.sha2(F.concat("_inner", message), 256))
    return F.sha2(F.concat("_outer", inner), 256)
