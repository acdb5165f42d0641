"""The metrics of each task: which way is better, and by which method an interval is made.

Read by the gate as well, which has no numerical library: plain facts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `share`: a pure number, differences of which are shown in points (hundredths).
#: `target`: in the unit of the target, 0 or more, without an upper end.
Scale = Literal["share", "target"]

#: The method of a difference that is zero in every row: it has no interval and needs none.
SAME = "the same predictions"


@dataclass(frozen=True)
class Metric:
    """Facts about one metric.

    Attributes:
        better: `>=` when more is better, `<=` when less is.
        interval: The method for one model; empty when none is known to keep its promise, and
            then no rule may rest on it.
        paired: The method for the difference of two models on the same rows, or empty.
        scale: What its values are.
    """

    better: Literal[">=", "<="]
    interval: str = ""
    paired: str = ""
    scale: Scale = "share"


BINARY = {
    "accuracy": Metric(">=", interval="Wilson", paired="Tango"),
    "average_precision": Metric(">="),
    "brier": Metric("<=", interval="betting", paired="betting"),
    "f1": Metric(">=", interval="Wilson"),
    "log_loss": Metric("<="),
    "precision": Metric(">=", interval="Wilson"),
    "recall": Metric(">=", interval="Wilson", paired="Tango"),
    "roc_auc": Metric(">=", interval="Newcombe", paired="MOVER"),
}
MULTICLASS = {
    "accuracy": Metric(">=", interval="Wilson", paired="Tango"),
    "balanced_accuracy": Metric(">=", interval="score", paired="score"),
    "macro_f1": Metric(">="),
}
REGRESSION = {
    "mae": Metric("<=", interval="Hall", paired="Student", scale="target"),
    "r2": Metric(">="),
    "rmse": Metric("<=", interval="Hall", paired="Student", scale="target"),
}

TASKS = {"binary": BINARY, "multiclass": MULTICLASS, "regression": REGRESSION}
