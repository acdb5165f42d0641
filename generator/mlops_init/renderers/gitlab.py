"""The neutral description as a GitLab pipeline: one file chooses, one file a workflow."""

from __future__ import annotations

from typing import Any

from mlops_init.answers import Answers
from mlops_init.pipeline import Job, Workflow
from mlops_init.renderers.emit import Noted, dump

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
    files = {".gitlab-ci.yml": _entry(workflows)}
    for workflow in workflows:
        files[f".gitlab/{workflow.name}.yml"] = _file(workflow, answers, pin)
    return files


def _entry(workflows: tuple[Workflow, ...]) -> str:
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
                        "if": '$CI_PIPELINE_SOURCE == "push" && $CI_OPEN_MERGE_REQUESTS',
                        "when": "never",
                    },
                    above="A branch with an open merge request has its pipeline there.",
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
    return dump([document], head=about, spaced=("",))


def _chosen(workflow: Workflow) -> list[dict[str, str]]:
    # An include sees what a person, a schedule or the project sets, not `variables` above:
    # where nobody has set it, it is null.
    unset = [{"if": "$WORKFLOW == null"}] if workflow.on_change else []
    return [*unset, {"if": f'$WORKFLOW == "{workflow.name}"'}]


def _file(workflow: Workflow, answers: Answers, pin: str) -> str:
    stages = list(dict.fromkeys(STAGES[job.name] for job in workflow.jobs))
    if any(job.starts for job in workflow.jobs):
        stages.append(NEXT)
    variables: dict[str, Any] = {"MLOPS_PYTHON": answers.python_version}
    for each in workflow.parameters:
        variables[_variable(each.name)] = {
            "value": "false" if each.flag else "",
            "description": each.help,
        }
    if answers.gpu_runner and any(job.gpu for job in workflow.jobs):
        variables["GPU_RUNNER"] = {
            "value": answers.gpu_runner,
            "description": "Tag of the GPU runners.",
        }
    document: dict[str, Any] = {
        "stages": stages,
        "variables": variables,
        "default": {
            "interruptible": workflow.supersede,
            "retry": {"max": 1, "when": ["runner_system_failure", "stuck_or_timeout_failure"]},
        },
        "include": [_component(job, answers, pin) for job in workflow.jobs],
    }
    document |= {job.name: _job(job, answers) for job in workflow.jobs}
    document |= {f"start-{job.starts}": _trigger(job) for job in workflow.jobs if job.starts}
    return dump([document], head=workflow.about, spaced=("",))


def _component(job: Job, answers: Answers, pin: str) -> dict[str, Any]:
    inputs = {"job": job.name, "stage": STAGES[job.name]}
    inputs["source"] = f"$CI_SERVER_URL/{answers.steps}.git"
    inputs |= job.inputs
    inputs |= {name: f"${_variable(name)}" for name in job.parameters}
    return {
        "component": f"$CI_SERVER_FQDN/{answers.steps}/{job.step}@{pin}",
        "inputs": inputs,
    }


def _variable(parameter: str) -> str:
    return parameter.upper().replace("-", "_")


def _job(job: Job, answers: Answers) -> dict[str, Any]:
    body: dict[str, Any] = {}
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
        body["environment"] = {"name": job.environment}
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
