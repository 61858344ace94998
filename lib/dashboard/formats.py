"""Numbers as people read them. Pure."""

import math

_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
NONE = "–"
DOLLARS_AXIS = "replace(replace(format(datum.value, '$.3~s'), 'G', 'B'), 'k', 'K')"
"""The same in a chart's axis: d3 says G and k."""


def dollars(value: float | None) -> str:
    """$950, $12.3K, $1.25M; "–" for none."""
    if value is None or _is_none(value):
        return NONE
    return f"{'−' if value < 0 else ''}${_short(abs(value))}"


def exact_dollars(value: float | None) -> str:
    """$1,234.50."""
    if value is None or _is_none(value):
        return NONE
    return f"{'−' if value < 0 else ''}${abs(value):,.2f}"


def whole_dollars(value: float | None) -> str:
    """$1,235; from a million on $1.23M."""
    if value is None or _is_none(value) or abs(value) >= 1e6:
        return dollars(value)
    return f"{'−' if value < 0 else ''}${abs(value):,.0f}"


def count(value: float | None) -> str:
    """950, 12,345 or 1.25M: exact below a million."""
    if value is None or _is_none(value):
        return NONE
    return f"{value:,.0f}" if abs(value) < 1e6 else _short(value)


def percent(share: float | None) -> str:
    """12.3 % for 0.123."""
    return NONE if _is_none(share) else f"{share:.1%}".replace("%", " %").replace("-", "−")


def change(now: float, before: float) -> str | None:
    """+12.3 %, or −4.0 %; none where there was nothing before."""
    if not before:
        return None
    # Streamlit takes the direction of the arrow from a hyphen
    return f"{now / before - 1:+.1%}".replace("%", " %")


def _short(value: float) -> str:
    for step, letter in _STEPS:
        # what would be rounded to 1,000 of a letter is one of the next
        if abs(value) >= step * 0.9995:
            return f"{value / step:.3g}{letter}" if abs(value) < step * 999.5 else f"{value / step:,.0f}{letter}"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"


def _is_none(value: float | None) -> bool:
    return value is None or math.isnan(value)
