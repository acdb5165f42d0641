"""What the champion's answers alone say of its performance: a warning, and never a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from mlops_steps.monitor import estimates, log, priors
from mlops_steps.stats.known import TASKS

if TYPE_CHECKING:
    import duckdb

    from mlops_steps.config import Monitor
    from mlops_steps.monitor.answers import Known

#: Confidence of the intervals that are shown.
SHOWN = 0.95


@dataclass(frozen=True)
class Asked:
    """The champion's answers of the last four weeks, counted.

    Attributes:
        cells: Evaluate's rows.
        counts: Answers by cell.
        outside: Answers that are in none.
        said: Answers by predicted class; empty for a regression.
        mute: Answers that cannot be read; they are in none of the counts.
    """

    cells: estimates.Cells
    counts: list[int]
    outside: int
    said: list[int]
    mute: int


class Estimate(msgspec.Struct, kw_only=True, frozen=True):
    """A metric as it would be if answers meant what they meant in evaluate.

    Attributes:
        name: The metric.
        standing: `lower` (worse) than in evaluate by more than `allowed`, surely; or `unclear`.
        then: In evaluate.
        now: The estimate, with the interval `low` to `high` (95 %).
        change_low: The least that now minus then may be; with `change_high` it decides.
        change_high: The most.
        allowed: How much worse it may be.
    """

    name: str
    standing: Literal["lower", "unclear"]
    then: float
    now: float
    low: float
    high: float
    change_low: float
    change_high: float
    allowed: float


class Prior(msgspec.Struct, kw_only=True, frozen=True):
    """The share of a class among requests, if only the shares of the classes have moved.

    Attributes:
        name: The class; of a binary model `positive`.
        standing: `moved` by more than `allowed`, surely; or `unclear`.
        then: In evaluate's rows.
        now: The estimate, with the interval `low` to `high` (95 %), neither cut to [0, 1].
        allowed: How far it may move.
    """

    name: str
    standing: Literal["moved", "unclear"]
    then: float
    now: float
    low: float
    high: float
    allowed: float


class WithoutLabels(msgspec.Struct, kw_only=True, frozen=True):
    """Estimates from the champion's answers alone.

    Attributes:
        answers: Those of the last four weeks.
        performance: By CBPE, of a regression by DLE; empty where `undecided` says why.
        undecided: Why performance could not be estimated.
        priors: By BBSE; empty for a regression, and where `priors_undecided` says why.
        priors_undecided: Why not.
        condition: Condition number of the confusion matrix.
        supposes: What would make all of it wrong.
    """

    answers: int = 0
    performance: list[Estimate] = []
    undecided: str = ""
    priors: list[Prior] = []
    priors_undecided: str = ""
    condition: float | None = None
    supposes: str = "that an answer means what it meant in evaluate; a concept shift is not seen"

    @property
    def lower(self) -> list[Estimate]:
        """The metrics that are estimated worse."""
        return [each for each in self.performance if each.standing == "lower"]

    @property
    def moved(self) -> list[Prior]:
        """The classes whose shares have moved."""
        return [each for each in self.priors if each.standing == "moved"]


def count(connection: duckdb.DuckDBPyConnection, answers: str, like: Known) -> Asked:
    """Count the answers of the last four weeks in the cells of evaluate's rows.

    Args:
        connection: Where to.
        answers: As `answers.answered` gave it.
        like: What evaluate found.
    """
    scored = like.task != "regression"
    cells = estimates.cells_of(like.judged, scored=scored)
    value = "score" if scored else "said"
    place = estimates.pick(cells, "said", value)
    number = "CAST(said AS BIGINT)" if scored else "0"
    found = connection.execute(
        f"SELECT CASE WHEN said IS NULL OR {value} IS NULL THEN NULL ELSE {place} END AS cell, "
        f"{number} AS said, count(*) FROM (SELECT *, max(moment) OVER () AS last FROM {answers}) "
        f"WHERE moment > last - {log.RECENT_DAYS * log.DAY} GROUP BY ALL"
    ).fetchall()
    counts = [0] * len(cells.rows)
    said = [0] * (len(like.judged.classes) or 2) if scored else []
    outside = mute = 0
    for cell, group, rows in found:
        if cell is None:
            mute += rows
            continue
        if cell < 0:
            outside += rows
        else:
            counts[cell] += rows
        if scored:
            said[group] += rows
    return Asked(cells, counts, outside, said, mute)


def judge(like: Known, asked: Asked, settings: Monitor, alpha: float) -> WithoutLabels:
    """Estimate performance and priors.

    Args:
        like: What evaluate found.
        asked: The answers.
        settings: Of mlops.yaml.
        alpha: The chance that what is supposed holds and something is called worse, or moved,
            although it is not by more than `settings.drop`: one half each.
    """
    rows, total = len(like.judged.label), sum(asked.counts) + asked.outside
    wanted = settings.minimum_rows
    why = ""
    if asked.mute:
        why = f"{asked.mute:,} answers have no score or prediction that can be read"
    elif min(rows, total) < wanted:
        why = f"{rows:,} of evaluate's rows and {total:,} answers; {wanted:,} of each are wanted"
    if why:
        return WithoutLabels(answers=total, undecided=why, priors_undecided=why)
    found: dict[str, Any] = {"answers": total}
    guess = estimates.unknown(asked.cells, asked.counts, asked.outside)
    if guess:
        found["undecided"] = guess
    else:
        found["performance"] = _performance(like, asked, settings.drop, alpha / 2)
    if like.task != "regression":
        found |= _priors(like, asked, settings.drop, alpha / 2)
    return WithoutLabels(**found)


def _performance(like: Known, asked: Asked, drop: float, alpha: float) -> list[Estimate]:
    from mlops_steps.monitor.performance import changed, measured
    from mlops_steps.stats.results import Estimate as Figure

    made = estimates.estimates(like.judged, asked.cells, asked.counts, task=like.task)
    confidence = 1 - 2 * alpha / len(made)
    before = measured(like, like.judged, confidence)
    found = []
    for name, each in made.items():
        then = before.get(name)
        if then is None:
            continue
        low, high = each.interval(_z(confidence))
        ends = changed(then, Figure(value=each.value, low=low, high=high, n=sum(asked.counts)))
        if ends is None:
            continue
        metric = TASKS[like.task][name]
        allowed = drop if metric.scale == "share" else drop * then.value
        best = ends[1] if metric.better == ">=" else -ends[0]
        low, high = each.interval(_z(SHOWN))
        found.append(
            Estimate(
                name=name,
                standing="lower" if best < -allowed else "unclear",
                then=then.value,
                now=each.value,
                low=low,
                high=high,
                change_low=ends[0],
                change_high=ends[1],
                allowed=allowed,
            )
        )
    return found


def _priors(like: Known, asked: Asked, drop: float, alpha: float) -> dict[str, Any]:
    names = like.judged.classes or ("negative", "positive")
    label = like.judged.label.astype(np.int64)
    said = like.judged.candidate.prediction.astype(np.int64)
    solved = priors.priors(label, said, np.asarray(asked.said, dtype=float))
    if isinstance(solved, str):
        return {"priors_undecided": solved}
    z = _z(1 - 2 * alpha / (2 * len(names)))
    facts: dict[str, Any] = {"condition": solved.condition}
    if priors.beyond(solved, z):
        why = "no shares of the classes explain the predictions: more than those has moved"
        return facts | {"priors_undecided": why}
    shown = _z(SHOWN) * solved.deviation
    facts["priors"] = [
        Prior(
            name=name,
            standing="moved" if abs(now - then) - z * spread > drop else "unclear",
            then=float(then),
            now=float(now),
            low=float(now - reach),
            high=float(now + reach),
            allowed=drop,
        )
        for name, then, now, reach, spread in zip(
            names, solved.then, solved.now, shown, solved.change, strict=True
        )
        if name != "negative" or like.judged.classes
    ]
    return facts


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
