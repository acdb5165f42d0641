"""What the description says, as facts."""

from __future__ import annotations

from tests.workflows.facts.said import Facts, Job, Workflow

from mlops_init.answers import Answers
from mlops_init.pipeline import Job as DescribedJob
from mlops_init.pipeline import Workflow as DescribedWorkflow
from mlops_init.pipeline import on


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
        offered=True,
        jobs={job.name: _described_job(job, workflow, answers) for job in workflow.jobs},
    )


#: What a scope of the description is called on GitHub.
SCOPES = {
    "read-environment": "actions: read",
    "read-runs": "actions: read",
    "comment": "pull-requests: write",
}


def _described_job(job: DescribedJob, workflow: DescribedWorkflow, answers: Answers) -> Job:
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
        secrets=frozenset(job.secrets),
        starts=job.starts,
        alone=job.registry == "write",
        source="" if answers.vendor == "on" else answers.steps,
        checkout=True,
        hands_token=bool(job.starts or job.scopes),
        told_environment="read-environment" in job.scopes,
        by_need=not job.always,
    )
