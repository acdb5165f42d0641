"""Walk the generated GitLab pipeline with gitlab-ci-local, without Docker and without GitLab.

The components lie where gitlab-ci-local looks before it asks the network; jobs run in a
shell, each in a folder, a home and an environment of its own. Child pipelines (the chain
from ct to cd, from monitor to ct) run inside the same call, as they do on a server.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from mlops_init.engines import Listener, Outcome, Result, Start, ground
from mlops_init.engines.ground import Run
from mlops_init.errors import RunError
from mlops_init.renderers.emit import dump

GET = "npm install gitlab-ci-local@4.73.0; rsync from the system's packages"
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
    env = run.environment(HOME=str(homes / "engine"), MLOPS_STEPS=str(run.tree))
    log = run.scratch / "gitlab-ci-local.log"
    now = _Pipeline(run, checkout, start, listener)
    pipelines = {start.workflow: now}

    def follow(*jobs: str) -> None:
        nonlocal now
        lines = ground.follow([*_command(start), *jobs], checkout, env, log, now.outcome)
        for workflow, job, said in _events(lines, start.workflow):
            if workflow not in pipelines and job != NOTHING:
                now.close()
                now = _Pipeline(run, checkout, now.child(workflow), listener)
                pipelines[workflow] = now
            if workflow in pipelines:
                pipelines[workflow].hear(job, said)

    follow(*([start.job, "--needs"] if start.job else []))
    # gitlab-ci-local waits for every job of the stages before, also for those that will never
    # start; a server does not. What runs always is therefore asked for by name.
    always = now.always_and_not_run() if len(pipelines) == 1 else []
    if always:
        follow(*always)
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
        self._jobs, self._always = _jobs(checkout, start.workflow)
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
        result = _result(self.kept, workflow, job, step, self._said.pop(job))
        self.outcome.results.append(result)
        self.outcome.counted += 1
        self._listener.ended(result)

    def child(self, workflow: str) -> Start:
        """What this pipeline's step handed to its child."""
        for path in self.kept.glob("*/next.yml"):
            variables = json.loads(path.read_text(encoding="utf-8")).get("variables", {})
            inputs = {key.lower().replace("_", "-"): value for key, value in variables.items()}
            return Start(workflow, "manual", inputs)
        return Start(workflow, "manual")

    def always_and_not_run(self) -> list[str]:
        """Jobs that run however the others ended, and have not run."""
        ran = {result.job for result in self.outcome.results}
        left = [job for job in self._always if job not in ran and self.outcome.start.wants(job)]
        return left if ran else []

    def close(self) -> None:
        """Nothing more will be heard of this pipeline."""
        for job in list(self._said):
            self._over(job)
        ran = {result.job for result in self.outcome.results}
        if not ran:
            self.outcome.problems.append(f"no job ran; see {self.kept}/gitlab-ci-local.log")
        for job, step in self._jobs.items():
            if job not in ran and self.outcome.start.wants(job):
                line = "not run: a job before it did not pass"
                skipped = Result(self.outcome.start.workflow, job, step, "skipped", line)
                self.outcome.results.append(skipped)
        self._listener.closed(self.outcome)


def _pretend_remote(checkout: Path) -> None:
    for arguments in (
        ("remote", "set-url", "origin", f"git@{HOST}:local/{checkout.name}.git"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
        ("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"),
    ):
        ground.git(checkout, *arguments)


def _place_components(run: Run, checkout: Path) -> None:
    place = checkout / STATE / "includes" / HOST / run.kept.answers.steps
    shutil.copytree(run.tree / "templates", place / run.kept.pin / "templates")


def _jobs(checkout: Path, workflow: str) -> tuple[dict[str, str], list[str]]:
    """Job name to step, as the pipeline's file has them; and the jobs that run always."""
    file = checkout / ".gitlab" / f"{workflow}.yml"
    try:
        pipeline = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
        components = [entry for entry in pipeline["include"] if "component" in entry]
        steps = {
            entry["inputs"]["job"]: entry["component"].rpartition("@")[0].rpartition("/")[2]
            for entry in components
        }
        return steps, [job for job in steps if pipeline[job].get("when") == "always"]
    except (OSError, KeyError, TypeError) as error:
        raise RunError(f"{file.name}: no pipeline can be read from it ({error})") from None


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


def _command(start: Start) -> list[str]:
    variables = {"CI_PIPELINE_SOURCE": SOURCES.get(start.event, start.event)}
    if start.event not in {"push", "pull_request"}:
        variables["WORKFLOW"] = start.workflow
    for name, value in start.inputs.items():
        variables[name.upper().replace("-", "_")] = value
    command = ["gitlab-ci-local", "--shell-isolation", "--no-artifacts-to-source"]
    command += ["--force-shell-executor", "--no-color"]
    command += ["--ignore-predefined-vars", "CI_PIPELINE_SOURCE"]
    for name, value in variables.items():
        command += ["--variable", f"{name}={value}"]
    return command


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
