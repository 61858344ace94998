"""The contacts of people with the contact centre, as lines of JSON in the order in which they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from lib.generate.faults import Faults
from lib.generate.vectors import Ints, Span, Texts, iso_days, or_null, pick, rows, stamps, texts

# The key of one.
INTERACTION = "I{:08d}"

DAY = 86_400
OPEN_FROM, OPEN_UNTIL = 8 * 3_600, 20 * 3_600
# The larger, the more of the contacts are those of a few people.
SKEW = 1.0

CHANNELS = {"phone": 46, "email": 26, "chat": 20, "store": 8}
TYPES = {"question": 38, "order": 24, "complaint": 17, "return": 13, "feedback": 8}
OUTCOMES = {"resolved": 68, "passed on": 22, "no answer": 10}
SHARE_WITHOUT_AGENT = 0.03

# Somebody is to come back to most whom nobody could help at once, and does so most of the time, at times late.
SHARE_TO_FOLLOW_UP, SHARE_DONE = 0.8, 0.85
DUE_IN, DONE_IN = (2, 15), (1, 20)
SHARE_ASKED = 0.4
# How often each of 1 to 5 is said, by outcome.
SATISFACTION = ((3, 5, 17, 40, 35), (12, 20, 33, 25, 10), (30, 27, 23, 13, 7))

SATISFACTION_TEXTS = ("null", "1", "2", "3", "4", "5", "0", "11")
WRONG_FROM = 6
WRONG_STARTS = ("2017-13-45", "yesterday")


class Interactions(NamedTuple):
    """One element a version of a contact; days are ordinals, moments seconds from the first day, 0 is none."""

    number: Ints
    customer: Ints
    agent: Ints
    channel: Ints
    type: Ints
    outcome: Ints
    started: Ints
    due_on: Ints
    done_on: Ints
    satisfaction: Ints
    updated: Ints

    def take(self, places: Ints) -> Interactions:
        """Some of the versions."""
        return Interactions._make(column[places] for column in self)


def draw_interactions(rng: np.random.Generator, customers: Ints, *, size: int, agents: int, span: Span) -> Interactions:
    """So many contacts of these customers, and a newer version of each that somebody came back to."""
    started = np.sort(rng.integers(0, span.days, size) * DAY + rng.integers(OPEN_FROM, OPEN_UNTIL, size))
    outcome = pick(rng, OUTCOMES.values(), size)
    said = np.choose(outcome, [1 + pick(rng, weights, size) for weights in SATISFACTION])
    due = (outcome != 0) & (rng.random(size) < SHARE_TO_FOLLOW_UP)
    day = span.start.toordinal() + started // DAY
    first = Interactions(
        number=1 + np.arange(size),
        customer=customers[pick(rng, rng.lognormal(0.0, SKEW, len(customers)), size)],
        agent=np.where(rng.random(size) < SHARE_WITHOUT_AGENT, 0, 1 + rng.integers(0, agents, size)),
        channel=pick(rng, CHANNELS.values(), size),
        type=pick(rng, TYPES.values(), size),
        outcome=outcome,
        started=started,
        due_on=np.where(due, day + rng.integers(*DUE_IN, size), 0),
        done_on=np.zeros(size, dtype=np.int64),
        satisfaction=np.where(rng.random(size) < SHARE_ASKED, said, 0),
        updated=started + rng.integers(60, 3_600, size),
    )
    done = np.flatnonzero(due & (rng.random(size) < SHARE_DONE))
    lag = rng.integers(*DONE_IN, len(done))
    moment = (started[done] // DAY + lag) * DAY + rng.integers(OPEN_FROM, OPEN_UNTIL, len(done))
    later = first.take(done)._replace(done_on=day[done] + lag, updated=moment)
    both = Interactions(*(np.concatenate(columns) for columns in zip(first, later, strict=True)))
    return both.take(np.argsort(both.updated, kind="stable"))


def interaction_lines(rng: np.random.Generator, drawn: Interactions, faults: Faults, span: Span) -> Iterator[str]:
    """One line a version."""
    first = span.start.toordinal()
    wrong = rng.integers(0, 2, len(drawn.number))
    satisfaction = np.where(faults.hits("satisfaction_out_of_range"), WRONG_FROM + wrong, drawn.satisfaction)
    started = stamps(first, drawn.started)
    columns = (
        or_null(f'"{INTERACTION}"', np.where(faults.hits("interaction_id_null"), 0, drawn.number)),
        or_null('"P{:07d}"', np.where(faults.hits("customer_id_null"), 0, drawn.customer)),
        or_null('{{"id": "A{:04d}"}}', drawn.agent),
        texts(list(CHANNELS))[drawn.channel],
        texts(list(TYPES))[drawn.type],
        texts(list(OUTCOMES))[drawn.outcome],
        np.where(faults.hits("started_at_not_a_date"), texts(WRONG_STARTS)[wrong], started),
        _follow_ups(drawn),
        texts(SATISFACTION_TEXTS)[satisfaction],
        stamps(first, drawn.updated),
        faults.hits("malformed"),
    )
    for number, customer, agent, channel, type_, outcome, start, follow_up, said, updated, is_cut in rows(*columns):
        line = (
            f'{{"interaction_id": {number}, "customer_id": {customer}, "agent": {agent}, "channel": "{channel}", '
            f'"type": "{type_}", "outcome": "{outcome}", "started_at": "{start}", "follow_up": {follow_up}, '
            f'"satisfaction": {said}, "updated_at": "{updated}"}}'
        )
        yield line[: len(line) // 2] if is_cut else line


def _follow_ups(drawn: Interactions) -> Texts:
    due, done = iso_days(drawn.due_on), iso_days(drawn.done_on)
    written = '{"due_on": "' + due + '", "done_on": ' + np.where(drawn.done_on > 0, '"' + done + '"', "null") + "}"
    return np.where(drawn.due_on > 0, written, "null")
