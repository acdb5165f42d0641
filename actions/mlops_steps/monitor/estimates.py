"""How good the champion would be now if its errors followed its answers as they did in evaluate.

Rows of evaluate are put into cells by the champion's own answer (its prediction, and the bin of
its score); requests are counted in the same cells; and each cell's errors are weighted by its
requests. For classes this is confidence-based performance estimation (CBPE) with scores that are
calibrated by histogram binning (B. Zadrozny and C. Elkan, ICML 2001), for numbers direct loss
estimation (DLE) with a step function of the prediction as the model of the loss. Both are the
post-stratified mean of survey sampling (D. Holt and T. M. F. Smith, JRSS A 142 (1979) 33-46).

All of it supposes that what an answer means has not changed. Where it has (a concept shift),
the estimate is wrong and its interval does not know it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mlops_steps.evaluate.join import Judged

#: Evaluate's rows in a cell, about; and cells of one predicted class.
EACH, MOST = 25, 20
#: The share of requests that may fall where evaluate had hardly a row.
UNKNOWN = 0.05

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """The cells of one predicted class (or of all predictions of a regression).

    Attributes:
        said: The class's number; none for a regression.
        edges: A cell ends at its edge, inclusive; one cell more than edges.
        low: The least score (prediction) that evaluate's rows have.
        high: The largest.
    """

    said: int | None
    edges: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Cells:
    """Evaluate's rows by cell.

    Attributes:
        groups: Their cells one after the other.
        place: The cell of each row, from 0.
        rows: In each cell.
    """

    groups: tuple[Group, ...]
    place: NDArray[np.int64]
    rows: Numbers


@dataclass(frozen=True)
class Estimated:
    """A figure as it would be now.

    Attributes:
        value: The estimate.
        deviation: Its standard deviation, by the delta method, on the scale of `unit`.
        unit: `share`: the interval is made on the logit scale; `size`: on the log scale.
    """

    value: float
    deviation: float
    unit: str

    def interval(self, z: float) -> tuple[float, float]:
        """From z deviations below to z above, never outside of what the figure can be."""
        if self.unit == "size":
            if self.value <= 0:
                return 0.0, math.inf
            reach = math.exp(z * self.deviation / self.value)
            return self.value / reach, self.value * reach
        inside = min(max(self.value, 1e-9), 1 - 1e-9)
        middle = math.log(inside / (1 - inside))
        reach = z * self.deviation / (inside * (1 - inside))
        low, high = (1 / (1 + math.exp(-min(700, max(-700, middle + s * reach)))) for s in (-1, 1))
        return min(low, self.value), max(high, self.value)


def cells_of(judged: Judged, *, scored: bool) -> Cells:
    """Cells with at least `EACH` of evaluate's rows, but where a class has fewer in all.

    Args:
        judged: Labels and the champion's answers.
        scored: Whether there are scores: not for a regression, whose predictions are binned.
    """
    said = judged.candidate.prediction
    values = judged.candidate.scores if scored else said
    found: list[Group] = []
    place = np.zeros(len(said), dtype=np.int64)
    first = 0
    for group in np.unique(said).tolist() if scored else [None]:
        own = np.ones(len(said), dtype=bool) if group is None else said == group
        mine = values[own]
        bins = max(1, min(MOST, len(mine) // EACH))
        cuts = np.quantile(mine, np.arange(1, bins) / bins, method="inverted_cdf")
        edges = np.unique(cuts)
        edges = edges[edges < mine.max()]
        place[own] = first + np.searchsorted(edges, mine, side="left")
        found.append(Group(group, tuple(edges.tolist()), float(mine.min()), float(mine.max())))
        first += len(edges) + 1
    return Cells(tuple(found), place, np.bincount(place, minlength=first).astype(float))


def estimates(
    judged: Judged, cells: Cells, asked: Sequence[int], *, task: str
) -> dict[str, Estimated]:
    """Figures as they would be for requests that are so spread over the cells.

    Those of them that a cell's mean can give: of a multiclass model no more than the accuracy,
    because its log has the score of one class only.

    Args:
        judged: Evaluate's rows.
        cells: Their cells.
        asked: Requests by cell; at least one in all.
        task: Of the model.
    """
    count = np.asarray(asked, dtype=float)
    of = _Of(cells, count / count.sum(), float(count.sum()))
    said = judged.candidate.prediction
    if task == "regression":
        errors = np.abs(said - judged.label)
        square = of.mean(errors**2)
        root = math.sqrt(square.value)
        return {
            "mae": of.mean(errors),
            "rmse": Estimated(root, square.deviation / (2 * root) if root else 0.0, "size"),
        }
    right = of.mean((said == judged.label).astype(float), unit="share")
    if task == "multiclass":
        return {"accuracy": right}
    found = {
        "accuracy": right,
        "brier": of.mean((judged.candidate.scores - judged.label) ** 2, unit="share"),
    }
    return found | of.confusion(judged)


class _Of:
    """The weights of the cells, and means and ratios by them with the delta method."""

    def __init__(self, cells: Cells, weights: Numbers, asked: float) -> None:
        self.cells, self.weights, self.asked = cells, weights, asked

    def average(self, values: Numbers) -> Numbers:
        """The mean of each cell; 0 in one without rows, which no request is in."""
        total = np.bincount(self.cells.place, values, minlength=len(self.cells.rows))
        return np.asarray(total / np.maximum(self.cells.rows, 1))

    def spread(self, values: Numbers, mean: Numbers, *, share: bool) -> Numbers:
        """Variance of the mean of each cell; of shares with half a row more on each side."""
        n = np.maximum(self.cells.rows, 1)
        if share:
            smooth = (mean * n + 0.5) / (n + 1)
            return np.asarray(smooth * (1 - smooth) / n)
        total = np.bincount(self.cells.place, (values - mean[self.cells.place]) ** 2, len(n))
        return np.asarray(total / np.maximum(n - 1, 1) / n)

    def deviation(self, slope: Numbers, variance: Numbers, weight: Numbers) -> float:
        """Of a figure: `slope` by the cells' means, `weight` by the cells' shares of requests."""
        chance = float((self.weights * weight**2).sum() - (self.weights * weight).sum() ** 2)
        return math.sqrt(float((slope**2 * variance).sum()) + max(0.0, chance) / self.asked)

    def mean(self, values: Numbers, unit: str = "size") -> Estimated:
        mean = self.average(values)
        binary = bool(np.isin(values, (0.0, 1.0)).all())
        variance = self.spread(values, mean, share=binary)
        value = float((self.weights * mean).sum())
        return Estimated(value, self.deviation(self.weights, variance, mean), unit)

    def confusion(self, judged: Judged) -> dict[str, Estimated]:
        """Precision, recall and F1: ratios of sums over the cells."""
        p, w = self.average(judged.label.astype(float)), self.weights
        variance = self.spread(judged.label.astype(float), p, share=True)
        sizes = [len(group.edges) + 1 for group in self.cells.groups]
        claims = np.repeat([float(group.said == 1) for group in self.cells.groups], sizes)
        both, claimed, positive = (w * p * claims).sum(), (w * claims).sum(), (w * p).sum()
        parts = {
            "precision": (both, claimed, w * claims, 0 * w, claims * p, claims),
            "recall": (both, positive, w * claims, w, claims * p, p),
            "f1": (2 * both, claimed + positive, 2 * w * claims, w, 2 * claims * p, claims + p),
        }
        found = {}
        for name, (top, bottom, top_p, bottom_p, top_w, bottom_w) in parts.items():
            if bottom > 0:
                value = float(top / bottom)
                slope = (top_p - value * bottom_p) / bottom
                weight = (top_w - value * bottom_w) / bottom
                found[name] = Estimated(value, self.deviation(slope, variance, weight), "share")
        return found


def unknown(cells: Cells, asked: Sequence[int], outside: int) -> str:
    """Why the estimate would be a guess, in words; empty if it is none.

    Args:
        cells: Evaluate's rows.
        asked: Requests by cell.
        outside: Requests that are in no cell: beyond the scores (predictions) that evaluate saw,
            or with a class that it never saw predicted.
    """
    thin = sum(n for n, rows in zip(asked, cells.rows, strict=True) if rows < EACH)
    share = (thin + outside) / (sum(asked) + outside)
    if share <= UNKNOWN:
        return ""
    return (
        f"{share:.0%} of the answers lie where evaluate had fewer than {EACH} rows; at most "
        f"{UNKNOWN:.0%} may"
    )


def pick(cells: Cells, said: str, value: str) -> str:
    """SQL for the cell of an answer; -1 for one that is in none.

    Args:
        cells: Whose.
        said: SQL for the prediction's number.
        value: SQL for what is binned.
    """
    cases, first = [], 0
    for group in cells.groups:
        steps = [f"CAST({value} > {_exact(edge)} AS INTEGER)" for edge in group.edges]
        within = f"{value} BETWEEN {_exact(group.low)} AND {_exact(group.high)}"
        own = within if group.said is None else f"{said} = {group.said} AND {within}"
        cases.append(f"WHEN {own} THEN {' + '.join([str(first), *steps])}")
        first += len(group.edges) + 1
    return f"CASE {' '.join(cases)} ELSE -1 END"


def _exact(value: Any) -> str:
    return f"CAST('{float(value)!r}' AS DOUBLE)"
