"""What the sources say of a person, in a form in which two of them can be compared. Transforms only.

`lib.identity.normal` does the rest of it: phone numbers and e-mail addresses.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lib.gold.ids import id_of
from lib.history import beginning
from lib.identity.settings import ATTRIBUTES
from lib.silver import hash_of

COLUMNS = ("key", "source", "source_customer_id", *ATTRIBUTES)

_ACCENTS = "áàâäãåçéèêëíìîïñóòôöõøúùûüýÿšž", "aaaaaaceeeeiiiinoooooouuuuyysz"


def person_records(
    adventureworks_customers: DataFrame,
    crm_addresses: DataFrame,
    crm_customers: DataFrame,
    crm_phones: DataFrame,
    pos_customers: DataFrame,
) -> DataFrame:
    """One row per record that a source has of a person, its texts as they compare; NULL is what it does not say.

    Columns, STRING but for one: `key`, `{source}:{source_customer_id}`; `source`; `source_customer_id`; `first_name`,
    `last_name`: letters, small and without accents, of several first names the first; `birth_date` DATE; `email`,
    `phone`: as they were said; `street`: letters and digits, small; `postcode`: letters and digits, in capitals;
    `city`: as the street; `gender`: M or F; `country`: of the address, by its English name, if that is said anywhere.
    """
    web = _of(
        adventureworks_customers,
        "adventureworks",
        "customer_key",
        {name: F.col(name) for name in ("first_name", "last_name", "birth_date", "email", "gender")},
    )
    names = F.split(F.trim("name"), r"\s+")
    till = _of(
        pos_customers,
        "pos",
        "customer_id",
        {
            "first_name": names[0],
            "last_name": F.when(F.size(names) > 1, F.element_at(names, -1)),
            **{name: F.col(name) for name in ("birth_date", "email", "phone")},
            # outside of America a region of the shop is a country
            "country": F.col("region"),
        },
    )
    contacts = crm_customers.join(_now(crm_phones, "phone_id", ["number"]), "customer_id", how="left").join(
        _now(crm_addresses, "address_id", ["street", "postcode", "city", "country"]), "customer_id", how="left"
    )
    centre = _of(
        contacts,
        "crm",
        "customer_id",
        {
            "phone": F.col("number"),
            **{name: F.col(name) for name in (*ATTRIBUTES, "country") if name != "phone"},
        },
    )
    rows: DataFrame = reduce(DataFrame.unionByName, [web, till, centre])
    return rows.select(*COLUMNS[:3], *[_compared(name).alias(name) for name in ATTRIBUTES], "country")


def named_only(source: str, facts: DataFrame, key: str) -> DataFrame:
    """One row per customer of a source whom its facts name, in the columns of `person_records`, all attributes NULL.

    A record so empty agrees with none: it is there to have an id before it says anything.
    """
    return _of(facts.filter(F.col(key).isNotNull()).select(key).distinct(), source, key, {})


def with_hash(records: DataFrame, *, form: str) -> DataFrame:
    """The records with `_hash` BIGINT over all that they say and the form that they are brought into afterwards."""
    return records.withColumn("_form", F.lit(form)).select(
        *records.columns, hash_of((*ATTRIBUTES, "country", "_form")).alias("_hash")
    )


def says_something(records: DataFrame) -> DataFrame:
    """The records that have any attribute."""
    return records.filter(F.coalesce(*[F.col(name).cast("string") for name in ATTRIBUTES]).isNotNull())


def _of(rows: DataFrame, source: str, key: str, values: dict[str, Column]) -> DataFrame:
    names = (*ATTRIBUTES, "country")
    absent = {name: F.lit(None).cast("date" if name == "birth_date" else "string") for name in names}
    return rows.select(
        id_of(source, key).alias("key"),
        F.lit(source).alias("source"),
        F.col(key).cast("string").alias("source_customer_id"),
        *[value.alias(name) for name, value in {**absent, **values}.items()],
    )


def _now(rows: DataFrame, key: str, values: list[str]) -> DataFrame:
    """One row per customer: of what has not ended the one that began last."""
    in_time = F.struct(F.coalesce("valid_from", beginning().cast("date")), key)
    held = rows.filter("valid_to IS NULL").groupBy("customer_id")
    return held.agg(F.max_by(F.struct(*values), in_time).alias("_it")).select("customer_id", "_it.*")


def _compared(name: str) -> Column:
    text = F.col(name)
    if name in ("first_name", "last_name"):
        said = F.split(F.trim(text), r"\s+")[0] if name == "first_name" else text
        plain = F.translate(F.lower(said), *_ACCENTS)
        return F.nullif(F.regexp_replace(plain, "[^a-z]", ""), F.lit(""))
    if name in ("street", "city"):
        return F.nullif(F.trim(F.regexp_replace(F.translate(F.lower(text), *_ACCENTS), "[^a-z0-9]+", " ")), F.lit(""))
    if name == "postcode":
        return F.nullif(F.regexp_replace(F.upper(text), "[^A-Z0-9]", ""), F.lit(""))
    return text
