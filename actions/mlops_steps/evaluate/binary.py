"""The metrics of a classifier of two classes; labels and predictions are 1 (positive) and 0."""

from __future__ import annotations

from sklearn import metrics

from mlops_steps.evaluate.figure import Figure, Make
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.evaluate.multiclass import tango
from mlops_steps.stats import auc, means, proportions
from mlops_steps.stats.known import BINARY


def figures(judged: Judged, answers: Answers) -> dict[str, Figure]:
    """Every metric that the rows allow, by name."""
    label, score, said = judged.label, answers.scores, answers.prediction
    n = len(label)
    right = int((label == said).sum())
    both = int(((label == 1) & (said == 1)).sum())
    positives, claimed = int(label.sum()), int(said.sum())
    wrong = n - right
    squares = (score - label) ** 2
    found = {
        "accuracy": Figure(
            metrics.accuracy_score(label, said), n, lambda c: proportions.wilson(right, n, c)
        ),
        "brier": Figure(
            metrics.brier_score_loss(label, score, labels=[0, 1]),
            n,
            lambda c: means.betting(squares, c),
        ),
        "log_loss": Figure(metrics.log_loss(label, score, labels=[0, 1]), n),
    }
    if claimed:
        found["precision"] = Figure(
            metrics.precision_score(label, said),
            claimed,
            lambda c: proportions.wilson(both, claimed, c),
        )
    if both + wrong:
        found["f1"] = Figure(
            metrics.f1_score(label, said),
            both + wrong,
            lambda c: proportions.f1_interval(both, wrong, c),
        )
    if positives:
        found["recall"] = Figure(
            metrics.recall_score(label, said),
            positives,
            lambda c: proportions.wilson(both, positives, c),
        )
    if 0 < positives < n:
        # Rounding must not carry an area over the edge of its range.
        area = min(1.0, float(metrics.roc_auc_score(label, score)))
        negatives = n - positives
        found["roc_auc"] = Figure(area, n, lambda c: auc.newcombe(area, positives, negatives, c))
        found["average_precision"] = Figure(metrics.average_precision_score(label, score), n)
    return found


def paired(judged: Judged, champion: Answers) -> dict[str, tuple[str, Make]]:
    """Method and interval of candidate minus champion, for the metrics that have one."""
    label, candidate = judged.label, judged.candidate
    positive = label == 1
    right = (candidate.prediction == label, champion.prediction == label)
    split = [(each.scores[positive], each.scores[~positive]) for each in (candidate, champion)]
    extra = (candidate.scores - label) ** 2 - (champion.scores - label) ** 2
    make: dict[str, Make] = {
        "accuracy": lambda c: tango(right[0], right[1], c),
        "recall": lambda c: tango(right[0][positive], right[1][positive], c),
        "roc_auc": lambda c: auc.paired_difference(split[0], split[1], c),
        "brier": lambda c: means.betting(extra, c, floor=-1.0),
    }
    return {name: (BINARY[name].paired, each) for name, each in make.items()}
