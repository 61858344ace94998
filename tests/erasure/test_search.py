"""What a search of every byte finds."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lib.erasure.search import search
from lib.erasure.values import Sought, sought_of

ADA = sought_of(
    ["9f1c"], ["pos:C0000007", "adventureworks:11007"], ["Ada  King", "ada@example.com", "+44 20 7946", "Al"], ["key"]
)


def test_a_key_that_is_short_is_looked_for_in_columns_of_keys_alone_too() -> None:
    assert sought_of([], ["pos:C1"], [], []) == Sought(ids=("pos:C1",), values=(), bare=("C1",))


def test_keys_that_are_numbers_are_looked_for_in_columns_of_keys_alone() -> None:
    assert (
        Sought(
            ids=("9f1c", "C0000007", "adventureworks:11007", "pos:C0000007"),
            values=("+44 20 7946", "ada king", "ada@example.com"),
            bare=("11007",),
            columns=frozenset({"key"}),
        )
        == ADA
    )


def test_a_text_is_found_in_files_packed_or_not_as_a_whole_word(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("seen: ADA@example.com\n")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(b'{"name": "ada\\tking", "c": "Ada   king"}'))
    (tmp_path / "c.txt").write_text("C00000071 11007")
    (tmp_path / "d.txt").write_bytes(b"x" * (16 * 1024 * 1024 - 5) + b"ada@example.com")
    found = search(tmp_path, ADA)
    assert found.found == {"a.log": {"ada@example.com"}, "b.json.gz": {"ada king"}, "d.txt": {"ada@example.com"}}
    assert found.files == 4


def test_parquet_is_unpacked_to_its_innermost_members(tmp_path: Path) -> None:
    table = pa.table(
        {
            "nested": pa.array([{"phones": ["+44 20 7946"]}, None]),
            "map": pa.array([[("of", "pos:C0000007")], []], pa.map_(pa.string(), pa.string())),
            "key": pa.array([11007, 11008]),
            "amount": pa.array([11007.0, 9.0]),
            "other": pa.array(["11007", "nobody"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet", compression="zstd", write_statistics=False)
    found = search(tmp_path, ADA)
    assert found.found == {"x.parquet": {"+44 20 7946", "pos:C0000007", "11007"}}
    assert found.decoded_rows == 2


def test_the_statistics_of_a_file_are_among_its_bytes(tmp_path: Path) -> None:
    pq.write_table(pa.table({"email": ["ada@example.com"] * 3}), tmp_path / "x.parquet", compression="zstd")
    assert b"ada@example.com" in (tmp_path / "x.parquet").read_bytes()
    assert search(tmp_path, ADA).texts == {"ada@example.com"}


def test_half_a_file_is_searched_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 ada@example.com")
    assert search(tmp_path, ADA).texts == {"ada@example.com"}
