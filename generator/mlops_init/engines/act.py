"""Walk the generated GitHub workflows with act, without Docker and without GitHub.

Jobs run on this machine (`-P label=-self-hosted`); third-party actions are replaced by the
stand-ins beside the engines, the steps by the tree under test. What act hides and GitHub does
not, the outcome counts as a problem: `act_check` reads it from the files before anything
runs; here it is a job skipped for want of a runner, a verdict that is not what act says, a
file that no needed job has kept, and a process that outlives its job.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mlops_init import pins
from mlops_init.engines import Account, Listener, Outcome, Result, Start, act_check, act_log, ground
from mlops_init.engines.ground import Run
from mlops_init.engines.native import read_dispatch
from mlops_init.errors import RunError
from mlops_init.renderers.github import HOSTED

GET = "go install -tags WITHOUT_DOCKER github.com/nektos/act@v0.2.89"
EVENTS = {"manual": "workflow_dispatch"}
#: In place of a shell: without the variables that act gives to it and GitHub does not.
SHELL = """\
#!/bin/sh
set -f
names=$(env | sed -n 's/^\\(INPUT_[^=]*\\)=.*/\\1/p')
set -- {real} "$@"
for name in $names ACTIONS_RUNTIME_URL ACTIONS_RUNTIME_TOKEN; do
  set -- -u "$name" "$@"
done
exec env "$@"
"""


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
    find = _finder(run)
    outcome = Outcome(start, problems=act_check.problems(jobs, find))
    if not outcome.problems:
        env = run.environment(
            HOME=str(run.scratch / "act-home"),
            PATH=os.pathsep.join([_shells(run), os.environ["PATH"]]),
            MLOPS_CHECKOUT=run.project.resolve().as_uri(),
            MLOPS_ARTIFACTS=str(kept),
            MLOPS_DISPATCH=str(dispatch),
        )
        command = [*_command(run, start, file), "--eventpath", str(_event(run, start, checkout))]
        command += ["--secret-file", str(_secrets(run, start))]
        lines = ground.follow(command, checkout, env, kept / "act.log", outcome)
        logs = {
            name: act_log.JobLog(name, job, lambda uses: act_check.outputs(uses, find))
            for name, job in jobs.items()
        }
        for job in _endings(lines, start.workflow, listener, outcome, logs):
            outcome.problems += [
                f"{job}: {words}" for words in ground.end_survivors(run, GITHUB_JOB=job)
            ]
            outcome.results.append(_result(kept, start.workflow, jobs[job], logs[job].account))
            outcome.accounts[job] = logs[job].account
            outcome.problems += _account(kept, jobs[job], logs[job].account)
            outcome.counted += 1
            listener.ended(outcome.results[-1])
    _skipped(outcome, jobs, kept)
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


def _standins() -> Path:
    return Path(str(resources.files("mlops_init"))) / "standins"


def _local_repositories(run: Run) -> dict[str, Path]:
    known = {uses: _standins() / name for uses, name in pins.actions().items()}
    return known | {f"{run.kept.answers.steps}@{run.kept.pin}": run.tree}


def _finder(run: Run) -> act_check.Find:
    known = _local_repositories(run)

    def find(uses: str) -> Path | None:
        path, _, ref = uses.partition("@")
        repository, below = "/".join(path.split("/")[:2]), path.split("/")[2:]
        folder = known.get(f"{repository}@{ref}")
        return folder.joinpath(*below) if folder else None

    return find


def _shells(run: Run) -> str:
    """A folder with the shells that steps name, each without what only act gives."""
    folder = run.scratch / "shells"
    folder.mkdir(exist_ok=True)
    for name in ("bash", "sh"):
        real = shutil.which(name)
        if real:
            (folder / name).write_text(SHELL.replace("{real}", shlex.quote(real)), encoding="utf-8")
            (folder / name).chmod(0o755)
    return str(folder)


def _event(run: Run, start: Start, checkout: Path) -> Path:
    """What GitHub tells a workflow of its event, as far as the commit knows it."""
    said = ground.git(checkout, "log", "-1", "--format=%H%x00%D%x00%s%x00%b").split("\0")
    commit, title, body = said[0], said[2], said[3].rstrip("\n")
    branch = ground.git(checkout, "rev-parse", "--abbrev-ref", "HEAD").strip()
    name = f"local/{checkout.name}"
    repository = {"id": 1, "full_name": name, "default_branch": "main"}
    event: dict[str, Any] = {"repository": repository}
    if start.event == "push":
        message = f"{title}\n\n{body}".strip()
        event |= {"ref": f"refs/heads/{branch}", "head_commit": {"id": commit, "message": message}}
    elif start.event == "pull_request":
        event["number"] = 1
        event["pull_request"] = {
            "number": 1,
            "title": title,
            "body": body,
            "head": {"ref": branch, "sha": commit, "repo": repository},
            "base": {"ref": "main", "sha": commit, "repo": repository},
        }
    elif start.event == "manual":
        event["inputs"] = dict(start.inputs)
    path = run.scratch / f"{start.workflow}.event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    return path


def _secrets(run: Run, start: Start) -> Path:
    """What a server's environments would hold; a job sees of it what its file names."""
    path = run.scratch / f"{start.workflow}.secrets"
    path.touch(mode=0o600)
    lines = [f"{name}={json.dumps(value)}\n" for name, value in run.secrets().items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _command(run: Run, start: Start, file: Path) -> list[str]:
    command = ["act", EVENTS.get(start.event, start.event), "--json", "--no-cache-server"]
    command += ["--no-skip-checkout", "--workflows", str(file)]
    labels = {HOSTED, run.kept.answers.gpu_runner, run.kept.answers.runner}
    for label in sorted(filter(None, labels)):
        command += ["--platform", f"{label}=-self-hosted"]
    for reference, folder in _local_repositories(run).items():
        command += ["--local-repository", f"{reference}={folder}"]
    for name, value in start.inputs.items():
        command += ["--input", f"{name}={value}"]
    if start.job:
        command += ["--job", start.job]  # and those it needs
    return command


def _endings(
    lines: Iterator[str],
    workflow: str,
    listener: Listener,
    outcome: Outcome,
    logs: dict[str, act_log.JobLog],
) -> Iterator[str]:
    """From act's own log: the accounts of jobs, and each job's name as it ends."""
    begun: set[str] = set()
    for entry in map(act_log.entry, lines):
        job = entry.get("jobID", "")
        # What a job prints is marked as raw, whatever it says.
        if "Skipping unsupported platform" in entry.get("msg", "") and "raw_output" not in entry:
            outcome.problems.append(f"{job}: skipped, no runner has its label")
        elif job in logs:
            if job not in begun and "stage" in entry:
                begun.add(job)
                listener.started(workflow, job)
            logs[job].hear(entry)
            if "jobResult" in entry:
                logs[job].account.ended = entry["jobResult"]
                yield job


def _step(job: dict[str, Any]) -> str:
    for each in job.get("steps", []):
        found = re.search(r"^[^/]+/[^/]+/actions/([a-z-]+)@", each.get("uses", ""))
        step = found[1] if found else ground.entered(each.get("run", ""))
        if step:
            return step
    return ""


def _result(kept: Path, workflow: str, job: dict[str, Any], account: Account) -> Result:
    step = _step(job)
    result = ground.result_of(kept / step, workflow, account.job, step)
    if (result.status == "pass") != (account.ended == "success"):
        line = f"act says {account.ended}, the verdict says {result.status}: {result.line}"
        return Result(workflow, account.job, step, "undecided", line, result.lines, result.seconds)
    return result


def _account(kept: Path, job: dict[str, Any], account: Account) -> list[str]:
    """Complete an account from the files; what the job read that nobody kept for it."""
    account.artifacts = {
        name: ground.files_below(kept / name)
        for name in act_check.uploads(job)
        if (kept / name).is_dir()
    }
    account.fetches = tuple(act_check.fetches(job))
    return ground.untraced(kept, _step(job), account)


def _skipped(outcome: Outcome, jobs: dict[str, Any], kept: Path) -> None:
    """Jobs that did not run: each a result, unless this event is none of theirs."""
    ran = {result.job for result in outcome.results}
    if not ran and not outcome.problems:
        outcome.problems.append(f"no job ran; see {kept}/act.log")
    passed = {result.job for result in outcome.results if result.status == "pass"}
    for name, job in jobs.items():
        condition = str(job.get("if", ""))
        due = passed.issuperset(act_check.before(name, jobs)) or "!cancelled()" in condition
        if (
            name in ran
            or not outcome.start.wants(name)
            or (ran and due and "github.event" in condition)
        ):
            continue
        line = "not run: a job before it did not pass"
        result = Result(outcome.start.workflow, name, _step(job), "skipped", line)
        outcome.results.append(result)
