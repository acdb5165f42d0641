from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from tests.mlops_steps.stats import simulate

from mlops_steps.stats.proportions import tango, wilson
from mlops_steps.stats.recalls import _likeliest, _likeliest_pair, paired_difference, score


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(("hits", "n"), [(0, 5), (1, 5), (5, 5), (70, 171), (171, 171)])
def test_of_one_class_it_is_wilsons(hits: int, n: int, confidence: float) -> None:
    assert score([hits], [n], confidence) == pytest.approx(wilson(hits, n, confidence), abs=1e-9)


def test_of_one_class_the_difference_is_tangos() -> None:
    for first, second, n in (
        (12, 3, 171),
        (0, 0, 171),
        (5, 0, 5),
        (0, 5, 5),
        (1, 7, 21),
        (0, 2, 9),
    ):
        found = paired_difference([first], [second], [n], 0.95)
        assert found == pytest.approx(tango(first, second, n, 0.95), abs=1e-7)


@pytest.mark.parametrize("multiplier", [-300.0, -3.0, 0.0, 2.0, 50.0, 1000.0])
def test_the_likeliest_proportions_are_found(multiplier: float) -> None:
    x, n = np.array([95.0, 17.0, 6.0, 0.0]), np.array([100.0, 20.0, 10.0, 4.0])
    found = _likeliest(multiplier, x, n)
    mean = float(found.mean())

    def unlikely(p: np.ndarray) -> float:
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return -float((x * np.log(p) + (n - x) * np.log(1 - p)).sum())

    other = minimize(
        unlikely,
        np.full(4, mean),
        bounds=[(1e-9, 1 - 1e-9)] * 4,
        constraints={"type": "eq", "fun": lambda p: p.mean() - mean},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert unlikely(found) <= other.fun * (1 + 1e-6)


@pytest.mark.parametrize("multiplier", [-1e3, -40.0, -3.0, 0.0, 1e-9, 2.0, 40.0, 1e3])
def test_the_likeliest_pairs_are_found(multiplier: float) -> None:
    """No other shares with the same difference make the class's rows likelier."""
    b = np.array([4.0, 0.0, 0.0, 7.0, 0.0, 3.0])
    c = np.array([1.0, 3.0, 0.0, 0.0, 5.0, 2.0])
    n = np.array([50.0, 20.0, 9.0, 7.0, 5.0, 5.0])

    def likely(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        shares = np.array([first, second, 1 - first - second])
        counts = np.array([b, c, n - b - c])
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(counts > 0, counts * np.log(np.maximum(shares, 0.0)), 0.0)
        return each.sum(axis=0)

    first, second = _likeliest_pair(multiplier, b, c, n)
    assert (np.minimum(first, second) >= 0).all()
    assert (first + second <= 1 + 1e-9).all()
    best = likely(first, second)
    if multiplier == 0:
        assert first == pytest.approx(b / n)
        assert second == pytest.approx(c / n)
    for share in np.linspace(0, 1, 2001):
        other = share * (1 - np.abs(first - second)) / 2 + np.maximum(0, second - first)
        assert (likely(other + first - second, other) <= best + 1e-6).all()


@pytest.mark.parametrize(
    ("hits", "rows"),
    [([54] * 10, [54] * 10), ([0, 0], [5, 7]), ([0, 9], [9, 9]), ([1] * 1000, [1] * 1000)],
)
def test_at_the_edges_it_keeps_its_width(hits: list[int], rows: list[int]) -> None:
    mean = float(np.mean(np.array(hits) / np.array(rows)))
    low, high = score(hits, rows, 0.95)
    assert 0 <= low <= mean <= high <= 1
    assert low < high
    low, high = paired_difference([0] * len(rows), [0] * len(rows), rows, 0.95)
    assert -1 <= low < 0 < high <= 1


@pytest.mark.parametrize(
    ("hits", "rows"), [([], []), ([1], [0]), ([3], [2]), ([-1], [2]), ([1, 1], [2])]
)
def test_counts_that_cannot_be_are_refused(hits: list[int], rows: list[int]) -> None:
    with pytest.raises(ValueError, match="are no proportions"):
        score(hits, rows, 0.95)


@pytest.mark.parametrize(
    ("first", "second", "rows"),
    [([], [], []), ([1], [1], [1]), ([-1], [0], [3]), ([0], [0], [0]), ([0, 0], [0], [3, 3])],
)
def test_pairs_that_cannot_be_are_refused(
    first: list[int], second: list[int], rows: list[int]
) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        paired_difference(first, second, rows, 0.95)


def test_a_difference_turns_with_its_arguments() -> None:
    low, high = paired_difference([4, 0, 2], [1, 3, 0], [50, 20, 9], 0.95)
    turned = paired_difference([1, 3, 0], [4, 0, 2], [50, 20, 9], 0.95)
    assert turned == pytest.approx((-high, -low), abs=1e-9)
    assert low < (3 / 50 - 3 / 20 + 2 / 9) / 3 < high


@pytest.mark.parametrize("name", ["10 of 54, all 0.97", "100, 20, 10: 0.95, 0.8, 0.6"])
def test_it_seldom_misses_on_either_side(name: str) -> None:
    # 2.5 % is promised; discreteness adds up to 2.5, three standard deviations of 300 runs 3.
    assert max(simulate.classes(name, 300)) <= 0.08
    assert max(simulate.class_differences(name, 300)) <= 0.055


def test_recovered_variances_would_miss_more_often() -> None:
    """Why it is not MOVER from the classes' Wilson intervals."""
    rng, rows = np.random.default_rng(10), [54] * 10
    ends = []
    for hits in rng.binomial(rows, 0.97, (300, 10)):
        above = [wilson(int(x), 54, 0.95)[1] - x / 54 for x in hits]
        ends.append((0.0, float(hits.mean() / 54 + np.sqrt(np.square(above).sum()) / 10)))
    assert simulate.misses(ends, 0.97)[0] > 0.08
