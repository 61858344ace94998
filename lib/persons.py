"""Where a person is in a lake: found by any id, and then by the keys of their records, in every layer. Reads only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib import quality
from lib.bronze import texts_of
from lib.config import Settings
from lib.contract import Contract, bronze_name
from lib.errors import LakehouseError
from lib.identity.tables import DESCRIBED_BY, FORMER, NAMED_BY, SCHEMAS
from lib.tables import Tables


@dataclass(frozen=True)
class Named:
    """An entity whose rows name a person: by `column`, which has one of the `keys`."""

    contract: Contract
    column: str
    keys: Sequence[str]

    def in_silver(self, rows: DataFrame) -> DataFrame:
        """The rows of silver, or of a history, that name the person."""
        return rows.filter(F.col(self.column).cast("string").isin(*self.keys))

    def in_quarantine(self, rows: DataFrame) -> DataFrame:
        """The rows of a quarantine that name the person, however the key is spelt there."""
        path = ".".join(map(bronze_name, self.contract.source_columns[self.column].split(".")))
        return rows.filter(self._is_spelt(F.get_json_object(F.coalesce("correction", "raw"), f"$.{path}")))

    def in_bronze(self, rows: DataFrame) -> DataFrame:
        """The rows of bronze that name the person, by what the contract makes of the key or by what landed."""
        text = texts_of(rows, self.contract)[self.column]
        place = ["_batch_id", "_row_id"]
        judged = quality.judge(rows, self.contract).filter(F.col(self.column).cast("string").isin(*self.keys))
        return (
            rows.filter(self._is_spelt(text)).select(*place).union(judged.select(*place)).distinct().join(rows, place)
        )

    def _is_spelt(self, text: Column) -> Column:
        return F.upper(F.trim(text)).isin(*[key.upper() for key in self.keys])


def find(tables: Tables, asked: str) -> str:
    """The customer's id in gold: asked for by it, a former one, a record (`pos:C1`), a key of any source, or an e-mail.

    Raises:
        LakehouseError: if gold was never built, nobody has this id, or several do.
    """
    if tables.snapshot("gold.dim_customers") is None or tables.snapshot("gold.customer_360") is None:
        raise LakehouseError("gold has no customers yet: `make run` builds it")
    customers = tables.read("gold.dim_customers").filter("is_current")
    former = tables.read_or_empty(FORMER, SCHEMAS[FORMER]).filter(F.col("former_id") == asked)
    is_asked = F.exists("source_ids", lambda each: (each == asked) | (F.substring_index(each, ":", -1) == asked))
    found = customers.filter((F.col("customer_id") == asked) | is_asked | (F.col("email") == asked.lower()))
    ids = [row[0] for row in found.select("customer_id").union(former.select("customer_id")).distinct().collect()]
    if not ids:
        raise LakehouseError(
            f"customer {asked}: nobody has this id; an id of gold, a record ('pos:C0001234'), a source's key or an "
            "e-mail address is understood"
        )
    if len(ids) > 1:
        raise LakehouseError(f"customer {asked}: may be {', '.join(sorted(ids))}; ask for one of them")
    return str(ids[0])


def rows_of(rows: DataFrame) -> list[dict[str, Any]]:
    """Rows about one person, as dicts: there are no more of them than one person does."""
    return [row.asDict(recursive=True) for row in rows.collect()]


def former_ids(tables: Tables, customer_id: str) -> list[str]:
    """The ids that turned out to be this customer too, in order."""
    former = tables.read_or_empty(FORMER, SCHEMAS[FORMER]).filter(F.col("customer_id") == customer_id)
    return sorted(row["former_id"] for row in former.collect())


def keys_in(source: str, source_ids: Sequence[str]) -> list[str]:
    """The keys that records, `{source}:{key}`, have in one source."""
    return [key for name, key in (each.split(":", 1) for each in source_ids) if name == source]


def described(settings: Settings, source_ids: Sequence[str]) -> Iterator[Named]:
    """The entities that describe the person of these records, `{source}:{key}`."""
    return _named(settings, DESCRIBED_BY, source_ids)


def named(settings: Settings, source_ids: Sequence[str]) -> Iterator[Named]:
    """The entities that describe the person of these records, and those of what the person did."""
    yield from described(settings, source_ids)
    yield from _named(settings, NAMED_BY, source_ids)


def _named(settings: Settings, entities: Mapping[str, Mapping[str, str]], source_ids: Sequence[str]) -> Iterator[Named]:
    for source, columns in entities.items():
        keys = keys_in(source, source_ids)
        for entity, column in columns.items() if keys else ():
            yield Named(settings.contracts[entity], column, keys)
