"""What a lake's tables are encrypted with and opened by: the keys of one environment, in one session."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.types import StructType

from lib import encryption
from lib.encryption import TOKEN_KEY, Personal, Vault, form_of, form_to_write, token_key_check, wanted_form
from lib.errors import ConfigError
from lib.session import secret_values


class Seal:
    """The keys of a vault, as Spark's functions take them; without a vault there is none, and nothing is encrypted."""

    def __init__(self, spark: SparkSession, vault: Vault | None = None) -> None:
        self.vault = vault or Vault()
        self._secrets: Column | None = secret_values(spark, self.vault.secrets) if self.vault.keys else None

    def opened(self, name: str, stored: DataFrame) -> DataFrame:
        """Stored rows of a table with their values, or with masks.

        Raises:
            ConfigError: if something is encrypted and there is no key at all, and no mask is to stand for it.
        """
        form = form_of(stored.schema)
        if form.encrypted and self._secrets is None and not self.vault.masks:
            raise ConfigError(
                f"{name}: {', '.join(sorted(form.encrypted))} are encrypted, and the environment gives no key "
                "(`encryption` in lakehouse.yml)"
            )
        return encryption.opened(stored, self.vault, self._secrets, table=name)

    def sealed(self, name: str, rows: DataFrame, stored: StructType | None) -> DataFrame:
        """Rows as they go into a table; `stored` is what that has, None where there is none yet or all of it goes.

        Raises:
            ConfigError: if this is the vault of a reader, or there is no key to write with.
        """
        self.check_writer(name)
        form = form_to_write(rows.columns, stored, self._personal(name), self.vault)
        if form.encrypted and (self._secrets is None or self.vault.current is None):
            raise ConfigError(f"{name}: is encrypted, and the environment says no current key (or run `make rotate`)")
        if form.tokens and self.vault.of_tokens is None:
            raise ConfigError(f"{name}: has tokens, and the environment gives no token_key (or run `make rotate`)")
        return rows if self._secrets is None else encryption.sealed(rows, form, self.vault, self._secrets)

    def is_as_wanted(self, name: str, stored: DataFrame) -> bool:
        """Is a table encrypted as the environment says, all of it with the current key?"""
        has = form_of(stored.schema)
        tokens = {*has.tokens.values()}
        made_with = {stored.schema[token].metadata[TOKEN_KEY] for token in tokens}
        wanted = wanted_form({*stored.columns} - tokens, self._personal(name), self.vault)
        if has != wanted or made_with - {token_key_check(self.vault)}:
            return False
        stale = encryption.is_stale(stored.schema, self.vault)
        return stale is None or stored.filter(stale).isEmpty()

    def check_writer(self, name: str) -> None:
        """See that these are no tables of a reader: what that has read may be masks, and none of it is written.

        Raises:
            ConfigError: if they are.
        """
        if self.vault.masks:
            raise ConfigError(f"{name}: is not written by a reader, whose rows may be masks")

    def _personal(self, name: str) -> Personal:
        return self.vault.personal.get(name, Personal())
