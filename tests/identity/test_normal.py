"""Phone numbers and e-mail addresses in one form."""

import pytest

from lib.identity.normal import email_address, phone_number, regions_by_country


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("(206) 555-0101", "+12065550101"),
        (" 1-206-555-0101 ", "+12065550101"),
        ("+1 206 555 0101", "+12065550101"),
        ("+33 1 42 68 53 00", "+33142685300"),
        # only those of the town know which number that is
        ("555-0101", "5550101"),
        ("ext. 12", "12"),
        ("none", None),
        (None, None),
    ],
)
def test_a_phone_number_is_written_as_e_164_or_else_by_its_digits(said: str | None, number: str | None) -> None:
    assert phone_number(said, "US") == number


def test_a_number_without_its_country_is_one_of_the_first_region_in_which_it_is_in_use() -> None:
    assert phone_number("01 42 68 53 00", "FR", "US") == "+33142685300"
    # no number of France, and a possible one of the United States
    assert phone_number("206.555.0101", "FR", "US") == "+12065550101"


def test_a_country_is_known_by_its_english_name_and_by_its_code() -> None:
    regions = regions_by_country()
    names = ["United States", "United Kingdom", "Germany", "Australia", "FR"]
    assert [regions[name] for name in names] == ["US", "GB", "DE", "AU", "FR"]


@pytest.mark.parametrize(
    ("said", "address"),
    [(" Ada@Example.COM", "ada@example.com"), ("Ada at home", "ada at home"), ("", None), (None, None)],
)
def test_an_email_address_is_in_small_letters_even_if_it_is_none(said: str | None, address: str | None) -> None:
    assert email_address(said) == address
