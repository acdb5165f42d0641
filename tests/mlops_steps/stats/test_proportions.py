from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from mlops_steps.stats.proportions import f1_interval, tango, wilson, z_of


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson_gives_the_published_figures(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n, 0.95) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(("hits", "n"), [(0, 5), (1, 5), (5, 5), (70, 171), (171, 171)])
def test_wilson_agrees_with_scipy(hits: int, n: int, confidence: float) -> None:
    other = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    assert wilson(hits, n, confidence) == pytest.approx((other.low, other.high), abs=1e-12)


def test_tango_gives_the_published_figures() -> None:
    # M. W. Fagerland, S. Lydersen and P. Laake, BMC Medical Research Methodology 14:134
    # (2014), the example of airway hyper-responsiveness.
    assert tango(1, 7, 21, 0.95) == pytest.approx((-0.517, -0.026), abs=5e-4)
    # What R's PropCIs 0.3 gives for scoreci.mp(25, 28, 618, 0.9).
    assert tango(28, 25, 618, 0.9) == pytest.approx((-0.0148, 0.0247), abs=5e-5)


def test_tango_turns_with_its_arguments() -> None:
    low, high = tango(12, 3, 171, 0.95)
    assert tango(3, 12, 171, 0.95) == pytest.approx((-high, -low), abs=1e-9)


def test_tango_keeps_its_width_where_nothing_differs() -> None:
    z2 = z_of(0.95) ** 2
    assert tango(0, 0, 171, 0.95) == pytest.approx((-z2 / (171 + z2), z2 / (171 + z2)), abs=1e-9)
    assert tango(5, 0, 5, 0.95)[1] == 1.0
    assert tango(0, 5, 5, 0.95)[0] == -1.0


@pytest.mark.parametrize(("first", "second", "n"), [(0, 0, 0), (3, 3, 5), (-1, 0, 5)])
def test_counts_that_cannot_be_are_refused(first: int, second: int, n: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        tango(first, second, n, 0.95)


def test_f1_follows_its_share() -> None:
    low, high = f1_interval(64, 9, 0.95)
    assert low < 2 * 64 / (2 * 64 + 9) < high
    assert f1_interval(10, 0, 0.95)[1] == 1.0


def test_tango_seldom_lets_a_worse_model_pass() -> None:
    """The case in which a Wald interval passes a third of the time: few discordant rows.

    True drop 1 point, margin 0.5 points, 1 % discordant: wrong in 2.5 % at most.
    """
    draws = np.random.default_rng(20).binomial(114, 0.01, 600)
    assert sum(tango(0, int(lost), 114, 0.95)[0] >= -0.005 for lost in draws) <= 0.025 * 600


def test_tango_covers() -> None:
    rng = np.random.default_rng(21)
    counts = rng.multinomial(171, [0.06, 0.03, 0.91], 500)
    ends = [tango(int(a), int(b), 171, 0.95) for a, b, _ in counts]
    covered = sum(low <= 0.03 <= high for low, high in ends)
    # 95 % of 500 is 475; 461 is three standard deviations below.
    assert covered >= 461
