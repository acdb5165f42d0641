"""The metrics of each task: which way is better, and by which method an interval is made.

Read by the gate as well, which has no numerical library: plain facts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """Facts about one metric.

    Attributes:
        better: `>=` when more is better, `<=` when less is.
        interval: The method for one model; empty when none is known to keep its promise, and
            then no rule may rest on it.
        paired: The method for the difference of two models on the same rows, or empty.
    """

    better: Literal[">=", "<="]
    interval: str = ""
    paired: str = ""


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

TASKS = {"binary": BINARY}
