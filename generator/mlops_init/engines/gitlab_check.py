"""What gitlab-ci-local lets pass and GitLab does not, read from the files before anything runs.

A component that is not the steps' own, inputs that a component does not know, artifacts that
no job before has kept.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from mlops_init.engines import ground


@dataclass(frozen=True)
class Door:
    """A component: the inputs that it declares, and the job that it makes."""

    inputs: Mapping[str, Any]
    job: Mapping[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """A pipeline's file, each job with what its component brings.

    Attributes:
        jobs: By name; without the jobs that only trigger another pipeline.
        triggers: Those.
        steps: Step by job.
        stages: In order.
    """

    jobs: dict[str, dict[str, Any]]
    triggers: dict[str, dict[str, Any]]
    steps: dict[str, str]
    stages: list[str]

    def kept(self, job: str) -> list[str]:
        """The paths that a job keeps."""
        return list((self.jobs.get(job, {}).get("artifacts") or {}).get("paths") or [])

    def needs(self, job: str) -> list[str]:
        """The jobs whose artifacts a job gets: those it names, else all of the stages before."""
        body = self.jobs.get(job) or self.triggers[job]
        if "needs" in body:
            named = [{"job": each} if isinstance(each, str) else each for each in body["needs"]]
            return [each["job"] for each in named if "job" in each and each.get("artifacts", True)]
        stage = self.stages.index(body["stage"])
        return [
            name for name, each in self.jobs.items() if self.stages.index(each["stage"]) < stage
        ]

    def always(self) -> list[str]:
        """Jobs that run however the others ended."""
        return [name for name, job in self.jobs.items() if job.get("when") == "always"]


def components(texts: Mapping[str, str]) -> dict[str, Door]:
    """The steps' components: by name, from the text of each."""
    doors = {}
    for name, text in texts.items():
        header, body = YAML(typ="safe", pure=True).load_all(text)
        doors[name] = Door(header["spec"].get("inputs") or {}, next(iter(body.values())))
    return doors


def read(text: str, doors: Mapping[str, Door]) -> Pipeline:
    """A pipeline from its file's text.

    Raises:
        KeyError, TypeError, ValueError: None can be read from it.
    """
    content = YAML(typ="safe", pure=True).load(text)
    jobs: dict[str, dict[str, Any]] = {}
    steps = {}
    for entry in _components(content):
        inputs = entry.get("inputs") or {}
        step = _component(entry)
        door = doors.get(step, Door({}, {}))
        name = inputs.get("job", step)
        jobs[name] = {
            **door.job,
            "stage": inputs.get("stage", "test"),
            **(content.get(name) or {}),
        }
        steps[name] = step
    triggers = {}
    for name, body in content.items():
        if not isinstance(body, dict):
            continue
        if "trigger" in body:
            triggers[name] = body
        elif "script" in body:
            jobs[name] = {"stage": "test", **body}
            steps[name] = ground.entered("\n".join(map(str, body["script"])))
    stages = [".pre", *content.get("stages", ["build", "test", "deploy"]), ".post"]
    return Pipeline(jobs, triggers, steps, stages)


def problems(text: str, doors: Mapping[str, Door], here: str) -> list[str]:
    """A line for each thing that would go another way on GitLab than under gitlab-ci-local.

    Args:
        text: Of the pipeline's file.
        doors: The steps' components.
        here: What an address of one of them begins and ends with, as in `HOST/steps/*@COMMIT`.
    """
    content = YAML(typ="safe", pure=True).load(text)
    found: list[str] = []
    for entry in _components(content):
        found += _inputs(entry, doors, here)
    pipeline = read(text, doors)
    for name in [*pipeline.jobs, *pipeline.triggers]:
        found += _needs(name, pipeline)
    for name, body in pipeline.triggers.items():
        found += _triggers(name, body, pipeline)
    return found


def _components(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    include = content.get("include") or []
    entries = include if isinstance(include, list) else [include]
    return [entry for entry in entries if isinstance(entry, dict) and "component" in entry]


def _component(entry: Mapping[str, Any]) -> str:
    return str(entry["component"]).rpartition("@")[0].rpartition("/")[2]


def _inputs(entry: Mapping[str, Any], doors: Mapping[str, Door], here: str) -> Iterator[str]:
    address = str(entry["component"])
    name = _component(entry)
    if name not in doors or not fnmatch.fnmatchcase(address, here):
        yield f"{address}: not one of the steps, so gitlab-ci-local would ask the network"
        return
    known, given = doors[name].inputs, entry.get("inputs") or {}
    for key in sorted(set(given) - set(known)):
        job = given.get("job", name)
        yield f"{job}: component {name} is given the input {key}, and knows: {', '.join(known)}"


def _needs(name: str, pipeline: Pipeline) -> Iterator[str]:
    body = pipeline.jobs.get(name) or pipeline.triggers[name]
    for job in pipeline.needs(name) if "needs" in body else []:
        if name in pipeline.jobs and not pipeline.kept(job):
            yield f"{name}: needs {job}, which keeps nothing"


def _triggers(name: str, body: Mapping[str, Any], pipeline: Pipeline) -> Iterator[str]:
    include = body["trigger"].get("include") or []
    for each in [include] if isinstance(include, (str, dict)) else include:
        if not isinstance(each, dict) or "artifact" not in each:
            continue
        path, job = each["artifact"], each["job"]
        if not any(_holds(kept, path) for kept in pipeline.kept(job)):
            yield f"{name}: takes {path}, which {job} does not keep"
        elif job not in pipeline.needs(name):
            yield f"{name}: takes {path} of {job}, which it does not need"


def _holds(kept: str, path: str) -> bool:
    return path.startswith(kept.rstrip("/") + "/") or fnmatch.fnmatchcase(path, kept)
