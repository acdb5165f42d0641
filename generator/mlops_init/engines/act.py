"""Walk the generated GitHub workflows with act, without Docker and without GitHub.

Jobs run on this machine (`-P label=-self-hosted`); third-party actions are replaced by the
stand-ins beside the engines, the steps by the tree under test. act hides four things that
GitHub does not, and the outcome counts each as a problem: a job skipped for want of a
runner, an action without a stand-in, a failing job without a verdict, a surviving process.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mlops_init import pins
from mlops_init.engines import Listener, Outcome, Result, Start, ground
from mlops_init.engines.ground import Run
from mlops_init.engines.native import read_dispatch
from mlops_init.errors import RunError
from mlops_init.renderers.github import HOSTED

GET = "go install -tags WITHOUT_DOCKER github.com/nektos/act@v0.2.89"
EVENTS = {"manual": "workflow_dispatch"}


def problem() -> str:
    """Why act cannot run here, or nothing."""
    return "" if shutil.which("act") else f"act is not on PATH. Get it: {GET}"


def walk(run: Run, start: Start, listener: Listener) -> list[Outcome]:
    """Run one workflow file, unchanged, for one event."""
    checkout = run.scratch / f"act-{start.workflow}"
    ground.clone(run.project, checkout)
    ground.git(
        checkout, "remote", "set-url", "origin", f"https://github.com/local/{checkout.name}.git"
    )
    file = checkout / ".github" / "workflows" / f"{start.workflow}.yml"
    jobs = _jobs(file)
    kept = run.artifacts(start.workflow)
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    dispatch = run.scratch / f"{start.workflow}.dispatch.jsonl"
    listener.opened(start)
    outcome = Outcome(start, problems=_without_standin(jobs, run))
    if not outcome.problems:
        env = run.environment(
            HOME=str(run.scratch / "act-home"),
            MLOPS_CHECKOUT=run.project.resolve().as_uri(),
            MLOPS_ARTIFACTS=str(kept),
            MLOPS_DISPATCH=str(dispatch),
        )
        command = _command(run, start, file)
        lines = ground.follow(command, checkout, env, kept / "act.log", outcome)
        for job, said in _endings(lines, start.workflow, listener, outcome):
            outcome.results.append(_result(kept, start.workflow, job, jobs[job], said))
            outcome.counted += 1
            listener.ended(outcome.results[-1])
    ran = {result.job for result in outcome.results}
    if not ran and not outcome.problems:
        outcome.problems.append(f"no job ran; see {kept}/act.log")
    for name, job in jobs.items():
        if name not in ran and start.wants(name):
            line = "not run: a job before it did not pass"
            outcome.results.append(Result(start.workflow, name, _step(job), "skipped", line))
    outcome.problems += ground.end_survivors(run)
    outcome.next = read_dispatch(dispatch)
    dispatch.unlink(missing_ok=True)
    shutil.rmtree(checkout)
    listener.closed(outcome)
    return [outcome]


def _jobs(file: Path) -> dict[str, Any]:
    """The jobs as the file has them: what act is given, not what we believe we wrote."""
    try:
        jobs = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["jobs"]
    except (OSError, KeyError, TypeError) as error:
        raise RunError(f"{file.name}: no workflow can be read from it ({error})") from None
    return dict(jobs)


def _uses(jobs: dict[str, Any]) -> set[str]:
    steps = [step for job in jobs.values() for step in job.get("steps", [])]
    return {step["uses"] for step in steps if "uses" in step}


def _standins() -> Path:
    return Path(str(resources.files("mlops_init"))) / "standins"


def _local_repositories(run: Run) -> dict[str, Path]:
    known = {uses: _standins() / name for uses, name in pins.actions().items()}
    return known | {f"{run.kept.answers.steps}@{run.kept.pin}": run.tree}


def _without_standin(jobs: dict[str, Any], run: Run) -> list[str]:
    known = _local_repositories(run)
    missing = []
    for uses in sorted(_uses(jobs)):
        path, _, ref = uses.partition("@")
        if f"{'/'.join(path.split('/')[:2])}@{ref}" not in known:
            missing.append(f"{uses}: no stand-in for this action, so act would ask the network")
    return missing


def _command(run: Run, start: Start, file: Path) -> list[str]:
    command = ["act", EVENTS.get(start.event, start.event), "--json", "--no-cache-server"]
    command += ["--no-skip-checkout", "--workflows", str(file)]
    for label in {HOSTED, run.kept.answers.gpu_runner or HOSTED}:
        command += ["--platform", f"{label}=-self-hosted"]
    for reference, folder in _local_repositories(run).items():
        command += ["--local-repository", f"{reference}={folder}"]
    for name, value in start.inputs.items():
        command += ["--input", f"{name}={value}"]
    if start.job:
        command += ["--job", start.job]  # and those it needs
    return command


def _endings(
    lines: Iterator[str], workflow: str, listener: Listener, outcome: Outcome
) -> Iterator[tuple[str, str]]:
    """From act's own log: each job as it ends, and what act says of it."""
    begun: set[str] = set()
    for entry in map(_entry, lines):
        job = entry.get("jobID", "")
        if "Skipping unsupported platform" in entry.get("msg", ""):
            outcome.problems.append(f"{job}: skipped, no runner has its label")
        elif job and job not in begun and "stage" in entry:
            begun.add(job)
            listener.started(workflow, job)
        elif job and "jobResult" in entry:
            yield job, entry["jobResult"]


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _step(job: dict[str, Any]) -> str:
    for uses in (step.get("uses", "") for step in job["steps"]):
        found = re.search(r"/actions/([a-z-]+)@", uses)
        if found and uses.count("/") > 1:
            return found[1]
    return ""


def _result(kept: Path, workflow: str, name: str, job: dict[str, Any], ended: str) -> Result:
    step = _step(job)
    result = ground.result_of(kept / step, workflow, name, step)
    if (result.status == "pass") != (ended == "success"):
        line = f"act says {ended}, the verdict says {result.status}: {result.line}"
        return Result(workflow, name, step, "undecided", line, result.lines, result.seconds)
    return result
