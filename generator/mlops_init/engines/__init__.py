"""What walks a workflow on this machine: native, act, gitlab-ci-local; the same functions each.

An engine is a module with `problem()` (why it cannot run here, in one line, or "") and
`walk(run, start, listener)`, which returns an outcome for every workflow that ran.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Start:
    """What starts a workflow: an event, and the parameters it brings."""

    workflow: str
    event: str  # push, pull_request, schedule or manual
    inputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """How one job ended.

    Attributes:
        workflow: The workflow that it belongs to.
        job: The job's name.
        step: The step it ran.
        status: pass, fail, undecided; or skipped, when it never ran.
        line: The one figure that explains it.
        lines: What stands below it.
        seconds: As the step measured itself.
    """

    workflow: str
    job: str
    step: str
    status: str
    line: str
    lines: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass
class Outcome:
    """How a workflow ended.

    Attributes:
        start: What started it.
        results: One for every job of the workflow, also those that never ran.
        next: Workflows that it asked to be started, and that the engine did not start itself.
        problems: What makes the run worthless whatever the verdicts say.
        counted: Jobs that ran, by the engine's own log.
    """

    start: Start
    results: list[Result] = field(default_factory=list)
    next: list[Start] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counted: int = 0


class Listener(Protocol):
    """Hears of workflows and jobs as they start and end."""

    def opened(self, start: Start) -> None:
        """A workflow begins."""

    def started(self, workflow: str, job: str) -> None:
        """A job has begun."""

    def ended(self, result: Result) -> None:
        """A job has ended."""

    def closed(self, outcome: Outcome) -> None:
        """A workflow is over."""
