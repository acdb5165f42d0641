"""What GitHub's workflow files say, as facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from tests.workflows.facts.said import UNSAID, Facts, Job, Workflow

from mlops_init.engines import act_check, ground

_GITHUB_PARAMETER = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
_RUNNER = re.compile(
    r"\$\{\{ startsWith\(vars\.(\w+), '\['\) && fromJSON\(vars\.\1\) "
    r"\|\| vars\.\1 \|\| '([^']+)' \}\}"
)
_SECRET = re.compile(r"\$\{\{ secrets\.((?!MLOPS_)\w+) \}\}")
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
        supersede=concurrency.get("cancel-in-progress"),
        by_branch=by_branch if concurrency.get("group") else UNSAID,
        retries=int(env.get("MLOPS_RETRIES", 0)),
        python=env.get("MLOPS_PYTHON", ""),
        default_token=_permissions(body["permissions"]) if "permissions" in body else UNSAID,
        offered=UNSAID,
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
        keeps=frozenset(each["with"]["path"] for each in uploads if _whole(each["with"])),
        keeps_always=all("!cancelled()" in str(each.get("if", "")) for each in uploads),
        always="!cancelled()" in condition or "always()" in condition,
        own_change=own,
        minutes=job.get("timeout-minutes", 360),
        gpu=gpu,
        # A workflow that forks can start has no label of one's own to fall back on.
        runner=UNSAID if "pull_request" in _events(workflow) and not runner else runner,
        environment=_environment(job),
        token=token,
        secrets=frozenset(
            found[1] for value in env.values() if (found := _SECRET.fullmatch(str(value)))
        ),
        login="platform" if "github.token" in password else "secret" if password else "",
        starts=str(inputs.get("start", "")) if starts else "",
        alone=UNSAID if "concurrency" in workflow else False,
        source="/".join(step.get("uses", "").split("/")[:2]),
        checkout=_checks_out(job["steps"][0]),
        hands_token=env.get("MLOPS_TOKEN") == "${{ github.token }}",
        told_environment="MLOPS_ENVIRONMENT" in env,
        by_need=UNSAID,
    )


def _whole(upload: dict[str, Any]) -> bool:
    """An artifact of the folder's own name, and an error when there is nothing to keep."""
    named = upload["path"] == f"out/{upload.get('name')}/"
    return named and upload.get("if-no-files-found") == "error"


def _checks_out(step: dict[str, Any]) -> bool:
    given = step.get("with") or {}
    kept = given.get("persist-credentials", True)
    return step.get("uses", "").startswith("actions/checkout@") and kept is False


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
