"""The judge against scipy, against brute force, and against chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mlops_steps.deploy_canary import judge
from mlops_steps.deploy_canary.judge import Counts, Decision, Rules, Step

RULES = Rules(alpha=0.05, looks=3, minimum_requests=100, maximum_error_share=0.05)


def step(champion: tuple[int, int], candidate: tuple[int, int]) -> Step:
    """(requests, errors) of both."""
    return Step(Counts(*champion), Counts(*candidate))


@pytest.mark.parametrize(
    ("champion", "candidate"),
    [
        ((950, 10), (50, 3)),
        ((750, 0), (250, 4)),
        ((500, 12), (500, 11)),
        ((1000, 1000), (1000, 1000)),
        ((95, 0), (5, 0)),
        ((0, 0), (100, 7)),
        ((60_000, 900), (20_000, 331)),
    ],
)
def test_one_step_is_fishers_exact_test(
    champion: tuple[int, int], candidate: tuple[int, int]
) -> None:
    (m, b), (n, a) = champion, candidate
    expected = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert judge.p_value([step(champion, candidate)]) == pytest.approx(expected, rel=1e-7)


def test_a_known_figure() -> None:
    # Fisher's tea: 4 and 4 cups, 3 right: 1/70 + 16/70.
    assert judge.p_value([step((4, 1), (4, 3))]) == pytest.approx(17 / 70, rel=1e-12)


def test_no_probability_is_claimed_that_was_not_computed() -> None:
    assert judge.p_value([step((1000, 0), (1000, 500))]) == judge.SMALLEST_P


def test_steps_are_convolved_not_pooled() -> None:
    steps = [step((95, 3), (5, 1)), step((75, 2), (25, 3)), step((50, 6), (50, 9))]
    chances = np.array([1.0])
    for each in steps:
        n, m = each.candidate.requests, each.champion.requests
        errors = each.candidate.errors + each.champion.errors
        law = stats.hypergeom(n + m, errors, n)
        chances = np.convolve(chances, law.pmf(np.arange(errors + 1)))
    assert judge.p_value(steps) == pytest.approx(chances[13:].sum(), rel=1e-9)


def test_an_incident_that_hits_both_is_not_held_against_the_candidate() -> None:
    # 20 % of all requests fail while the candidate has half of them; before, nothing failed.
    steps = [step((950, 0), (50, 0)), step((750, 0), (250, 0)), step((500, 100), (500, 100))]
    pooled = step((2200, 100), (800, 100))
    assert judge.p_value([pooled]) < 1e-9
    assert judge.p_value(steps) > 0.5


def test_interim_looks_roll_back_or_go_on() -> None:
    bad = judge.compare([step((95, 0), (5, 5))], RULES)
    assert bad.decision is Decision.ROLL_BACK
    assert bad.value == pytest.approx(1 / 75_287_520)  # 1 / (100 over 5)
    assert judge.compare([step((95, 0), (5, 0))], RULES).decision is Decision.GO_ON
    # Two errors of two are unlikely by chance (p = 0.0002), but two are too few to say so.
    assert judge.compare([step((98, 0), (2, 2))], RULES).decision is Decision.GO_ON


def test_each_look_may_spend_a_third_of_alpha() -> None:
    # p = 0.0358: enough for one look, too much for each of three.
    counts = [step((120, 0), (60, 3))]
    assert judge.p_value(counts) == pytest.approx(0.0358, abs=1e-3)
    assert judge.compare(counts, RULES).decision is Decision.GO_ON
    one = Rules(alpha=0.05, looks=1, minimum_requests=50, maximum_error_share=0.05)
    assert judge.compare(counts, one).decision is Decision.ROLL_BACK


@pytest.mark.parametrize(
    ("steps", "decision"),
    [
        ([((500, 5), (500, 6))] * 3, Decision.PROMOTE),
        ([((500, 0), (33, 0))] * 3, Decision.UNDECIDED),  # 99 of the candidate's
        ([((33, 0), (500, 0))] * 3, Decision.UNDECIDED),  # 99 of the champion's
        ([((0, 0), (500, 0))] * 3, Decision.UNDECIDED),
        ([((500, 100), (500, 100))] * 3, Decision.ROLL_BACK),  # both fail 20 %
        ([((500, 30), (500, 30))] * 3, Decision.PROMOTE),  # 6 %: not surely above 5 %
    ],
)
def test_the_last_look_decides(
    steps: list[tuple[tuple[int, int], tuple[int, int]]], decision: Decision
) -> None:
    assert judge.compare([step(*each) for each in steps], RULES).decision is decision


@pytest.mark.parametrize(
    ("requests", "errors", "decision"),
    [
        (100, 0, Decision.PROMOTE),  # upper bound 3.70 %
        (100, 1, Decision.UNDECIDED),  # 5.45 %
        (1000, 30, Decision.PROMOTE),  # 4.25 %
        (1000, 45, Decision.UNDECIDED),  # 5.97 %
        (1000, 200, Decision.ROLL_BACK),
        (99, 0, Decision.UNDECIDED),  # too few
    ],
)
def test_a_first_release_is_held_against_an_absolute_bound(
    requests: int, errors: int, decision: Decision
) -> None:
    found = judge.judge_alone(Counts(requests, errors), RULES)
    assert found.decision is decision
    if decision is Decision.PROMOTE:
        interval = stats.binomtest(errors, requests).proportion_ci(0.95, method="wilson")
        assert found.value == pytest.approx(interval.high, rel=1e-9)


@pytest.mark.parametrize("share", [0.002, 0.02, 0.2])
def test_a_good_candidate_is_rolled_back_at_most_as_often_as_promised(share: float) -> None:
    random = np.random.default_rng(20_240_501)
    rules = Rules(alpha=0.05, looks=3, minimum_requests=30, maximum_error_share=0.9)
    runs, wrong = 600, 0
    for _ in range(runs):
        steps: list[Step] = []
        for weight in (0.05, 0.25, 0.5):
            n = int(random.binomial(300, weight))
            champion = Counts(300 - n, int(random.binomial(300 - n, share)))
            steps.append(Step(champion, Counts(n, int(random.binomial(n, share)))))
            if judge.compare(steps, rules).decision is Decision.ROLL_BACK:
                wrong += 1
                break
    assert wrong / runs <= rules.alpha


def test_a_bad_candidate_is_found() -> None:
    random = np.random.default_rng(7)
    found = 0
    for _ in range(200):
        steps: list[Step] = []
        for weight in (0.05, 0.25, 0.5):
            n = int(random.binomial(300, weight))
            steps.append(Step(Counts(300 - n, 0), Counts(n, int(random.binomial(n, 0.2)))))
            if judge.compare(steps, RULES).decision is Decision.ROLL_BACK:
                found += 1
                break
    assert found == 200
