"""What a training looks like: pictures for whoever judges a model."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def calibration(bins: Sequence[tuple[float, float, int]]) -> Figure:
    """What was said beside what came, a point for each bin of customers; a good model is on the diagonal."""
    figure, axes = _axes("Said", "Came")
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1)
    axes.plot([said for said, _, _ in bins], [came for _, came, _ in bins], marker="o")
    axes.set_title("Calibration: probability of leaving, and share of those who left")
    return figure


def weights(names: Sequence[str], coefficients: Sequence[float]) -> Figure:
    """What one standard deviation of each input adds to the log odds of leaving."""
    figure, axes = _axes("Added to the log odds by one standard deviation", "")
    ordered = sorted(zip(coefficients, names, strict=True))
    axes.barh([name for _, name in ordered], [value for value, _ in ordered])
    axes.set_title("What speaks for leaving (right) and against it (left)")
    figure.set_layout_engine("tight")
    return figure


def foretold(groups: Sequence[tuple[float, float, int]]) -> Figure:
    """What customers were foretold to spend beside what they spent, in tenths by what was foretold."""
    figure, axes = _axes("Tenth of the customers, by what was foretold", "US dollars a customer")
    places = range(1, len(groups) + 1)
    axes.plot(places, [said for said, _, _ in groups], marker="o", label="foretold")
    axes.plot(places, [came for _, came, _ in groups], marker="s", label="spent")
    axes.legend()
    axes.set_title("Spend in the held-out days")
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    # no pyplot: it would keep every figure, and choose a window system
    figure = Figure(figsize=(7, 4.5))
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes
