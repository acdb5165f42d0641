"""The metrics of a classifier of several classes; labels and predictions are their numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from mlops_steps.evaluate.figure import Figure, Make
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.stats import proportions, recalls
from mlops_steps.stats.known import MULTICLASS
from mlops_steps.stats.results import Interval

Right = NDArray[np.bool_]


def figures(judged: Judged, answers: Answers) -> dict[str, Figure]:
    """Every metric that the rows allow, by name.

    Those that average over the classes are left out when a class of the table has no row.
    """
    label, said = judged.label, answers.prediction
    right = label == said
    n, hits = len(label), int(right.sum())
    found = {
        "accuracy": Figure(
            metrics.accuracy_score(label, said), n, lambda c: proportions.wilson(hits, n, c)
        )
    }
    rows = _by_class(judged, label >= 0)
    if all(rows):
        by_class = _by_class(judged, right)
        found["balanced_accuracy"] = Figure(
            metrics.balanced_accuracy_score(label, said),
            n,
            lambda c: recalls.score(by_class, rows, c),
        )
        found["macro_f1"] = Figure(
            metrics.f1_score(
                label, said, labels=range(len(rows)), average="macro", zero_division=0.0
            ),
            n,
        )
    return found


def paired(judged: Judged, champion: Answers) -> dict[str, tuple[str, Make]]:
    """Method and interval of candidate minus champion, for the metrics that have one."""
    ours, theirs = (each.prediction == judged.label for each in (judged.candidate, champion))
    rows = _by_class(judged, judged.label >= 0)
    first, second = _by_class(judged, ours & ~theirs), _by_class(judged, theirs & ~ours)
    make: dict[str, Make] = {
        "accuracy": lambda c: tango(ours, theirs, c),
        "balanced_accuracy": lambda c: recalls.paired_difference(first, second, rows, c),
    }
    return {name: (MULTICLASS[name].paired, each) for name, each in make.items()}


def tango(ours: Right, theirs: Right, confidence: float) -> Interval:
    """Tango's interval for the difference of two models' shares of right answers."""
    first, second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return proportions.tango(first, second, len(ours), confidence)


def _by_class(judged: Judged, chosen: Right) -> list[int]:
    """How many of the chosen rows each class has."""
    counts = np.bincount(judged.label[chosen], minlength=len(judged.classes))
    return [int(count) for count in counts]
