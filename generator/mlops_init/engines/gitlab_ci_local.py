"""Walk the generated GitLab pipeline with gitlab-ci-local, without Docker and without GitLab.

The components lie where gitlab-ci-local looks before it asks the network; jobs run in a
shell, each in a folder, a home and an environment of its own. Child pipelines (the chain
from ct to cd, from monitor to ct) run inside the same call, as they do on a server.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from mlops_init.engines import (
    Account,
    Annotation,
    Listener,
    Outcome,
    Result,
    Start,
    gitlab_check,
    ground,
)
from mlops_init.engines.ground import Run
from mlops_init.errors import RunError
from mlops_init.pipeline import describe
from mlops_init.renderers.emit import dump

GET = "npm install --global gitlab-ci-local@4.73.0; rsync from the system's packages"
HOST = "gitlab.local"
SOURCES = {"pull_request": "merge_request_event", "manual": "web"}
STATE = ".gitlab-ci-local"
#: A line about a job: the triggers that led to its pipeline, its name, what happened.
LINE = re.compile(
    r"^(?:\[(.+?)\] -> )?(\S+)\s+"
    r"(starting shell|exported artifacts in|finished in .+)"
)
#: The only job of a child pipeline for which there was nothing to do.
NOTHING = "nothing-to-start"


def problem() -> str:
    """Why gitlab-ci-local cannot run here, or nothing."""
    missing = [name for name in ("gitlab-ci-local", "rsync") if not shutil.which(name)]
    return f"{' and '.join(missing)} not on PATH. Get it: {GET}" if missing else ""


def walk(run: Run, start: Start, listener: Listener) -> list[Outcome]:
    """Run one pipeline, unchanged, for one event, and its child pipelines within it."""
    checkout = run.scratch / f"gitlab-{start.workflow}"
    ground.clone(run.project, checkout)
    _pretend_remote(checkout)
    _place_components(run, checkout)
    homes = run.scratch / "gitlab-homes"
    (homes / "engine").mkdir(parents=True)
    _set_variables(checkout, homes)
    _set_secrets(run, homes / "engine")
    env = run.environment(HOME=str(homes / "engine"), MLOPS_STEPS=str(run.tree))
    log = run.scratch / "gitlab-ci-local.log"
    log.touch()
    now = _Pipeline(run, checkout, start, listener)
    pipelines = {start.workflow: now}

    first = start

    def follow(start: Start, *jobs: str) -> None:
        nonlocal now
        command = [*_command(start, checkout, child=start is not first), *jobs]
        lines = ground.follow(command, checkout, env, log, now.outcome)
        for workflow, job, said in _events(lines, start.workflow):
            if workflow not in pipelines and job != NOTHING:
                now.close()
                now = _Pipeline(run, checkout, now.child(workflow), listener)
                pipelines[workflow] = now
            if workflow in pipelines:
                pipelines[workflow].hear(job, said)

    if not now.outcome.problems:
        follow(start, *([start.job, "--needs"] if start.job else []))
        # gitlab-ci-local waits for every job of the stages before, also for those that will
        # never start; a server does not. What runs always is therefore asked for by name.
        always = now.always_and_not_run()
        if always:
            follow(now.outcome.start, *always)
    now.outcome.problems += ground.end_survivors(run)
    now.close()
    for pipeline in pipelines.values():
        shutil.copy(log, pipeline.kept)
    shutil.rmtree(checkout)
    shutil.rmtree(homes)
    return [pipeline.outcome for pipeline in pipelines.values()]


class _Pipeline:
    """One pipeline as its jobs are heard of: the first, or a child of the one before."""

    def __init__(self, run: Run, checkout: Path, start: Start, listener: Listener) -> None:
        self.outcome = Outcome(start)
        self.kept = run.artifacts(start.workflow)
        self._run = run
        templates = sorted((run.tree / "templates").glob("*.yml"))
        doors = gitlab_check.components({path.stem: path.read_text() for path in templates})
        text, self._pipeline = _read(checkout / ".gitlab" / f"{start.workflow}.yml", doors)
        self._jobs = self._pipeline.steps
        here = f"$CI_SERVER_FQDN/{run.kept.answers.steps}/*@{run.kept.pin}"
        self.outcome.problems += gitlab_check.problems(text, doors, here)
        self._artifacts = checkout / STATE / "artifacts"
        self._listener = listener
        self._said: dict[str, str] = {}
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir(parents=True)
        listener.opened(start)

    def hear(self, job: str, said: str) -> None:
        """`said` is STARTED, PASS, FAIL, or KEPT once the job's artifacts are there."""
        if job not in self._jobs:
            return
        if said == "STARTED":
            self._listener.started(self.outcome.start.workflow, job)
        elif said != "KEPT":
            self._said[job] = said
        elif job in self._said:
            self._over(job)

    def _over(self, job: str) -> None:
        step, workflow = self._jobs[job], self.outcome.start.workflow
        made = self._artifacts / job / "out" / step
        if made.is_dir():
            shutil.copytree(made, self.kept / step)
        said = self._said.pop(job)
        left = ground.end_survivors(self._run, CI_JOB_NAME=job)
        self.outcome.problems += [f"{job}: {words}" for words in left]
        account = _account(job, step, said, self.kept / step)
        account.fetches = tuple(self._jobs[each] for each in self._pipeline.needs(job))
        self.outcome.accounts[job] = account
        self.outcome.problems += ground.untraced(self.kept, step, account)
        result = _result(self.kept, workflow, job, step, said)
        self.outcome.results.append(result)
        self.outcome.counted += 1
        self._listener.ended(result)

    def child(self, workflow: str) -> Start:
        """What this pipeline's step handed to its child."""
        for path in self.kept.glob("*/next.yml"):
            variables = json.loads(path.read_text(encoding="utf-8")).get("variables", {})
            inputs = {
                key.lower().replace("_", "-"): each["value"] for key, each in variables.items()
            }
            return Start(workflow, "manual", inputs)
        return Start(workflow, "manual")

    def always_and_not_run(self) -> list[str]:
        """Jobs that run however the others ended, and have not run."""
        ran = {result.job for result in self.outcome.results}
        always = self._pipeline.always()
        left = [job for job in always if job not in ran and self.outcome.start.wants(job)]
        return left if ran else []

    def close(self) -> None:
        """Nothing more will be heard of this pipeline."""
        for job in list(self._said):
            self._over(job)
        ran = {result.job for result in self.outcome.results}
        if not ran and not self.outcome.problems:
            self.outcome.problems.append(f"no job ran; see {self.kept}/gitlab-ci-local.log")
        for job, step in self._jobs.items():
            if job not in ran and self.outcome.start.wants(job):
                line = "not run: a job before it did not pass"
                skipped = Result(self.outcome.start.workflow, job, step, "skipped", line)
                self.outcome.results.append(skipped)
        self._listener.closed(self.outcome)


def _pretend_remote(checkout: Path) -> None:
    # A push is one to the default branch; pushes to others have their merge request.
    branch = ground.git(checkout, "rev-parse", "--abbrev-ref", "HEAD").strip()
    for arguments in (
        ("remote", "set-url", "origin", f"git@{HOST}:local/{checkout.name}.git"),
        ("update-ref", f"refs/remotes/origin/{branch}", "HEAD"),
        ("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{branch}"),
    ):
        ground.git(checkout, *arguments)


def _place_components(run: Run, checkout: Path) -> None:
    place = checkout / STATE / "includes" / HOST / run.kept.answers.steps
    shutil.copytree(run.tree / "templates", place / run.kept.pin / "templates")


def _read(file: Path, doors: Mapping[str, gitlab_check.Door]) -> tuple[str, gitlab_check.Pipeline]:
    try:
        text = file.read_text(encoding="utf-8")
        return text, gitlab_check.read(text, doors)
    except (OSError, KeyError, TypeError, ValueError, YAMLError) as error:
        raise RunError(f"{file.name}: no pipeline can be read from it ({error})") from None


def _account(job: str, step: str, said: str, kept: Path) -> Account:
    """What GitLab would show of a job: its script, its variables, its marks and its files."""
    account = Account(job, "success" if said == "PASS" else "failure")
    account.steps = {"script": account.ended}
    if kept.is_dir():
        account.artifacts = {step: ground.files_below(kept)}
    with contextlib.suppress(OSError):
        lines = (kept / "outputs.env").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=") for line in lines)
        account.outputs = {name.lower().replace("_", "-"): value for name, _, value in pairs}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        marks = json.loads((kept / "codequality.json").read_text(encoding="utf-8"))
        account.annotations = [_annotation(mark) for mark in marks]
    with contextlib.suppress(OSError):
        account.summary = (kept / "summary.md").read_text(encoding="utf-8")
    return account


def _annotation(mark: Mapping[str, Any]) -> Annotation:
    level = {"info": "notice", "minor": "warning"}.get(mark["severity"], "error")
    place = mark["location"]
    return Annotation(level, mark["description"], place["path"], place["lines"]["begin"])


def _set_variables(checkout: Path, homes: Path) -> None:
    """What a server's settings would give, child pipelines included: a home for every job."""
    variables = {
        "HOME": f"{homes}/$CI_JOB_ID/home",
        "TMPDIR": f"{homes}/$CI_JOB_ID/tmp",
        "MLOPS_ENV_DIR": f"{homes}/$CI_JOB_ID/envs",
    }
    # Said to be text: a bare value that begins with / would be taken for a file to copy.
    typed = {name: {"type": "variable", "values": {"*": v}} for name, v in variables.items()}
    text = dump([typed])
    (checkout / ".gitlab-ci-local-variables.yml").write_text(text, encoding="utf-8")


def _set_secrets(run: Run, home: Path) -> None:
    """What a server would keep as variables limited to the environments of jobs."""
    given = run.secrets()
    jobs = [job for each in describe(run.kept.answers) for job in each.jobs if job.secrets]
    scopes = {job.environment for job in jobs}
    values = {
        name: {"type": "variable", "values": dict.fromkeys(scopes, value.replace("$", "$$"))}
        for name, value in given.items()
    }
    file = home / STATE / "variables.yml"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text(dump([{"global": values}]), encoding="utf-8")


def _command(start: Start, checkout: Path, *, child: bool) -> list[str]:
    predefined = {"CI_PIPELINE_SOURCE": SOURCES.get(start.event, start.event)}
    predefined |= _commit(checkout, merge_request=start.event == "pull_request")
    variables = dict(predefined)
    if start.event not in {"push", "pull_request"}:
        variables["WORKFLOW"] = start.workflow
    given = {name.upper().replace("-", "_"): value for name, value in start.inputs.items()}
    command = ["gitlab-ci-local", "--shell-isolation", "--no-artifacts-to-source"]
    command += ["--force-shell-executor", "--no-color"]
    command += ["--ignore-predefined-vars", ",".join(predefined)]
    # In what a person hands over GitLab looks for variables, in its own words it does not, nor
    # in what a step hands over (`expand: false`).
    literal = {**variables, **(given if child else {})}
    variables |= given
    for name, value in variables.items():
        said = value.replace("$", "$$") if name in literal else value
        command += ["--variable", f"{name}={said}"]
    return command


def _commit(checkout: Path, *, merge_request: bool) -> dict[str, str]:
    """What GitLab tells a job of its commit and of its merge request."""
    title, message = ground.git(checkout, "log", "-1", "--format=%s%x00%B").rstrip().split("\0")
    branch = ground.git(checkout, "rev-parse", "--abbrev-ref", "HEAD").strip()
    variables = {"CI_COMMIT_TITLE": title, "CI_COMMIT_MESSAGE": message}
    if merge_request:
        variables |= {
            "CI_MERGE_REQUEST_IID": "1",
            "CI_MERGE_REQUEST_TITLE": title,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": branch,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        }
    return variables


def _events(lines: Iterator[str], first: str) -> Iterator[tuple[str, str, str]]:
    """From gitlab-ci-local's own log: workflow, job, and what was said of it."""
    for line in lines:
        found = LINE.match(line.strip())
        if not found:
            continue
        triggers, job, said = found.groups()
        workflow = (re.findall(r"start-(\w+)", triggers or "") or [first])[-1]
        if said.startswith("starting"):
            yield workflow, job, "STARTED"
        elif said.startswith("exported"):
            yield workflow, job, "KEPT"
        else:
            yield workflow, job, "FAIL" if re.search(r"\s(FAIL|WARN)\s", said) else "PASS"


def _result(kept: Path, workflow: str, job: str, step: str, said: str) -> Result:
    result = ground.result_of(kept / step, workflow, job, step)
    if (result.status == "pass") == (said == "PASS"):
        return result
    line = f"gitlab-ci-local says {said}, the verdict says {result.status}: {result.line}"
    return Result(workflow, job, step, "undecided", line, result.lines, result.seconds)
