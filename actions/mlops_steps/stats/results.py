"""The files in which figures travel: `metrics.json` of evaluate, `rules.json` of gate."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from mlops_steps.config import Task
from mlops_steps.errors import UndecidedError
from mlops_steps.files import write_json
from mlops_steps.spec import Status
from mlops_steps.stats.known import Scale

METRICS_FILE = "out/evaluate/metrics.json"
RULES_FILE = "out/gate/rules.json"

Interval = tuple[float, float]


class Estimate(msgspec.Struct, kw_only=True, frozen=True):
    """A figure and how far it can be trusted.

    Attributes:
        value: The point value.
        low: Lower end of the two-sided interval at the confidence of the file; null when no
            honest interval is known, and then a rule on it is undecided.
        high: Its upper end.
        n: Rows that the figure rests on: for recall, the positive ones.
        method: How the interval was made, such as "Wilson"; empty without one.
        holm: The wider intervals at 1 - (1 - confidence) / k for k = 2, 3, … up to the number
            of rules of this split: what Holm's procedure needs before a rule may fail.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int
    method: str = ""
    holm: list[Interval] = []


class Champion(msgspec.Struct, kw_only=True, frozen=True):
    """The model in production, scored on the same rows by its own predict command."""

    version: str
    metrics: dict[str, Estimate]


class Metrics(msgspec.Struct, kw_only=True, frozen=True):
    """`out/evaluate/metrics.json`. A metric that could not be computed is absent.

    Attributes:
        split: The rows that judged: `test` or `valid`.
        task: Of the model. It decides which metrics there are; `stats.known.TASKS[task][name]`
            says of each which way is better and, by `scale`, whether its values are pure numbers
            (differences in points) or in the unit of the target (rmse, mae: shown as they are).
        rows: How many.
        positives: Of them, those with the positive label. Only for the task binary, else null.
        classes: Different labels among them. Only for the task multiclass, else null.
        target_sd: Standard deviation of the target among them, in its unit: what an rmse would
            be if the mean were always predicted. Only for the task regression, else null.
        confidence: Of every interval, two-sided.
        candidate: Estimates by metric.
        champion: Null when there is none (or on `valid`, where none is asked for).
        difference: Candidate minus champion, paired by row; empty without a champion.
    """

    split: Literal["test", "valid"]
    rows: int
    confidence: float
    task: Task = "binary"
    positives: int | None = None
    classes: int | None = None
    target_sd: float | None = None
    candidate: dict[str, Estimate]
    champion: Champion | None = None
    difference: dict[str, Estimate] = {}


class Judged(msgspec.Struct, kw_only=True, frozen=True):
    """One element of `out/gate/rules.json`, in the order of mlops.yaml.

    Attributes:
        rule: As written in mlops.yaml.
        status: The verdict on this rule; a champion rule passed over on a first release is
            `pass` with `passed_over`.
        metric: Its metric.
        scale: `share` when the numbers below are pure and differences are shown in points,
            `target` when they are in the unit of the target.
        against: `bound` when `value` is the candidate's own figure, `champion` when `value`,
            `low`, `high` and `bound` are differences candidate minus champion.
        operator: `>=` or `<=`.
        value: The judged figure, with its interval `low` to `high`, over `n` rows, by `method`.
        bound: What the rule allows: the bound, or minus (plus) the margin.
        candidate: The candidate's own figure.
        champion: The champion's, in a champion rule.
        message: Whole words; further lines after the first explain.
    """

    rule: str
    status: Status
    metric: str
    against: Literal["bound", "champion"]
    operator: Literal[">=", "<="]
    bound: float
    scale: Scale = "share"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    method: str = ""
    candidate: float | None = None
    champion: float | None = None
    passed_over: bool = False
    message: str = ""


def read_metrics(path: Path) -> Metrics:
    """What evaluate wrote.

    Raises:
        UndecidedError: Not such a file; NaN and infinity are not JSON and are refused here.
    """
    return _read(path, Metrics)


def read_rules(path: Path) -> list[Judged]:
    """What gate wrote.

    Raises:
        UndecidedError: Not such a file.
    """
    return _read(path, list[Judged])


def write(path: Path, value: Metrics | list[Judged]) -> None:
    """Write one of the two, whole.

    Raises:
        ValueError: NaN or infinity somewhere in it.
    """
    write_json(path, msgspec.to_builtins(value))


T = TypeVar("T")


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise UndecidedError(f"{path.name}: cannot be read: {error}") from None
