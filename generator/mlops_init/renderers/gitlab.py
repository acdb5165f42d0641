"""The neutral description as a GitLab pipeline: one file chooses, one file a workflow."""

from __future__ import annotations

from typing import Any

from mlops_init import pins
from mlops_init.answers import Answers
from mlops_init.pipeline import Job, Workflow, on
from mlops_init.renderers import doors
from mlops_init.renderers.emit import Document, Noted

STAGES = {
    "lint": "check",
    "test": "check",
    "validate-data": "check",
    "train": "train",
    "evaluate": "judge",
    "gate": "judge",
    "register": "ship",
    "deploy-canary": "ship",
    "monitor": "check",
    "report": "report",
}
NEXT = "next"


def render(workflows: tuple[Workflow, ...], answers: Answers, pin: str) -> dict[str, str]:
    """The files: text by path."""
    found = documents(workflows, answers, pin)
    return {name: document.text() for name, document in found.items()}


def documents(workflows: tuple[Workflow, ...], answers: Answers, pin: str) -> dict[str, Document]:
    """The files by path, before they become text."""
    workflows = on(workflows, "gitlab")
    files = {".gitlab-ci.yml": _entry(workflows)}
    for workflow in workflows:
        files[f".gitlab/{workflow.name}.yml"] = _file(workflow, answers, pin)
    return files


def _entry(workflows: tuple[Workflow, ...]) -> Document:
    names = [workflow.name for workflow in workflows]
    variables: dict[str, Any] = {
        "WORKFLOW": {
            "value": names[0],
            "options": names,
            "description": "Which workflow to run. Set it in a pipeline schedule, too.",
        }
    }
    document = {
        "variables": variables,
        "workflow": {
            "name": "$WORKFLOW",
            "rules": [
                {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'},
                Noted(
                    {
                        "if": '$CI_PIPELINE_SOURCE == "push" '
                        "&& $CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH",
                        "when": "never",
                    },
                    above="A change has one pipeline: that of its merge request.",
                ),
                {"if": "$CI_COMMIT_BRANCH"},
            ],
        },
        "include": [
            {
                "local": f".gitlab/{workflow.name}.yml",
                "rules": _chosen(workflow),
            }
            for workflow in workflows
        ],
    }
    about = "Pushes and merge requests run ci. A pipeline schedule, or a person, sets WORKFLOW.\n"
    about += "\n".join(
        f"Schedule for {workflow.name}: {workflow.schedule}"
        for workflow in workflows
        if workflow.schedule
    )
    return Document(document, head=about, spaced=("",))


def _chosen(workflow: Workflow) -> list[dict[str, str]]:
    # An include sees what a person, a schedule or the project sets, not `variables` above:
    # where nobody has set it, it is null.
    unset = [{"if": "$WORKFLOW == null"}] if workflow.on_change else []
    return [*unset, {"if": f'$WORKFLOW == "{workflow.name}"'}]


def _file(workflow: Workflow, answers: Answers, pin: str) -> Document:
    stages = list(dict.fromkeys(STAGES[job.name] for job in workflow.jobs))
    if any(job.starts for job in workflow.jobs):
        stages.append(NEXT)
    body: dict[str, Any] = {
        "stages": stages,
        "variables": _variables(workflow, answers),
        "default": _default(workflow, answers),
    }
    if answers.vendor != "on":
        body["include"] = [_component(job, answers, pin) for job in workflow.jobs]
    body |= {job.name: _job(job, answers) for job in workflow.jobs}
    body |= {f"start-{job.starts}": _trigger(job) for job in workflow.jobs if job.starts}
    return Document(body, head=workflow.about, spaced=("",))


def _variables(workflow: Workflow, answers: Answers) -> dict[str, Any]:
    variables: dict[str, Any] = {"MLOPS_PYTHON": answers.python_version}
    for each in workflow.parameters:
        variables[_variable(each.name)] = {
            "value": "false" if each.flag else "",
            "description": each.help,
        }
    if answers.runner:
        variables["RUNNER"] = {"value": answers.runner, "description": "Tag of the runners."}
    if answers.gpu_runner and any(job.gpu for job in workflow.jobs):
        variables["GPU_RUNNER"] = {
            "value": answers.gpu_runner,
            "description": "Tag of the GPU runners.",
        }
    return variables


def _default(workflow: Workflow, answers: Answers) -> dict[str, Any]:
    default: dict[str, Any] = {"interruptible": workflow.supersede}
    if answers.vendor == "on":
        default["image"] = pins.image("python")
    if workflow.retries:
        default["retry"] = {
            "max": workflow.retries,
            "when": ["runner_system_failure", "stuck_or_timeout_failure"],
            "exit_codes": Noted([4], beside="infrastructure"),
        }
    if answers.runner:
        default["tags"] = ["$RUNNER"]
    return default


def _component(job: Job, answers: Answers, pin: str) -> dict[str, Any]:
    inputs = {"job": job.name, "stage": STAGES[job.name]}
    inputs["source"] = f"$CI_SERVER_URL/{answers.steps}.git"
    inputs |= _inputs(job)
    return {
        "component": f"$CI_SERVER_FQDN/{answers.steps}/{job.step}@{pin}",
        "inputs": inputs,
    }


def _inputs(job: Job) -> dict[str, str]:
    return job.inputs | {name: f"${_variable(name)}" for name in job.parameters}


def _variable(parameter: str) -> str:
    return parameter.upper().replace("-", "_")


def _job(job: Job, answers: Answers) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if answers.vendor == "on":
        body = {"stage": STAGES[job.name], **doors.vendored_job(job.step, _inputs(job))}
        del body["image"]  # that of the file's `default`
    if job.always:
        # Without needs: after all stages before it, with all their artifacts, however they
        # ended. With needs it would wait for jobs that never start.
        body["when"] = "always"
    else:
        # Needing a job fetches its artifacts, too.
        body["needs"] = list(job.needs)
    body["timeout"] = f"{job.minutes} minutes"
    if job.gpu and answers.gpu_runner:
        body["tags"] = ["$GPU_RUNNER"]
    if job.registry == "write":
        body["resource_group"] = job.name
    if job.environment:
        # Variables may be limited to an environment; naming one to read them deploys nothing.
        access = {} if job.step == "deploy-canary" else {"action": "access"}
        body["environment"] = {"name": job.environment, **access}
    if "read-environment" in job.scopes:
        # Signed by the server: it tells the job whether its environment is protected.
        body["id_tokens"] = {"MLOPS_ENVIRONMENT_JWT": {"aud": "$CI_SERVER_URL"}}
    return body


def _trigger(job: Job) -> dict[str, Any]:
    # After the report: this pipeline is told to its end before the next one begins.
    return {
        "stage": NEXT,
        "needs": [job.name, "report"],
        "trigger": {
            "include": [{"artifact": f"out/{job.step}/next.yml", "job": job.name}],
            "strategy": "depend",
        },
    }
