from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from tests.mlops_steps.stats import simulate

from mlops_steps.stats.deviations import (
    FEWEST_DIFFERENT,
    mean_interval,
    paired_mean,
    paired_root,
    root_interval,
)


def test_without_skewness_it_is_students() -> None:
    numbers = np.concatenate([np.linspace(1, 9, 101), [5.0]])
    low, high = mean_interval(numbers, 0.95) or (math.nan, math.nan)
    other = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((other.low, other.high), abs=1e-9)


def test_a_long_tail_moves_both_ends_up() -> None:
    numbers = np.random.default_rng(3).exponential(size=100)
    low, high = mean_interval(numbers, 0.95) or (math.nan, math.nan)
    other = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
    assert other.low < low < numbers.mean() < other.high < high


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_unit_does_not_matter_and_the_root_follows(confidence: float, scale: float) -> None:
    squares = np.random.default_rng(4).standard_normal(130) ** 2
    one = root_interval(squares, confidence) or (math.nan, math.nan)
    other = root_interval(squares * scale**2, confidence) or (math.nan, math.nan)
    assert other == pytest.approx((one[0] * scale, one[1] * scale), rel=1e-9)
    assert 0 <= one[0] < math.sqrt(squares.mean()) < one[1]


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [1.0],
        [0.0] * 200,
        [0.1] * 200,
        [1e300, 1.0] * 100,
        [math.nan, 1.0, 2.0],
        [math.inf, 1.0, 2.0],
    ],
)
def test_what_teaches_nothing_has_no_interval(numbers: list[float]) -> None:
    with np.errstate(all="raise"):
        found = mean_interval(np.array(numbers), 0.95) if numbers else None
    assert found is None or all(map(math.isfinite, found))
    if len(set(numbers)) < 2 or not all(map(math.isfinite, numbers)):
        assert found is None


def test_paired_ends_turn_with_their_arguments() -> None:
    rng = np.random.default_rng(5)
    ours = np.abs(rng.standard_normal(130))
    theirs = np.abs(ours + 0.1 * rng.standard_normal(130))
    for paired, one, other in (
        (paired_mean, ours, theirs),
        (paired_root, ours**2, theirs**2),
    ):
        low, high = paired(one, other, 0.95) or (math.nan, math.nan)
        assert paired(other, one, 0.95) == pytest.approx((-high, -low), abs=1e-12)
        assert low < high


def test_the_mean_of_differences_is_students() -> None:
    rng = np.random.default_rng(6)
    ours, theirs = rng.exponential(size=100), rng.exponential(size=100)
    found = paired_mean(ours, theirs, 0.95)
    other = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert found == pytest.approx((other.low, other.high), abs=1e-12)


def test_a_difference_of_few_rows_has_no_interval() -> None:
    """With one row of 200 changed, Student's would be narrow, and sure of what it cannot know."""
    squares = np.random.default_rng(7).standard_normal(200) ** 2
    for changed, known in ((1, False), (FEWEST_DIFFERENT - 1, False), (FEWEST_DIFFERENT, True)):
        other = squares.copy()
        other[:changed] += 0.01 * np.arange(1, changed + 1)
        assert (paired_root(squares, other, 0.95) is not None) == known
        assert (paired_mean(squares, other, 0.95) is not None) == known
    assert paired_root(np.zeros(200), squares, 0.95) is None


@pytest.mark.parametrize(
    ("kind", "allowed"),
    # What the simulation of 2,000 runs shows, and three standard deviations of 600 runs more.
    [("normal", 0.05), ("Laplace", 0.08), ("Student, 5 degrees", 0.10)],
)
def test_it_seldom_misses_on_either_side(kind: str, allowed: float) -> None:
    for name, (below, above) in simulate.errors(kind, 130, 600).items():
        assert below <= (allowed if name == "rmse" else 0.055), (name, kind)
        assert above <= 0.045, (name, kind)
    for below, above in simulate.differences(kind, 130, 600).values():
        assert max(below, above) <= 0.05


def test_the_plain_interval_would_miss_more_often() -> None:
    """Why the simulation can fail: without the transformation it does."""
    rng = np.random.default_rng(8)
    drawn = [rng.laplace(size=130) ** 2 for _ in range(600)]
    plain = [stats.ttest_1samp(each, 0).confidence_interval(0.95) for each in drawn]
    below, _ = simulate.misses([(each.low, each.high) for each in plain], 2.0)
    assert below > 0.08
