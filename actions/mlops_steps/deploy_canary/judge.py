"""The interim judge: pure functions from counts to a verdict.

A candidate is compared with the champion that answered in the same minutes. Under the
hypothesis that both fail equally often, the candidate's share of a step's errors is
hypergeometric whatever that common rate is (Fisher's exact test). Steps are kept apart and
their distributions convolved: pooled totals would call a candidate bad for an incident that
hit both versions while it had the larger weight.

There is one look after every weight, and each look may spend `alpha` divided by their number
(Bonferroni): simple, and honest about looking more than once, but it finds small harm later
than a sequential boundary would.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlops_steps.stats.proportions import wilson

#: A candidate is not called worse for one or two unlucky requests.
MINIMUM_ERRORS = 3
#: Probabilities below this are dropped while convolving: they cannot move a verdict.
NEGLIGIBLE = 1e-18
#: What was dropped adds up to less than this, so no smaller probability is claimed.
SMALLEST_P = 1e-15


class Decision(enum.StrEnum):
    """What follows from a look."""

    GO_ON = "go on"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Counts:
    """Requests that a version answered, and how many of these were errors."""

    requests: int = 0
    errors: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.errors + other.errors)


@dataclass(frozen=True)
class Step:
    """The counts of both versions at one weight."""

    champion: Counts
    candidate: Counts


@dataclass(frozen=True)
class Rules:
    """The bounds of mlops.yaml's `deploy`, and the number of planned looks."""

    alpha: float
    looks: int
    minimum_requests: int
    maximum_error_share: float

    @property
    def bound(self) -> float:
        """What one look may spend of `alpha`."""
        return self.alpha / self.looks


@dataclass(frozen=True)
class Judgement:
    """A decision, the figure it rests on, the bound it was held against, and the rule."""

    decision: Decision
    rule: str
    value: float
    bound: float
    words: str


def compare(steps: Sequence[Step], rules: Rules) -> Judgement:
    """Judge a candidate beside its champion after `len(steps)` of `rules.looks` looks.

    Roll back when the candidate fails more often than the champion (one-sided p <= alpha /
    looks, at least `MINIMUM_ERRORS` errors of its own). At the last look also when it surely
    fails more often than `maximum_error_share` (lower bound of Wilson's
    interval), so that two versions
    that both fail are not a promotion. Promote only at the last look and only when both
    versions answered `minimum_requests`.
    """
    champion, candidate = (
        total(step.champion for step in steps),
        total(step.candidate for step in steps),
    )
    p = p_value(steps)
    rule = "errors of the candidate <= errors of the champion"
    figures = f"p = {p:.2g}, the bound is {rules.bound:.2g}"
    if p <= rules.bound and candidate.errors >= MINIMUM_ERRORS:
        return Judgement(Decision.ROLL_BACK, rule, p, rules.bound, figures)
    if len(steps) < rules.looks:
        return Judgement(Decision.GO_ON, rule, p, rules.bound, figures)
    fewest = min(champion.requests, candidate.requests)
    if fewest < rules.minimum_requests:
        return _too_few(fewest, rules)
    low, _ = wilson(candidate.errors, candidate.requests, 1 - rules.alpha)
    if low > rules.maximum_error_share:
        return _above(low, rules)
    return Judgement(Decision.PROMOTE, rule, p, rules.bound, figures)


def judge_alone(candidate: Counts, rules: Rules) -> Judgement:
    """Judge a first release, which has nothing to be compared with, by its own error share.

    Promote when the upper Wilson bound is at most `maximum_error_share`, roll back when the
    lower one is above it, and call it undecided between the two.
    """
    if candidate.requests < rules.minimum_requests:
        return _too_few(candidate.requests, rules)
    low, high = wilson(candidate.errors, candidate.requests, 1 - rules.alpha)
    share = rules.maximum_error_share
    if low > share:
        return _above(low, rules)
    rule = f"error share <= {share:.2%}"
    words = f"the upper bound of the error share is {high:.2%}, the rule allows {share:.2%}"
    decision = Decision.PROMOTE if high <= share else Decision.UNDECIDED
    return Judgement(decision, rule, high, share, words)


def p_value(steps: Sequence[Step]) -> float:
    """One-sided probability of at least the candidate's errors if both versions fail alike.

    Fisher's exact test, exact also over several steps (Cochran 1954 and Mantel and Haenszel
    1959 have the same conditioning; here the distribution itself is convolved). Never below
    `SMALLEST_P`.
    """
    sums = {0: 1.0}
    for step in steps:
        share = _hypergeometric(step)
        longer: dict[int, float] = {}
        for x, p in sums.items():
            for y, q in share.items():
                longer[x + y] = longer.get(x + y, 0.0) + p * q
        sums = {x: p for x, p in longer.items() if p > NEGLIGIBLE}
    seen = sum(step.candidate.errors for step in steps)
    return min(1.0, max(SMALLEST_P, math.fsum(p for x, p in sums.items() if x >= seen)))


def total(counts: Iterable[Counts]) -> Counts:
    """All counts together."""
    return sum(counts, Counts())


def _hypergeometric(step: Step) -> dict[int, float]:
    """How many of a step's errors would be the candidate's, if it fails like the champion."""
    n, m = step.candidate.requests, step.champion.requests
    errors = step.candidate.errors + step.champion.errors
    whole = _log_choose(n + m, errors)
    chances = {
        x: math.exp(_log_choose(n, x) + _log_choose(m, errors - x) - whole)
        for x in range(max(0, errors - m), min(errors, n) + 1)
    }
    return {x: p for x, p in chances.items() if p > NEGLIGIBLE}


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _too_few(found: int, rules: Rules) -> Judgement:
    needed = rules.minimum_requests
    words = f"one version answered {found:,} requests, {needed:,} are needed"
    return Judgement(Decision.UNDECIDED, f"requests >= {needed:,}", found, needed, words)


def _above(low: float, rules: Rules) -> Judgement:
    share = rules.maximum_error_share
    words = f"the lower bound of the error share is {low:.2%}, the rule allows {share:.2%}"
    return Judgement(Decision.ROLL_BACK, f"error share <= {share:.2%}", low, share, words)
