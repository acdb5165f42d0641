"""The mean of the classes' recalls (balanced accuracy), with intervals that hold for few rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlops_steps.stats.proportions import crossing, z_of
from mlops_steps.stats.results import Interval

Counts = NDArray[np.float64]
#: A value, and the variance of its estimate.
Moments = tuple[float, float]


def score(hits: Sequence[int], rows: Sequence[int], confidence: float) -> Interval:
    """Score interval for the unweighted mean of independent proportions.

    All means that the score statistic does not reject, its variance taken at the proportions
    that are likeliest given that mean: A. Martin Andres, M. Alvarez Hernandez and I. Herranz
    Tejedor, "Inferences about a linear combination of proportions", Statistical Methods in
    Medical Research 20 (2011) 369-387. Of one class it is Wilson's. Recovering variances from
    the classes' Wilson intervals (MOVER) would leave the truth above the interval four times as
    often as promised when there are ten classes: each class's interval leans towards 1/2, and
    the leanings add up.

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

    def likeliest(multiplier: float) -> Moments:
        found = _likeliest(multiplier, x, n)
        variance = float((found * (1 - found) / n).sum()) / len(n) ** 2
        return float(found.mean()), variance

    return _not_rejected(
        float((x / n).mean()), likeliest, confidence, far=1e6 * float(n.max()), floor=0.0
    )


def paired_difference(
    first_only: Sequence[int], second_only: Sequence[int], rows: Sequence[int], confidence: float
) -> Interval:
    """Score interval for the difference of two such means on the same rows.

    As `score`, each class with its own shares of rows that only the first and only the second
    has right: what T. Tango, Statistics in Medicine 17 (1998) 891-908, does for one class.
    Recovering variances from the classes' Tango intervals would be twice as wide with ten
    classes, because each of them allows for differences that no row has shown yet.

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
    b, c, n = (np.asarray(each, dtype=float) for each in (first_only, second_only, rows))
    fits = len(n) and len(b) == len(c) == len(n) and (n >= 1).all()
    if not fits or (b < 0).any() or (c < 0).any() or (b + c > n).any():
        raise ValueError(
            f"{list(first_only)} and {list(second_only)} of {list(rows)} rows cannot be"
        )

    def likeliest(multiplier: float) -> Moments:
        first, second = _likeliest_pair(multiplier, b, c, n)
        difference = first - second
        variance = float(((first + second - difference**2) / n).sum()) / len(n) ** 2
        return float(difference.mean()), variance

    return _not_rejected(
        float(((b - c) / n).mean()), likeliest, confidence, far=1e6 * float(n.max()), floor=-1.0
    )


def _not_rejected(
    estimate: float,
    likeliest: Callable[[float], Moments],
    confidence: float,
    *,
    far: float,
    floor: float,
) -> Interval:
    """All values from `floor` to 1 that the score statistic does not reject.

    `likeliest` gives the value and the variance at a multiplier: 0 for the estimate itself, and
    falling values as it rises, down to `floor` at `far` and up to 1 at `-far`, nearly.
    """
    z = z_of(confidence)

    def distance(multiplier: float) -> float:
        value, variance = likeliest(multiplier)
        if variance > 0:
            return (estimate - value) / math.sqrt(variance)
        # Nothing moves yet: further out.
        return math.copysign(math.inf, -multiplier)

    low, high = floor, 1.0
    if estimate > floor:
        low = likeliest(crossing(lambda m: distance(m) - z, 0.0, far))[0]
    if estimate < 1:
        high = likeliest(crossing(lambda m: distance(m) + z, -far, 0.0))[0]
    return min(low, estimate), max(high, estimate)


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


def _likeliest_pair(multiplier: float, b: Counts, c: Counts, n: Counts) -> tuple[Counts, Counts]:
    """The shares of rows that only the first, only the second has right, likeliest in that way.

    They are b / (a + m) and c / (a - m), and the other rows' (n - b - c) / a, with each class's
    a so that they add up to 1. Where one of `b` and `c` is 0, its share is what is left.
    """
    if multiplier < 0:
        second, first = _likeliest_pair(-multiplier, c, b, n)
        return first, second
    both = n - b - c
    # Newton's steps from where one of the shares alone is 1: the sum is convex in a, so they
    # only go up. Without `c`, a may stay at the multiplier.
    least = np.maximum.reduce([multiplier + c, both, b - multiplier, np.full_like(n, 1e-300)])
    some = c > 0
    a = least
    for _ in range(60):
        gap = np.where(some, a - multiplier, 1.0)
        shares = b / (a + multiplier) + c / gap + both / a
        slope = b / (a + multiplier) ** 2 + c / gap**2 + both / a**2
        step = np.maximum(least, a + (shares - 1) / slope)
        done = bool((np.abs(step - a) <= 1e-14 * a).all())
        a = step
        if done:
            break
    first, neither = b / (a + multiplier), both / a
    return first, np.clip(1 - first - neither, 0.0, 1.0)
