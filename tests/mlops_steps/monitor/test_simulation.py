"""The promise and the power, on few years; docs/steps/monitor.md has them on many."""

from __future__ import annotations

import pytest
from tests.mlops_steps.monitor.simulation import JUST, Case, found_within, years


@pytest.mark.parametrize("wobble", [0.0, 0.02])
def test_a_quiet_year_gives_no_false_alarm(wobble: float) -> None:
    assert years(Case(wobble=wobble), 1, seed=1) == [[]]


def test_what_is_just_allowed_gives_no_false_alarm() -> None:
    # Every column at the bound itself all year: where a false alarm is likeliest.
    assert years(Case(lasting=JUST, wobble=0.02, rows=2000), 2, seed=2) == [[], []]


def test_half_a_standard_deviation_is_found_at_the_first_look() -> None:
    runs = years(Case(rows=500, shift=0.5), 20, seed=3, weeks=1)
    assert found_within(runs, 0, 1) >= 0.95


def test_a_fifth_is_found_within_eight_weeks() -> None:
    case = Case(rows=2000, reference=50_000, shift=0.2, since=12)
    assert found_within(years(case, 10, seed=4, weeks=20), 12, 8) >= 0.9
