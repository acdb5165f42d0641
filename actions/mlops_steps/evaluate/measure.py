"""The metrics of a model by its task, with intervals where one is known to be honest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlops_steps.config import Task
from mlops_steps.evaluate import binary, multiclass, regression
from mlops_steps.evaluate.figure import Make
from mlops_steps.evaluate.join import Answers, Judged
from mlops_steps.stats.known import TASKS
from mlops_steps.stats.results import Estimate

_OF = {"binary": binary, "multiclass": multiclass, "regression": regression}


@dataclass(frozen=True)
class Levels:
    """At which confidence, and how many rules Holm's procedure may have to spread it over."""

    confidence: float
    rules: int

    def estimate(self, value: float, n: int, method: str, make: Make | None) -> Estimate:
        """A figure with its interval, and the wider ones; without one that is known, with none."""
        ends = make(self.confidence) if make else None
        if make is None or ends is None:
            return Estimate(value=float(value), n=int(n))
        wider = [make(1 - (1 - self.confidence) / k) for k in range(2, self.rules + 1)]
        return Estimate(
            value=float(value),
            low=ends[0],
            high=ends[1],
            n=int(n),
            method=method,
            holm=[each for each in wider if each is not None],
        )


@dataclass(frozen=True)
class Rows:
    """What the judging rows are, each fact for the task it is about; see `Metrics`.

    `unseen`: classes of the table that no judging row has.
    """

    positives: int | None = None
    classes: int | None = None
    target_sd: float | None = None
    unseen: tuple[str, ...] = ()


def measure(judged: Judged, answers: Answers, levels: Levels, *, task: Task) -> dict[str, Estimate]:
    """Every metric of one model that its rows allow; a metric that is undefined is left out."""
    found = _OF[task].figures(judged, answers)
    return {
        name: levels.estimate(each.value, each.n, TASKS[task][name].interval, each.make)
        for name, each in sorted(found.items())
    }


def compare(
    judged: Judged,
    champion: Answers,
    measured: tuple[dict[str, Estimate], dict[str, Estimate]],
    levels: Levels,
    *,
    task: Task,
) -> dict[str, Estimate]:
    """Candidate minus champion on the same rows, for every metric that both have.

    `measured` is what `measure` said of the candidate and of the champion.
    """
    ours, theirs = measured
    make = _OF[task].paired(judged, champion)
    found = {}
    for name in sorted(ours.keys() & theirs.keys()):
        method, interval = make.get(name, ("", None))
        value = ours[name].value - theirs[name].value
        rows = min(ours[name].n, theirs[name].n)
        found[name] = levels.estimate(value, rows, method, interval)
    return found


def describe(judged: Judged, *, task: Task) -> Rows:
    """The facts about the judging rows that a task has."""
    if task == "binary":
        return Rows(positives=int(judged.label.sum()))
    if task == "regression":
        found = regression.deviation(judged.label)
        return Rows(target_sd=found if math.isfinite(found) else None)
    counts = np.bincount(judged.label, minlength=len(judged.classes))
    unseen = [name for name, count in zip(judged.classes, counts, strict=True) if not count]
    return Rows(classes=int(np.count_nonzero(counts)), unseen=tuple(unseen))
