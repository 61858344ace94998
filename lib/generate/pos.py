"""Landing files like those of shop tills, of any size, the same bytes for the same seed, their faults on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import islice
from json import dumps
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lib.errors import ConfigError
from lib.generate.adventureworks import PRODUCT_STREAM
from lib.generate.catalogue import catalogue
from lib.generate.faults import SALES_FAULTS, TILL_FAULTS, Faults, check_rates, draw_faults, known_faults
from lib.generate.fraud import OF_TILLS, check_shares, known_fraud
from lib.generate.json_files import write_array, write_lines
from lib.generate.loyalty import DOMAIN, Buyers, Delivery, as_members, draw_buyers, draw_deliveries, draw_members
from lib.generate.overlap import enrol_members
from lib.generate.people import WebPeople
from lib.generate.receipts import make_labels, receipt_lines
from lib.generate.records import record
from lib.generate.shops import Shops, at_home, draw_shops
from lib.generate.till import DAY, Till, draw_till
from lib.generate.vectors import Ints, Span
from lib.generate.vectors import rows as tuples

# Streams of their own, away from those of adventureworks.py.
SHOP_STREAM, LOYALTY_STREAM, TILL_STREAM, FRAUD_STREAM = range(10, 14)
LEAST_MEMBERS, LINES_OF_A_MEMBER = 50, 20

# With more files than this, as of tills that send all the time, each day has a folder and no file is packed.
MOST_IN_ONE_FOLDER = 1_000


class Job(NamedTuple):
    """What was asked for, as all parts need it."""

    folder: Path
    truth: Path
    span: Span
    seed: int
    rates: Mapping[str, float]
    fraud: Mapping[str, float]

    def stream(self, number: int) -> np.random.Generator:
        """The random numbers of one part."""
        return np.random.default_rng((self.seed, number))


def generate_pos(  # noqa: PLR0913 all but one are by name
    folder: Path,
    *,
    truth: Path,
    rows: int,
    start: date,
    end: date,
    seed: int,
    files: int = 12,
    customers: int | None = None,
    faults: Mapping[str, float],
    fraud: Mapping[str, float] | None = None,
    web: WebPeople | None = None,
    overlap: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write `rows` lines of sales over the days from `start` to `end`, and the customers, stores and people of them.

    `folder` is <landing>/pos; `customers` is the number of members of the loyalty programme, one for every twenty lines
    unless it is given; `faults` says at what rate each fault hits a row, `fraud` what share of sales is of each kind of
    fraud. The folder `truth`, outside landing, gets one line for every row that a fault hit, and in pos_fraud.jsonl one
    for every sale that is fraud. The landing files are returned in name order.

    With `web`, the customers of the web shop, some members are among them, and `overlap` says how many and at what rate
    each difference of records.py hits a record. Without it nobody else knows any of the members.
    """
    check(rows=rows, start=start, end=end, seed=seed, files=files, customers=customers, faults=faults, fraud=fraud)
    job = Job(folder, truth, Span(start, (end - start).days + 1), seed, faults, fraud or {})
    shops, loyalty = draw_shops(job.stream(SHOP_STREAM), start), job.stream(LOYALTY_STREAM)
    buyers = draw_buyers(loyalty, members_of(rows, customers), shops.weights)
    if web is None:
        members = draw_members(loyalty, buyers, shops.regions, start)
    else:
        people, register = enrol_members(web, buyers.members, start=start, seed=seed, rates=overlap or {})
        buyers = at_home(buyers, people.territory[register.person])
        members = as_members(loyalty, record(loyalty, people, register, DOMAIN), buyers, shops.regions)
    written = [
        write_array(folder / "stores" / "stores.json", shops.stores),
        write_array(folder / "sales_people" / "sales_people.json", shops.people),
        *_write_customers(job, draw_deliveries(loyalty, members, span=job.span, rates=faults)),
        *_write_sales(job, shops, buyers, lines=rows, files=files),
    ]
    return sorted(written)


def check(
    *,
    rows: int,
    start: date,
    end: date,
    seed: int,
    files: int,
    customers: int | None = None,
    faults: Mapping[str, float],
    fraud: Mapping[str, float] | None = None,
) -> None:
    """Refuse what cannot be generated."""
    if rows < 1:
        raise ConfigError(f"rows must be at least 1, not {rows}")
    if customers is not None and customers < 1:
        raise ConfigError(f"customers must be at least 1, not {customers}")
    if not 1 <= files <= rows:
        raise ConfigError(f"files must be from 1 to the number of rows, {rows}, not {files}")
    if end < start:
        raise ConfigError(f"end must not be before start, but {end} is before {start}")
    if seed < 0:
        raise ConfigError(f"seed must be at least 0, not {seed}")
    check_rates(faults, TILL_FAULTS)
    check_shares(fraud or {}, OF_TILLS)


def members_of(rows: int, customers: int | None) -> int:
    """How many are in the loyalty programme."""
    return max(LEAST_MEMBERS, rows // LINES_OF_A_MEMBER) if customers is None else customers


def member_numbers(members: int, *, start: date, seed: int) -> Ints:
    """The numbers that the cards of so many members have in the files of this first day and seed."""
    shops = draw_shops(np.random.default_rng((seed, SHOP_STREAM)), start)
    return draw_buyers(np.random.default_rng((seed, LOYALTY_STREAM)), members, shops.weights).members


def _write_customers(job: Job, deliveries: list[Delivery]) -> list[Path]:
    """One file a delivery, and what is wrong in all of them."""
    written: list[Path] = []
    known: list[str] = []
    for count, delivery in enumerate(deliveries, 1):
        path = write_lines(job.folder / "customers" / f"customers_{count}.jsonl", delivery.lines)
        written.append(path)
        file = _landed(job, path)
        known += known_faults(delivery.faults, delivery.number, file=file, key="customer_id", label="C{:07d}")
    write_lines(job.truth / "pos_customers.jsonl", known)
    return written


def _write_sales(job: Job, shops: Shops, buyers: Buyers, *, lines: int, files: int) -> list[Path]:
    """All lines by the time they arrived, cut into so many files, and what is wrong in them."""
    products, rng = catalogue(job.stream(PRODUCT_STREAM)), job.stream(TILL_STREAM)
    crime = job.stream(FRAUD_STREAM)
    till = draw_till(rng, shops, buyers, products, lines=lines, span=job.span, fraud=job.fraud, fraud_rng=crime)
    faults = draw_faults(rng, SALES_FAULTS, job.rates, len(till.sales.transaction))
    # what waits in quarantine is not there to be found
    faults.bits[till.witnesses] = 0
    labels = make_labels(shops, products, buyers=len(buyers.home), span=job.span)
    starts = np.arange(files) * lines // files
    paths = [job.folder / "sales" / name for name in _names(job.span, till.arrived[starts])]
    texts = receipt_lines(till, faults, labels)
    for path, begin, end in zip(paths, starts.tolist(), [*starts[1:].tolist(), lines], strict=True):
        write_lines(path, islice(texts, end - begin))
    places = [_landed(job, path) for path in paths]
    write_lines(job.truth / "pos_sales.jsonl", _wrong_sales(till, faults, places, starts))
    numbers = till.sales.transaction[till.fraud.place]
    write_lines(job.truth / "pos_fraud.jsonl", known_fraud(till.fraud, numbers, key="transaction_id", label="T{:010d}"))
    return paths


def _names(span: Span, arrived: Ints) -> list[str]:
    """The names of the files whose first lines arrived at these times."""
    count = len(arrived)
    if count > MOST_IN_ONE_FOLDER:
        days = [span.start + timedelta(days=day) for day in (arrived // DAY).tolist()]
        return [f"{day:%Y/%m/%d}/sales_{number:06d}.jsonl" for number, day in enumerate(days, 1)]
    return [f"sales_{number:04d}.jsonl{'.gz' if number == count else ''}" for number in range(1, count + 1)]


def _wrong_sales(till: Till, faults: Faults, places: list[str], starts: Ints) -> Iterator[str]:
    """One line of truth a landed line that a fault hit."""
    bits = faults.bits[till.shown]
    found = np.flatnonzero(bits)
    file = np.searchsorted(starts, found, side="right") - 1
    transaction = till.sales.transaction[till.shown[found]]
    for at, line, number, wrong in tuples(file, found - starts[file] + 1, transaction, bits[found]):
        names = faults.of(wrong)
        key = None if "transaction_id_null" in names else f"T{number:010d}"
        yield dumps({"file": places[at], "line": line, "transaction_id": key, "faults": names})


def _landed(job: Job, path: Path) -> str:
    """A file's path below landing."""
    return path.relative_to(job.folder.parent).as_posix()
