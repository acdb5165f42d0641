"""The report in words: the verdict, the line why, and where the road ended."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_steps.record import Verdict
from mlops_steps.report.reading import Reading
from mlops_steps.report.text import joined, plural
from mlops_steps.spec import STEP_NAMES, Status

#: Where a road may lead; who stands before the end of it left nothing.
_ROAD = ("train", "evaluate", "gate", "register", "deploy-canary")
#: Lines of the deciding step that are said at the top.
_LINES = 6


@dataclass(frozen=True)
class Story:
    """What is said first, everywhere.

    Attributes:
        status: The worst of all steps: fail before undecided before pass.
        title: `fail at gate`, or `pass: candidate may ship`.
        headline: `fail: gate; 7 steps`.
        step: The step that decided, or the last one.
        why: Its line.
        lines: What it said below, if it did not pass.
        end: Where the road ended and what was not reached; empty if it did not end early.
    """

    status: Status
    title: str
    headline: str
    step: str
    why: str
    lines: list[str]
    end: str


def tell(reading: Reading) -> Story:
    """Judge nothing anew: only say what the verdicts add up to."""
    verdicts = reading.verdicts
    count = plural(len(verdicts), "step")
    troubles = [
        (status, [each for each in verdicts if each.status is status])
        for status in (Status.FAIL, Status.UNDECIDED)
    ]
    troubles = [(status, those) for status, those in troubles if those]
    if not troubles:
        last, title = verdicts[-1], f"pass: {_reached(reading)}"
        return Story(Status.PASS, title, f"pass: {count}", last.step, last.line, [], "")
    parts = [f"{status}: {joined([each.step for each in those])}" for status, those in troubles]
    status, those = troubles[0]
    return Story(
        status=status,
        title=f"{status} at {joined([each.step for each in those])}",
        headline="; ".join([*parts, count]),
        step=those[0].step,
        why=those[0].line,
        lines=those[0].lines[:_LINES],
        end=_end(verdicts),
    )


def _reached(reading: Reading) -> str:
    """How far a road led on which every step passed."""
    last = reading.verdicts[-1].step
    if last == "monitor" and reading.drift:
        moved = sum(each.drifted for each in reading.drift.columns)
        return f"drift in {plural(moved, 'column')}" if moved else "no drift"
    if last == "deploy-canary" and reading.canary and reading.canary.decision == "promote":
        return f"{reading.canary.candidate} is the champion"
    if last == "register":
        return "candidate registered"
    if last == "gate" and reading.metrics:
        return "candidate may ship" if reading.metrics.split == "test" else "the trial holds"
    return "every step"


def _end(verdicts: list[Verdict]) -> str:
    """By absence: a step that did not run leaves nothing to read."""
    last = verdicts[-1]
    if last.status is Status.PASS:
        return ""
    later = STEP_NAMES[STEP_NAMES.index(last.step) + 1 :]
    missing = [step for step in _ROAD if step in later]
    tail = f"; {joined(missing)} left no verdict" if missing else ""
    return f"The road ended at {last.step}{tail}."
