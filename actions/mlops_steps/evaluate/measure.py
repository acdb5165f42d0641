"""The metrics of a binary classifier, with intervals where one is known to be honest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics as sklearn_metrics

from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.stats import auc, means, proportions
from mlops_steps.stats.known import BINARY
from mlops_steps.stats.results import Estimate, Interval

Make = Callable[[float], Interval]


@dataclass(frozen=True)
class Levels:
    """At which confidence, and how many rules Holm's procedure may have to spread it over."""

    confidence: float
    rules: int

    def estimate(self, value: float, n: int, method: str, make: Make | None) -> Estimate:
        """A figure with its interval, and the wider ones; without `make`, with none."""
        if make is None:
            return Estimate(value=float(value), n=int(n))
        low, high = make(self.confidence)
        wider = [make(1 - (1 - self.confidence) / k) for k in range(2, self.rules + 1)]
        return Estimate(value=float(value), low=low, high=high, n=int(n), method=method, holm=wider)


def measure(judged: Judged, answers: Answers, levels: Levels) -> dict[str, Estimate]:
    """Every metric of one model that its rows allow; a metric that is undefined is left out."""
    label, score, said = judged.label, answers.score, answers.prediction
    n = len(label)
    found: dict[str, Estimate] = {}

    def add(name: str, value: float, rows: int, make: Make | None = None) -> None:
        found[name] = levels.estimate(value, rows, BINARY[name].interval, make)

    right = int((label == said).sum())
    both = int(((label == 1) & (said == 1)).sum())
    positives, claimed = int(label.sum()), int(said.sum())
    wrong = n - right
    add(
        "accuracy",
        sklearn_metrics.accuracy_score(label, said),
        n,
        lambda c: proportions.wilson(right, n, c),
    )
    squares = (score - label) ** 2
    add(
        "brier",
        sklearn_metrics.brier_score_loss(label, score, labels=[0, 1]),
        n,
        lambda c: means.betting(squares, c),
    )
    add("log_loss", sklearn_metrics.log_loss(label, score, labels=[0, 1]), n)
    if claimed:
        value = sklearn_metrics.precision_score(label, said)
        add("precision", value, claimed, lambda c: proportions.wilson(both, claimed, c))
    if both + wrong:
        value = sklearn_metrics.f1_score(label, said)
        add("f1", value, both + wrong, lambda c: proportions.f1_interval(both, wrong, c))
    if positives:
        value = sklearn_metrics.recall_score(label, said)
        add("recall", value, positives, lambda c: proportions.wilson(both, positives, c))
    if 0 < positives < n:
        # Rounding must not carry an area over the edge of its range.
        area = min(1.0, float(sklearn_metrics.roc_auc_score(label, score)))
        negatives = n - positives
        add("roc_auc", area, n, lambda c: auc.newcombe(area, positives, negatives, c))
        add("average_precision", sklearn_metrics.average_precision_score(label, score), n)
    return dict(sorted(found.items()))


def compare(
    judged: Judged,
    champion: Answers,
    ours: dict[str, Estimate],
    theirs: dict[str, Estimate],
    levels: Levels,
) -> dict[str, Estimate]:
    """Candidate minus champion on the same rows, for every metric that both have."""
    label, candidate = judged.label, judged.candidate
    positive = label == 1
    right = (candidate.prediction == label, champion.prediction == label)
    split = [(each.score[positive], each.score[~positive]) for each in (candidate, champion)]
    extra = (candidate.score - label) ** 2 - (champion.score - label) ** 2
    make: dict[str, Make] = {
        "accuracy": lambda c: _tango(right[0], right[1], c),
        "recall": lambda c: _tango(right[0][positive], right[1][positive], c),
        "roc_auc": lambda c: auc.paired_difference(split[0], split[1], c),
        "brier": lambda c: means.betting(extra, c, floor=-1.0),
    }
    return {
        name: levels.estimate(
            ours[name].value - theirs[name].value,
            min(ours[name].n, theirs[name].n),
            BINARY[name].paired,
            make.get(name),
        )
        for name in sorted(ours.keys() & theirs.keys())
    }


def _tango(ours: np.ndarray, theirs: np.ndarray, confidence: float) -> Interval:
    first, second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return proportions.tango(first, second, len(ours), confidence)
