"""The pipeline in neutral words, before any platform: workflows, their jobs, what each needs.

A job runs one step, keeps the folder `out/<step>/` that the step wrote, and may read the
folders of jobs before it. That is the whole model; both renderers and the native engine
read it, and nothing else decides what a generated pipeline does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from mlops_init.answers import Answers

Access = Literal["", "read", "write"]
#: What a job's own token is asked for beside the repository's content, as far as it does not
#: follow from the registry or from what the job starts.
Scope = Literal["read-environment", "read-runs", "comment"]
#: The steps that read the data where they come from; all others take what validate-data copied.
READ_SOURCE = ("validate-data", "deploy-canary")


@dataclass(frozen=True)
class Parameter:
    """What a person, or the workflow before, hands to a workflow."""

    name: str
    help: str
    flag: bool = False


@dataclass(frozen=True)
class Job:
    """One job: one step on one machine.

    Attributes:
        name: Unique in its workflow.
        step: The step it runs; its folder under out/ is what the job keeps.
        title: For people.
        minutes: Time-out.
        needs: Jobs that must have passed before, and whose folders it reads.
        inputs: The step's inputs, as fixed text.
        parameters: Step inputs that come from the workflow's parameters, by name.
        gpu: Whether it asks for the GPU runner.
        runner: Label of its runners; empty: the platform's own.
        always: Run whatever became of the jobs before.
        own_change: Run only for a pull request from a branch of this very repository.
        registry: What it does to the model registry.
        login: How it signs in there: with the platform's own token, or with a secret.
        secrets: What of its environment's secrets its step gets, to read the data.
        environment: The protected environment that it runs in.
        scopes: What its token is asked for besides.
        starts: The workflow that its step may start.
    """

    name: str
    step: str
    title: str
    minutes: int
    needs: tuple[str, ...] = ()
    inputs: dict[str, str] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    gpu: bool = False
    runner: str = ""
    always: bool = False
    own_change: bool = False
    registry: Access = ""
    login: Literal["", "platform", "secret"] = ""
    secrets: tuple[str, ...] = ()
    environment: str = ""
    scopes: tuple[Scope, ...] = ()
    starts: str = ""


@dataclass(frozen=True)
class Workflow:
    """A workflow and what starts it.

    Attributes:
        name: ci, ct, cd, monitor or fork-reports.
        title: For people.
        about: One sentence, for the head of the file.
        jobs: In an order in which each job's needs come before it.
        on_change: Started by every push to main and every pull or merge request.
        schedule: Cron expression (UTC), or nothing.
        manual: Started by a person, or by the workflow before it.
        parameters: What a manual start may set.
        supersede: A newer run of the same branch cancels this one; else they queue.
        retries: How often a job is tried again after exit code 4, infrastructure.
        only: The one platform that has it; empty: all.
    """

    name: str
    title: str
    about: str
    jobs: tuple[Job, ...]
    on_change: bool = False
    schedule: str = ""
    manual: bool = False
    parameters: tuple[Parameter, ...] = ()
    supersede: bool = False
    retries: int = 1
    only: str = ""

    def job(self, name: str) -> Job:
        """A job by its name."""
        return next(job for job in self.jobs if job.name == name)


def describe(answers: Answers) -> tuple[Workflow, ...]:
    """The workflows of a project, as they are on every platform."""
    workflows = [_ci(), _ct(answers), _cd(), _monitor(answers)]
    if answers.fork_reports == "on":
        workflows.append(_fork_reports())
    return tuple(
        replace(
            workflow,
            jobs=tuple(_placed(job, answers) for job in workflow.jobs),
            schedule=workflow.schedule if answers.schedule == "on" or workflow.only else "",
        )
        for workflow in workflows
    )


def on(workflows: tuple[Workflow, ...], platform: str) -> tuple[Workflow, ...]:
    """What of a description one platform has: comments are written on GitHub alone.

    A token of GitLab's job may not write notes; the merge request shows the reports instead.
    """
    kept = [each for each in workflows if each.only in {"", platform}]
    if platform == "github":
        return tuple(kept)
    return tuple(
        replace(each, jobs=tuple(job for job in each.jobs if "comment" not in job.scopes))
        for each in kept
    )


def _placed(job: Job, answers: Answers) -> Job:
    """The job with what follows from the answers alike for all: runner, sign-in, environment."""
    login: Literal["", "platform", "secret"] = ""
    if job.registry and answers.registry == "platform":
        login = "platform"
    elif job.registry and answers.registry.startswith("oci:"):
        login = "secret"
    secrets = answers.source_variables if job.step in READ_SOURCE else ()
    # Secrets live in environments, so that only jobs which name one can read them.
    needed = ("registry" if login == "secret" else "") or ("data" if secrets else "")
    return replace(
        job,
        runner=(job.gpu and answers.gpu_runner) or answers.runner,
        login=login,
        secrets=secrets,
        environment=job.environment or needed,
    )


def _ci() -> Workflow:
    split = {"split": "valid"}
    # evaluate needs validate-data's folder, too: a table that comes from elsewhere is in it.
    jobs = (
        Job("lint", "lint", "Lint", 10),
        Job("test", "setup", "Unit tests", 15, inputs={"run": "test"}),
        Job("validate-data", "validate-data", "Validate data", 15, inputs=split),
        Job("train", "train", "Train briefly", 30, ("validate-data",), split),
        Job("evaluate", "evaluate", "Evaluate", 15, ("validate-data", "train"), split),
        Job("gate", "gate", "Gate", 10, ("evaluate",), split),
    )
    comment = Job(
        "comment",
        "comment",
        "Comment",
        5,
        ("report",),
        own_change=True,
        always=True,
        scopes=("comment",),
    )
    return Workflow(
        "ci",
        "CI",
        "Every change: lint, unit tests, data checks, and a short training judged on rows "
        "that are not the test rows.",
        (*jobs, _report(jobs), comment),
        on_change=True,
        supersede=True,
    )


def _ct(answers: Answers) -> Workflow:
    before = ("validate-data", "train", "evaluate", "gate")
    jobs = (
        Job("validate-data", "validate-data", "Validate data", 15),
        Job("train", "train", "Train", 120, ("validate-data",), gpu=answers.gpu != "none"),
        Job("evaluate", "evaluate", "Evaluate", 30, ("validate-data", "train"), registry="read"),
        Job("gate", "gate", "Gate", 10, ("evaluate",), parameters=("first-release",)),
        Job(
            "register",
            "register",
            "Register",
            15,
            before,
            {"start": "cd"},
            registry="write",
            starts="cd",
        ),
    )
    return Workflow(
        "ct",
        "CT",
        "Continuous training: train on all but the test rows, judge against the champion, "
        "register what passes.",
        (*jobs, _report(jobs)),
        schedule="17 3 * * 1",
        manual=True,
        parameters=(
            Parameter("reason", "Why the model is trained again."),
            Parameter("first-release", "There is no champion yet to compare with.", flag=True),
        ),
    )


def _cd() -> Workflow:
    jobs = (
        Job(
            "deploy-canary",
            "deploy-canary",
            "Deploy as a canary",
            60,
            parameters=("version",),
            registry="write",
            environment="production",
            scopes=("read-environment",),
        ),
    )
    return Workflow(
        "cd",
        "CD",
        "Delivery: a registered version takes a growing share of the traffic beside the champion.",
        (*jobs, _report(jobs)),
        manual=True,
        parameters=(
            Parameter("version", "The version to deploy; empty for the newest candidate."),
        ),
        # Half a rollout is not begun again without anybody having looked.
        retries=0,
    )


def _monitor(answers: Answers) -> Workflow:
    jobs = (
        Job(
            "monitor",
            "monitor",
            "Monitor",
            20,
            inputs={"start": "ct"},
            registry="write",
            starts="ct",
        ),
    )
    return Workflow(
        "monitor",
        "Monitor",
        "Watch what the model is asked; start CT when it has drifted from what it learned.",
        (*jobs, _report(jobs)),
        # Without a log there is nothing to look at every day.
        schedule="47 5 * * *" if answers.inference_log else "",
        manual=True,
    )


def _fork_reports() -> Workflow:
    job = Job(
        "comment",
        "comment",
        "Comment on pull requests from forks",
        10,
        inputs={"forks": "true"},
        scopes=("read-runs", "comment"),
    )
    return Workflow(
        "fork-reports",
        "Fork reports",
        "A fork's CI may not write comments. This one looks for its reports, and comments "
        "from their figures alone.",
        (job,),
        schedule="8,23,38,53 * * * *",
        manual=True,
        only="github",
    )


def _report(jobs: tuple[Job, ...]) -> Job:
    names = tuple(job.name for job in jobs)
    return Job("report", "report", "Report", 10, names, always=True)
