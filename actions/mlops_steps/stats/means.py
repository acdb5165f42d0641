"""An interval for the mean of bounded numbers, such as the rows' shares of a Brier score."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlops_steps.stats.proportions import crossing
from mlops_steps.stats.results import Interval

Numbers = NDArray[np.float64]


def betting(
    numbers: Numbers, confidence: float, *, floor: float = 0.0, top: float = 1.0
) -> Interval:
    """Interval for the mean of independent numbers between `floor` and `top`.

    The hedged capital interval of I. Waudby-Smith and A. Ramdas, "Estimating means of bounded
    random variables by betting", JRSS B 86 (2024) 1-27, theorem 3 with the bets of section 4.1
    for a fixed number of rows. A mean is left out when betting against it, upwards or
    downwards, would have multiplied the stake by 2 / (1 - confidence): that happens with
    probability at most 1 - confidence whatever the distribution and however few the rows.

    Args:
        numbers: In an order that does not depend on their values.
        confidence: Two-sided.
        floor: The least a number can be.
        top: The most it can be.

    Raises:
        ValueError: None at all, or one outside.
    """
    if not len(numbers) or not (numbers >= floor).all() or not (numbers <= top).all():
        raise ValueError(f"{len(numbers)} numbers, not all within [{floor}, {top}]")
    scaled = (numbers - floor) / (top - floor)
    wanted = math.log(2 / (1 - confidence))
    bets = _bets(scaled, wanted)
    mean = float(scaled.mean())
    high = _end(lambda m: _growth(1 - scaled, 1 - m, bets) - wanted, mean, 1.0)
    low = 1 - _end(lambda m: _growth(scaled, 1 - m, bets) - wanted, 1 - mean, 1.0)
    return floor + low * (top - floor), floor + high * (top - floor)


def _bets(scaled: Numbers, wanted: float) -> Numbers:
    """How much to stake on each number, from the numbers before it alone."""
    count = np.arange(1, len(scaled) + 1)
    means = (0.5 + np.cumsum(scaled)) / (count + 1)
    variances = (0.25 + np.cumsum((scaled - means) ** 2)) / (count + 1)
    before = np.concatenate(([0.25], variances[:-1]))
    return np.sqrt(2 * wanted / (len(scaled) * before))


def _growth(scaled: Numbers, mean: float, bets: Numbers) -> float:
    """Logarithm of what betting that the mean is larger than `mean` made of a stake of 1."""
    stakes = np.minimum(bets, 0.5 / mean) if mean > 0 else bets
    return float(np.log1p(stakes * (scaled - mean)).sum())


def _end(excess: Callable[[float], float], mean: float, edge: float) -> float:
    """The end of the interval between the sample's mean and the edge, or the edge itself."""
    return crossing(excess, mean, edge) if excess(edge) > 0 else edge
