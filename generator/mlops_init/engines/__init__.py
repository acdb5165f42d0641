"""What walks a workflow on this machine: native, act, gitlab-ci-local; the same functions each.

An engine is a module with `problem()` (why it cannot run here, in one line, or "") and
`walk(run, start, listener)`, which returns an outcome for every workflow that ran.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Start:
    """What starts a workflow: an event, and the parameters it brings.

    `job` is the only one that is wanted, and `jobs` are it and those it needs; empty: all.
    """

    workflow: str
    event: str  # push, pull_request, schedule or manual
    inputs: dict[str, str] = field(default_factory=dict)
    job: str = ""
    jobs: tuple[str, ...] = ()

    def wants(self, job: str) -> bool:
        """Whether a job of the workflow is to run."""
        return not self.job or job in self.jobs


@dataclass(frozen=True)
class Annotation:
    """A mark that a job put beside a line of the change: level error, warning or notice."""

    level: str
    message: str
    file: str = ""
    line: int = 0


@dataclass
class Account:
    """What an engine saw of one job, in the same words for every engine.

    Attributes:
        job: The job's name.
        ended: success or failure, as the engine says.
        steps: What it ran, in order: name to success, failure or skipped.
        outputs: The declared ones, by name.
        summary: Markdown.
        annotations: In the order in which they were made.
        artifacts: What it kept: paths by the artifact's name.
        fetches: Artifacts of earlier jobs that it asks for, whether there are any or not.
    """

    job: str
    ended: str = ""
    steps: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    artifacts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fetches: tuple[str, ...] = ()


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
        accounts: What the engine saw of each job that ran, by its name.
    """

    start: Start
    results: list[Result] = field(default_factory=list)
    next: list[Start] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counted: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)


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
