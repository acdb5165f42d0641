"""The area under the ROC curve, with intervals that hold when one class is rare."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlops_steps.stats.proportions import crossing, z_of
from mlops_steps.stats.results import Interval

Scores = NDArray[np.float64]


def area(positive: Scores, negative: Scores) -> float:
    """The share of (positive, negative) pairs in which the positive scores higher; ties half."""
    return float(_placements(positive, negative)[0].mean())


def newcombe(value: float, positives: int, negatives: int, confidence: float) -> Interval:
    """Score-type interval for one area.

    R. G. Newcombe, "Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic. Part 2: asymptotic methods and evaluation", Statistics in
    Medicine 25 (2006) 559-573, method 5: the variance of Hanley and McNeil with both class
    sizes replaced by their mean, at the bound instead of at the estimate, so that it neither
    collapses at an area of 1 nor leaves [0, 1].

    Raises:
        ValueError: A class without rows, or an area outside [0, 1].
    """
    if min(positives, negatives) < 1 or not 0 <= value <= 1:
        raise ValueError(f"no area {value} of {positives} and {negatives} rows")
    z = z_of(confidence)
    inner = (positives + negatives) / 2 - 1

    def reach(true: float) -> float:
        spread = 1 + inner * ((1 - true) / (2 - true) + true / (1 + true))
        return z * math.sqrt(true * (1 - true) * spread / (positives * negatives))

    low = 0.0 if value == 0 else crossing(lambda t: t + reach(t) - value, 0.0, value)
    high = 1.0 if value == 1 else crossing(lambda t: t - reach(t) - value, value, 1.0)
    return low, high


def paired_difference(
    first: tuple[Scores, Scores], second: tuple[Scores, Scores], confidence: float
) -> Interval:
    """Interval for the difference of two areas of the same rows.

    The method of variance estimates recovery: G. Y. Zou and A. Donner, "Construction of
    confidence limits about effect measures: a general approach", Statistics in Medicine 27
    (2008) 1693-1702, section 2, from `newcombe`'s two intervals and the correlation of the two
    areas by E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988) 837-845,
    section 3. DeLong's own interval has width zero when both areas are 1; this one has not.
    It is never narrower than DeLong's, because recovery alone is short at its outer end when
    two unequal models are almost perfectly correlated. Where the correlation cannot be
    estimated it is taken as 0, which only widens.

    Args:
        first: Scores of the positive and of the negative rows by the first model.
        second: The same rows in the same order by the second.
        confidence: Two-sided.

    Returns:
        For first minus second.
    """
    positives, negatives = len(first[0]), len(first[1])
    one, other = area(*first), area(*second)
    low1, high1 = newcombe(one, positives, negatives, confidence)
    low2, high2 = newcombe(other, positives, negatives, confidence)
    both = covariance(first, second)
    shared = 2 * _correlation(both)
    down, up = one - low1, high1 - one
    down2, up2 = other - low2, high2 - other
    variance = both[0, 0] + both[1, 1] - 2 * both[0, 1]
    wald = z_of(confidence) * math.sqrt(max(0.0, variance))
    below = math.sqrt(max(0.0, down**2 + up2**2 - shared * down * up2))
    above = math.sqrt(max(0.0, up**2 + down2**2 - shared * up * down2))
    difference = one - other
    return max(-1.0, difference - max(below, wald)), min(1.0, difference + max(above, wald))


def _placements(positive: Scores, negative: Scores) -> tuple[Scores, Scores]:
    """Each positive row's share of negatives below it, each negative's of positives above it."""
    lower, upper = np.sort(negative), np.sort(positive)
    above = np.searchsorted(lower, positive, "left") + np.searchsorted(lower, positive, "right")
    below = np.searchsorted(upper, negative, "left") + np.searchsorted(upper, negative, "right")
    return above / (2 * len(negative)), 1 - below / (2 * len(positive))


def covariance(first: tuple[Scores, Scores], second: tuple[Scores, Scores]) -> Scores:
    """DeLong's 2 x 2 covariance of two areas; zeros when a class has fewer than two rows."""
    found = np.zeros((2, 2))
    if min(len(first[0]), len(first[1])) > 1:
        for ours, theirs in zip(_placements(*first), _placements(*second), strict=True):
            found += np.cov(ours, theirs) / len(ours)
    return found


def _correlation(both: Scores) -> float:
    scale = math.sqrt(both[0, 0] * both[1, 1])
    return float(np.clip(both[0, 1] / scale, 0.0, 1.0)) if scale > 0 else 0.0
