"""What a pipeline says, as facts: read from GitHub's files, GitLab's, and from the description.

Engines ignore permissions, concurrency, time-outs, environments, retries and the like; here
they are compared instead of run. A fact that a platform's files cannot say is UNSAID, and
DELIBERATE has the reason: whatever is UNSAID without one is a difference.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mlops_init.answers import Answers
from mlops_init.engines import act_check, gitlab_check, ground
from mlops_init.pipeline import Job as DescribedJob
from mlops_init.pipeline import Workflow as DescribedWorkflow
from mlops_init.pipeline import on


class Unsaid(enum.Enum):
    """The files of this platform do not say it."""

    UNSAID = "unsaid"


UNSAID = Unsaid.UNSAID
Text = str | Unsaid
Flag = bool | Unsaid
Set = frozenset[str] | Unsaid


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        step: The step it runs.
        inputs: Of the step, `name=value`; a workflow's parameter is `name=<parameter>`.
        needs: Jobs that must have ended before.
        fetches: Folders of other jobs that it gets.
        keeps: Folders that outlive it.
        keeps_always: Whether they do when it fails, too.
        always: Runs however the others ended.
        own_change: Not for a change from a fork.
        minutes: Time-out.
        gpu: Whether a variable names its runner as one with a GPU.
        runner: Label where no variable names one; empty: the platform's own.
        environment: Whose approval and secrets it has.
        token: What its token may do, `scope: access`.
        login: How it signs in to the registry: platform, secret or nothing.
        starts: The workflow that it may start.
        alone: Never beside another run of it.
    """

    step: str
    inputs: frozenset[str]
    needs: frozenset[str]
    fetches: frozenset[str]
    keeps: frozenset[str]
    keeps_always: bool
    always: bool
    own_change: Flag
    minutes: int
    gpu: Flag
    runner: Text
    environment: str
    token: Set
    login: Text
    starts: str
    alone: Flag


@dataclass(frozen=True)
class Workflow:
    """One workflow.

    Attributes:
        changes: Which changes start it: "push to main", "push to a branch", "change request".
        cron: When it starts by the clock.
        person: Whether a person may start it.
        parameters: What may be set then; a flag is `name: flag`.
        supersede: A newer run of the same branch ends this one; else they wait.
        by_branch: Runs of different branches do not meet.
        retries: After exit code 4.
        python: The version of Python.
        default_token: What a job may do that says nothing of its own.
        jobs: By name.
    """

    changes: frozenset[str]
    cron: Text
    person: Flag
    parameters: Set
    supersede: bool
    by_branch: Flag
    retries: int
    python: str
    default_token: Set
    jobs: dict[str, Job]


Facts = dict[str, Workflow]

#: Where a platform's files do not say what the description says, and why; by platform and
#: fact. The only way to hide a difference, and shown in docs/workflows.md.
DELIBERATE: dict[tuple[str, str], str] = {
    ("gitlab", "cron"): "A pipeline schedule is set on the server, with WORKFLOW.",
    ("gitlab", "person"): "Whoever may run a pipeline may run any workflow of it.",
    ("gitlab", "by_branch"): "GitLab cancels only within a branch; there is nothing to say.",
    ("gitlab", "token"): "A job's token has no scopes in files.",
    ("gitlab", "default_token"): "A job's token has no scopes in files.",
    ("gitlab", "login"): "Credentials are CI/CD variables; no file names them.",
    ("gitlab", "own_change"): "Comments are written on GitHub alone.",
    ("gitlab", "gpu"): "Without a label there is no tag: a tag cannot be empty.",
    ("github", "alone"): "The whole workflow waits for the run before.",
    ("github", "runner"): "A fork's change runs on hosted runners, where variables are empty.",
}


def differences(a: Facts, b: Facts) -> list[str]:
    """A line for each fact on which both say something else, and for each that only one has."""
    found = [f"{name}: not in both" for name in sorted(set(a) ^ set(b))]
    for name in sorted(set(a) & set(b)):
        found += _differences(name, a[name], b[name])
        one, other = a[name].jobs, b[name].jobs
        found += [f"{name} {job}: not in both" for job in sorted(set(one) ^ set(other))]
        for job in sorted(set(one) & set(other)):
            found += _differences(f"{name} {job}", one[job], other[job])
    return found


def _differences(where: str, a: Workflow | Job, b: Workflow | Job) -> Iterable[str]:
    for field in dataclasses.fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if field.name != "jobs" and UNSAID not in (one, other) and one != other:
            yield f"{where} {field.name}: {_shown(one)}, not {_shown(other)}"


def _shown(value: object) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else repr(value)


def unsaid(facts: Facts) -> set[str]:
    """The facts that are unsaid anywhere."""
    bodies: list[Workflow | Job] = []
    for workflow in facts.values():
        bodies += [workflow, *workflow.jobs.values()]
    return {
        field.name
        for body in bodies
        for field in dataclasses.fields(body)
        if getattr(body, field.name) is UNSAID
    }


# The description


def described(
    workflows: tuple[DescribedWorkflow, ...], answers: Answers, platform: str = "github"
) -> Facts:
    """What the description says of one platform's files."""
    return {each.name: _described(each, answers) for each in on(workflows, platform)}


def _described(workflow: DescribedWorkflow, answers: Answers) -> Workflow:
    return Workflow(
        changes=frozenset({"push to main", "change request"} if workflow.on_change else ()),
        cron=workflow.schedule,
        person=workflow.manual,
        parameters=frozenset(
            f"{each.name}: flag" if each.flag else each.name for each in workflow.parameters
        ),
        supersede=workflow.supersede,
        by_branch=workflow.on_change,
        retries=workflow.retries,
        python=answers.python_version,
        default_token=frozenset(),
        jobs={job.name: _described_job(job, workflow) for job in workflow.jobs},
    )


#: What a scope of the description is called on GitHub.
SCOPES = {
    "read-environment": "actions: read",
    "read-runs": "actions: read",
    "comment": "pull-requests: write",
}


def _described_job(job: DescribedJob, workflow: DescribedWorkflow) -> Job:
    token = {"contents: read", *(SCOPES[scope] for scope in job.scopes)}
    token |= {f"packages: {job.registry}"} if job.login == "platform" else set()
    token |= {"actions: write"} if job.starts else set()
    inputs = {f"{name}={value}" for name, value in job.inputs.items()}
    return Job(
        step=job.step,
        inputs=frozenset(inputs | {f"{name}=<{name}>" for name in job.parameters}),
        needs=frozenset(job.needs),
        fetches=frozenset(f"out/{workflow.job(name).step}/" for name in job.needs),
        keeps=frozenset({f"out/{job.step}/"}),
        keeps_always=True,
        always=job.always,
        own_change=job.own_change,
        minutes=job.minutes,
        gpu=job.gpu,
        runner=job.runner,
        environment=job.environment,
        token=frozenset(token),
        login=job.login,
        starts=job.starts,
        alone=job.registry == "write",
    )


# GitHub

_GITHUB_PARAMETER = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
_RUNNER = re.compile(
    r"\$\{\{ startsWith\(vars\.(\w+), '\['\) && fromJSON\(vars\.\1\) "
    r"\|\| vars\.\1 \|\| '([^']+)' \}\}"
)
HOSTED = "ubuntu-24.04"


def github(files: Mapping[str, str]) -> Facts:
    """What GitHub's workflow files say: text by path."""
    found = {}
    for path, text in files.items():
        name = re.fullmatch(r"\.github/workflows/([\w-]+)\.yml", path)
        if name:
            found[name[1]] = _github(yaml.safe_load(text))
    return found


def _github(body: dict[Any, Any]) -> Workflow:
    triggers = body.get("on", body.get(True)) or {}  # to YAML 1.1 `on` is true
    dispatch = triggers.get("workflow_dispatch") or {}
    concurrency = body.get("concurrency") or {}
    env = body.get("env") or {}
    by_branch = "github.ref" in str(concurrency.get("group", ""))
    return Workflow(
        changes=frozenset(_github_changes(triggers)),
        cron=" and ".join(each["cron"] for each in triggers.get("schedule") or []),
        person="workflow_dispatch" in triggers,
        parameters=frozenset(
            f"{name}: flag" if each.get("type") == "boolean" else name
            for name, each in (dispatch.get("inputs") or {}).items()
        ),
        supersede=concurrency.get("cancel-in-progress") is True,
        by_branch=by_branch if concurrency.get("group") else UNSAID,
        retries=int(env.get("MLOPS_RETRIES", 0)),
        python=env.get("MLOPS_PYTHON", ""),
        default_token=_permissions(body["permissions"]) if "permissions" in body else UNSAID,
        jobs={name: _github_job(job, body) for name, job in body["jobs"].items()},
    )


def _github_changes(triggers: dict[str, Any]) -> Iterable[str]:
    if "push" in triggers:
        branches = (triggers["push"] or {}).get("branches", ["main", "**"])
        yield from ["push to main"] if "main" in branches or "**" in branches else []
        yield from ["push to a branch"] if set(branches) - {"main"} else []
    if triggers.get("pull_request") is not None or "pull_request" in triggers:
        yield "change request"
    yield from {"workflow_run", "pull_request_target", "issue_comment"} & set(triggers)


def _permissions(body: dict[str, str] | str) -> frozenset[str]:
    if isinstance(body, str):
        return frozenset({f"all: {body}"})
    return frozenset(f"{scope}: {access}" for scope, access in body.items())


def _github_job(job: dict[str, Any], workflow: dict[str, Any]) -> Job:
    step = next(each for each in job["steps"] if _step(each))
    env = step.get("env") or {}
    inputs = dict(step.get("with") or {})
    inputs |= {
        name.removeprefix("MLOPS_STEP_").lower().replace("_", "-"): value
        for name, value in env.items()
        if name.startswith("MLOPS_STEP_")
    }
    needs = job.get("needs") or []
    token = _permissions(job["permissions"]) if "permissions" in job else frozenset({"default"})
    condition = str(job.get("if", ""))
    starts = "MLOPS_TOKEN" in env and "actions: write" in token
    gpu, runner = _github_runner(job["runs-on"])
    uploads = [each for each in job["steps"] if "/upload-artifact@" in each.get("uses", "")]
    password = str(env.get("MLOPS_REGISTRY_PASSWORD", ""))
    own = "head.repo.full_name == github.repository" in condition
    return Job(
        step=_step(step),
        inputs=frozenset(
            f"{name}=" + _GITHUB_PARAMETER.sub(r"<\1>", str(value))
            for name, value in inputs.items()
        ),
        needs=frozenset([needs] if isinstance(needs, str) else needs),
        fetches=frozenset(_github_fetches(job, workflow["jobs"])),
        keeps=frozenset(each["with"]["path"] for each in uploads),
        keeps_always=all("!cancelled()" in str(each.get("if", "")) for each in uploads),
        always="!cancelled()" in condition or "always()" in condition,
        own_change=own,
        minutes=job.get("timeout-minutes", 360),
        gpu=gpu,
        # A workflow that forks can start has no label of one's own to fall back on.
        runner=UNSAID if "pull_request" in _events(workflow) and not runner else runner,
        environment=_environment(job),
        token=token,
        login="platform" if "github.token" in password else "secret" if password else "",
        starts=str(inputs.get("start", "")) if starts else "",
        alone=UNSAID if "concurrency" in workflow else False,
    )


def _events(workflow: dict[Any, Any]) -> Iterable[str]:
    return workflow.get("on", workflow.get(True)) or {}


def _environment(job: dict[str, Any]) -> str:
    value = job.get("environment") or ""
    return str(value["name"] if isinstance(value, dict) else value)


def _step(each: dict[str, Any]) -> str:
    door = re.search(r"^[^/]+/[^/]+/actions/([a-z-]+)@", each.get("uses", ""))
    return door[1] if door else ground.entered(each.get("run", ""))


def _github_runner(label: str) -> tuple[bool, str]:
    """Whether GPU_RUNNER names it, and the label where no variable does."""
    found = _RUNNER.fullmatch(label)
    variable, fallback = found.groups() if found else ("", label)
    return variable == "GPU_RUNNER", "" if fallback == HOSTED else fallback


def _github_fetches(job: dict[str, Any], jobs: dict[str, Any]) -> Iterable[str]:
    kept = [name for each in jobs.values() for name in act_check.uploads(each)]
    for step in job["steps"]:
        if "/download-artifact@" not in step.get("uses", "") or "run-id" in step["with"]:
            continue
        given = step["with"]
        if "name" in given:
            yield f"{given['path']}/"
            continue
        wanted = act_check.fetches({"steps": [step]})
        if wanted == ["*"]:  # all that there is, and what it needs among it
            needs = [name for name in jobs if name in (job.get("needs") or [])]
            wanted = [artifact for name in needs for artifact in act_check.uploads(jobs[name])]
        yield from (f"{given['path']}/{name}/" for name in wanted if name in kept)


# GitLab

_GITLAB_PARAMETER = re.compile(r"^\$([A-Z_]+)$")


def gitlab(files: Mapping[str, str], components: Mapping[str, str]) -> Facts:
    """What GitLab's files say: text by path, and the text of the steps' components by name."""
    doors = gitlab_check.components(components)
    entry = yaml.safe_load(files[".gitlab-ci.yml"])
    found = {}
    for each in entry["include"]:
        name = re.fullmatch(r"\.gitlab/([\w-]+)\.yml", each["local"])
        assert name
        found[name[1]] = _gitlab(name[1], entry, files[each["local"]], doors)
    return found


def _gitlab(
    name: str, entry: dict[str, Any], text: str, doors: Mapping[str, gitlab_check.Door]
) -> Workflow:
    body = yaml.safe_load(text)
    pipeline = gitlab_check.read(text, doors)
    default = body.get("default") or {}
    retry = default.get("retry") or {}
    variables = body.get("variables") or {}
    parameters = {key: each for key, each in variables.items() if isinstance(each, dict)}
    person = _runs(entry, name, {"CI_PIPELINE_SOURCE": "web", "WORKFLOW": name})
    unset = _runs(entry, name, {"CI_PIPELINE_SOURCE": "web"})
    inputs = {
        entry["inputs"]["job"]: entry["inputs"]
        for entry in body.get("include") or []
        if "component" in entry
    }
    return Workflow(
        changes=frozenset(_gitlab_changes(entry, name)),
        cron=UNSAID,
        person=UNSAID if unset else person,
        parameters=frozenset(
            f"{_parameter(key)}: flag" if each["value"] in {"true", "false"} else _parameter(key)
            for key, each in parameters.items()
            if key not in {"RUNNER", "GPU_RUNNER"}
        ),
        supersede=default.get("interruptible") is True,
        by_branch=UNSAID,
        retries=int(retry.get("max", 0)) if 4 in (retry.get("exit_codes") or []) else 0,
        python=str(variables.get("MLOPS_PYTHON", "")),
        default_token=UNSAID,
        jobs={
            job: _gitlab_job(job, pipeline, body, inputs.get(job, {}), doors)
            for job in pipeline.jobs
        },
    )


def _gitlab_changes(entry: dict[str, Any], name: str) -> Iterable[str]:
    branch = {"CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"}
    events = {
        "push to main": {**branch, "CI_COMMIT_BRANCH": "main"},
        "push to a branch": {**branch, "CI_COMMIT_BRANCH": "other"},
        "change request": {**branch, "CI_PIPELINE_SOURCE": "merge_request_event"},
    }
    for event, variables in events.items():
        if _runs(entry, name, variables):
            yield event


def _runs(entry: dict[str, Any], name: str, variables: dict[str, str]) -> bool:
    """Whether a pipeline with these variables is made and has this workflow's jobs."""
    variables = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", **variables}
    if variables["CI_PIPELINE_SOURCE"] == "merge_request_event":
        del variables["CI_COMMIT_BRANCH"]
    include = next(each for each in entry["include"] if each["local"] == f".gitlab/{name}.yml")
    return _decides(entry["workflow"]["rules"], variables) and _decides(include["rules"], variables)


def _decides(rules: list[dict[str, str]], variables: dict[str, str]) -> bool:
    """The first rule that fits decides; none: no."""
    for rule in rules:
        if all(_holds(part.strip(), variables) for part in rule["if"].split("&&")):
            return rule.get("when") != "never"
    return False


def _holds(clause: str, variables: dict[str, str]) -> bool:
    def value(word: str) -> str | None:
        if word == "null":
            return None
        return variables.get(word[1:]) if word.startswith("$") else word.strip('"')

    words = re.fullmatch(r'(\$\w+)(?: (==|!=) (null|\$\w+|"[^"]*"))?', clause)
    assert words, f"a clause that this reader does not know: {clause}"
    if not words[2]:
        return bool(value(words[1]))
    return (value(words[1]) == value(words[3])) == (words[2] == "==")


def _parameter(variable: str) -> str:
    return variable.lower().replace("_", "-")


def _gitlab_job(
    name: str,
    pipeline: gitlab_check.Pipeline,
    body: dict[str, Any],
    given: dict[str, Any],
    doors: Mapping[str, gitlab_check.Door],
) -> Job:
    job, step = pipeline.jobs[name], pipeline.steps[name]
    if given:
        own = {"job", "stage", "image", "source"}
        inputs = {key: value for key, value in given.items() if key not in own}
    else:
        inputs = {
            _parameter(key.removeprefix("MLOPS_STEP_")): value
            for key, value in (job.get("variables") or {}).items()
            if key.startswith("MLOPS_STEP_")
        }
    before = pipeline.needs(name)
    environment = job.get("environment") or {}
    tags = job.get("tags", (body.get("default") or {}).get("tags")) or []
    variables = [str(tag).removeprefix("$") for tag in tags]
    labels = [body["variables"][variable]["value"] for variable in variables]
    starts = [
        trigger.removeprefix("start-")
        for trigger, each in pipeline.triggers.items()
        for include in each["trigger"]["include"]
        if include == {"artifact": f"out/{step}/next.yml", "job": name}
    ]
    return Job(
        step=step,
        inputs=frozenset(f"{key}={_gitlab_value(value)}" for key, value in inputs.items()),
        needs=frozenset(before),
        fetches=frozenset(path for each in before for path in pipeline.kept(each)),
        keeps=frozenset(pipeline.kept(name)),
        keeps_always=(job.get("artifacts") or {}).get("when") == "always",
        always=job.get("when") == "always",
        own_change=UNSAID,
        minutes=_minutes(str(job.get("timeout", "1h"))),
        gpu="GPU_RUNNER" in variables if tags else UNSAID,
        runner=" ".join(labels),
        environment=environment.get("name", ""),
        token=UNSAID,
        login=UNSAID,
        starts=" and ".join(starts),
        alone=bool(job.get("resource_group")),
    )


def _gitlab_value(value: object) -> str:
    found = _GITLAB_PARAMETER.match(str(value))
    return f"<{_parameter(found[1])}>" if found else str(value)


def _minutes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+) ?(minutes|h)", text, re.ASCII).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "h" else 1)
