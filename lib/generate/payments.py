"""The payments of people to the contact centre, and what their currencies are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from lib.generate.faults import Faults
from lib.generate.fraud import REFUNDS_OF_A_RUN, SHARE_BETWEEN, Fraud, Places, gathered, suspects
from lib.generate.vectors import Ints, Span, Texts, iso_days, or_null, pick, rows, stamps, texts

RATE_COLUMNS = "currency,valid_from,rate"
# The key of one.
PAYMENT = "T{:08d}"

DAY = 86_400

# Share of the payments by currency, and its worth in US dollars on the first day.
CURRENCIES = {"USD": 70, "EUR": 12, "GBP": 8, "CAD": 5, "AUD": 5}
WORTH = {"USD": 1.0, "EUR": 1.1, "GBP": 1.32, "CAD": 0.77, "AUD": 0.75}
CHANGE_OF_A_MONTH = 0.015
WITHOUT_RATE = ("XXX", "ZZZ")

TYPES = {"payment": 93, "refund": 7}
REFUND = 1
STATUSES = {"settled": 84, "pending": 12, "failed": 4}
SETTLED, PENDING, FAILED = range(3)
WRONG_STATUSES = ("unknown", "lost")
SHARE_DECIDED, SHARE_FAILED = 0.92, 0.1
DECIDED_IN = (1, 12)
WRONG_AMOUNTS = ('"n/a"', '"twelve"')


class Payments(NamedTuple):
    """One element a version of a payment; `updated` is seconds from the first day, `paid_on` an ordinal."""

    number: Ints
    customer: Ints
    cents: Ints
    currency: Ints
    type: Ints
    status: Ints
    paid_on: Ints
    updated: Ints

    def take(self, places: Ints) -> Payments:
        """Some of the versions."""
        return Payments._make(column[places] for column in self)


def draw_payments(
    rng: np.random.Generator,
    customers: Ints,
    *,
    size: int,
    span: Span,
    fraud: Mapping[str, float],
    fraud_rng: np.random.Generator,
) -> tuple[Payments, Fraud]:
    """So many payments of these customers, and a newer version of most that are pending at first; the fraud in them.

    `fraud` is the share of the payments of each kind; `fraud_rng` draws it, so that it moves nothing else. The places
    of the fraud are numbers of payments, less one.
    """
    day = np.sort(rng.integers(0, span.days, size))
    first = Payments(
        number=1 + np.arange(size),
        customer=customers[rng.integers(0, len(customers), size)],
        cents=1 + rng.lognormal(8.3, 1.1, size).astype(np.int64),
        currency=pick(rng, CURRENCIES.values(), size),
        type=pick(rng, TYPES.values(), size),
        status=pick(rng, STATUSES.values(), size),
        paid_on=span.start.toordinal() + day,
        updated=day * DAY + rng.integers(0, DAY, size),
    )
    planted = _plant(fraud_rng, first, fraud)
    decided = np.flatnonzero((first.status == PENDING) & (rng.random(size) < SHARE_DECIDED))
    later = first.take(decided)._replace(
        status=np.where(rng.random(len(decided)) < SHARE_FAILED, FAILED, SETTLED),
        updated=first.updated[decided] + rng.integers(*DECIDED_IN, len(decided)) * DAY,
    )
    both = Payments(*(np.concatenate(columns) for columns in zip(first, later, strict=True)))
    return both.take(np.argsort(both.updated, kind="stable")), planted


def _plant(rng: np.random.Generator, payments: Payments, fraud: Mapping[str, float]) -> Fraud:
    """Make some settled payments refunds to one person, a few days after one another."""
    size = len(payments.number)
    # what is pending has a second version, which says the same
    places = Places(rng, suspects(np.flatnonzero(payments.status == SETTLED), size))
    step = 1 + int(SHARE_BETWEEN * size)
    runs = [*places.runs(round(size * fraud.get("refunds", 0)), REFUNDS_OF_A_RUN, step=step)]
    for run in runs:
        payments.customer[run], payments.type[run] = payments.customer[run[0]], REFUND
    return gathered(("refunds", run) for run in runs)


def payment_lines(rng: np.random.Generator, drawn: Payments, faults: Faults, span: Span) -> Iterator[str]:
    """One line a version."""
    wrong = rng.integers(0, 2, len(drawn.number))
    columns = (
        or_null(f'"{PAYMENT}"', drawn.number),
        or_null('"P{:07d}"', drawn.customer),
        _amounts(drawn.cents, wrong, faults),
        np.where(faults.hits("currency_unknown"), texts(WITHOUT_RATE)[wrong], texts(list(CURRENCIES))[drawn.currency]),
        texts(list(TYPES))[drawn.type],
        np.where(faults.hits("status_unknown"), texts(WRONG_STATUSES)[wrong], texts(list(STATUSES))[drawn.status]),
        iso_days(drawn.paid_on),
        stamps(span.start.toordinal(), drawn.updated),
        faults.hits("malformed"),
    )
    for number, customer, amount, currency, type_, status, day, updated, is_cut in rows(*columns):
        line = (
            f'{{"payment_id": {number}, "customer_id": {customer}, "amount": {amount}, "currency": "{currency}", '
            f'"type": "{type_}", "status": "{status}", "paid_on": "{day}", "updated_at": "{updated}"}}'
        )
        yield line[: len(line) // 2] if is_cut else line


def rate_lines(rng: np.random.Generator, span: Span) -> Iterator[str]:
    """What each currency is worth, a line a month: from the one before the first day to that of the last."""
    months = [(span.start.replace(day=1) - timedelta(days=1)).replace(day=1)]
    while (following := (months[-1] + timedelta(days=31)).replace(day=1)) <= span.last:
        months.append(following)
    for currency, worth in WORTH.items():
        steps = np.exp(CHANGE_OF_A_MONTH * rng.standard_normal(len(months)))
        rates = np.ones(len(months)) if currency == "USD" else worth * np.cumprod(steps)
        for month, rate in zip(months, rates.tolist(), strict=True):
            yield f"{currency},{month},{rate:.8f}"


def _amounts(cents: Ints, wrong: Ints, faults: Faults) -> Texts:
    """With two decimals, so that some have a zero at the end; where it must be positive and is not, 0 or below."""
    signed = np.where(faults.hits("amount_not_positive"), -cents * wrong, cents)
    written = texts([f"{each / 100:.2f}" for each in signed.tolist()])
    return np.where(faults.hits("amount_not_a_number"), texts(WRONG_AMOUNTS)[wrong], written)
