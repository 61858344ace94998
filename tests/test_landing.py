"""Landed files: what is seen, what is refused, and that nothing is lost on the way."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lib import landing
from lib.config import load_settings
from lib.contract import Contract, Control
from lib.errors import ConfigError, LakehouseError
from lib.landing import Inspection, LandedFile
from tests.builders import CONF, RECEIPTS

CALENDAR = load_settings(CONF).contracts["adventureworks_calendar"]


def contract(**changes: object) -> Contract:
    return CALENDAR.model_copy(update=changes)


def land(folder: Path, name: str, content: bytes) -> LandedFile:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return next(each for each in landing.list_files(folder) if each.path == name)


def inspect(folder: Path, content: bytes, of: Contract = CALENDAR) -> Inspection:
    return landing.inspect(folder, land(folder, "a.csv", content), of)


def test_files_are_listed_oldest_first_without_hidden_and_unfinished_ones(tmp_path: Path) -> None:
    names = ["s/b.csv", "s/a.csv", ".hidden", "_marker", "s/_x/c.csv", "s/d.tmp", "s/e.csv.part"]
    for position, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1_500_000_000 + position, 1_500_000_000 + position))
    assert [file.path for file in landing.list_files(tmp_path)] == ["s/b.csv", "s/a.csv"]
    assert landing.list_files(tmp_path)[0].modified_at.isoformat() == "2017-07-14T02:40:00+00:00"


def test_a_landing_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere: the landing folder is not there"):
        landing.list_files(tmp_path / "nowhere")


def test_a_file_belongs_to_one_contract_or_is_a_stranger() -> None:
    mine, strange = LandedFile(1, "adventureworks/AdventureWorks_Calendar.csv", 9), LandedFile(2, "x/y.csv", 9)
    assigned, strangers = landing.assign([mine, strange], [CALENDAR])
    assert (assigned, strangers) == ({"adventureworks_calendar": [mine]}, ["x/y.csv"])
    with pytest.raises(ConfigError, match="matches `files` of adventureworks_calendar and adventureworks_days"):
        landing.assign([mine], [CALENDAR, contract(entity="days")])


def test_batches_are_bounded_and_a_larger_file_is_a_batch_of_its_own() -> None:
    files = [LandedFile(n, str(n), size) for n, size in enumerate([4, 5, 2, 90, 1])]
    batches = landing.in_batches(files, max_bytes=10, max_files=9)
    assert [[file.size for file in batch] for batch in batches] == [[4, 5], [2], [90], [1]]


def test_batches_have_a_bounded_number_of_files() -> None:
    files = [LandedFile(n, str(n), 1) for n in range(5)]
    batches = landing.in_batches(files, max_bytes=4, max_files=2)
    assert [[file.path for file in batch] for batch in batches] == [["0", "1"], ["2", "3"], ["4"]]
    assert landing.in_batches([], max_bytes=4, max_files=2) == []


def test_a_file_that_somebody_names_is_as_one_that_landed(tmp_path: Path) -> None:
    land(tmp_path, "mine/a.csv", b"Date\r\n1/1/2015\r\n")
    file = landing.one_file(tmp_path / "mine/a.csv")
    assert (file.path, file.size, landing.is_unchanged(tmp_path / "mine", file)) == ("a.csv", 16, True)
    with pytest.raises(LakehouseError, match=r"nowhere\.csv: there is no such file"):
        landing.one_file(tmp_path / "nowhere.csv")


def test_a_control_file_is_its_contracts() -> None:
    announced = contract(control=Control(files="adventureworks/*.ctl"))
    file = LandedFile(1, "adventureworks/a.ctl", 9)
    assert landing.assign([file], [announced]) == ({"adventureworks_calendar": [file]}, [])
    assert landing.is_control(file, announced)
    assert not landing.is_control(file, CALENDAR)


def test_a_small_file_is_read_whole_or_told(tmp_path: Path) -> None:
    assert landing.read_text(tmp_path, land(tmp_path, "a.ctl", "file\né".encode())) == "file\né"
    with pytest.raises(LakehouseError, match=r"a\.ctl: cannot be read: .* can't decode byte"):
        landing.read_text(tmp_path, land(tmp_path, "a.ctl", b"\xff"))
    with pytest.raises(LakehouseError, match=r"gone\.ctl: cannot be read"):
        landing.read_text(tmp_path, LandedFile(1, "gone.ctl", 1))


def test_lines_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    landing.write_lines(tmp_path / "out/a.json", ["é", "b"])
    assert (tmp_path / "out/a.json").read_text("utf-8") == "é\nb\n"

    def broken() -> Iterator[str]:
        yield "new"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        landing.write_lines(tmp_path / "out/a.json", broken())
    assert (tmp_path / "out/a.json").read_text("utf-8") == "é\nb\n"
    with pytest.raises(LakehouseError, match=r"a\.json/b: cannot be written: Not a directory|File exists"):
        landing.write_lines(tmp_path / "out/a.json/b", [])


def test_a_good_file_is_good(tmp_path: Path) -> None:
    found = inspect(tmp_path, b"Date\r\n1/1/2015\r\n")
    assert (found.verdict, found.header) == ("ok", ("Date",))


@pytest.mark.parametrize("content", [b"", b"\r\n", b"Date", b"Date\r\n", b"Date\r\n\r\n  \r\n"])
def test_a_file_without_rows_is_empty(tmp_path: Path, content: bytes) -> None:
    assert inspect(tmp_path, content).verdict == "empty"


@pytest.mark.parametrize("start", ["\r\n", "  \r\n\r\n", "\n", "\r"])
def test_lines_without_text_before_the_header_do_not_count(spark: SparkSession, tmp_path: Path, start: str) -> None:
    found = inspect(tmp_path, f"{start}Date\r\n1/1/2015\r\n".encode())
    assert (found.verdict, found.header) == ("ok", ("Date",))
    lines = landing.read_lines(spark, tmp_path, [found.file], CALENDAR)
    assert [row._line for row in lines.collect()] == ["1/1/2015"]


def test_a_missing_column_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    found = inspect(tmp_path, b"Day,Month\r\n1,2\r\n")
    assert (found.verdict, found.reason) == ("rejected", "column Date is missing (there are Day, Month)")


def test_a_column_twice_in_a_header_is_refused(tmp_path: Path) -> None:
    found = inspect(tmp_path, b"Date,Note,Note\r\n1/1/2015,a,b\r\n")
    assert (found.verdict, found.reason) == ("rejected", "column 'Note' appears twice in the header")


def test_an_optional_column_may_be_missing(tmp_path: Path) -> None:
    columns = {**CALENDAR.columns, "note": CALENDAR.columns["date"].model_copy(update={"from_": "N", "optional": True})}
    assert inspect(tmp_path, b"Date\r\n1/1/2015\r\n", contract(columns=columns)).verdict == "ok"


def test_bytes_that_do_not_decode_are_refused_wherever_they_are(tmp_path: Path) -> None:
    late = b"Date\r\n" + b"1/1/2015\r\n" * 200_000 + b"\x81\r\n"
    found = inspect(tmp_path, late)
    reason = "does not decode as windows-1252: line 200002 has the byte 0x81"
    assert (found.verdict, found.reason) == ("rejected", reason)


def test_a_file_that_ends_within_a_character_is_refused(tmp_path: Path) -> None:
    utf8 = contract(csv=CALENDAR.csv.model_copy(update={"encoding": "utf-8"}))
    assert (
        inspect(tmp_path, b"Date\n1/1/2015\n\xc3", utf8).reason == "does not decode as utf-8: line 3 has the byte 0xc3"
    )


def test_a_path_that_spark_cannot_read_is_refused_before_it_can_stop_the_others(tmp_path: Path) -> None:
    found = landing.inspect(tmp_path, land(tmp_path, "at 12:00.csv", b"Date\r\n1/1/2015\r\n"), CALENDAR)
    assert found.verdict == "rejected"
    assert "no file with a colon in its path" in found.reason


def test_a_character_on_the_border_of_two_chunks_is_no_offence(tmp_path: Path) -> None:
    utf8 = contract(csv=CALENDAR.csv.model_copy(update={"encoding": "utf-8"}))
    content = b"Date\r\n" + b"x" * (1024 * 1024 - 7) + "é\r\n".encode()
    assert content[1024 * 1024 - 1] == "é".encode()[0]
    assert inspect(tmp_path, content, utf8).verdict == "ok"


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    utf8 = contract(csv=CALENDAR.csv.model_copy(update={"encoding": "utf-8"}))
    assert inspect(tmp_path, "\ufeffDate\r\n1/1/2015\r\n".encode(), utf8).header == ("Date",)


def test_a_file_that_changed_or_went_since_it_was_listed_waits(tmp_path: Path) -> None:
    file = land(tmp_path, "a.csv", b"Date\r\n1/1/2015\r\n")
    assert landing.is_unchanged(tmp_path, file)
    (tmp_path / "a.csv").write_bytes(b"Date\r\n1/1/2015\r\n1/2/2015\r\n")
    assert not landing.is_unchanged(tmp_path, file)
    assert landing.inspect(tmp_path, file, CALENDAR).reason == "the file changed while it was looked at"
    (tmp_path / "a.csv").unlink()
    assert not landing.is_unchanged(tmp_path, file)
    assert landing.inspect(tmp_path, file, CALENDAR).verdict == "changed"


def test_copies_keep_their_time_and_originals_stay(tmp_path: Path) -> None:
    original = tmp_path / "mine/AdventureWorks_Calendar.csv"
    land(tmp_path, "mine/AdventureWorks_Calendar.csv", b"Date\r\n")
    os.utime(original, (1_500_000_000, 1_500_000_000))
    (tmp_path / "mine/readme.txt").write_text("no data")
    copies = landing.copy_in(tmp_path / "mine", tmp_path, tmp_path / "landing", [CALENDAR])
    assert copies == [tmp_path / "landing/adventureworks/AdventureWorks_Calendar.csv"]
    assert copies[0].stat().st_mtime == 1_500_000_000
    assert original.read_bytes() == b"Date\r\n"


def test_a_folder_to_copy_from_without_known_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file that a contract knows"):
        landing.copy_in(tmp_path, tmp_path, tmp_path / "landing", [CALENDAR])
    with pytest.raises(ConfigError, match="there is no such folder"):
        landing.copy_in(tmp_path / "nowhere", tmp_path, tmp_path / "landing", [CALENDAR])


def test_a_rejected_file_has_its_reason_beside_it(tmp_path: Path) -> None:
    file = land(tmp_path / "landing", "s/a.csv", b"x")
    kept = landing.archive(tmp_path / "landing", file, tmp_path / "rejected/s/000001", reason="no good")
    assert kept == tmp_path / "rejected/s/000001/s/a.csv"
    assert (kept.parent / "a.csv.reason.txt").read_text() == "s/a.csv: no good\n"
    assert not (tmp_path / "landing/s/a.csv").exists()


def test_lines_are_read_with_the_path_as_it_is_whatever_its_characters(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "a lake+1"
    names = ["s/plus+percent%20.csv", "s/space and é.csv", "s/[brackets]{x}.csv"]
    files = [land(folder, name, "Date\r\n“1”\r\n\r\n2".encode("windows-1252")) for name in names]
    lines = landing.read_lines(spark, folder, files, CALENDAR)
    found = sorted((row._source_file, row._line) for row in lines.collect())
    assert found == sorted((name, line) for name in names for line in ("“1”", "2"))


def test_a_line_is_read_whole_whatever_its_characters(spark: SparkSession, tmp_path: Path) -> None:
    odd = ["a\x01b,c", "\x00d\x00", "back\\slash", '"e""f', "'g", "\x85#h"]
    file = land(tmp_path, "a.csv", "\n".join(["Date", *odd]).encode("utf-8"))
    utf8 = contract(csv=CALENDAR.csv.model_copy(update={"encoding": "utf-8"}))
    assert [row._line for row in landing.read_lines(spark, tmp_path, [file], utf8).collect()] == odd


def look(folder: Path, content: str | bytes, name: str = "a.json") -> Inspection:
    """What is said of a JSON file."""
    return landing.inspect(
        folder, land(folder, name, content if isinstance(content, bytes) else content.encode()), RECEIPTS
    )


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        ('{"a": 1}\n{"a": 2}\n', "lines"),
        ('{"a": 1}\r\n\r\n{"a": 2}', "lines"),
        ('\ufeff\n{"a": {"b": [{}, {"c": 1}]}}\n', "loose"),
        ('{"a": {"b": 1}, "c": {"d": 2}}', "lines"),
        ('{"a": 1} {"a": 2}\n', "loose"),
        ('{"a": 1}{"a": 2}\n', "loose"),
        ('{"a": 1}\t\r{"a": 2}\n', "loose"),
        ('{"a": 1},\n{"a": 2}\n', "loose"),
        ('{"a": 1}, {"a": 2}\n', "loose"),
        ('{"a": 1} more\n', "loose"),
        ('{"a": 1}\n[{"a": 2}]\n', "loose"),
        ('{"a": 1}\n \t[]\n', "loose"),
        ('{"": 1}\n', "loose"),
        ('[{"a": 1}, {"a": 2}]', "array"),
        ('\ufeff\r\n  [\n{"a": 1}\n]\n', "array"),
        ("[]", "array"),
    ],
)
def test_json_is_laid_out_in_lines_loose_or_as_one_array(tmp_path: Path, content: str, layout: str) -> None:
    assert (look(tmp_path, content).verdict, look(tmp_path, content).layout) == ("ok", layout)


@pytest.mark.parametrize("between", [" ", "    ", ",", " , ", "\r", ""])
@pytest.mark.parametrize("offset", range(-3, 4))
def test_a_second_record_is_seen_across_the_border_of_two_chunks(tmp_path: Path, between: str, offset: int) -> None:
    first = f'{{"a": "{"x" * (1024 * 1024 - 10 + offset)}"}}'
    assert abs(len(first) - 1024 * 1024) <= 4
    assert look(tmp_path, f'{first}{between}{{"a": 2}}\n').layout == "loose"
    assert look(tmp_path, f'{first}\n{{"a": 2}}\n').layout == "lines"
    assert look(tmp_path, f'{first}{between}\n[{{"a": 2}}]\n').layout == "loose"


@pytest.mark.parametrize("content", ["", "\n \r\n", "\ufeff", "\ufeff\n"])
def test_json_without_text_is_empty(tmp_path: Path, content: str) -> None:
    assert look(tmp_path, content).verdict == "empty"


def test_a_packed_file_is_looked_into(tmp_path: Path) -> None:
    assert look(tmp_path, gzip.compress(b'{"a": 1} {"a": 2}'), "a.json.gz").layout == "loose"
    assert look(tmp_path, gzip.compress(b""), "b.json.gz").verdict == "empty"
    found = look(tmp_path, gzip.compress(b'{"a": 1}\n\xff'), "c.json.gz")
    assert (found.verdict, found.reason) == ("rejected", "does not decode as utf-8: line 2 has the byte 0xff")


@pytest.mark.parametrize("kept", [5, 15, 100, -9, -1])
def test_a_packed_file_that_ends_early_waits(tmp_path: Path, kept: int) -> None:
    packed = gzip.compress(os.urandom(4000).hex().encode())
    found = look(tmp_path, packed[:kept], "a.json.gz")
    assert (found.verdict, found.reason) == (
        "changed", "its gzip stream ends early, as if it were still being written",
    )  # fmt: skip


@pytest.mark.parametrize("content", [b'{"a": 1}\n', gzip.compress(b"x" * 99)[:10] + b"\xff" * 50])
def test_a_file_that_only_says_it_is_packed_is_refused(tmp_path: Path, content: bytes) -> None:
    found = look(tmp_path, content, "a.json.gz")
    assert found.verdict == "rejected"
    assert found.reason.startswith("is not gzip, as its name says: ")


def test_an_empty_file_that_is_to_be_packed_is_empty(tmp_path: Path) -> None:
    assert look(tmp_path, b"", "a.json.gz").verdict == "empty"


def test_equal_content_has_an_equal_hash_packed_or_not(tmp_path: Path) -> None:
    content = b'{"a": 1}\n' * 200_000
    plain, packed = look(tmp_path, content), look(tmp_path, gzip.compress(content), "b.json.gz")
    assert plain.content_hash == packed.content_hash
    assert len(plain.content_hash) == 64
    assert look(tmp_path, content + b"\n", "c.json").content_hash != plain.content_hash


def test_processed_files_are_listed_by_source_and_batch_and_removed_with_the_folders_they_leave_empty(
    tmp_path: Path,
) -> None:
    for name in ("pos/000001/sales/a.jsonl", "pos/000001/sales/b.jsonl", "pos/000002/c.jsonl", "of somebody"):
        file = tmp_path / "processed" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("12345")
    a, b, c = sorted(landing.list_processed(tmp_path), key=lambda file: file.path[-7:])
    assert (b.source, b.batch_id, b.path) == ("pos", 1, "sales/b.jsonl")
    assert [landing.remove(tmp_path, file) for file in (a, c)] == [5, 5]
    left = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "processed").rglob("*"))
    assert left == [
        "processed/of somebody", "processed/pos", "processed/pos/000001", "processed/pos/000001/sales",
        "processed/pos/000001/sales/b.jsonl",
    ]  # fmt: skip
    with pytest.raises(LakehouseError, match="cannot be deleted"):
        landing.remove(tmp_path, a)
