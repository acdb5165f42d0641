"""Walk the description itself: each job in a folder, a home and an environment of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from mlops_init.engines import Account, Listener, Outcome, Result, Start, ground
from mlops_init.engines.ground import Run
from mlops_init.pipeline import Job, Workflow, describe, on


def problem() -> str:
    """Nothing is needed but this Python."""
    return ""


def walk(run: Run, start: Start, listener: Listener) -> list[Outcome]:
    """Run every job that is wanted and whose needs passed, in order."""
    # No platform is here on which a job could comment.
    described = on(describe(run.kept.answers), "native")
    workflow = next(each for each in described if each.name == start.workflow)
    kept = run.artifacts(workflow.name)
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    outcome = Outcome(start)
    listener.opened(start)
    passed: set[str] = set()
    for job in workflow.jobs:
        if not start.wants(job.name) or (job.own_change and start.event != "pull_request"):
            continue
        if not job.always and not passed.issuperset(job.needs):
            waited = [name for name in job.needs if name not in passed]
            line = f"not run: {', '.join(waited)} did not pass"
            outcome.results.append(Result(workflow.name, job.name, job.step, "skipped", line))
            continue
        listener.started(workflow.name, job.name)
        result = _job(run, workflow, job, start, outcome)
        outcome.counted += 1
        outcome.results.append(result)
        if result.status == "pass":
            passed.add(job.name)
        _account(kept, workflow, job, result, outcome)
        listener.ended(result)
    listener.closed(outcome)
    return [outcome]


def _job(run: Run, workflow: Workflow, job: Job, start: Start, outcome: Outcome) -> Result:
    folder = run.scratch / "jobs" / f"{workflow.name}-{job.name}"
    work, home, temporary = folder / "work", folder / "home", folder / "tmp"
    for each in (home, temporary):
        each.mkdir(parents=True)
    ground.clone(run.project, work)
    kept = run.artifacts(workflow.name)
    for name in job.needs:
        step = workflow.job(name).step
        if (kept / step).is_dir():
            shutil.copytree(kept / step, work / "out" / step)
    inputs = dict(job.inputs)
    inputs |= {name: start.inputs.get(name, "") for name in job.parameters}
    dispatch = folder / "dispatch.jsonl"
    given = {name: value for name, value in run.secrets().items() if name in job.secrets}
    env = run.environment(
        **given,
        HOME=str(home),
        TMPDIR=str(temporary),
        MLOPS_PYTHON=run.kept.answers.python_version,
        MLOPS_INPUTS=json.dumps(inputs),
        MLOPS_DISPATCH=str(dispatch),
    )
    with (kept / f"{job.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", ground.door(run, work), job.step],
            cwd=work,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _wait(process, job, outcome)
    outcome.problems += [f"{job.name}: {words}" for words in ground.end_survivors(run)]
    if (work / "out" / job.step).is_dir():
        shutil.copytree(work / "out" / job.step, kept / job.step)
    outcome.next += read_dispatch(dispatch)
    shutil.rmtree(folder)
    return ground.result_of(kept / job.step, workflow.name, job.name, job.step)


def _account(kept: Path, workflow: Workflow, job: Job, result: Result, outcome: Outcome) -> None:
    """What there is to tell of a job without a platform's log."""
    ended = "success" if result.status == "pass" else "failure"
    account = Account(job.name, ended, steps={"script": ended})
    account.fetches = tuple(workflow.job(name).step for name in job.needs)
    if (kept / job.step).is_dir():
        account.artifacts = {job.step: ground.files_below(kept / job.step)}
    try:
        verdict = json.loads((kept / job.step / "verdict.json").read_text(encoding="utf-8"))
        account.outputs = dict(verdict["outputs"])
    except (OSError, ValueError, KeyError, TypeError):
        account.outputs = {}
    outcome.accounts[job.name] = account
    outcome.problems += ground.untraced(kept, job.step, account)


def _wait(process: subprocess.Popen[bytes], job: Job, outcome: Outcome) -> None:
    try:
        process.wait(job.minutes * 60)
    except subprocess.TimeoutExpired:
        outcome.problems.append(f"{job.name}: ran longer than its {job.minutes} minutes")
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def read_dispatch(path: Path) -> list[Start]:
    """The workflows that steps asked to be started."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    return [Start(each["workflow"], "manual", dict(each["inputs"])) for each in asked]
