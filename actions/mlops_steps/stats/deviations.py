"""Intervals for errors in the unit of the target: their mean size, and the root of their square."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlops_steps.stats.results import Interval

Numbers = NDArray[np.float64]

#: Fewer rows than this that two models answer differently say nothing of how often, and how
#: far, they will differ elsewhere.
FEWEST_DIFFERENT = 30


def mean_interval(sizes: Numbers, confidence: float) -> Interval | None:
    """Interval for the mean of numbers that are 0 or more, and mostly small.

    Student's interval, its statistic freed of skewness by the monotone cubic of P. Hall, "On
    the removal of skewness by transformation", JRSS B 54 (1992) 221-228. Without that the truth
    lies above the interval too often, because a sample without large errors has both a small
    mean and a small deviation.

    Args:
        sizes: One number a row.
        confidence: Two-sided.

    Returns:
        None when the numbers do not vary, or are fewer than two: nothing was learnt then. Also
        when they are too large to be squared.
    """
    found = _spread(sizes)
    if found is None:
        return None
    mean, error, skewness = found
    n = len(sizes)
    quantile = _student(confidence, n - 1)
    low = mean - error * _skewed(quantile, skewness, n)
    high = mean - error * _skewed(-quantile, skewness, n)
    return (max(0.0, low), high) if math.isfinite(high) else None


def root_interval(squares: Numbers, confidence: float) -> Interval | None:
    """Interval for the root of the mean of squared errors: the ends of `mean_interval`, rooted."""
    found = mean_interval(squares, confidence)
    return None if found is None else (math.sqrt(found[0]), math.sqrt(found[1]))


def paired_mean(ours: Numbers, theirs: Numbers, confidence: float) -> Interval | None:
    """Interval for the difference of the mean sizes of two models' errors on the same rows.

    Student's, from the rows' own differences.

    Args:
        ours: One error's size a row.
        theirs: The other model's, in the same order.
        confidence: Two-sided.

    Returns:
        For ours minus theirs; None when fewer than `FEWEST_DIFFERENT` rows differ.
    """
    return _paired(ours - theirs, float(ours.mean() - theirs.mean()), confidence)


def paired_root(ours: Numbers, theirs: Numbers, confidence: float) -> Interval | None:
    """Interval for the difference of two root mean squared errors on the same rows.

    Student's, from the rows' influence on the difference: a row with the squared error s moves
    a root r of n rows by (s - r^2) / (2 r n) (the delta method: A. W. van der Vaart, Asymptotic
    Statistics, Cambridge 1998, theorem 3.1).

    Args:
        ours: One squared error a row.
        theirs: The other model's, in the same order.
        confidence: Two-sided.

    Returns:
        For ours minus theirs; None when fewer than `FEWEST_DIFFERENT` rows differ, or one of
        the models makes no error at all.
    """
    one, other = math.sqrt(float(ours.mean())), math.sqrt(float(theirs.mean()))
    if not (one > 0 and other > 0) or np.count_nonzero(ours != theirs) < FEWEST_DIFFERENT:
        return None
    influence = (ours - one**2) / (2 * one) - (theirs - other**2) / (2 * other)
    return _student_interval(influence, one - other, confidence)


def _paired(differences: Numbers, value: float, confidence: float) -> Interval | None:
    if np.count_nonzero(differences) < FEWEST_DIFFERENT:
        return None
    return _student_interval(differences, value, confidence)


def _student_interval(numbers: Numbers, value: float, confidence: float) -> Interval | None:
    found = _spread(numbers)
    if found is None:
        return None
    half = found[1] * _student(confidence, len(numbers) - 1)
    return (value - half, value + half) if math.isfinite(half) else None


def _spread(numbers: Numbers) -> tuple[float, float, float] | None:
    """Mean, its standard error, and the numbers' skewness; None when they do not vary."""
    n = len(numbers)
    if n < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(numbers.mean())
        deviation = float(numbers.std())
        # What is left by rounding is no spread. False for NaN.
        if not 1e-12 * abs(mean) < deviation < math.inf:
            return None
        skewness = float((((numbers - mean) / deviation) ** 3).mean())
    return mean, deviation / math.sqrt(n - 1), skewness


def _skewed(quantile: float, skewness: float, n: int) -> float:
    """The quantile that Student's statistic has when its numbers are so skewed."""
    a = skewness / math.sqrt(n)
    if abs(a) < 1e-9:
        return quantile
    return 3 / a * float(np.cbrt(1 + a * (quantile - a / 6)) - 1)


def _student(confidence: float, freedom: int) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + confidence) / 2, freedom))
