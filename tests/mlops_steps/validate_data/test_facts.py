"""The rules by which a contract is proposed keep what they promise, shown by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlops_steps.validate_data.facts import SET_ROWS, apart_by_rule, bounds, closed

RUNS = 1000


def shares(name: str) -> np.ndarray:
    if name == "even":
        found = np.ones(25)
    elif name == "geometric":
        found = 0.6 ** np.arange(25)
    elif name == "zipf":
        found = 1 / np.arange(1, 500)
    elif name == "rare":
        found = np.append(np.ones(5), np.full(10, 5 * 3 / SET_ROWS / 10))
    else:
        found = np.append(np.ones(3), [3 * 3 / SET_ROWS])
    return found / found.sum()


@pytest.mark.parametrize("rows", [SET_ROWS, 1000])
@pytest.mark.parametrize("name", ["even", "geometric", "zipf", "rare", "one rare"])
def test_a_set_misses_more_than_it_says_in_at_most_one_of_twenty(name: str, rows: int) -> None:
    rng = np.random.default_rng(1)
    probabilities = shares(name)
    counts = rng.multinomial(rows, probabilities, size=RUNS)
    wrong = 0
    for each in counts:
        seen = each[each > 0]
        if closed(seen.tolist()) and probabilities[each == 0].sum() > 3 / rows:
            wrong += 1
    # With a standard error of the simulated share, at 5 %, of 0.5 %.
    assert wrong / RUNS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def test_a_set_is_stated_where_values_repeat_and_only_there() -> None:
    assert closed([150, 150])
    assert not closed([150, 149])
    assert not closed([300, 4])
    assert not closed([])
    rng = np.random.default_rng(2)
    even = rng.multinomial(1000, np.ones(20) / 20, size=RUNS)
    assert sum(closed(each.tolist()) for each in even) == RUNS
    names = rng.multinomial(1000, shares("zipf"), size=RUNS)
    assert not any(closed(each[each > 0].tolist()) for each in names)


@pytest.mark.parametrize(
    ("name", "most"),
    [("normal", 0.01), ("uniform", 0.01), ("exponential", 0.02), ("lognormal", 0.10)],
)
def test_the_next_rows_lie_in_the_range(name: str, most: float) -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(RUNS):
        both = getattr(rng, name if name != "normal" else "standard_normal")(size=2000)
        now, then = both[:1000], both[1000:]
        low, high = float(now.min()), float(now.max())
        sixth = (high - low) / 6
        heavy = "neither"
        if (now < low + sixth).mean() >= 0.5:
            heavy = "low"
        elif (now > high - sixth).mean() >= 0.5:
            heavy = "high"
        start, end = bounds(low, high, heavy, whole=False)  # type: ignore[arg-type]
        assert start <= low
        assert end >= high
        missed += bool(then.min() < float(start) or then.max() > float(end))
    assert missed / RUNS <= most


def test_ranges_are_rounded_outward_and_keep_their_sign() -> None:
    assert [str(each) for each in bounds(3, 10, "neither", whole=True)] == ["1", "12"]
    assert [str(each) for each in bounds(0.5, 10, "low", whole=False)] == ["0", "19.5"]
    assert [str(each) for each in bounds(-10, -1, "neither", whole=True)] == ["-13", "0"]
    low, high = bounds(-1e308, 1e308, "neither", whole=False)
    assert math.isfinite(float(low))
    assert math.isfinite(float(high))


def test_numbers_that_differ_by_chance_are_not_called_unique() -> None:
    rng = np.random.default_rng(4)
    for rows, span in ((100, 1650), (100, 10**4), (300, 10**4), (1000, 10**9)):
        wrong = 0
        for _ in range(RUNS):
            drawn = rng.integers(0, span, rows)
            differ = len(np.unique(drawn)) == rows
            wrong += differ and apart_by_rule(rows, float(drawn.min()), float(drawn.max()))
        assert wrong / RUNS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS), (rows, span)
    assert apart_by_rule(100, 1, 100)
    assert apart_by_rule(1000, 5000, 8000)
    assert not apart_by_rule(100, 0, 10**6)
