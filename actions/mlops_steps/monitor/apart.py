"""Rows of two periods: a cross-fitted classifier that tells them apart, and what it does it by.

A classifier two-sample test (Lopez-Paz and Oquab 2017). It sees what several columns show only
together, which no column's own effect does. It decides nothing: with enough rows two periods
always differ somehow, and what it finds has no size in sd.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Which = NDArray[np.bool_]

FOLDS = 2
CONFIDENCE = 0.95
_ONLY = "a diagnostic; it decides nothing"


class Telling(msgspec.Struct, kw_only=True, frozen=True):
    """A column without which the periods are told apart less well.

    Attributes:
        name: The column.
        importance: By how much the area under the curve falls when its values are shuffled.
        low: Its lower bound; all columns together are wrong with a chance of 5 %.
    """

    name: str
    importance: float
    low: float


class Periods(msgspec.Struct, kw_only=True, frozen=True):
    """The key `periods` of `drift.json`.

    Attributes:
        earlier: Rows of the four weeks up to the last look that were used.
        later: Rows since.
        auc: How often a later row looks later than an earlier one; 0.5 where nothing tells.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        columns: What tells them apart, the most important first; none if `low` is below 0.5.
        left_out: Columns that were not used, and why.
        note: Why nothing was compared, or that it decides nothing.
    """

    earlier: int = 0
    later: int = 0
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    columns: list[Telling] = []
    left_out: dict[str, str] = {}
    note: str = _ONLY


@dataclass(frozen=True)
class Rows:
    """Rows of both periods.

    Attributes:
        names: Of the columns.
        values: Shape (rows, columns); NaN for what is missing, a text as a number of its own.
        texts: Which columns are texts.
        later: Which rows came after the last look.
        left_out: As in `Periods`.
    """

    names: list[str]
    values: Matrix
    texts: list[bool]
    later: Which
    left_out: dict[str, str]


def tell_apart(rows: Rows) -> Periods:
    """Cross-fit a classifier of the two periods; at least `LEAST` rows of each.

    Gradient boosted trees over binned values, each fold by trees that have not seen it. The area
    is the mean of the folds' areas. Each fold's trees have learned on the other fold's rows, so the
    areas go together; the mean's standard error is at most the mean of theirs (DeLong, DeLong and
    Clarke-Pearson 1988), whatever their correlation, and that is taken. A column's importance is
    the paired difference of the areas before and after its values are shuffled within the fold
    (Breiman 2001), with an interval shared among all columns (Bonferroni); looked for only where
    the area is above 0.5.

    The seed is fixed: the same rows give the same figures.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    from mlops_steps.stats.auc import area, covariance
    from mlops_steps.stats.proportions import z_of

    late, values = rows.later, rows.values
    counted = Periods(earlier=int((~late).sum()), later=int(late.sum()), left_out=rows.left_out)
    if not rows.names:
        return msgspec.structs.replace(counted, note="no column is left to compare")
    chance = np.random.default_rng(0)
    fold = np.empty(len(late), dtype=int)
    for which in (late, ~late):  # as many of each period in every fold
        fold[which] = chance.permutation(int(which.sum())) % FOLDS

    def split(scores: Matrix, held: Which) -> tuple[Matrix, Matrix]:
        return scores[late[held]], scores[~late[held]]

    asked = []
    with threadpool_limits(1):  # more threads wait for each other longer than they compute
        for number in range(FOLDS):
            held = fold == number
            model = HistGradientBoostingClassifier(
                max_iter=60,
                max_leaf_nodes=16,
                early_stopping=False,
                categorical_features=rows.texts,
                random_state=0,
            ).fit(values[~held], late[~held])
            asked.append((held, model, split(model.decision_function(values[held]), held)))
        areas = [area(*scores) for _, _, scores in asked]
        auc = float(np.mean(areas))
        reach = z_of(CONFIDENCE) * float(
            np.mean([math.sqrt(covariance(scores, scores)[0, 0]) for _, _, scores in asked])
        )
        low, high = max(0.0, auc - reach), min(1.0, auc + reach)
        found = []
        z = z_of(1 - (1 - CONFIDENCE) / len(rows.names))
        for place, name in enumerate(rows.names if low > 0.5 else []):
            fall, error = 0.0, 0.0
            for (held, model, scores), before in zip(asked, areas, strict=True):
                shuffled = values[held]
                shuffled[:, place] = chance.permutation(shuffled[:, place])
                after = split(model.decision_function(shuffled), held)
                fall += (before - area(*after)) / FOLDS
                both = covariance(scores, after)
                error += math.sqrt(max(0.0, both[0, 0] + both[1, 1] - 2 * both[0, 1])) / FOLDS
            bound = fall - z * error
            if bound > 0:
                found.append(Telling(name=name, importance=fall, low=bound))
    found.sort(key=lambda each: (-each.importance, each.name))
    return msgspec.structs.replace(counted, auc=auc, low=low, high=high, columns=found)
