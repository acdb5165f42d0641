"""Whether a description can be rendered at all: what no platform would run is refused here."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_init.pipeline import READ_SOURCE, Access, Job, Scope, Workflow
from mlops_steps.spec import Step

#: The folders that a step reads: one of the jobs it needs has to keep each.
READS: dict[str, tuple[str, ...]] = {
    "evaluate": ("train",),
    "gate": ("evaluate",),
    "register": ("validate-data", "train", "evaluate", "gate"),
    "comment": ("report",),
}
#: What a step asks of its platform, and no more: its access to the registry, its token's scopes
#: and the environment whose approval it waits for.
ASKS: dict[str, tuple[Access, tuple[Scope, ...], str]] = {
    "evaluate": ("read", (), ""),
    "register": ("write", (), ""),
    "deploy-canary": ("write", ("read-environment",), "production"),
    "monitor": ("write", (), ""),  # its ledger: what this year's runs have spent
    "comment": ("", ("comment",), ""),
}
#: What a step hands to the workflow that it starts.
HANDS: dict[str, tuple[str, ...]] = {"register": ("version",), "monitor": ("reason",)}
#: The longest that a job may take; hosted runners end it then.
LONGEST = 360


def problems(workflows: tuple[Workflow, ...], steps: dict[str, Step]) -> list[str]:
    """What is wrong with a description, a line each; nothing if it can be rendered.

    Args:
        workflows: As `describe` gives them, or changed.
        steps: Declarations by name.
    """
    found = [f"{name}: described twice" for name in _twice([each.name for each in workflows])]
    by_name = {each.name: each for each in workflows}
    logins = {job.login for each in workflows for job in each.jobs if job.registry}
    if len(logins) > 1:
        found.append(f"jobs sign in to one registry as {', '.join(sorted(map(repr, logins)))}")
    readers = [job for each in workflows for job in each.jobs if job.step in READ_SOURCE]
    if len({job.secrets for job in readers}) > 1:
        found.append("jobs read the data's source with different secrets")
    for workflow in workflows:
        found += [f"{workflow.name}: {words}" for words in _of_workflow(workflow)]
        for job in workflow.jobs:
            where = f"{workflow.name}/{job.name}: "
            found += [where + words for words in _of_job(job, workflow, by_name, steps)]
    return found


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _of_workflow(workflow: Workflow) -> Iterator[str]:
    for name in _twice([job.name for job in workflow.jobs]):
        yield f"two jobs are named {name}"
    # An artifact has the name of its step.
    for name in _twice([job.step for job in workflow.jobs]):
        yield f"two jobs keep out/{name}/"
    if not workflow.jobs:
        yield "has no jobs"
    elif bool(workflow.only) != all("comment" in job.scopes for job in workflow.jobs):
        yield "is to be on one platform only if all it does is to comment there"
    if not (workflow.on_change or workflow.schedule or workflow.manual):
        yield "nothing starts it"
    if workflow.parameters and not workflow.manual:
        yield "has parameters, and nobody can start it with them"
    if workflow.retries not in range(3):
        yield f"retries {workflow.retries}: GitLab allows 0 to 2"


def _of_job(
    job: Job, workflow: Workflow, known: dict[str, Workflow], steps: dict[str, Step]
) -> Iterator[str]:
    if job.step not in steps:
        yield f"there is no step {job.step}"
        return
    inputs = {each.name for each in steps[job.step].inputs}
    for name in sorted({*job.inputs, *job.parameters} - inputs):
        yield f"step {job.step} has no input {name}"
    for name in sorted(set(job.parameters) - {each.name for each in workflow.parameters}):
        yield f"the workflow has no parameter {name}"
    yield from _of_needs(job, workflow)
    if not 0 < job.minutes <= LONGEST:
        yield f"a time-out of {job.minutes} minutes; allowed: 1 to {LONGEST}"
    yield from _of_permissions(job)
    if job.always and job.step == "report":
        for name in [each.name for each in workflow.jobs[: workflow.jobs.index(job)]]:
            if name not in job.needs:
                yield f"tells of all jobs, and does not need {name}"
    if job.registry == "write" and workflow.supersede:
        yield "writes to the registry, and a newer run may cancel it midway"
    yield from _of_start(job, known, inputs)


def _of_permissions(job: Job) -> Iterator[str]:
    registry, scopes, environment = ASKS.get(job.step, ("", (), ""))
    if job.inputs.get("split") == "valid":
        registry = ""  # a change that is only tried has nothing to do with it
    if job.inputs.get("forks"):
        scopes = ("read-runs", *scopes)
    if job.registry != registry:
        yield f"access to the registry {job.registry or 'none'!r}; its step asks {registry!r}"
    if sorted(job.scopes) != sorted(scopes):
        yield f"scopes {', '.join(job.scopes)}; its step asks {', '.join(scopes)}"
    if bool(job.login) > bool(job.registry):
        yield "signs in to a registry that it has no access to"
    if job.secrets and job.step not in READ_SOURCE:
        yield "gets secrets of the data's source, which its step does not read"
    environment = environment or ("registry" if job.login == "secret" else "")
    environment = environment or ("data" if job.secrets else "")
    if job.environment != environment:
        yield f"environment {job.environment!r}, where {environment!r} is to be"
    comments = "comment" in job.scopes and "read-runs" not in job.scopes
    if comments and not job.own_change:
        yield "writes to a pull request that may be a fork's"
    if job.own_change and not comments:
        yield "does not run for a fork's change, and nothing in it asks for that"
    if job.gpu and job.step != "train":
        yield "asks for a GPU, and does not train"


def _of_needs(job: Job, workflow: Workflow) -> Iterator[str]:
    before = {each.name: each.step for each in workflow.jobs[: workflow.jobs.index(job)]}
    everyone = {each.name for each in workflow.jobs}
    for name in job.needs:
        if name not in everyone:
            yield f"needs {name}, which is no job of this workflow"
        elif name not in before:
            # In an order without such a job there can be no circle.
            yield f"needs {name}, which does not come before it"
    kept = {before[name] for name in job.needs if name in before}
    for step in READS.get(job.step, ()):
        # The scheduled comment fetches the reports of other runs by itself.
        if step not in kept and "read-runs" not in job.scopes:
            yield f"reads out/{step}/, which none of the jobs that it needs keeps"


def _of_start(job: Job, known: dict[str, Workflow], inputs: set[str]) -> Iterator[str]:
    if not job.starts:
        if job.inputs.get("start"):
            yield f"its step starts {job.inputs['start']}, and the job may not"
        return
    if "start" not in inputs or job.inputs.get("start") != job.starts:
        yield f"may start {job.starts}, and its step is not told to"
    target = known.get(job.starts)
    if target is None:
        yield f"starts {job.starts}, which is no workflow"
        return
    if not target.manual:
        yield f"starts {job.starts}, which cannot be started so"
    taken = {each.name for each in target.parameters}
    for name in sorted(set(HANDS.get(job.step, ())) - taken):
        yield f"hands {name} to {job.starts}, which has no such parameter"
