"""How good probabilities are: from counts of who did and who did not, for each probability that was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Customers with one score: `did` is how many of them did what was foreseen, `did_not` how many did not.

    `probability` is what was said; the order of scores is that of the probabilities.
    """

    probability: Floats
    did: Floats
    did_not: Floats

    @classmethod
    def of(cls, rows: Sequence[tuple[float, int, int]]) -> "Scored":
        """From rows of probability, how many did and how many did not, in any order."""
        ordered = sorted(rows, key=lambda row: -row[0])
        columns = np.array(ordered, dtype=np.float64).reshape(-1, 3).T
        return cls(*columns)


def measures(scored: Scored, *, bins: int) -> dict[str, float]:
    """auc, average_precision, lift_top_decile, brier and calibration_error of scores; of equal ones as drawn by lot.

    `auc`: the probability that one who did has a higher score than one who did not (Hanley & McNeil, 1982).
    `average_precision`: the mean over those who did of the share of them among all who score as high, without
    interpolation. `lift_top_decile`: the share of those who did in the tenth with the highest scores, over that of all.
    `brier`: the mean squared error of the probabilities (Brier, 1950). `calibration_error`: the mean distance, over so
    many bins of equally many customers, of what was said from what came (Naeini, Cooper & Hauskrecht, AAAI 2015).
    """
    did, did_not = scored.did, scored.did_not
    all_did, all_did_not = did.sum(), did_not.sum()
    # of those with the same score one half is taken to be above the other
    above = np.cumsum(did) - did / 2
    seen_did, seen = np.cumsum(did), np.cumsum(did + did_not)
    rate = all_did / (all_did + all_did_not)
    squares = did * (1 - scored.probability) ** 2 + did_not * scored.probability**2
    return {
        "auc": float((above * did_not).sum() / (all_did * all_did_not)),
        "average_precision": float((did * seen_did / seen).sum() / all_did),
        "lift_top_decile": _did_of_first(scored, 0.1) / (0.1 * seen[-1]) / float(rate),
        "brier": float(squares.sum() / seen[-1]),
        "calibration_error": _calibration_error(calibration(scored, bins=bins)),
        "base_rate": float(rate),
        "customers": float(seen[-1]),
    }


def calibration(scored: Scored, *, bins: int) -> list[tuple[float, float, int]]:
    """What was said, what came, and how many customers, in bins of about equally many, by falling score."""
    total = scored.did + scored.did_not
    middle = (np.cumsum(total) - total / 2) / total.sum()
    place = np.minimum((middle * bins).astype(int), bins - 1)
    said = []
    for each in np.unique(place):
        of_bin = place == each
        n = total[of_bin].sum()
        mean = (scored.probability[of_bin] * total[of_bin]).sum() / n
        said.append((float(mean), float(scored.did[of_bin].sum() / n), int(n)))
    return said


def beats_all(found: Mapping[str, Mapping[str, float]], by: str, *, less: bool = False) -> bool:
    """Is a measure of the one that is called `test` truly better than that of every other one: more, or `less`?

    What is no better than something simpler, or than what there is, is not worth a change.
    """
    own = found["test"][by]
    return all(own < each[by] if less else own > each[by] for name, each in found.items() if name != "test")


def _did_of_first(scored: Scored, share: float) -> float:
    """How many did of the share with the highest scores; of a score that is only partly in it, in proportion."""
    total = scored.did + scored.did_not
    wanted = share * total.sum()
    before = np.cumsum(total) - total
    taken = np.clip((wanted - before) / total, 0, 1)
    return float((scored.did * taken).sum())


def _calibration_error(bins: Sequence[tuple[float, float, int]]) -> float:
    return sum(abs(said - came) * n for said, came, n in bins) / sum(n for _, _, n in bins)
