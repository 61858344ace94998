"""Who was forgotten stays so: rows that name them do not reach bronze, and their records leave the files."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lib.config import Settings
from lib.contract import Contract
from lib.erasure.files import Sieve
from lib.erasure.suppression import SUPPRESSED, checked_by, column_of, is_forgotten, key_of, pads_of, token
from lib.errors import LakehouseError
from lib.pipeline.context import Run
from lib.secrets import looked_up


def key_of_erasure(settings: Settings) -> bytes:
    """The key of hashes and signatures, of what the environment refers to.

    Raises:
        LakehouseError: if there is none.
    """
    place = f"lakehouse.yml: environments.{settings.environment}.erasure.key"
    return key_of(looked_up(settings.erasure.key, place), place)


def without_forgotten(run: Run, contract: Contract, rows: DataFrame) -> DataFrame:
    """Rows of bronze but for those that name somebody who was forgotten.

    Raises:
        LakehouseError: if somebody of the source was, and the key is not there or is another one.
    """
    tokens = _tokens(run, contract)
    if not tokens:
        return rows
    spark, key = run.tables.spark, key_of_erasure(run.settings)
    asked = is_forgotten(rows, contract, run.tables.read(SUPPRESSED), pads_of(spark, key))
    return asked.filter(~F.col("_is_forgotten")).select(*rows.columns)


def sieve_of(run: Run, contract: Contract) -> Sieve | None:
    """What parts a file's records from those of the forgotten, None where nobody of its source is.

    Raises:
        LakehouseError: as `without_forgotten`.
    """
    tokens = _tokens(run, contract)
    if not tokens:
        return None
    key = key_of_erasure(run.settings)
    return Sieve(contract, lambda name: token(key, contract.source, name) in tokens)


def _tokens(run: Run, contract: Contract) -> set[str]:
    """The hashes of the source's forgotten keys, a few for each person; none where an entity names nobody."""
    if column_of(contract) is None or run.tables.snapshot(SUPPRESSED) is None:
        return set()
    rows = run.tables.read(SUPPRESSED).filter(F.col("source").isin(contract.source, "")).collect()
    found = {row["token"] for row in rows if row["source"]}
    if found and checked_by(key_of_erasure(run.settings)) not in {row["token"] for row in rows}:
        raise LakehouseError(
            f"lakehouse.yml: environments.{run.settings.environment}.erasure.key: is another key than the one that "
            "people were forgotten with: nothing is loaded that may bring them back"
        )
    return found
