"""Intervals for proportions of rows, honest on small tables and at 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from mlops_steps.stats.results import Interval


def z_of(confidence: float) -> float:
    """The normal quantile of a two-sided confidence: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(hits: int, n: int, confidence: float) -> Interval:
    """Score interval for a proportion.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927) 209-212; recommended for small n by L. D. Brown, T. T. Cai and
    A. DasGupta, Statistical Science 16 (2001) 101-133, section 3.1.

    Raises:
        ValueError: No rows, or more hits than rows.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} of {n} is no proportion")
    z2 = z_of(confidence) ** 2
    share = hits / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At the ends the interval closes exactly; only rounding would say otherwise.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return low, high


def f1_interval(hits: int, misses: int, confidence: float) -> Interval:
    """Interval for F1 by way of the share of hits among all rows that are not true negatives.

    F1 = 2 J / (1 + J) with J = TP / (TP + FP + FN), and J is a binomial proportion given the
    number of such rows, so Wilson's interval for J carries over: D. J. Hand, P. Christen and
    N. Kirielle, "F*: an interpretable transformation of the F-measure", Machine Learning 110
    (2021) 451-456, section 2.

    Args:
        hits: True positives.
        misses: False positives and false negatives together.
        confidence: Two-sided.
    """
    low, high = wilson(hits, hits + misses, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def tango(first_only: int, second_only: int, n: int, confidence: float) -> Interval:
    """Score interval for the difference of two proportions of the same rows.

    T. Tango, "Equivalence test and confidence interval for the difference in proportions for
    the paired-sample design", Statistics in Medicine 17 (1998) 891-908, section 3: all
    differences that the score statistic does not reject. It keeps its width when hardly any
    row (or none) is decided differently, where a Wald interval collapses.

    Args:
        first_only: Rows that only the first one has right.
        second_only: Rows that only the second one has right.
        n: All rows, the concordant ones included.
        confidence: Two-sided.

    Returns:
        For first minus second.

    Raises:
        ValueError: No rows, or counts that do not fit.
    """
    if min(first_only, second_only) < 0 or first_only + second_only > n or n == 0:
        raise ValueError(f"{first_only} and {second_only} of {n} rows cannot be")
    z = z_of(confidence)
    estimate = (first_only - second_only) / n

    def score(difference: float) -> float:
        # The restricted maximum of the likelihood for the second discordant cell.
        a = 2 * n
        b = (2 * n - first_only + second_only) * difference - first_only - second_only
        c = -second_only * difference * (1 - difference)
        cell = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        variance = n * (2 * cell + difference * (1 - difference))
        distance = first_only - second_only - n * difference
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

    low = -1.0 if estimate == -1 else crossing(lambda d: z - score(d), -1.0, estimate)
    high = 1.0 if estimate == 1 else crossing(lambda d: -z - score(d), estimate, 1.0)
    return low, high


def crossing(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function becomes zero, by bisection to the last bit that matters."""
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
