"""Columns that are stored encrypted (AES-256-GCM), and what stands for a value where the key is not there.

A stored value is text, `<MARK><key id>:<base64 of IV, cipher text, tag>`; NULL stays NULL. Its column says so itself:
the field's metadata has the type that the values had, so that a table is read by what it is and not by what somebody
configured since. The name of the column is authenticated with each value (AAD): a value that is moved to another column
does not decrypt. Not the table's: a layer decrypts what it reads and encrypts what it writes in any case.

Spark's own functions do it. The keys come to them as a scalar subquery over a relation on the driver, `secrets`
(`lib.session.secret_values`): a literal would stand in plans, on Spark's page and in its event log; rows of a local
relation stand in none of them. They do some 75,000 values a second on two busy cores. A vectorised
function of Python's shows no key either and does three times as many, but needs workers of Python wherever something is
read.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructField, StructType

from lib.errors import ConfigError
from lib.sql import quoted

ENCRYPTED, TOKEN_OF, TOKEN_KEY = "lakehouse.encrypted", "lakehouse.token_of", "lakehouse.token_key"
"""In a field's metadata: the type of its values, as Spark's JSON; of a token the column, and what its key hashes to."""

MASK = "•••"
"""What a reader without the key sees of a text; of another type nothing."""

KEY_ID = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
MARK = "lakehouse-encrypted-aes-256-gcm:"
"""How a stored value begins: with the 32 letters that Delta keeps of a file's least and greatest text, and no more.

So no log has anything of a value, of which the first letters could be read with the key.
"""

_NONCE = 12
_BYTES = 32
_BLOCK = 64
_INNER, _OUTER = "token:inner", "token:outer"


@dataclass(frozen=True)
class Personal:
    """Which columns of a table are encrypted, and which of these have a token beside them, `<column>_token`."""

    columns: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Vault:
    """The keys that there are by their ids, the one that encrypts (None: nothing is encrypted any more), the key of
    tokens, and which columns of which table are `personal`. A vault of a reader gives `masks` where it has no key.
    """

    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    current: str | None = None
    of_tokens: bytes | None = field(default=None, repr=False)
    personal: Mapping[str, Personal] = field(default_factory=dict)
    masks: bool = False

    @property
    def secrets(self) -> dict[str, bytes]:
        """What `sealed` and `opened` look up by its name."""
        if self.of_tokens is None:
            return dict(self.keys)
        block = self.of_tokens.ljust(_BLOCK, b"\0")
        pads = {_INNER: bytes(each ^ 0x36 for each in block), _OUTER: bytes(each ^ 0x5C for each in block)}
        return {**self.keys, **pads}


@dataclass(frozen=True)
class Form:
    """How a table has its columns: those that are encrypted, and the tokens by the columns that they are of."""

    encrypted: frozenset[str] = frozenset()
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Is nothing encrypted?"""
        return not self.encrypted


def key_of(text: str, place: str) -> bytes:
    """A key of 32 bytes, of what a reference stands for: their hex or their base64.

    Raises:
        ConfigError: if it is neither; the text is not shown.
    """
    for decode in (bytes.fromhex, lambda said: base64.b64decode(said, validate=True)):
        try:
            key = decode(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(key) == _BYTES:
            return key
    raise ConfigError(f"{place}: is not a key: 32 bytes in hex or base64 (`openssl rand -base64 32` makes one)")


def form_of(schema: StructType) -> Form:
    """How a stored table has its columns."""
    encrypted = frozenset(each.name for each in schema.fields if ENCRYPTED in each.metadata)
    return Form(encrypted, {each.metadata[TOKEN_OF]: each.name for each in schema.fields if TOKEN_OF in each.metadata})


def wanted_form(columns: Collection[str], personal: Personal, vault: Vault) -> Form:
    """How a table with these columns is to have them."""
    if vault.current is None:
        return Form()
    with_token = sorted(personal.tokens & {*columns}) if vault.of_tokens is not None else []
    return Form(personal.columns & {*columns}, {name: f"{name}_token" for name in with_token})


def form_to_write(columns: Collection[str], stored: StructType | None, personal: Personal, vault: Vault) -> Form:
    """How rows go into a table: a column that it has stays as it is, one that it lacks is as it is wanted."""
    if stored is None:
        return wanted_form(columns, personal, vault)
    has = form_of(stored)
    new = wanted_form({*columns} - {*stored.names}, personal, vault)
    return Form(has.encrypted & {*columns} | new.encrypted, {**has.tokens, **new.tokens})


def sealed(rows: DataFrame, form: Form, vault: Vault, secrets: Column) -> DataFrame:
    """Rows as they are stored. A frame that has no personal column is as it was."""
    if form.is_plain and not form.tokens:
        return rows
    columns = [_sealed(each, vault, secrets) if each.name in form.encrypted else _as_is(each) for each in rows.schema]
    said = {TOKEN_KEY: token_key_check(vault)}
    tokens = [
        _token(_text(rows.schema[name]), secrets).alias(token, metadata={TOKEN_OF: name, **said})
        for name, token in form.tokens.items()
        if name in rows.columns
    ]
    return rows.select(*columns, *tokens)


def opened(rows: DataFrame, vault: Vault, secrets: Column | None, *, table: str) -> DataFrame:
    """Stored rows with their values; without tokens, but for a reader, whom they let join and count.

    Raises:
        ConfigError: when the rows are read, if a value's key is not there or a value is not what was written.
    """
    form = form_of(rows.schema)
    if form.is_plain and not form.tokens:
        return rows
    tokens = {*form.tokens.values()} if not vault.masks else set()
    return rows.select(
        *[
            _opened(each, vault, secrets, table) if each.name in form.encrypted else _as_is(each)
            for each in rows.schema
            if each.name not in tokens
        ]
    )


def is_stale(schema: StructType, vault: Vault) -> Column | None:
    """Of a stored row: is a value of it under another key than the current one? None where no column is encrypted."""
    under = f"{MARK}{vault.current}:"
    others = [~F.col(quoted(name)).startswith(under) for name in sorted(form_of(schema).encrypted)]
    return reduce(Column.__or__, [F.coalesce(each, F.lit(False)) for each in others]) if others else None


def token_key_check(vault: Vault) -> str:
    """What is kept beside tokens, to know the key by that they were made with; empty without one."""
    return hmac.new(vault.of_tokens, b"check", sha256).hexdigest()[:16] if vault.of_tokens is not None else ""


def decoder(vault: Vault) -> Callable[[str, Sequence[str]], list[str]]:
    """Decrypts, without Spark, those of a column's values that are encrypted; the others are left out.

    Raises:
        ConfigError: by what it gives, if a key is not there: what cannot be looked at is not proven.
    """

    def decoded(column: str, values: Sequence[str]) -> list[str]:
        found = []
        for value in values:
            key_id, _, sealed_text = value.removeprefix(MARK).partition(":")
            # the beginning of one, and perhaps a letter after it, is what a checkpoint has of a file
            if not value.startswith(MARK) or len(value) <= len(MARK) + 1:
                continue
            if key_id not in vault.keys:
                raise ConfigError(
                    f"{column}: is encrypted with the key '{key_id}', which the environment does not give"
                )
            try:
                raw = base64.b64decode(sealed_text)
                text = AESGCM(vault.keys[key_id]).decrypt(raw[:_NONCE], raw[_NONCE:], column.encode())
            except (InvalidTag, ValueError):
                raise ConfigError(f"{column}: a value does not decrypt with its key '{key_id}'") from None
            found.append(text.decode())
        return found

    return decoded


def _as_is(stored: StructField) -> Column:
    return F.col(quoted(stored.name))


def _text(plain: StructField) -> Column:
    """A value as the text that is encrypted."""
    value = F.col(quoted(plain.name))
    if isinstance(plain.dataType, StringType):
        return value
    return F.to_json(value) if _is_nested(plain.dataType) else value.cast("string")


def _value(text: Column, type_: DataType) -> Column:
    """And back."""
    if isinstance(type_, StringType):
        return text
    return F.from_json(text, type_.json(), {"mode": "FAILFAST"}) if _is_nested(type_) else text.cast(type_)


def _is_nested(type_: DataType) -> bool:
    return isinstance(type_, ArrayType | MapType | StructType)


def _sealed(plain: StructField, vault: Vault, secrets: Column) -> Column:
    key = F.element_at(secrets, F.lit(vault.current))
    made = F.aes_encrypt(_text(plain).cast("binary"), key, aad=F.lit(plain.name.encode()))
    # Spark may cut base64 into lines
    text = F.concat(F.lit(f"{MARK}{vault.current}:"), F.translate(F.base64(made), "\r\n", ""))
    return text.alias(plain.name, metadata={**plain.metadata, ENCRYPTED: plain.dataType.json()})


def _opened(stored: StructField, vault: Vault, secrets: Column | None, table: str) -> Column:
    text, said = F.col(quoted(stored.name)), f"{table}: {stored.name}"
    type_ = _type_of(stored)
    metadata = {name: value for name, value in stored.metadata.items() if name != ENCRYPTED}
    if secrets is None or not vault.keys:
        return F.when(text.isNotNull(), _mask(type_)).cast(type_).alias(stored.name, metadata=metadata)
    key_id = F.split_part(text, F.lit(":"), F.lit(2))
    key = F.try_element_at(secrets, key_id)
    made = F.try_to_binary(F.split_part(text, F.lit(":"), F.lit(3)), F.lit("base64"))
    plain = F.try_aes_decrypt(made, key, aad=F.lit(stored.name.encode())).cast("string")
    odd = _refused(f"{said} has a value that does not decrypt with its key: it was changed, or the key is another one")
    unknown = F.raise_error(
        F.concat(F.lit(f"{said} is encrypted with the key '"), key_id, F.lit("', which the environment does not give"))
    )
    value = (
        F.when(text.isNull(), F.lit(None).cast(type_))
        .when(~text.startswith(MARK), _refused(f"{said} has a value that is not encrypted, in an encrypted column"))
        .when(key.isNull(), _mask(type_) if vault.masks else unknown)
        .otherwise(_value(F.coalesce(plain, odd), type_))
    )
    return value.alias(stored.name, metadata=metadata)


def _refused(message: str) -> Column:
    return F.raise_error(F.lit(message))


def _type_of(stored: StructField) -> DataType:
    said = json.loads(stored.metadata[ENCRYPTED])
    return StructField.fromJson({"name": "_", "type": said, "nullable": True}).dataType


def _mask(type_: DataType) -> Column:
    if isinstance(type_, StringType):
        return F.lit(MASK)
    if isinstance(type_, ArrayType) and isinstance(type_.elementType, StringType):
        return F.array(F.lit(MASK))
    return F.lit(None).cast(type_)


def _token(text: Column, secrets: Column) -> Column:
    """HMAC-SHA-256 (RFC 2104) of a value: the same wherever the value is, whatever its column and table are called."""
    inner = F.unhex(F.sha2(F.concat(F.element_at(secrets, F.lit(_INNER)), F.encode(text, "UTF-8")), 256))
    return F.sha2(F.concat(F.element_at(secrets, F.lit(_OUTER)), inner), 256)
