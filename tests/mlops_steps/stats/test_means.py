from __future__ import annotations

import math

import numpy as np
import pytest

from mlops_steps.stats.means import betting


def capital(numbers: list[float], mean: float) -> float:
    """The better of the two stakes, row by row as the paper has it (equation 24, c = 1/2)."""
    up = down = 1.0
    total, squares, variance = 0.5, 0.25, 0.25
    for count, number in enumerate(numbers, 1):
        bet = math.sqrt(2 * math.log(40) / (len(numbers) * variance))
        up *= 1 + min(bet, 0.5 / mean) * (number - mean)
        down *= 1 - min(bet, 0.5 / (1 - mean)) * (number - mean)
        total += number
        squares += (number - total / (count + 1)) ** 2
        variance = squares / (count + 1)
    return max(up, down)


@pytest.mark.parametrize("seed", range(4))
def test_an_end_is_where_a_stake_has_grown_fortyfold(seed: int) -> None:
    numbers = np.random.default_rng(seed).beta(2, 5, 60)
    for end in betting(numbers, 0.95):
        assert capital(numbers.tolist(), end) == pytest.approx(40, rel=1e-6)


def test_the_interval_holds_the_mean_and_narrows() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for n in (50, 500, 5000):
        numbers = rng.beta(0.3, 9, n)
        low, high = betting(numbers, 0.95)
        assert 0 <= low < numbers.mean() < high <= 1
        widths.append(high - low)
    assert widths[0] > 3 * widths[1] > 6 * widths[2]


def test_numbers_that_do_not_vary_keep_a_width() -> None:
    assert betting(np.zeros(171), 0.95)[1] > 0.02
    assert betting(np.ones(171), 0.95)[0] < 0.98
    low, high = betting(np.zeros(171), 0.95, floor=-1.0)
    assert low == pytest.approx(-high)


@pytest.mark.parametrize("numbers", [[], [0.5, 1.1], [0.5, np.nan], [-0.1]])
def test_numbers_outside_are_refused(numbers: list[float]) -> None:
    with pytest.raises(ValueError, match="not all within"):
        betting(np.array(numbers), 0.95)


@pytest.mark.parametrize(("a", "b"), [(0.3, 9.0), (0.05, 2.0), (1.0, 1.0)])
def test_it_covers_whatever_the_distribution(a: float, b: float) -> None:
    rng, true = np.random.default_rng(23), a / (a + b)
    ends = [betting(rng.beta(a, b, 114), 0.95) for _ in range(200)]
    # 10 are expected at most; 19 is three standard deviations more.
    assert sum(not low <= true <= high for low, high in ends) <= 19
