"""The neutral description as GitHub workflows."""

from __future__ import annotations

from typing import Any

from mlops_init import pins
from mlops_init.answers import Answers
from mlops_init.pipeline import Job, Parameter, Workflow
from mlops_init.renderers.emit import Noted, dump

HOSTED = "ubuntu-24.04"


def render(workflows: tuple[Workflow, ...], answers: Answers, pin: str) -> dict[str, str]:
    """The files: text by path."""
    return {
        f".github/workflows/{workflow.name}.yml": _file(workflow, answers, pin)
        for workflow in workflows
    }


def _file(workflow: Workflow, answers: Answers, pin: str) -> str:
    group = f"{workflow.name}-${{{{ github.ref }}}}" if workflow.on_change else workflow.name
    document = {
        "name": workflow.title,
        "on": _triggers(workflow),
        "permissions": {},
        "concurrency": {"group": group, "cancel-in-progress": workflow.supersede},
        "env": {"MLOPS_PYTHON": answers.python_version},
        "jobs": {job.name: _job(workflow, job, answers, pin) for job in workflow.jobs},
    }
    return dump([document], head=workflow.about, spaced=("", "jobs"))


def _triggers(workflow: Workflow) -> dict[str, Any]:
    triggers: dict[str, Any] = {}
    if workflow.on_change:
        triggers["push"] = {"branches": ["main"]}
        triggers["pull_request"] = {}
    if workflow.schedule:
        triggers["schedule"] = [{"cron": workflow.schedule}]
    if workflow.manual:
        inputs = {each.name: _parameter(each) for each in workflow.parameters}
        triggers["workflow_dispatch"] = {"inputs": inputs} if inputs else {}
    return triggers


def _parameter(each: Parameter) -> dict[str, Any]:
    if each.flag:
        return {"description": each.help, "type": "boolean", "default": False}
    return {"description": each.help, "type": "string", "default": ""}


def _job(workflow: Workflow, job: Job, answers: Answers, pin: str) -> Noted:
    body: dict[str, Any] = {"name": job.title}
    if job.needs:
        body["needs"] = list(job.needs)
    if job.always:
        body["if"] = "${{ !cancelled() }}"
    body["runs-on"] = _runner(answers) if job.gpu else HOSTED
    body["timeout-minutes"] = job.minutes
    if _environment(job, answers):
        body["environment"] = _environment(job, answers)
    body["permissions"] = _permissions(job, answers)
    body["steps"] = [_checkout(), *_download(job, workflow), _step(job, answers, pin), _upload(job)]
    above = ""
    if job.gpu:
        above = "The GPU runner's label is the repository variable GPU_RUNNER: one label, or a\n"
        above += f"JSON array of labels. Unset: {answers.gpu_runner or HOSTED}."
    return Noted(body, above=above)


def _runner(answers: Answers) -> str:
    label = "vars.GPU_RUNNER"
    several = f"startsWith({label}, '[') && fromJSON({label})"
    return f"${{{{ {several} || {label} || '{answers.gpu_runner or HOSTED}' }}}}"


def _environment(job: Job, answers: Answers) -> str:
    # A registry of the user's own needs a secret, and secrets live in environments.
    own_registry = job.registry and answers.registry.startswith("oci:")
    return job.environment or ("registry" if own_registry else "")


def _permissions(job: Job, answers: Answers) -> dict[str, Any]:
    permissions: dict[str, Any] = {"contents": "read"}
    if job.registry and answers.registry == "platform":
        why = "push model versions" if job.registry == "write" else "pull the champion"
        permissions["packages"] = Noted(job.registry, beside=why)
    if job.starts:
        permissions["actions"] = Noted("write", beside=f"start {job.starts}")
    return permissions


def _checkout() -> dict[str, Any]:
    return {
        "name": "Check out",
        "uses": pins.action("checkout"),
        "with": {"persist-credentials": False},
    }


def _download(job: Job, workflow: Workflow) -> list[dict[str, Any]]:
    if not job.needs:
        return []
    names = [workflow.job(name).step for name in job.needs]
    # A pattern, not a name: each artifact then keeps a folder of its own.
    pattern = f"{{{','.join(names)}}}" if len(names) > 1 else names[0]
    step = {
        "name": "Fetch what earlier jobs found",
        "uses": pins.action("download"),
        "with": {"path": "out", "pattern": pattern},
    }
    return [step]


def _step(job: Job, answers: Answers, pin: str) -> dict[str, Any]:
    step: dict[str, Any] = {
        "name": job.title,
        "uses": Noted(f"{answers.steps}/actions/{job.step}@{pin}"),
    }
    values = dict(job.inputs)
    values |= {name: f"${{{{ inputs.{name} }}}}" for name in job.parameters}
    if values:
        step["with"] = values
    env = {}
    if job.registry and answers.registry == "platform":
        env["MLOPS_REGISTRY_USER"] = "${{ github.actor }}"
        env["MLOPS_REGISTRY_PASSWORD"] = "${{ github.token }}"
    elif job.registry and answers.registry.startswith("oci:"):
        env["MLOPS_REGISTRY_USER"] = "${{ vars.MLOPS_REGISTRY_USER }}"
        env["MLOPS_REGISTRY_PASSWORD"] = "${{ secrets.MLOPS_REGISTRY_PASSWORD }}"
    if job.starts:
        env["MLOPS_TOKEN"] = "${{ github.token }}"
    if env:
        step["env"] = env
    return step


def _upload(job: Job) -> dict[str, Any]:
    return {
        "name": "Keep what this job found",
        "if": "${{ !cancelled() }}",
        "uses": pins.action("upload"),
        "with": {
            "name": job.step,
            "path": f"out/{job.step}/",
            "if-no-files-found": "error",
            "retention-days": 30,
        },
    }
