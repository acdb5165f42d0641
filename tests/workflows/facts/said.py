"""What a pipeline says, as facts: read from GitHub's files, GitLab's, and from the description.

Engines ignore permissions, concurrency, time-outs, environments, retries and the like; here
they are compared instead of run. A fact that a platform's files cannot say is UNSAID, and
DELIBERATE has the reason: whatever is UNSAID without one is a difference.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable
from dataclasses import dataclass


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
        secrets: What its step gets to read the data, by name.
        starts: The workflow that it may start.
        alone: Never beside another run of it.
        source: Where its step comes from: OWNER/REPOSITORY, or empty: the project.
        checkout: Whether it begins with the commit, without leaving a credential.
        hands_token: Whether its step gets the platform's token, to call the platform.
        told_environment: Whether its step is told, by the server, which environment it is in.
        by_need: Starts as soon as what it needs has ended, not after a whole stage.
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
    secrets: Set
    starts: str
    alone: Flag
    source: str
    checkout: Flag
    hands_token: Flag
    told_environment: Flag
    by_need: Flag


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
        offered: Whether a person finds it in the list that the one entry file offers.
        jobs: By name.
    """

    changes: frozenset[str]
    cron: Text
    person: Flag
    parameters: Set
    supersede: bool | None
    by_branch: Flag
    retries: int
    python: str
    default_token: Set
    offered: Flag
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
    ("gitlab", "secrets"): "What is limited to a job's environment is there without being named.",
    ("gitlab", "own_change"): "Comments are written on GitHub alone.",
    ("gitlab", "gpu"): "Without a label there is no tag: a tag cannot be empty.",
    ("gitlab", "checkout"): "The runner checks out.",
    ("gitlab", "hands_token"): "Nothing has to be called: chains are child pipelines.",
    ("github", "offered"): "Each workflow has a file of its own.",
    ("github", "by_need"): "There are no stages.",
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
