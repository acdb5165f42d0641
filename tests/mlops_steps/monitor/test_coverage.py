"""What intervals and levels promise, on few repetitions; docs/steps/monitor.md has them on many."""

from __future__ import annotations

import pytest
from tests.mlops_steps.monitor.coverage import (
    ESTIMATED,
    Case,
    coverage,
    drops,
    prior_coverage,
    turned,
)


@pytest.mark.parametrize(
    "name",
    ["binary, feature +0.5 sd", "regression, feature +0.5 sd, many", "binary, feature -1 sd"],
)
def test_estimates_hold_where_only_the_features_move(name: str) -> None:
    # 300 repetitions: 0.95 is seen below 0.91 in one case of a thousand.
    for metric, share in coverage(ESTIMATED[name], 300, seed=1).items():
        assert share >= 0.9, metric


def test_estimates_do_not_hold_under_a_concept_shift() -> None:
    found = coverage(ESTIMATED["binary, concept: 20 % of labels turned"], 50, seed=2)
    assert found["accuracy"] == 0


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_priors_hold_under_a_label_shift(share: float) -> None:
    assert prior_coverage(Case("binary", 500, 2000), 500, seed=3, share=share) >= 0.92


def test_a_fall_of_what_is_allowed_is_seldom_called_a_drop() -> None:
    # Six metrics share 0.3: each is wrong in at most 5 %; 10 of 60 would be one case in 1,000.
    case = Case("binary", 500, 500, concept=turned())
    assert drops(case, 60, seed=4, alpha=0.3)[1].get("accuracy", 0.0) < 10 / 60


def test_a_large_drop_is_found_by_what_a_week_may_spend() -> None:
    case = Case("binary", 2000, 2000, concept=3 * turned())
    assert drops(case, 10, seed=5, alpha=0.05 / 104)[1]["accuracy"] >= 0.9
