"""Landing files like those of a contact centre, about people whom other systems may know too; faults on record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lib.generate.adventureworks import check as check_people
from lib.generate.contacts import ADDRESS_COLUMNS, PHONE_COLUMNS, address_lines, phone_lines
from lib.generate.faults import (
    CENTRE_FAULTS,
    INTERACTION_FAULTS,
    PAYMENT_FAULTS,
    Faults,
    check_rates,
    draw_faults,
    known_faults,
)
from lib.generate.fraud import OF_PAYMENTS, check_shares, known_fraud
from lib.generate.interactions import DAY, INTERACTION, draw_interactions, interaction_lines
from lib.generate.json_files import write_lines
from lib.generate.loyalty import Delivery, full_names
from lib.generate.overlap import CENTRE_DOMAIN, Census, truth_lines
from lib.generate.payments import PAYMENT, RATE_COLUMNS, draw_payments, payment_lines, rate_lines
from lib.generate.persons import PERSON_COLUMNS, draw_deliveries
from lib.generate.pos import Job
from lib.generate.records import record
from lib.generate.vectors import Ints, Span, iso_days, rows

# Streams of their own, away from those of adventureworks.py, pos.py and overlap.py.
PERSON_STREAM, CONTACT_STREAM, AGENT_STREAM, INTERACTION_STREAM, PAYMENT_STREAM, RATE_STREAM, FRAUD_STREAM = range(
    30, 37
)

AGENT_COLUMNS = "agent_id,name,team,hired_on,updated_at"
TEAMS = ("Service", "Orders", "Complaints", "Payments")
LEAST_AGENTS, PEOPLE_OF_AN_AGENT = 5, 500
INTERACTIONS_OF_A_PERSON, PAYMENTS_OF_A_PERSON = 3, 2


class Flow(NamedTuple):
    """Lines in the order in which they arrive, and of each the number in its key, when it arrives and its faults."""

    name: str
    label: str
    lines: Iterator[str]
    number: Ints
    updated: Ints
    faults: Faults


def generate_crm(
    folder: Path,
    *,
    truth: Path,
    census: Census,
    start: date,
    end: date,
    seed: int,
    faults: Mapping[str, float],
    fraud: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write the contact centre's people and what it had to do with them over the days from `start` to `end`.

    `folder` is <landing>/crm; `census` says who the people are and who of them is in the other systems; `faults` says
    at what rate each fault hits a row, and `fraud` what share of the payments is fraud. The folder `truth`, outside
    landing, gets one line for every row that a fault hit, in crm_fraud.jsonl one for every payment that is fraud, in
    people.jsonl one for every record that any of the systems has of a person. The landing files are returned in name
    order.
    """
    check(customers=len(census.crm.number), start=start, end=end, seed=seed, faults=faults, fraud=fraud)
    job = Job(folder, truth, Span(start, (end - start).days + 1), seed, faults, fraud or {})
    people, rng = census.people, job.stream(PERSON_STREAM)
    recorded, contacts = record(rng, people, census.crm, CENTRE_DOMAIN), job.stream(CONTACT_STREAM)
    deliveries, register = draw_deliveries(rng, people, census.crm, recorded, span=job.span, rates=faults)
    write_lines(truth / "people.jsonl", truth_lines(census._replace(crm=register)))
    addresses = address_lines(contacts, people, register, job.span)
    phones = phone_lines(contacts, people, register, recorded.phone, job.span)
    agents = max(LEAST_AGENTS, len(register.number) // PEOPLE_OF_AN_AGENT)
    written = [
        *_write_persons(job, deliveries),
        _write_table(job, "addresses/addresses_1", ADDRESS_COLUMNS, addresses),
        _write_table(job, "phones/phones_1", PHONE_COLUMNS, phones),
        _write_table(job, "agents/agents", AGENT_COLUMNS, _agent_lines(job, agents)),
        _write_table(job, "exchange_rates/exchange_rates", RATE_COLUMNS, rate_lines(job.stream(RATE_STREAM), job.span)),
        *_write_interactions(job, register.number, agents),
        *_write_payments(job, register.number),
    ]
    return sorted(written)


def check(
    *,
    customers: int,
    start: date,
    end: date,
    seed: int,
    faults: Mapping[str, float],
    fraud: Mapping[str, float] | None = None,
) -> None:
    """Refuse what cannot be generated."""
    check_people(customers=customers, start=start, end=end, seed=seed)
    check_rates(faults, CENTRE_FAULTS)
    check_shares(fraud or {}, OF_PAYMENTS)


def _write_table(job: Job, name: str, columns: str, lines: Iterable[str]) -> Path:
    return write_lines(job.folder / f"{name}.csv", chain([columns], lines))


def _write_persons(job: Job, deliveries: list[Delivery]) -> list[Path]:
    written: list[Path] = []
    known: list[str] = []
    for count, delivery in enumerate(deliveries, 1):
        name = f"customers/customers_{count}"
        written.append(_write_table(job, name, PERSON_COLUMNS, delivery.lines))
        # the header is line 1
        known += known_faults(
            delivery.faults, delivery.number, file=f"crm/{name}.csv", key="customer_id", label="P{:07d}", first=2
        )
    write_lines(job.truth / "crm_customers.jsonl", known)
    return written


def _agent_lines(job: Job, size: int) -> Iterator[str]:
    """One line an agent, all there before the first day."""
    rng, start = job.stream(AGENT_STREAM), job.span.start
    names = full_names(rng, size)
    hired = iso_days(start.toordinal() - rng.integers(40, 4_000, size))
    for at, (team, day) in enumerate(rows(rng.integers(0, len(TEAMS), size), hired)):
        yield f"A{at + 1:04d},{' '.join(names[at])},{TEAMS[team]},{day},{start - timedelta(days=30)}T06:00:00.000Z"


def _write_interactions(job: Job, customers: Ints, agents: int) -> list[Path]:
    rng, size = job.stream(INTERACTION_STREAM), INTERACTIONS_OF_A_PERSON * len(customers)
    drawn = draw_interactions(rng, customers, size=size, agents=agents, span=job.span)
    faults = draw_faults(rng, INTERACTION_FAULTS, job.rates, len(drawn.number))
    lines = interaction_lines(rng, drawn, faults, job.span)
    return _write_months(job, Flow("interaction", INTERACTION, lines, drawn.number, drawn.updated, faults))


def _write_payments(job: Job, customers: Ints) -> list[Path]:
    rng, size = job.stream(PAYMENT_STREAM), PAYMENTS_OF_A_PERSON * len(customers)
    crime = job.stream(FRAUD_STREAM)
    drawn, fraud = draw_payments(rng, customers, size=size, span=job.span, fraud=job.fraud, fraud_rng=crime)
    faults = draw_faults(rng, PAYMENT_FAULTS, job.rates, len(drawn.number))
    # what waits in quarantine is not there to be found
    faults.bits[np.isin(drawn.number, 1 + fraud.place)] = 0
    write_lines(job.truth / "crm_fraud.jsonl", known_fraud(fraud, 1 + fraud.place, key="payment_id", label=PAYMENT))
    lines = payment_lines(rng, drawn, faults, job.span)
    return _write_months(job, Flow("payment", PAYMENT, lines, drawn.number, drawn.updated, faults))


def _write_months(job: Job, flow: Flow) -> list[Path]:
    """One file for each month in which lines arrived, and what is wrong in all of them."""
    months = (np.datetime64(job.span.start) + flow.updated // DAY).astype("datetime64[M]")
    starts = np.unique(months, return_index=True)[1].tolist()
    written: list[Path] = []
    known: list[str] = []
    for count, (begin, end) in enumerate(zip(starts, [*starts[1:], len(months)], strict=True), 1):
        name, here = f"{flow.name}s/{flow.name}s_{count:04d}.jsonl", slice(begin, end)
        written.append(write_lines(job.folder / name, islice(flow.lines, end - begin)))
        faults, numbers = flow.faults.take(here), flow.number[here]
        known += known_faults(faults, numbers, file=f"crm/{name}", key=f"{flow.name}_id", label=flow.label)
    write_lines(job.truth / f"crm_{flow.name}s.jsonl", known)
    return written
