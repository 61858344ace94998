"""The tables of a lake as its environment opens them: with the keys of encrypted columns, looked up by reference."""

from pyspark.sql import SparkSession

from lib.config import Settings
from lib.encryption import Vault, key_of
from lib.errors import ConfigError, LakehouseError
from lib.gold.registry import gold_tables
from lib.personal import personal_columns
from lib.secrets import looked_up
from lib.tables import Tables


def vault_of(settings: Settings, *, masks: bool = False) -> Vault:
    """The keys of an environment, and what is encrypted with them.

    With `masks`, for somebody who only reads, a key that is not there is left out.

    Raises:
        ConfigError: if a key is not there, or is none.
    """
    said = settings.encryption
    if said is None:
        return Vault(masks=masks)
    keys = {name: _looked_up(settings, f"keys.{name}", reference, masks) for name, reference in said.keys.items()}
    tokens = _looked_up(settings, "token_key", said.token_key, masks) if said.token_key is not None else None
    found = {name: key for name, key in keys.items() if key is not None}
    personal = personal_columns(settings.contracts, settings.serving, gold_tables())
    return Vault(found, said.current, tokens, personal, masks)


def tables_of(spark: SparkSession, settings: Settings, *, masks: bool = False, vault: Vault | None = None) -> Tables:
    """The tables of a lake; those of somebody who only reads, with `masks`, write nothing."""
    return Tables(
        spark, settings.root, catalog=settings.catalog, rewrite_below=settings.rewrite_below,
        vault=vault or vault_of(settings, masks=masks),
    )  # fmt: skip


def _looked_up(settings: Settings, name: str, reference: str, masks: bool) -> bytes | None:
    place = f"lakehouse.yml: environments.{settings.environment}.encryption.{name}"
    try:
        text = looked_up(reference, place)
    except LakehouseError as error:
        if masks:
            return None
        raise ConfigError(f"{error}: without it personal columns are neither read nor written") from None
    return key_of(text, place)
