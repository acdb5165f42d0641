"""The pipeline in neutral words, before any platform: workflows, their jobs, what each needs.

A job runs one step, keeps the folder `out/<step>/` that the step wrote, and may read the
folders of jobs before it. That is the whole model; both renderers and the native engine
read it, and nothing else decides what a generated pipeline does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mlops_init.answers import Answers

Access = Literal["", "read", "write"]


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
        always: Run whatever became of the jobs before.
        registry: What it does to the model registry.
        environment: The protected environment that it needs approval from.
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
    always: bool = False
    registry: Access = ""
    environment: str = ""
    starts: str = ""


@dataclass(frozen=True)
class Workflow:
    """A workflow and what starts it.

    Attributes:
        name: ci, ct, cd or monitor.
        title: For people.
        about: One sentence, for the head of the file.
        on_change: Started by every push and every pull or merge request.
        schedule: Cron expression (UTC), or nothing.
        manual: Started by a person, or by the workflow before it.
        parameters: What a manual start may set.
        supersede: A newer run of the same branch cancels this one; else they queue.
        jobs: In an order in which each job's needs come before it.
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

    def job(self, name: str) -> Job:
        """A job by its name."""
        return next(job for job in self.jobs if job.name == name)


def describe(answers: Answers) -> tuple[Workflow, ...]:
    """The four workflows of a project."""
    return (_ci(), _ct(), _cd(), _monitor(answers))


def _ci() -> Workflow:
    split = {"split": "valid"}
    jobs = (
        Job("lint", "lint", "Lint", 10),
        Job("test", "setup", "Unit tests", 15, inputs={"run": "test"}),
        Job("validate-data", "validate-data", "Validate data", 15, inputs=split),
        Job("train", "train", "Train briefly", 30, ("validate-data",), split),
        Job("evaluate", "evaluate", "Evaluate", 15, ("train",), split),
        Job("gate", "gate", "Gate", 10, ("evaluate",), split),
    )
    return Workflow(
        "ci",
        "CI",
        "Every change: lint, unit tests, data checks, and a short training judged on rows "
        "that are not the test rows.",
        (*jobs, _report(jobs)),
        on_change=True,
        supersede=True,
    )


def _ct() -> Workflow:
    before = ("validate-data", "train", "evaluate", "gate")
    jobs = (
        Job("validate-data", "validate-data", "Validate data", 15),
        Job("train", "train", "Train", 120, ("validate-data",), gpu=True),
        Job("evaluate", "evaluate", "Evaluate", 30, ("train",), registry="read"),
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
    )


def _monitor(answers: Answers) -> Workflow:
    jobs = (
        Job(
            "monitor",
            "monitor",
            "Monitor",
            20,
            inputs={"start": "ct"},
            registry="read",
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


def _report(jobs: tuple[Job, ...]) -> Job:
    names = tuple(job.name for job in jobs)
    return Job("report", "report", "Report", 10, names, always=True)
