"""How often a customer will buy again and for how much: BG/NBD and gamma-gamma, fitted by maximum likelihood.

The two models are a page of formulas each, and a fit of four and of three parameters: scipy does it in a second.
`lifetimes`, which has them, is not maintained any more; `pymc-marketing` samples them with a probabilistic programming
stack many times the size of this project. Both fit customer by customer, we fit groups of customers who are alike.

Sources: Fader, Hardie & Lee, "Counting Your Customers" the Easy Way, Marketing Science 24(2), 2005 (BG/NBD); Fader,
Hardie & Lee, RFM and CLV, Journal of Marketing Research 42(4), 2005, and Fader & Hardie, The Gamma-Gamma Model of
Monetary Value, 2013 (gamma-gamma).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, logsumexp

from lib.errors import LakehouseError

Floats = NDArray[np.float64]

DAYS_OF_A_WEEK = 7
"""The parameters are of weeks: of days, their scale would be far from 1, where an optimizer finds its way badly."""

_STARTS = ((1.0, 5.0, 0.5, 2.5), (0.3, 2.0, 1.0, 5.0), (3.0, 20.0, 0.2, 1.0))
_SPEND_STARTS = ((6.0, 4.0, 1.0), (1.5, 3.0, 1.0))
_LEAST_Q = 1.01
_NEAR = 1e-6
_SMALL, _TERMS = 1e-12, 100_000
"""Of a series: the term, as a share of the sum, at which it ends, and how many terms it has at most."""
_BOUND = 12.0
"""Of the logarithm of a parameter: e^12 is no customer base any more, but a fit that runs away."""


@dataclass(frozen=True)
class Purchases:
    """BG/NBD: while alive a customer buys at a rate drawn from gamma(r, alpha), per week; after each purchase they are
    gone for good with a probability drawn from beta(a, b).
    """

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class Spend:
    """Gamma-gamma: what a purchase is worth is gamma(p, nu), nu drawn from gamma(q, v): in the unit of money of `v`."""

    p: float
    q: float
    v: float


def fit_purchases(repeats: Floats, recency: Floats, age: Floats, customers: Floats) -> Purchases:
    """The model under which the purchases of these groups of customers are most likely.

    Of each group: how often its customers bought again after the first time, the weeks from the first to the last
    purchase and from the first to today, and how many they are.

    Raises:
        LakehouseError: if nobody bought twice.
    """
    if not (repeats > 0).any():
        raise LakehouseError("nobody bought twice: there is nothing to learn about coming back")

    def cost(logs: Floats) -> float:
        return -float(np.average(_log_likelihood(Purchases(*np.exp(logs)), repeats, recency, age), weights=customers))

    return Purchases(*_fitted(cost, _STARTS))


def fit_spend(repeats: Floats, mean_value: Floats, customers: Floats) -> Spend:
    """The model under which the mean values of the repeat purchases of these groups of customers are most likely.

    Only customers who bought again, for more than nothing, tell something: the others have to be left out.

    Raises:
        LakehouseError: if there is no group.
    """
    if not len(repeats):
        raise LakehouseError("nobody bought twice: there is nothing to learn about what a purchase is worth")
    # fitted to values around 1, whatever the currency
    scale = float(np.average(mean_value, weights=customers))
    values = mean_value / scale

    def cost(logs: Floats) -> float:
        p, q, v = np.exp(logs)
        likelihood = (
            gammaln(p * repeats + q) - gammaln(p * repeats) - gammaln(q) + q * np.log(v)
            + (p * repeats - 1) * np.log(values) + p * repeats * np.log(repeats)
            - (p * repeats + q) * np.log(repeats * values + v)
        )  # fmt: skip
        return -float(np.average(likelihood, weights=customers))

    # with a q of 1 or less the mean over all customers would be infinite
    p, q, v = _fitted(cost, _SPEND_STARTS, least=(0, _LEAST_Q, 0))
    return Spend(p, q, v * scale)


def probability_alive(model: Purchases, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """Who will ever buy again; 1 for who bought once: the model lets nobody go before a second purchase."""
    gone = (
        (model.r + repeats) * (np.log(model.alpha + age) - np.log(model.alpha + recency))
        + np.log(model.a) - np.log(model.b + np.maximum(repeats, 1) - 1)
    )  # fmt: skip
    alive: Floats = np.where(repeats > 0, 1 / (1 + np.exp(np.minimum(gone, 700))), 1.0)
    return alive


def expected_purchases(model: Purchases, weeks: float, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """How many purchases of a customer are to be expected in the next weeks: the paper's equation 10."""
    r, alpha, b = model.r, model.alpha, model.b
    # at 1 the formula is 0 / 0, on both sides of it the same
    a = model.a if abs(model.a - 1) > _NEAR else 1 + _NEAR
    last = a + b + repeats - 1
    last = np.where(np.abs(last) > _NEAR, last, _NEAR)
    ever = last / (a - 1) * (1 - _series(r + repeats, b + repeats, last, weeks / (alpha + age + weeks)))
    return np.asarray(np.maximum(ever, 0) * probability_alive(model, repeats, recency, age))


def expected_value(model: Spend, repeats: Floats, mean_value: Floats) -> Floats:
    """What the next purchase of a customer is worth in the mean: of who bought once, that of all customers."""
    own = model.p * repeats
    all_customers = model.p * model.v / (model.q - 1)
    weight = (model.q - 1) / (own + model.q - 1)
    return np.asarray(weight * all_customers + (1 - weight) * np.where(repeats > 0, mean_value, 0.0))


def foretell(  # noqa: PLR0917 each is a column of the same customers
    model: Purchases,
    spend: Spend,
    days: float,
    purchases: Floats,
    days_since_last_order: Floats,
    tenure_days: Floats,
    repeat_spend: Floats,
) -> dict[str, Floats]:
    """Of customers, as `lib.models.features` knows them: `alive`, a probability, and `purchases` and `value` to come in
    so many days.
    """
    repeats = purchases - 1
    recency, age = (tenure_days - days_since_last_order) / DAYS_OF_A_WEEK, tenure_days / DAYS_OF_A_WEEK
    mean_value = np.maximum(repeat_spend, 0) / np.maximum(repeats, 1)
    count = expected_purchases(model, days / DAYS_OF_A_WEEK, repeats, recency, age)
    return {
        "alive": probability_alive(model, repeats, recency, age),
        "purchases": count,
        "value": count * expected_value(spend, repeats, mean_value),
    }


def _series(a: Floats, b: Floats, c: Floats, z: Floats) -> Floats:
    """(1 − z)^a 2F1(a, b; c; z), for z from 0 to 1.

    Written out it is the mean of (b)k / (c)k over a k of the negative binomial distribution of a and z: term by term,
    for as a product of its two factors it overflows for who bought some hundred times.
    """
    term = a * np.log1p(-z)
    # of c only the first factor, for k = 0, can be below zero
    sign = np.where(c < 0, -1.0, 1.0)
    total, k = np.exp(term), 0
    with np.errstate(divide="ignore"):
        while k < _TERMS:
            term = term + np.log((a + k) * (b + k) * z) - np.log(np.abs(c + k) * (k + 1))
            k += 1
            added = np.exp(term)
            total = np.asarray(total + sign * added)
            # beyond the mean of k the terms only fall
            if (((added < _SMALL * np.abs(total)) & (k > a * z / (1 - z))) | (z == 0)).all():
                break
    return np.asarray(total)


def _log_likelihood(model: Purchases, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    rate = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + age)
    at_last = np.maximum(repeats, 1)
    gone = betaln(a + 1, b + at_last - 1) - betaln(a, b) - (r + repeats) * np.log(alpha + recency)
    both = logsumexp(np.stack([alive, np.where(repeats > 0, gone, -np.inf)]), axis=0)
    return np.asarray(rate + both, dtype=np.float64)


def _fitted(
    cost: Callable[[Floats], float], starts: tuple[tuple[float, ...], ...], *, least: tuple[float, ...] = (0, 0, 0, 0)
) -> list[float]:
    """The parameters, above zero and `least`, of the least cost; from several starts: there may be more valleys."""
    bounds = [(float(np.log(low)) if low else -_BOUND, _BOUND) for low in least]
    found: list[Any] = [minimize(cost, np.log(start), method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(found, key=lambda each: each.fun)
    if not np.isfinite(best.fun):
        raise LakehouseError(f"the model does not fit: {best.message}")
    return [float(value) for value in np.exp(best.x)]
