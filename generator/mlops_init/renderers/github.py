"""The neutral description as GitHub workflows."""

from __future__ import annotations

from typing import Any

from mlops_init import pins
from mlops_init.answers import Answers
from mlops_init.pipeline import Job, Parameter, Workflow, on
from mlops_init.renderers import doors
from mlops_init.renderers.emit import Document, Noted

HOSTED = "ubuntu-24.04"
#: A pull request from a branch of this repository; a fork's token may not write anything.
OWN_CHANGE = "github.event.pull_request.head.repo.full_name == github.repository"
#: What each scope is called here, and why it is asked for.
SCOPES = {
    "read-environment": ("actions", "read", "see whether the environment is protected"),
    "read-runs": ("actions", "read", "find the reports of forks"),
    "comment": ("pull-requests", "write", "write the comment"),
}


def render(workflows: tuple[Workflow, ...], answers: Answers, pin: str) -> dict[str, str]:
    """The files: text by path."""
    found = documents(workflows, answers, pin)
    return {name: document.text() for name, document in found.items()}


def documents(workflows: tuple[Workflow, ...], answers: Answers, pin: str) -> dict[str, Document]:
    """The files by path, before they become text."""
    return {
        f".github/workflows/{workflow.name}.yml": _file(workflow, answers, pin)
        for workflow in on(workflows, "github")
    }


def _file(workflow: Workflow, answers: Answers, pin: str) -> Document:
    group = f"{workflow.name}-${{{{ github.ref }}}}" if workflow.on_change else workflow.name
    env: dict[str, Any] = {"MLOPS_PYTHON": answers.python_version}
    if workflow.retries:
        env["MLOPS_RETRIES"] = Noted(
            str(workflow.retries), beside="after exit code 4, infrastructure"
        )
    body = {
        "name": workflow.title,
        "on": _triggers(workflow),
        "permissions": {},
        "concurrency": {"group": group, "cancel-in-progress": workflow.supersede},
        "env": env,
        "jobs": {job.name: _job(workflow, job, answers, pin) for job in workflow.jobs},
    }
    head = workflow.about + (_about_runners(workflow, answers) if answers.runner else "")
    return Document(body, head=head, spaced=("", "jobs"))


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
    conditions = ["!cancelled()"] if job.always else []
    conditions += [OWN_CHANGE] if job.own_change else []
    if conditions:
        body["if"] = f"${{{{ {' && '.join(conditions)} }}}}"
    body["runs-on"] = _runner(workflow, job, answers)
    body["timeout-minutes"] = job.minutes
    if job.environment:
        body["environment"] = job.environment
    body["permissions"] = _permissions(job)
    body["steps"] = [
        _checkout(),
        *_download(job, workflow, answers),
        *_step(job, answers, pin),
        _upload(job, answers),
    ]
    above = "Not for a pull request from a fork, whose token may only read." * job.own_change
    if job.gpu:
        above = "The GPU runner's label is the repository variable GPU_RUNNER: one label, or a\n"
        above += f"JSON array of labels. Unset: {job.runner or HOSTED}."
    return Noted(body, above=above)


def _about_runners(workflow: Workflow, answers: Answers) -> str:
    words = "\nThe runners' label is the repository variable RUNNER: one label, or a JSON array."
    if _fallback(workflow, answers.runner, answers) == HOSTED:
        return f"{words} It is\nempty for a fork's pull request, which so runs on {HOSTED}."
    return f"{words}\nUnset: {answers.runner}."


def _fallback(workflow: Workflow, label: str, answers: Answers) -> str:
    # A fork's program must not run on a machine of ours; to forks, variables are empty.
    if workflow.on_change and answers.github_server == "github.com":
        return HOSTED
    return label or HOSTED


def _runner(workflow: Workflow, job: Job, answers: Answers) -> str:
    if not job.gpu and not answers.runner:
        return HOSTED
    label = "vars.GPU_RUNNER" if job.gpu else "vars.RUNNER"
    several = f"startsWith({label}, '[') && fromJSON({label})"
    return f"${{{{ {several} || {label} || '{_fallback(workflow, job.runner, answers)}' }}}}"


def _permissions(job: Job) -> dict[str, Any]:
    permissions: dict[str, Any] = {"contents": "read"}
    if job.login == "platform":
        why = "push model versions" if job.registry == "write" else "pull the champion"
        if job.step == "monitor":
            why = "pull the champion, keep the monitor's ledger"
        permissions["packages"] = Noted(job.registry, beside=why)
    if job.starts:
        permissions["actions"] = Noted("write", beside=f"start {job.starts}")
    for scope in job.scopes:
        name, access, why = SCOPES[scope]
        permissions[name] = Noted(access, beside=why)
    return permissions


def _checkout() -> dict[str, Any]:
    return {
        "name": "Check out",
        "uses": pins.action("checkout"),
        "with": {"persist-credentials": False},
    }


def _download(job: Job, workflow: Workflow, answers: Answers) -> list[dict[str, Any]]:
    names = [workflow.job(name).step for name in job.needs]
    if not names:
        return []
    step = {"name": "Fetch what earlier jobs found"}
    if answers.github_server != "github.com":
        uses = pins.action("download-enterprise")
        if job.always:
            # Without a name it fetches all there are, each into a folder of its own; with
            # one it fails where a job before has left nothing.
            return [{**step, "uses": uses, "with": {"path": "out"}}]
        return [
            {
                "name": f"Fetch what {name} found",
                "uses": uses,
                "with": {"name": name, "path": f"out/{name}"},
            }
            for name in names
        ]
    # A pattern, not a name: each artifact then keeps a folder of its own.
    pattern = f"{{{','.join(names)}}}" if len(names) > 1 else names[0]
    given = {"path": "out", "pattern": pattern}
    return [{**step, "uses": pins.action("download"), "with": given}]


def _step(job: Job, answers: Answers, pin: str) -> list[dict[str, Any]]:
    values = dict(job.inputs)
    values |= {name: f"${{{{ inputs.{name} }}}}" for name in job.parameters}
    env = _credentials(job)
    if answers.vendor == "on":
        cache, run = doors.vendored_steps(job.step, values)
        env = run.pop("env", {}) | env
        command = run.pop("run")
        return [cache, {**run, "name": job.title, **({"env": env} if env else {}), "run": command}]
    step: dict[str, Any] = {
        "name": job.title,
        "uses": f"{answers.steps}/actions/{job.step}@{pin}",
    }
    if values:
        step["with"] = values
    if env:
        step["env"] = env
    return [step]


def _credentials(job: Job) -> dict[str, str]:
    env = {}
    if job.login == "platform":
        env["MLOPS_REGISTRY_USER"] = "${{ github.actor }}"
        env["MLOPS_REGISTRY_PASSWORD"] = "${{ github.token }}"
    elif job.login == "secret":
        env["MLOPS_REGISTRY_USER"] = "${{ vars.MLOPS_REGISTRY_USER }}"
        env["MLOPS_REGISTRY_PASSWORD"] = "${{ secrets.MLOPS_REGISTRY_PASSWORD }}"
    env |= {name: f"${{{{ secrets.{name} }}}}" for name in job.secrets}
    if "read-environment" in job.scopes:
        env["MLOPS_ENVIRONMENT"] = job.environment
    if job.starts or job.scopes:
        env["MLOPS_TOKEN"] = "${{ github.token }}"
    return env


def _upload(job: Job, answers: Answers) -> dict[str, Any]:
    kind = "upload" if answers.github_server == "github.com" else "upload-enterprise"
    return {
        "name": "Keep what this job found",
        "if": "${{ !cancelled() }}",
        "uses": pins.action(kind),
        "with": {
            "name": job.step,
            "path": f"out/{job.step}/",
            "if-no-files-found": "error",
            "retention-days": 30,
        },
    }
