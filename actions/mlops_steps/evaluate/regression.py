"""The metrics of a model that predicts a number; labels and predictions in the target's unit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mlops_steps.evaluate.figure import Figure, Make
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.stats import deviations
from mlops_steps.stats.known import REGRESSION, SAME

Numbers = NDArray[np.float64]


def figures(judged: Judged, answers: Answers) -> dict[str, Figure]:
    """Every metric that the rows allow, by name; none that is not a finite number."""
    n = len(judged.label)
    with np.errstate(over="ignore", invalid="ignore"):
        sizes, squares = _errors(judged, answers)
        mean_square, spread = float(squares.mean()), deviation(judged.label)
        found = {
            "mae": Figure(float(sizes.mean()), n, lambda c: deviations.mean_interval(sizes, c)),
            "rmse": Figure(
                math.sqrt(mean_square), n, lambda c: deviations.root_interval(squares, c)
            ),
        }
        if spread > 0:
            found["r2"] = Figure(1 - mean_square / spread**2, n)
    return {name: each for name, each in found.items() if math.isfinite(each.value)}


def paired(judged: Judged, champion: Answers) -> dict[str, tuple[str, Make]]:
    """Method and interval of candidate minus champion, for the metrics that have one."""
    if np.array_equal(judged.candidate.prediction, champion.prediction):
        # Nothing varies because nothing differs: that is known, and not a lack of knowledge.
        return {name: (SAME, lambda _: (0.0, 0.0)) for name in ("mae", "rmse")}
    with np.errstate(over="ignore", invalid="ignore"):
        ours, theirs = _errors(judged, judged.candidate), _errors(judged, champion)
    make: dict[str, Make] = {
        "mae": lambda c: deviations.paired_mean(ours[0], theirs[0], c),
        "rmse": lambda c: deviations.paired_root(ours[1], theirs[1], c),
    }
    return {name: (REGRESSION[name].paired, each) for name, each in make.items()}


def deviation(label: Numbers) -> float:
    """The standard deviation of the target (divided by n), 0 when it does not vary."""
    with np.errstate(over="ignore", invalid="ignore"):
        return 0.0 if (label == label[:1]).all() else float(np.std(label))


def _errors(judged: Judged, answers: Answers) -> tuple[Numbers, Numbers]:
    """Each row's error without its sign, and squared."""
    sizes = np.abs(answers.prediction - judged.label)
    return sizes, sizes**2
