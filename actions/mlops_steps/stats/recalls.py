"""The mean of the classes' recalls (balanced accuracy), with intervals that hold for few rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlops_steps.stats.proportions import crossing, tango, z_of
from mlops_steps.stats.results import Interval

Counts = NDArray[np.float64]


def score(hits: Sequence[int], rows: Sequence[int], confidence: float) -> Interval:
    """Score interval for the unweighted mean of independent proportions.

    All means that the score statistic does not reject, its variance taken at the proportions
    that are likeliest given that mean: A. Martin Andres, M. Alvarez Hernandez and I. Herranz
    Tejedor, "Inferences about a linear combination of proportions", Statistical Methods in
    Medical Research 20 (2011) 369-387. Recovering variances from the classes' Wilson
    intervals (MOVER) would leave the truth above the interval four times as often as promised
    when there are ten classes: each class's interval leans towards 1/2, and the leanings add up.

    Args:
        hits: By class, the rows that were found.
        rows: By class, all rows; none may be 0.
        confidence: Two-sided.

    Raises:
        ValueError: No class, a class without rows, or with more hits than rows.
    """
    x, n = np.asarray(hits, dtype=float), np.asarray(rows, dtype=float)
    if not len(x) or len(x) != len(n) or (n < 1).any() or (x < 0).any() or (x > n).any():
        raise ValueError(f"{list(hits)} of {list(rows)} are no proportions")
    z, mean = z_of(confidence), float((x / n).mean())

    def distance(multiplier: float) -> float:
        likeliest = _likeliest(multiplier, x, n)
        variance = float((likeliest * (1 - likeliest) / n).sum()) / len(n) ** 2
        gap = mean - float(likeliest.mean())
        return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, -multiplier)

    # The mean falls as the multiplier rises; far enough out it is 0, or 1, to the last digit.
    far = 1e6 * float(n.max())
    low = high = mean
    if mean > 0:
        low = float(_likeliest(crossing(lambda m: distance(m) - z, 0.0, far), x, n).mean())
    if mean < 1:
        high = float(_likeliest(crossing(lambda m: distance(m) + z, -far, 0.0), x, n).mean())
    return low, high


def paired_difference(
    first_only: Sequence[int], second_only: Sequence[int], rows: Sequence[int], confidence: float
) -> Interval:
    """Interval for the difference of two such means on the same rows.

    Each class's difference by `tango`; the distances to its ends are recovered as variances
    and added: G. Y. Zou and A. Donner, "Construction of confidence limits about effect
    measures: a general approach", Statistics in Medicine 27 (2008) 1693-1702.

    Args:
        first_only: By class, the rows that only the first model has right.
        second_only: By class, those that only the second has right.
        rows: By class, all rows.
        confidence: Two-sided.

    Returns:
        For first minus second.

    Raises:
        ValueError: No class, a class without rows, or counts that do not fit.
    """
    if not rows:
        raise ValueError("no classes")
    below = above = total = 0.0
    for first, second, n in zip(first_only, second_only, rows, strict=True):
        low, high = tango(first, second, n, confidence)
        difference = (first - second) / n
        total += difference
        below += (difference - low) ** 2
        above += (high - difference) ** 2
    classes = len(rows)
    mean = total / classes
    return (
        max(-1.0, mean - math.sqrt(below) / classes),
        min(1.0, mean + math.sqrt(above) / classes),
    )


def _likeliest(multiplier: float, x: Counts, n: Counts) -> Counts:
    """The proportions under which `x` of `n` are likeliest among all with the same mean.

    By Lagrange's multiplier, the same for all classes (0: the plain proportions): each class's
    root p of m p^2 - (n + m) p + x = 0, in the form that does not cancel.
    """
    total = n + multiplier
    root = np.sqrt(np.maximum(0.0, total**2 - 4 * multiplier * x))
    sure = np.where(total + root > 0, total + root, 1.0)
    other = (total - root) / (2 * multiplier) if multiplier else np.zeros_like(x)
    return np.clip(np.where(total >= 0, 2 * x / sure, other), 0.0, 1.0)
