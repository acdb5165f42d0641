"""How far chance, and the weeks' own ups and downs, may have taken an effect.

Weeks differ although nothing lasting has happened: the true effect of a week is the lasting one
plus a wobble of standard deviation tau (a random-effects model). How large tau is, is learned
from the differences of neighbouring windows of the past, and until then assumed: half-normal
with `ASSUMED`. The margin is the quantile of chance averaged over what tau may be, so it is
wide while little is known (Higgins, Thompson and Spiegelhalter 2009).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Scale of the half-normal distribution of tau before anything is known, in sd.
ASSUMED = 0.015
#: Neighbouring differences share a window, so together they say as much as 2/3 of their number
#: (von Neumann, Kent, Bellinson and Hart 1941).
EACH = 2 / 3
#: So many of the differences, at most, are steps to a lasting change (of about 1 sd): one such
#: step must not pass for a wobble, or a drift that was missed once would never be found.
LASTING = 0.05
_STEPS = 32
#: Values of tau, closer to each other near zero; the largest one is 0.5.
TAUS = tuple(0.5 * (step / _STEPS) ** 2 for step in range(_STEPS + 1))
_WIDTHS = tuple(
    (TAUS[min(step + 1, _STEPS)] - TAUS[max(step - 1, 0)]) / 2 for step in range(_STEPS + 1)
)


@dataclass(frozen=True)
class Window:
    """An effect of the past, and its variance by chance (of the rows compared alone)."""

    effect: float
    variance: float


def weights(history: Sequence[Sequence[Window]]) -> tuple[float, ...]:
    """How likely each of `TAUS` is; they add up to 1.

    Args:
        history: Windows in the order of time, each list against one reference. What all of a
            list share (the chance of the training rows, a lasting drift) cancels out.
    """
    gaps = [
        ((b.effect - a.effect) ** 2, a.variance + b.variance)
        for windows in history
        for a, b in itertools.pairwise(windows)
    ]
    logs = []
    for tau, width in zip(TAUS, _WIDTHS, strict=True):
        log = math.log(width) - (tau / ASSUMED) ** 2 / 2
        for square, chance in gaps:
            one = chance + 2 * tau**2
            step = one + 1
            log += EACH * math.log(
                (1 - LASTING) * math.exp(-square / (2 * one)) / math.sqrt(one)
                + LASTING * math.exp(-square / (2 * step)) / math.sqrt(step)
            )
        logs.append(log)
    most = max(logs)
    likely = [math.exp(log - most) for log in logs]
    return tuple(each / sum(likely) for each in likely)


def margin(likely: Sequence[float], variance: float, parts: float, alpha: float) -> float:
    """What an effect exceeds its true value by, with a chance of at most `alpha`.

    Args:
        likely: As `weights` gives it.
        variance: By chance, of the effect.
        parts: By how much the wobble counts: 1 for one window, the sum of the squared shares
            of rows for several together.
        alpha: The chance; above 0.

    Returns:
        The margin in sd, infinite where alpha is none.
    """
    if alpha <= 0:
        return math.inf
    spreads = [
        (weight, math.sqrt(2 * (variance + tau**2 * parts)))
        for weight, tau in zip(likely, TAUS, strict=True)
    ]
    low, high = 0.0, 1.0
    while _beyond(spreads, high) > alpha:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _beyond(spreads, middle) > alpha else (low, middle)
    return high


def _beyond(spreads: Sequence[tuple[float, float]], at: float) -> float:
    return sum(weight * math.erfc(at / spread) for weight, spread in spreads) / 2
