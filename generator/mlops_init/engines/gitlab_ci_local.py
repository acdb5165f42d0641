"""Walk the generated GitLab pipeline with gitlab-ci-local, without Docker and without GitLab.

The components lie where gitlab-ci-local looks before it asks the network; jobs run in a
shell, each in a folder, a home and an environment of its own. A child pipeline (the chain
from ct to cd, from monitor to ct) runs as a call of its own with the file that the step
wrote, which is what a server does with it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mlops_init.engines import Listener, Outcome, Result, Start, ground
from mlops_init.engines.ground import Run
from mlops_init.errors import RunError

GET = "npm install gitlab-ci-local@4.73.0; rsync from the system's packages"
HOST = "gitlab.local"
SOURCES = {"pull_request": "merge_request_event", "manual": "web"}
STATE = ".gitlab-ci-local"
STARTED = re.compile(r"^(\S+)\s+starting shell")
ENDED = re.compile(r"^(\S+)\s+finished in .+?(?:\s+(FAIL|WARN)\s+(\d+))?\s*$")
KEPT = re.compile(r"^(\S+)\s+exported artifacts in ")


def problem() -> str:
    """Why gitlab-ci-local cannot run here, or nothing."""
    missing = [name for name in ("gitlab-ci-local", "rsync") if not shutil.which(name)]
    return f"{' and '.join(missing)} not on PATH. Get it: {GET}" if missing else ""


def walk(run: Run, start: Start, listener: Listener) -> Outcome:
    """Run one pipeline, unchanged, for one event."""
    checkout = run.scratch / f"gitlab-{start.workflow}"
    ground.clone(run.project, checkout)
    _pretend_remote(checkout)
    _place_components(run, checkout)
    jobs = _jobs(checkout, start.workflow)
    kept = run.artifacts(start.workflow)
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    outcome = Outcome()
    homes = run.scratch / "gitlab-homes"
    env = run.environment(HOME=str(homes / "engine"))
    (homes / "engine").mkdir(parents=True, exist_ok=True)
    command = _command(run, start, homes)
    lines = ground.follow(command, checkout, env, kept / "gitlab-ci-local.log", outcome)
    for job, said in _endings(lines, start.workflow, jobs, listener):
        made = checkout / STATE / "artifacts" / job / "out" / jobs[job]
        if made.is_dir():
            shutil.copytree(made, kept / jobs[job])
        outcome.results.append(_result(kept, start.workflow, job, jobs[job], said))
        outcome.counted += 1
        listener.ended(outcome.results[-1])
    ran = {result.job for result in outcome.results}
    for job, step in jobs.items():
        if job not in ran:
            line = "not run: a job before it did not pass"
            outcome.results.append(Result(start.workflow, job, step, "skipped", line))
    outcome.problems += ground.end_survivors(run)
    outcome.next = _children(kept)
    shutil.rmtree(checkout)
    shutil.rmtree(homes)
    return outcome


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


def _jobs(checkout: Path, workflow: str) -> dict[str, str]:
    """Job name to step, as the pipeline's file has them."""
    file = checkout / ".gitlab" / f"{workflow}.yml"
    try:
        included = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))["include"]
        components = [entry for entry in included if "component" in entry]
        return {
            entry["inputs"]["job"]: entry["component"].rpartition("@")[0].rpartition("/")[2]
            for entry in components
        }
    except (OSError, KeyError, TypeError) as error:
        raise RunError(f"{file.name}: no pipeline can be read from it ({error})") from None


def _command(run: Run, start: Start, homes: Path) -> list[str]:
    source = SOURCES.get(start.event, start.event)
    variables = {
        "MLOPS_STEPS": str(run.tree),
        "HOME": f"{homes}/$CI_JOB_ID/home",
        "TMPDIR": f"{homes}/$CI_JOB_ID/tmp",
        "MLOPS_ENV_DIR": f"{homes}/$CI_JOB_ID/envs",
        "CI_PIPELINE_SOURCE": source,
    }
    if start.event != "push":
        variables["WORKFLOW"] = start.workflow
    for name, value in start.inputs.items():
        variables[name.upper().replace("-", "_")] = value
    command = ["gitlab-ci-local", "--shell-isolation", "--no-artifacts-to-source"]
    command += [
        "--force-shell-executor",
        "--no-color",
        "--ignore-predefined-vars",
        "CI_PIPELINE_SOURCE",
    ]
    for name, value in variables.items():
        command += ["--variable", f"{name}={value}"]
    return command


def _endings(
    lines: Iterator[str], workflow: str, jobs: dict[str, str], listener: Listener
) -> Iterator[tuple[str, str]]:
    """From gitlab-ci-local's own log: each job once its artifacts are there, PASS or FAIL."""
    ended: dict[str, str] = {}
    for line in lines:
        begun, over, kept = STARTED.match(line), ENDED.match(line), KEPT.match(line)
        if begun and begun[1] in jobs:
            listener.started(workflow, begun[1])
        elif over and over[1] in jobs:
            ended[over[1]] = over[2] or "PASS"
        elif kept and kept[1] in ended:
            yield kept[1], ended.pop(kept[1])
    yield from ended.items()  # a job that ended without an artifact


def _result(kept: Path, workflow: str, job: str, step: str, said: str) -> Result:
    result = ground.result_of(kept / step, workflow, job, step)
    if (result.status == "pass") == (said == "PASS"):
        return result
    line = f"gitlab-ci-local says {said}, the verdict says {result.status}: {result.line}"
    return Result(workflow, job, step, "undecided", line, result.lines, result.seconds)


def _children(kept: Path) -> list[Start]:
    starts = []
    for path in sorted(kept.glob("*/next.yml")):
        child: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for include in child.get("include", []):
            variables = child["variables"].items()
            inputs = {key.lower().replace("_", "-"): value for key, value in variables}
            starts.append(Start(Path(include["local"]).stem, "manual", inputs))
    return starts
