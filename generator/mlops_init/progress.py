"""What a person sees of a run: a moving line on a terminal, finished lines everywhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from mlops_init.engines import Outcome, Result, Start
from mlops_init.errors import visible


class Screen:
    """Prints each job once, when it ends; on a terminal it also shows what is running."""

    def __init__(self) -> None:
        """Nothing is printed yet."""
        self.console = Console(highlight=False, soft_wrap=True)
        self._moving: Progress | None = None
        self._clock = time.monotonic()
        self._tasks: dict[tuple[str, str], TaskID] = {}

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """While jobs run."""
        if not self.console.is_terminal:
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as self._moving:
            yield
        self._moving = None

    def opened(self, start: Start) -> None:
        """A workflow begins."""
        self._clock = time.monotonic()
        given = " ".join(f"{key}={value}" for key, value in start.inputs.items() if value)
        self.say(f"  {start.workflow:<8}{start.event} {given}".rstrip())

    def started(self, workflow: str, job: str) -> None:
        """A job has begun."""
        if self._moving:
            self._tasks[workflow, job] = self._moving.add_task(f"  {job}", total=None)

    def ended(self, result: Result) -> None:
        """A job has ended."""
        task = self._tasks.pop((result.workflow, result.job), None)
        if self._moving and task is not None:
            self._moving.remove_task(task)
        width = 62
        head = f"    {result.job:<16}{result.status:<11}{result.line}"
        self.say(f"{head:<{width + 31}}{result.seconds:5.1f} s")
        if result.status != "pass":
            for line in result.lines:
                self.say(f"      {line}")

    def closed(self, outcome: Outcome) -> None:
        """A workflow is over: the sum of it, and what did not happen."""
        for problem in outcome.problems:
            self.say(f"    {problem}")
        stopped = [r.job for r in outcome.results if r.status not in {"pass", "skipped"}]
        words = "passed"
        if outcome.problems:
            words = "cannot be trusted"
        elif stopped:
            words = f"stopped at {' and '.join(stopped)}"
        jobs = f"{outcome.counted} {'job' if outcome.counted == 1 else 'jobs'}"
        seconds = time.monotonic() - self._clock
        self.say(f"  {outcome.start.workflow:<8}{words}, {jobs}, {seconds:.1f} s\n")

    def say(self, line: str) -> None:
        """A line that stays. Whatever a job found in it steers no terminal."""
        self.console.print(visible(line), markup=False)
