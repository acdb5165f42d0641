"""What the steps before left under out/: every file bounded, checked and never trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from mlops_steps.config import Task
from mlops_steps.errors import UndecidedError
from mlops_steps.record import OUT, Record, Verdict
from mlops_steps.report import classes, curves, numbers
from mlops_steps.report.shapes import Canary, Check, Drift, Training
from mlops_steps.spec import STEP_NAMES, Status
from mlops_steps.stats.results import METRICS_FILE, RULES_FILE, Judged, Metrics

#: No step writes nearly as much; more than this is not read.
SIZE_LIMIT = 8 * 1024 * 1024
CHECKS_FILE = "out/validate-data/checks.json"
CANARY_FILE = "out/deploy-canary/canary.json"
TRAINING_FILE = "out/train/training.json"
DRIFT_FILE = "out/monitor/drift.json"
PREDICTIONS_FILE = "out/evaluate/predictions.parquet"

T = TypeVar("T")
Predictions = curves.Curves | classes.Classes | numbers.Numbers


@dataclass
class Reading:
    """All there is to report on. A part that is missing was not written, or is in `problems`.

    Attributes:
        verdicts: In the order of the road.
        task: Of the model. It decides what `candidate` and `champion` are: curves (binary),
            classes (multiclass) or numbers (regression).
        target: The target's column: what figures in its unit are named after.
        positive: Its value that counts as positive, as mlops.yaml has it; of binary only.
        problems: What was there and could not be used, each in one line.
    """

    verdicts: list[Verdict]
    task: Task = "binary"
    target: str = ""
    positive: str | int | bool | None = None
    rules: list[Judged] = field(default_factory=list)
    metrics: Metrics | None = None
    candidate: Predictions | None = None
    champion: Predictions | None = None
    checks: list[Check] = field(default_factory=list)
    canary: Canary | None = None
    training: Training | None = None
    drift: Drift | None = None
    problems: list[str] = field(default_factory=list)

    def verdict(self, step: str) -> Verdict | None:
        """One step's, if it ran."""
        return next((each for each in self.verdicts if each.step == step), None)


def read(record: Record) -> Reading:
    """Read everything, through the record: what changed since it was written is not shown.

    Raises:
        UndecidedError: No step left a verdict.
    """
    names = STEP_NAMES[: STEP_NAMES.index(record.step.name)]  # what comes after is not on it
    found = [each for name in names if (each := _verdict(record, name)) is not None]
    if not found:
        raise UndecidedError(
            f"no verdict under {OUT}/: run a step first, or hand over the folders it wrote"
        )
    task = record.config.model.task
    table = record.config.table
    reading = Reading(found, task, table.target, table.positive)
    reading.rules = _json(record, RULES_FILE, list[Judged], reading) or []
    reading.metrics = _json(record, METRICS_FILE, Metrics, reading)
    if reading.metrics and reading.metrics.task != task:
        reading.problems.append(f"{METRICS_FILE}: is of task {reading.metrics.task}, not {task}")
        reading.metrics = None
    reading.checks = _json(record, CHECKS_FILE, list[Check], reading) or []
    reading.canary = _json(record, CANARY_FILE, Canary, reading)
    reading.training = _json(record, TRAINING_FILE, Training, reading)
    reading.drift = _json(record, DRIFT_FILE, Drift, reading)
    path = _taken(record, PREDICTIONS_FILE, reading)
    if path:
        try:
            reading.candidate, reading.champion = _predictions(path, task)
        except UndecidedError as error:
            reading.problems.append(f"{PREDICTIONS_FILE}: {error}")
    return reading


def _predictions(path: Path, task: Task) -> tuple[Predictions, Predictions | None]:
    if task == "multiclass":
        return classes.read(path)
    return numbers.read(path) if task == "regression" else curves.read(path)


def _verdict(record: Record, step: str) -> Verdict | None:
    """A verdict that cannot be believed is undecided, whatever the file says."""
    name = f"{OUT}/{step}/verdict.json"
    path = record.root / name
    if not path.exists() and not path.is_symlink():
        return None
    try:
        record.take(name)
        verdict = msgspec.json.decode(_bounded(path), type=Verdict)
    except (UndecidedError, OSError, msgspec.MsgspecError) as error:
        return _undecided(step, f"{name}: cannot be read: {error}")
    if verdict.step != step:
        return _undecided(step, f"{name}: is of step {verdict.step}")
    ours, theirs = record.verdict.commit, verdict.commit
    # A step whose environment could not be built leaves "undecided" and knows no commit.
    if theirs != ours and not (theirs is None and verdict.status is Status.UNDECIDED):
        return _undecided(step, f"{name}: is of commit {theirs}, this report of {ours}")
    return verdict


def _undecided(step: str, line: str) -> Verdict:
    return Verdict(step=step, status=Status.UNDECIDED, line=line)


def _json(record: Record, name: str, kind: type[T], reading: Reading) -> T | None:
    path = _taken(record, name, reading)
    if path is None:
        return None
    try:
        return msgspec.json.decode(_bounded(path), type=kind)
    except (UndecidedError, OSError, msgspec.MsgspecError) as error:
        reading.problems.append(f"{name}: cannot be read: {error}")
        return None


def _taken(record: Record, name: str, reading: Reading) -> Path | None:
    """A file beside a verdict: absent is no matter, changed since it was written is."""
    path = record.root / name
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return record.take(name)
    except UndecidedError as error:
        reading.problems.append(str(error))
        return None


def _bounded(path: Path) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(SIZE_LIMIT + 1)
    if len(content) > SIZE_LIMIT:
        raise UndecidedError(f"more than {SIZE_LIMIT // 1024**2} MiB")
    return content
