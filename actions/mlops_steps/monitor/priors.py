"""How often each class is asked about now, by the champion's predictions alone (BBSE).

Z. C. Lipton, Y.-X. Wang and A. Smola, "Detecting and correcting for label shift with black box
predictors", ICML 2018, section 4: if the features of each class are as they were (label shift),
the shares mu of the predictions are C q, with C the champion's confusion matrix in evaluate (by
column: what it predicts of a class) and q the shares of the classes now. It solves for q.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Classes = NDArray[np.int64]

#: The condition number (of the 2-norm) beyond which chance in mu is blown up to nonsense.
CONDITION = 20.0
#: Rows of evaluate that a class has to have, and classes at most.
EACH, MOST = 10, 100


@dataclass(frozen=True)
class Priors:
    """Shares of the classes.

    Attributes:
        then: In evaluate's rows.
        now: As solved for; outside [0, 1] where chance or another kind of shift put it there.
        deviation: Standard deviation of each of `now`, by the delta method.
        change: Of each now minus then, likewise.
        condition: Of the matrix.
    """

    then: Numbers
    now: Numbers
    deviation: Numbers
    change: Numbers
    condition: float


def priors(label: Classes, said: Classes, asked: Numbers) -> Priors | str:
    """Solve for the shares of the classes.

    Args:
        label: Evaluate's labels, by number, each class's from 0.
        said: The champion's predictions of them.
        asked: Requests by predicted class, at least one in all.

    Returns:
        Or why they cannot be told, in words.
    """
    classes = len(asked)
    if classes > MOST:
        return f"{classes} classes; at most {MOST} are solved for"
    counts = np.zeros((classes, classes))
    np.add.at(counts, (said, label), 1)
    rows = counts.sum(axis=0)
    if (rows < EACH).any():
        return f"a class has fewer than {EACH} of evaluate's rows"
    matrix = counts / rows
    condition = float(np.linalg.cond(matrix))
    if not condition <= CONDITION:
        return (
            f"the champion does not tell the classes apart well enough: condition number "
            f"{condition:.3g}, at most {CONDITION:g} is allowed"
        )
    total = float(asked.sum())
    mu = asked / total
    inverse = np.linalg.inv(matrix)
    now = inverse @ mu
    middle = (np.diag(mu) - np.outer(mu, mu)) / total
    for place in range(classes):
        # Half a row more in each cell: what was never seen may still be there.
        column = (counts[:, place] + 0.5) / (rows[place] + 0.5 * classes)
        middle += now[place] ** 2 * (np.diag(column) - np.outer(column, column)) / rows[place]
    spread = np.diag(inverse @ middle @ inverse.T)
    then = rows / rows.sum()
    change = spread + then * (1 - then) / rows.sum()
    return Priors(then, now, np.sqrt(spread), np.sqrt(change), condition)


def beyond(found: Priors, z: float) -> bool:
    """Whether no shares of classes explain the predictions: a share below 0 or above 1, surely."""
    low, high = found.now - z * found.deviation, found.now + z * found.deviation
    return bool((high < 0).any() or (low > 1).any()) or not math.isfinite(float(found.now.sum()))
