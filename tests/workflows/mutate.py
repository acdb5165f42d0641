"""Wrong pipelines: every small change of a description, and of the files made from it.

A mutant of the description is wrong on both platforms alike; a mutant of a file is what a
faulty renderer, or a careless edit, would write.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mlops_init.pipeline import Job, Parameter, Workflow


@dataclass(frozen=True)
class Mutant:
    """A wrong description.

    Attributes:
        operator: What was done to it.
        site: Where: workflow, or workflow/job.
        workflows: All of them, one being wrong.
    """

    operator: str
    site: str
    workflows: tuple[Workflow, ...]


def of_description(workflows: tuple[Workflow, ...]) -> Iterator[Mutant]:
    """Each operator at every site of a description."""
    for index, workflow in enumerate(workflows):
        for operator, changed in _of_workflow(workflow):
            if changed != workflow:
                yield Mutant(operator, workflow.name, _with(workflows, index, changed))
        for place, job in enumerate(workflow.jobs):
            for operator, wrong in _of_job(job):
                jobs = (*workflow.jobs[:place], wrong, *workflow.jobs[place + 1 :])
                changed = replace(workflow, jobs=jobs)
                yield Mutant(
                    operator, f"{workflow.name}/{job.name}", _with(workflows, index, changed)
                )


def _with(workflows: tuple[Workflow, ...], index: int, changed: Workflow) -> tuple[Workflow, ...]:
    return (*workflows[:index], changed, *workflows[index + 1 :])


def _of_workflow(workflow: Workflow) -> Iterator[tuple[str, Workflow]]:
    for name, dropped in (("on_change", False), ("schedule", ""), ("manual", False)):
        if getattr(workflow, name):
            yield "drop a trigger", replace(workflow, **{name: dropped})
        else:
            value = {"on_change": True, "schedule": "1 1 * * *", "manual": True}[name]
            yield "add a trigger", replace(workflow, **{name: value})
    yield "change the retries", replace(workflow, retries=0 if workflow.retries else 1)
    yield "turn supersede", replace(workflow, supersede=not workflow.supersede)
    for place, each in enumerate(workflow.parameters):
        others = (*workflow.parameters[:place], *workflow.parameters[place + 1 :])
        yield "drop a parameter", replace(workflow, parameters=others)
        renamed = Parameter(each.name + "s", each.help, each.flag)
        yield "rename an output", replace(workflow, parameters=(*others, renamed))
    jobs = workflow.jobs
    for place in range(len(jobs) - 1):
        swapped = (*jobs[:place], jobs[place + 1], jobs[place], *jobs[place + 2 :])
        yield "swap two jobs", replace(workflow, jobs=swapped)
    for place in range(len(jobs)):
        yield "drop a job", replace(workflow, jobs=(*jobs[:place], *jobs[place + 1 :]))
    yield "turn only", replace(workflow, only="" if workflow.only else "github")


def _of_job(job: Job) -> Iterator[tuple[str, Job]]:
    for name in job.needs:
        yield "drop a need", replace(job, needs=tuple(each for each in job.needs if each != name))
    yield "drop a time-out", replace(job, minutes=0)
    yield "change a time-out", replace(job, minutes=job.minutes * 2)
    for name in job.inputs:
        others = {key: value for key, value in job.inputs.items() if key != name}
        yield "drop an input", replace(job, inputs=others)
        yield "rename an output", replace(job, inputs={**others, name: job.inputs[name] + "s"})
    for name in job.parameters:
        others_ = tuple(each for each in job.parameters if each != name)
        yield "drop an input", replace(job, parameters=others_)
    yield from _permissions(job)
    if job.environment:
        yield "drop an environment", replace(job, environment="")
        yield "change an environment", replace(job, environment="staging")
    else:
        yield "add an environment", replace(job, environment="production")
    yield "turn always", replace(job, always=not job.always)
    yield "turn own_change", replace(job, own_change=not job.own_change)
    yield "turn gpu", replace(job, gpu=not job.gpu)


def _permissions(job: Job) -> Iterator[tuple[str, Job]]:
    wider = {"": "read", "read": "write"}
    if job.registry:
        yield "drop a permission", replace(job, registry="")
    if job.registry in wider:
        yield "widen a permission", replace(job, registry=wider[job.registry])
    for scope in job.scopes:
        left = tuple(each for each in job.scopes if each != scope)
        yield "drop a permission", replace(job, scopes=left)
    for scope in ("read-environment", "read-runs", "comment"):
        if scope not in job.scopes:
            yield "widen a permission", replace(job, scopes=(*job.scopes, scope))
    secrets = () if job.secrets else ("DATA_KEY",)
    operator = "drop a permission" if job.secrets else "widen a permission"
    yield operator, replace(job, secrets=secrets)
    if job.starts:
        yield "drop a permission", replace(job, starts="")
    else:
        yield "widen a permission", replace(job, starts="cd")
    logins = {"": "platform", "platform": "", "secret": "platform"}
    yield "change a sign-in", replace(job, login=logins[job.login])


def of_file(document: Any) -> Iterator[tuple[str, str, Any]]:
    """A file's data with one thing missing, wider or in another order: operator, site, data.

    Every key and every item of a list is dropped once; every permission is widened; the jobs
    that a job needs, the artifacts and the outputs are renamed.
    """
    for path in _paths(document):
        parent, last = _at(document, path[:-1]), path[-1]
        site = ".".join(map(str, path))
        yield "drop", site, _changed(document, path, drop=True)
        value = parent[last]
        if value == "read":
            yield "widen a permission", site, _changed(document, path, value="write")
        if isinstance(value, str) and path[-2:-1] == ("needs",):
            yield "rename a need", site, _changed(document, path, value=value + "-x")
        if last in {"name", "path", "pattern", "environment", "timeout", "timeout-minutes"}:
            wrong = value * 2 if isinstance(value, int) else f"{value}x"
            if (isinstance(value, (int, str)) and "with" in path) or last != "name":
                yield "change", site, _changed(document, path, value=wrong)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        children = iter(value.items())
    elif isinstance(value, list):
        children = iter(enumerate(value))
    for key, child in children:
        yield (*path, key)
        yield from _paths(child, (*path, key))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _changed(document: Any, path: tuple[Any, ...], *, drop: bool = False, value: Any = None) -> Any:
    changed = copy.deepcopy(document)
    parent = _at(changed, path[:-1])
    if drop:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed
