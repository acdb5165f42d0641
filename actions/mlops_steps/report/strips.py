"""An interval drawn against its bound, small enough to stand in a row of a table."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from mlops_steps.report.text import number

#: In pixels; the page never draws it wider.
WIDTH = 320
_ALLOWED = Markup('<rect class="allowed" x="{}" y="{}" width="{}" height="{}"/>')
_BOUND = Markup('<line class="bound" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>')
_INTERVAL = Markup('<line class="interval" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>')
_VALUE = Markup('<circle class="value" cx="{}" cy="{}" r="4"/>')
_TEXT = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
_SVG = Markup('<svg class="strip" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>')


@dataclass(frozen=True)
class Strip:
    """A figure, its interval and the bound; `above` tells on which side of it a pass lies."""

    value: float
    low: float | None
    high: float | None
    bound: float
    above: bool
    signed: bool = False


def ruler(each: Strip) -> Markup:
    """A drawing with a scale of its own and its numbers; empty if one is not finite."""
    ends = _ends(each)
    if not all(map(math.isfinite, ends)):
        return Markup()
    x = _scale(min(ends), max(ends), margin=56)
    texts = [_TEXT.format(x(each.bound), 9, "middle", number(each.bound, signed=each.signed))]
    if each.low is not None and each.high is not None:
        texts += [
            _TEXT.format(x(each.low), 45, "end", number(each.low, signed=each.signed)),
            _TEXT.format(x(each.high), 45, "start", number(each.high, signed=each.signed)),
        ]
    return _draw(each, x, top=12, bottom=34, height=48, texts=texts)


def row(each: Strip, low: float, high: float) -> Markup:
    """A drawing on a scale that all rows of a table share, without numbers."""
    if not all(map(math.isfinite, [*_ends(each), low, high])):
        return Markup()
    return _draw(each, _scale(low, high, margin=6), top=0, bottom=18, height=18, texts=[])


def _ends(each: Strip) -> list[float]:
    return [end for end in (each.value, each.bound, each.low, each.high) if end is not None]


def _scale(low: float, high: float, *, margin: int) -> Callable[[float], float]:
    def x(value: float) -> float:
        along = (value - low) / (high - low) if high > low else 0.5
        return round(margin + min(1.0, max(0.0, along)) * (WIDTH - 2 * margin), 1)

    return x


def _draw(
    each: Strip,
    x: Callable[[float], float],
    *,
    top: int,
    bottom: int,
    height: int,
    texts: list[Markup],
) -> Markup:
    bound, middle = x(each.bound), (top + bottom) / 2
    left, right = (bound, WIDTH) if each.above else (0, bound)
    parts = [
        _ALLOWED.format(left, top, round(right - left, 1), bottom - top),
        _BOUND.format(bound, top, bottom),
    ]
    if each.low is not None and each.high is not None:
        parts.append(_INTERVAL.format(x(each.low), x(each.high), middle))
    parts += [_VALUE.format(x(each.value), middle), *texts]
    label = f"{number(each.value)} {_spoken(each)}against a bound of {number(each.bound)}"
    return _SVG.format(label, WIDTH, height, Markup("").join(parts))


def _spoken(each: Strip) -> str:
    """For those who hear the page."""
    if each.low is None or each.high is None:
        return ""
    return f"between {number(each.low)} and {number(each.high)} "
