"""The bound keeps its promise, sees what it should, and knows nulls and vanished columns."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from mlops_steps.data.profile import Column, Profile
from mlops_steps.monitor.drift import ColumnDrift, compare, margin

Values = npt.NDArray[np.float64]  # NaN is a null


def count(values: Values, edges: Values) -> Column:
    present = np.sort(values[~np.isnan(values)])
    below = np.searchsorted(present, edges, side="right")
    return Column(
        nulls=len(values) - len(present), edges=edges.tolist(), below=[int(n) for n in below]
    )


def compared(
    then: Values, now: Values, *, allowed: float = 0.1, alpha: float = 0.05
) -> tuple[float, list[ColumnDrift]]:
    """Compare matrices of rows by columns."""
    profile, current = {}, {}
    for place in range(then.shape[1]):
        column = then[:, place]
        present = column[~np.isnan(column)]
        edges = np.unique(np.quantile(present, np.linspace(0, 1, 101), method="inverted_cdf"))
        profile[f"c{place}"] = count(column, edges)
        current[f"c{place}"] = count(now[:, place], edges)
    reference = Profile(rows=len(then), columns=profile)
    return compare(reference, len(now), current, allowed=allowed, alpha=alpha)


@pytest.mark.parametrize(("columns", "rows"), [(1, 100), (30, 400)])
@pytest.mark.parametrize("decimals", [0, 8])
def test_the_same_distribution_gives_no_alarm(columns: int, rows: int, decimals: int) -> None:
    chance = np.random.default_rng(7)
    trials, alarms = 150, 0
    for _ in range(trials):
        then = chance.normal(size=(400, columns)).round(decimals)  # 0: a few values, many ties
        now = chance.normal(size=(rows, columns)).round(decimals)
        # Nothing is allowed: only the margin stands between chance and an alarm.
        alarms += any(each.drifted for each in compared(then, now, allowed=1e-9)[1])
    assert alarms <= 0.05 * trials


@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_the_true_distance_is_at_least_the_bound(shift: float) -> None:
    chance = np.random.default_rng(8)
    true = math.erf(shift / math.sqrt(8))  # of two normal distributions, shift sd apart
    trials, wrong = 300, 0
    for _ in range(trials):
        then = chance.normal(size=(400, 1))
        now = chance.normal(shift, size=(300, 1))
        _, (found,) = compared(then, now)
        assert found.bound is not None
        wrong += found.bound > true
    assert wrong <= 0.05 * trials


def test_a_shift_of_one_standard_deviation_is_seen() -> None:
    chance = np.random.default_rng(9)
    for _ in range(50):
        then, now = chance.normal(size=(400, 30)), chance.normal(size=(400, 30))
        now[:, 3] += 1
        _, found = compared(then, now)
        assert [each.name for each in found if each.drifted] == ["c3"]
        assert found[0].name == "c3"
        assert found[0].at is not None
        assert -0.5 < found[0].at < 1.5


def test_a_change_of_spread_is_seen_too() -> None:
    chance = np.random.default_rng(10)
    _, (found,) = compared(chance.normal(size=(5000, 1)), chance.normal(0, 2.5, size=(5000, 1)))
    assert found.drifted


def test_nulls_are_drift_in_words() -> None:
    chance = np.random.default_rng(11)
    then, now = chance.normal(size=(1000, 2)), chance.normal(size=(1000, 2))
    now[:400, 0] = np.nan
    _, found = compared(then, now)
    assert [each.drifted for each in found] == [True, False]
    assert found[0].reason == "without a value: 0.0% of training rows, 40.0% of requests"
    assert (found[0].nulls, found[0].reference_nulls) == (0.4, 0.0)
    _, found = compared(now, then)  # values where there were none
    assert found[0].reason == "without a value: 40.0% of training rows, 0.0% of requests"


def test_a_vanished_column_is_drift_and_comes_first() -> None:
    columns = {"a": Column(nulls=0, edges=[1.0], below=[100]), "b": Column(nulls=50)}
    _, found = compare(
        Profile(rows=100, columns=columns), 100, {"a": columns["a"]}, allowed=0.1, alpha=0.05
    )
    assert [(each.name, each.drifted) for each in found] == [("b", True), ("a", False)]
    assert (found[0].reason, found[0].distance) == ("is in no request any more", None)


def test_a_column_of_words_is_watched_for_nulls() -> None:
    words = {"a": Column(nulls=0)}
    profile = Profile(rows=1000, columns=words)
    _, (found,) = compare(profile, 1000, words, allowed=0.1, alpha=0.05)
    assert (found.drifted, found.distance) == (False, 0.0)
    _, (found,) = compare(profile, 1000, {"a": Column(nulls=900)}, allowed=0.1, alpha=0.05)
    assert found.drifted


def test_the_margin() -> None:
    found = margin(rows=400, reference_rows=100, columns=30, alpha=0.05)
    # 2 exp(-2 n e^2) = alpha / (2 k) for each of the two samples
    e_now, e_then = (math.sqrt(math.log(2 / (0.05 / 60)) / (2 * n)) for n in (400, 100))
    assert found == pytest.approx(e_now + e_then)
