"""Texts without the records of somebody."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.config import read_contracts
from lib.contract import Contract
from lib.erasure.files import Sieve, rewrite, sifted_whole
from tests.builders import CONF

CONTRACTS, _ = read_contracts(CONF / "contracts")


@pytest.fixture
def sieve_of() -> Callable[[Contract | None], Sieve]:
    """Of the person with the key C0000007, who has an address that everybody knows."""

    def made(contract: Contract | None) -> Sieve:
        return Sieve(contract, {"C0000007", "11007"}.__contains__, lambda text: "ada@example.com" in text)

    return made


def test_lines_of_json_go_by_their_key_however_it_is_spelt(tmp_path: Path, sieve_of: Callable[..., Sieve]) -> None:
    file = tmp_path / "sales.jsonl"
    file.write_text(
        '{"customer_id": " c0000007 ", "price": 1}\n{"customer_id": "C0000008"}\n{"customer_id": "C00000070"}\n'
    )
    assert rewrite(sieve_of(CONTRACTS["pos_sales"]), file) == 1
    assert file.read_text() == '{"customer_id": "C0000008"}\n{"customer_id": "C00000070"}\n'


def test_a_line_without_a_key_goes_by_what_it_says(tmp_path: Path, sieve_of: Callable[..., Sieve]) -> None:
    file = tmp_path / "customers.jsonl"
    file.write_text(
        '{"customer_id": null, "email": "ada@example.com"}\n'
        '{"customer_id": "C0000009", "email": "ada@example.com"}\n'
        '{"customer_id": "C00000\n'
        '{"email": "ada@example.com"\n'
    )
    assert rewrite(sieve_of(CONTRACTS["pos_customers"]), file) == 2
    assert file.read_text() == '{"customer_id": "C0000009", "email": "ada@example.com"}\n{"customer_id": "C00000\n'


def test_a_table_of_another_encoding_keeps_every_byte_of_the_other_rows(
    tmp_path: Path, sieve_of: Callable[..., Sieve]
) -> None:
    file = tmp_path / "AdventureWorks_Customers.csv"
    header = "CustomerKey,Prefix,FirstName\r\n".encode("windows-1252")
    others = '11006,MR.,"José, ""Pepe"""\r\n'.encode("windows-1252") + b"11008,\x81,x"
    file.write_bytes(header + "011007,MS.,Zoë\r\n".encode("windows-1252") + others)
    assert rewrite(sieve_of(CONTRACTS["adventureworks_customers"]), file) == 1
    assert file.read_bytes() == header + others


def test_a_packed_file_stays_packed_and_keeps_its_time(tmp_path: Path, sieve_of: Callable[..., Sieve]) -> None:
    file = tmp_path / "sales.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"customer_id": "C0000007"}\n{"customer_id": "C0000008"}\n'))
    before = file.stat().st_mtime_ns
    assert rewrite(sieve_of(CONTRACTS["pos_sales"]), file) == 1
    assert gzip.decompress(file.read_bytes()) == b'{"customer_id": "C0000008"}\n'
    assert file.stat().st_mtime_ns == before


def test_an_array_stays_one_without_its_elements(sieve_of: Callable[..., Sieve]) -> None:
    text = (
        '[{"customer_id": "C0000007"}, {"customer_id": "C1", "product": {"id": 1.50}},\n {"customer_id": "C0000007"}]'
    )
    assert sifted_whole(text, sieve_of(CONTRACTS["pos_sales"])) == (
        '[{"customer_id": "C1", "product": {"id": 1.50}}]\n',
        2,
    )


def test_an_object_over_several_lines_goes_whole(tmp_path: Path, sieve_of: Callable[..., Sieve]) -> None:
    file = tmp_path / "sales.json"
    file.write_text(
        '{\n "customer_id": "C0000007",\n "price": 1\n}\n{"customer_id":\n "C2"}\nno json ada@example.com\n'
    )
    assert rewrite(sieve_of(CONTRACTS["pos_sales"]), file) == 2
    assert file.read_text() == '{"customer_id":\n "C2"}\n'


def test_a_file_in_which_nobody_is_found_is_not_touched(tmp_path: Path, sieve_of: Callable[..., Sieve]) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text('{"event": "C0000007 is nobody here"}\n')
    before = file.stat().st_ino
    assert rewrite(sieve_of(None), file) == 0
    assert file.stat().st_ino == before
    assert [*tmp_path.iterdir()] == [file]
