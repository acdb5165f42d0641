"""Run a rendered project on an engine; typed results, and failure on all that engines hide.

The results are the engines' own (`Outcome`, `Account`): what act and gitlab-ci-local hide is
found by `mlops-init run` itself, so that its users are told, too. What only tests can plant
is here: variables of a developer that no job may see.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.mlops_init.helpers import tool

from mlops_init import answers
from mlops_init.commands.run import ENGINES
from mlops_init.engines import Account, Outcome, Result, Start, ground
from mlops_steps.monitor.log import PREDICTION

#: A workflow starts the next; none of ours starts more than two.
LONGEST_CHAIN = 4
#: What a developer might have set, and no job may see: values that occur nowhere else.
CANARIES = {
    "AWS_SECRET_ACCESS_KEY": "canary-aws-7e1f",
    "GITHUB_TOKEN": "canary-github-7e1f",
    "GITHUB_STEP_SUMMARY": "/tmp/canary-summary-7e1f",
    "CI_JOB_TOKEN": "canary-gitlab-7e1f",
    "ACTIONS_RUNTIME_TOKEN": "canary-runtime-7e1f",
    "PYTHONPATH": "/tmp/canary-python-7e1f",
    "PYTHONSTARTUP": "/tmp/canary-startup-7e1f",
    "VIRTUAL_ENV": "/tmp/canary-venv-7e1f",
    "GIT_CONFIG_GLOBAL": "/tmp/canary-git-7e1f",
    "MLOPS_DEVELOPER": "canary-own-7e1f",
    "XDG_CONFIG_HOME": "/tmp/canary-config-7e1f",
}
MARK = "7e1f"
#: Files that must hold the same on every engine, to the last digit.
JUDGED = ("metrics.json", "rules.json", "checks.json", "drift.json")


class Quiet:
    """Listens, and says nothing."""

    def opened(self, start: Start) -> None:
        """A workflow begins."""

    def started(self, workflow: str, job: str) -> None:
        """A job has begun."""

    def ended(self, result: Result) -> None:
        """A job has ended."""

    def closed(self, outcome: Outcome) -> None:
        """A workflow is over."""


@dataclass(frozen=True)
class Walk:
    """What came of a start: the outcomes of it and of all that it started, in order.

    Attributes:
        engine: native, act or gitlab.
        state: Registry, state and artifacts.
        outcomes: One a workflow.
    """

    engine: str
    state: Path
    outcomes: list[Outcome]

    def of(self, workflow: str) -> Outcome:
        """The latest outcome of a workflow."""
        return next(each for each in reversed(self.outcomes) if each.start.workflow == workflow)

    def job(self, name: str, workflow: str = "ci") -> Account:
        """The account of a job."""
        return self.of(workflow).accounts[name]

    @property
    def problems(self) -> list[str]:
        """What makes the walk worthless, whatever its verdicts say."""
        return [problem for outcome in self.outcomes for problem in outcome.problems]

    @property
    def ran(self) -> list[tuple[str, tuple[str, ...]]]:
        """Workflows in order, each with the jobs that ran, by name."""
        return [(each.start.workflow, tuple(sorted(each.accounts))) for each in self.outcomes]

    @property
    def trusted(self) -> bool:
        """Whether everything ran and was judged: what `mlops-init run` ends with 0 or 1 for."""
        statuses = {result.status for each in self.outcomes for result in each.results}
        return not self.problems and statuses <= {"pass", "fail"}

    def statuses(self, workflow: str = "ci") -> dict[str, str]:
        """The verdict of each job, skipped ones included."""
        return {result.job: result.status for result in self.of(workflow).results}

    def text(self) -> str:
        """Every log that was kept."""
        logs = sorted((self.state / "runs").rglob("*.log"))
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in logs)


def only(job: str, *needs: str, workflow: str = "ci", event: str = "push") -> Start:
    """A start that wants one job, and those that it needs."""
    return Start(workflow, event, job=job, jobs=(*needs, job))


def walk(
    project: Path,
    engine: str,
    start: Start,
    state: Path,
    *,
    registry: str = "",
    spoil: Callable[[Path], None] | None = None,
) -> Walk:
    """Run a workflow of a committed project, and what it starts.

    Args:
        project: The project's folder.
        engine: native, act or gitlab.
        start: What happens.
        state: What outlives the walk.
        registry: An address instead of the state's folder.
        spoil: Called with the tree of the steps, to plant a fault in it.
    """
    module = importlib.import_module(f"mlops_init.engines.{ENGINES[engine]}")
    outcomes: list[Outcome] = []
    with ground.prepare(project, answers.load(project), state, registry) as run:
        if spoil:
            spoil(run.tree)
        waiting = [start]
        while waiting:
            assert len(outcomes) < LONGEST_CHAIN, "the chain goes in circles"
            found = module.walk(run, waiting.pop(0), Quiet())
            outcomes += found
            waiting += [following for each in found for following in each.next]
        outcomes[-1].problems += left_behind(run.mark)
    return Walk(engine, state, outcomes)


def left_behind(mark: str) -> list[str]:
    """Processes of a run that are still there."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(ground.MARK) == mark:
                found.append(f"process {process.pid} ({process.name()}) survived the run")
    return found


def judged(runs: Path) -> dict[str, Any]:
    """What the road found: all but times, host names, live traffic and what follows from them."""
    facts: dict[str, Any] = {}
    for path in sorted(runs.glob("*/*/verdict.json")):
        verdict = json.loads(path.read_text())
        name = path.parent.relative_to(runs).as_posix()
        facts[f"{name} status"] = verdict["status"]
        facts[f"{name} findings"] = verdict["findings"]
        if path.parent.name not in {"deploy-canary", "register", "train"}:
            facts[f"{name} figures"] = verdict["figures"]
        for file in JUDGED:
            if (path.parent / file).exists():
                facts[f"{name} {file}"] = json.loads((path.parent / file).read_text())
        if path.parent.name == "monitor":
            _without_answers(facts, name)
    for path in runs.glob("cd/deploy-canary/canary.json"):
        steps = json.loads(path.read_text())["steps"]
        facts["weights and decisions"] = [(each["weight"], each["decision"]) for each in steps]
    return facts


def _without_answers(facts: dict[str, Any], name: str) -> None:
    """Leave out how the champion's answers are distributed: chance gave it some of the traffic."""
    facts[f"{name} figures"].pop("distance", None)
    columns = facts.get(f"{name} drift.json", {}).get("columns", [])
    for column in columns:
        if column["name"] == PREDICTION:
            kept = {key: column[key] for key in ("name", "kind", "drifted")}
            column.clear()
            column.update(kept)
    columns.sort(key=lambda column: str(column["name"]))


def leaks(walked: Walk) -> list[str]:
    """Canaries that any log or artifact of a walk shows."""
    return [
        f"{path.relative_to(walked.state)} shows a variable of the developer"
        for path in sorted((walked.state / "runs").rglob("*"))
        if path.is_file() and MARK.encode() in path.read_bytes()
    ]


@contextlib.contextmanager
def developer() -> Iterator[None]:
    """While it lasts, the environment is that of somebody with secrets and habits."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CANARIES.items():
            patch.setenv(name, value)
        yield


@contextlib.contextmanager
def tools() -> Iterator[None]:
    """While it lasts, the engines that `make test` has built are on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("act", "gitlab-ci-local"):
            patch.setenv("PATH", str(Path(tool(name)).parent), prepend=os.pathsep)
        yield
