from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from mlops_steps.stats.auc import area, newcombe, paired_difference
from mlops_steps.stats.proportions import z_of


def quartic(value: float, positives: int, negatives: int, confidence: float) -> list[float]:
    """Method 5 solved another way: the squared equation is a polynomial in the true area."""
    z2, both = z_of(confidence) ** 2, positives * negatives
    inner = (positives + negatives) / 2 - 1
    x = np.polynomial.Polynomial([0, 1])
    spread = (2 - x) * (1 + x) + inner * ((1 - x) * (1 + x) + x * (2 - x))
    equation = (value - x) ** 2 * both * (2 - x) * (1 + x) - z2 * x * (1 - x) * spread
    roots = equation.roots()
    real = roots.real[(abs(roots.imag) < 1e-7) & (roots.real > -1e-9) & (roots.real < 1 + 1e-9)]
    return sorted(real)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    ("value", "positives", "negatives"),
    # The first is the example of Hanley and McNeil (1982): 51 abnormal, 58 normal images.
    [(0.893, 51, 58), (0.5, 10, 10), (0.989, 69, 107), (0.95, 20, 2000), (1.0, 60, 111)],
)
def test_newcombe_solves_its_equation(
    value: float, positives: int, negatives: int, confidence: float
) -> None:
    other = quartic(value, positives, negatives, confidence)
    found = newcombe(value, positives, negatives, confidence)
    assert found == pytest.approx((other[0], other[-1]), abs=1e-6)


def test_the_variance_is_hanley_and_mcneils() -> None:
    """At large equal classes it is theirs, whose example has a standard error of 0.032."""
    low, high = newcombe(0.893, 51, 58, 2 * norm.cdf(1e-3) - 1)
    assert (high - low) / 2e-3 == pytest.approx(0.032, abs=0.0005)


@pytest.mark.parametrize("seed", range(5))
def test_area_agrees_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = np.arange(120) % 3 == 0
    score = np.round(rng.normal(label, 1.0), 1)  # with ties
    assert area(score[label], score[~label]) == pytest.approx(roc_auc_score(label, score))


@pytest.mark.parametrize(("value", "positives", "negatives"), [(0.9, 0, 5), (1.2, 5, 5)])
def test_what_is_no_area_is_refused(value: float, positives: int, negatives: int) -> None:
    with pytest.raises(ValueError, match="no area"):
        newcombe(value, positives, negatives, 0.95)


def test_the_difference_has_a_width_where_delongs_has_none() -> None:
    perfect = (np.linspace(0.8, 1, 60), np.linspace(0, 0.2, 111))
    low, high = paired_difference(perfect, perfect, 0.95)
    assert low < -0.01
    assert high > 0.01


def test_the_difference_turns_with_its_arguments() -> None:
    rng = np.random.default_rng(1)
    one = (rng.normal(1.5, 1, 40), rng.normal(0, 1, 70))
    two = (one[0] + rng.normal(0, 1, 40), one[1] + rng.normal(0, 1, 70))
    low, high = paired_difference(one, two, 0.95)
    assert paired_difference(two, one, 0.95) == pytest.approx((-high, -low))


@pytest.mark.parametrize("rows", [1, 2])
def test_the_difference_of_hardly_any_rows(rows: int) -> None:
    few = (np.full(rows, 0.7), np.full(rows, 0.3))
    low, high = paired_difference(few, few, 0.95)
    assert -1 <= low < 0 < high <= 1


@pytest.mark.parametrize(
    ("first", "second", "shared"), [(2.5, 2.5, 0.5), (2.5, 3.3, 0.95), (1.5, 1.5, 0.0)]
)
def test_coverage_of_one_area_and_of_a_difference(
    first: float, second: float, shared: float
) -> None:
    """Normal scores, 60 positive rows of 171: missed in at most 2.5 % on either side."""
    rng, runs = np.random.default_rng(22), 300
    true = [norm.cdf(shift / np.sqrt(2)) for shift in (first, second)]
    spread = [[1, shared], [shared, 1]]
    missed = np.zeros(4)
    for _ in range(runs):
        ours = rng.multivariate_normal([first, second], spread, 60)
        others = rng.multivariate_normal([0, 0], spread, 111)
        one, two = ((ours[:, k], others[:, k]) for k in (0, 1))
        low, high = newcombe(area(*one), 60, 111, 0.95)
        missed[:2] += low > true[0], high < true[0]
        low, high = paired_difference(one, two, 0.95)
        missed[2:] += low > true[0] - true[1], high < true[0] - true[1]
    # Three standard deviations above 2.5 % of 300.
    assert missed.max() <= 15
