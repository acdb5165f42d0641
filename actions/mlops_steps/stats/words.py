"""Figures as people read them, by what their metric's values are (`known.Scale`)."""

from __future__ import annotations

from mlops_steps.stats.known import Scale


def number(value: float, scale: Scale) -> str:
    """A figure: `0.871` for a pure number, `55.12` or `12,480` in the unit of the target."""
    return f"{value:.3f}" if scale == "share" else _in_unit(value, 4)


def change(difference: float, scale: Scale) -> str:
    """A difference, signed: in points (`-8.8`), or in the unit of the target (`0.25`)."""
    return points(difference) if scale == "share" else _in_unit(difference, 3)


def points(difference: float) -> str:
    """A difference of proportions in percentage points, signed: `-8.8`."""
    text = f"{100 * difference:.1f}"
    return "0.0" if text == "-0.0" else text


def _in_unit(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 10**digits / 10 else f"{value:.{digits}g}"
