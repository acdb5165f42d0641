"""What act lets pass and GitHub does not, read from the files before anything runs.

An action without a stand-in, inputs that an action does not know, inputs read as variables,
outputs that nothing declares, artifacts that no job before has kept.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

#: Where an action lies on this machine, by its `uses`; None where it does not.
Find = Callable[[str], Path | None]

#: GitHub sets these for actions in JavaScript and in containers, act for composite ones too.
_INPUT = re.compile(r"\bINPUT_[A-Za-z0-9_]+")
_REFERENCE = re.compile(
    r"\b(steps|needs)(?:\.([\w-]+)|\[\s*'([^']+)'\s*\])"
    r"\.outputs(?:\.([\w-]+)|\[\s*'([^']+)'\s*\])"
)


def problems(jobs: Mapping[str, Any], find: Find) -> list[str]:
    """A line for each thing that would go another way on GitHub than under act."""
    missing = [
        f"{uses}: no stand-in for this action, so act would ask the network"
        for uses in sorted(_all_uses(jobs, find))
        if find(uses) is None
    ]
    if missing:
        return missing
    found: list[str] = []
    for name, job in jobs.items():
        steps = job.get("steps", [])
        found += _steps(name, steps, find)
        found += _references(name, job, steps, find, jobs)
        found += _artifacts(name, job, jobs)
    for uses in sorted(_all_uses(jobs, find)):
        found += _action(uses, find)
    return list(dict.fromkeys(found))


def outputs(uses: str, find: Find) -> frozenset[str]:
    """The outputs that an action declares."""
    return frozenset(load(uses, find).get("outputs") or {})


def load(uses: str, find: Find) -> dict[str, Any]:
    """An action's own file; nothing where there is none."""
    folder = find(uses)
    if folder is None or not (folder / "action.yml").is_file():
        return {}
    text = (folder / "action.yml").read_text(encoding="utf-8")
    return dict(YAML(typ="safe", pure=True).load(text))


def uploads(job: Mapping[str, Any]) -> list[str]:
    """The names of the artifacts that a job keeps."""
    return [str(step["with"].get("name", "")) for step in _using(job, "upload-artifact")]


def fetches(job: Mapping[str, Any]) -> list[str]:
    """The names, or patterns of names, of the artifacts that a job fetches."""
    wanted: list[str] = []
    for step in _using(job, "download-artifact"):
        given = step.get("with") or {}
        if "run-id" in given:
            continue  # of another run
        pattern = str(given.get("name") or given.get("pattern") or "*")
        braces = re.fullmatch(r"\{(.*)\}", pattern)
        wanted += braces[1].split(",") if braces else [pattern]
    return wanted


def before(name: str, jobs: Mapping[str, Any]) -> set[str]:
    """Every job that has ended when this one begins."""
    found: set[str] = set()
    waiting = _needs(jobs[name])
    while waiting:
        each = waiting.pop()
        if each not in found and each in jobs:
            found.add(each)
            waiting += _needs(jobs[each])
    return found


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs") or []
    return [needs] if isinstance(needs, str) else list(needs)


def _using(job: Mapping[str, Any], action: str) -> Iterator[Mapping[str, Any]]:
    for step in job.get("steps", []):
        if step.get("uses", "").partition("@")[0].endswith(f"/{action}"):
            yield step


def _inner(uses: str, find: Find) -> list[dict[str, Any]]:
    return list(load(uses, find).get("runs", {}).get("steps") or [])


def _all_uses(jobs: Mapping[str, Any], find: Find) -> set[str]:
    found: set[str] = set()
    waiting = [step["uses"] for job in jobs.values() for step in job.get("steps", []) if _is(step)]
    while waiting:
        uses = waiting.pop()
        if uses not in found:
            found.add(uses)
            waiting += [step["uses"] for step in _inner(uses, find) if _is(step)]
    return found


def _is(step: Mapping[str, Any]) -> bool:
    return "uses" in step


def _steps(where: str, steps: list[dict[str, Any]], find: Find) -> Iterator[str]:
    """Inputs that differ from what the action declares, and inputs read as variables."""
    for step in steps:
        if "uses" in step:
            known = load(step["uses"], find).get("inputs") or {}
            given = step.get("with") or {}
            action = step["uses"].partition("@")[0]
            for key in sorted(set(map(str, given)) - set(known)):
                takes = ", ".join(known) or "none"
                yield f"{where}: {action} is given the input {key}, and knows: {takes}"
            for key, declared in known.items():
                lacks = (declared or {}).get("required") and "default" not in (declared or {})
                if lacks and key not in given:
                    yield f"{where}: {action} is not given the input {key}, which it requires"
        own = set(step.get("env") or {})
        for name in sorted(set(_INPUT.findall(str(step.get("run", "")))) - own):
            yield _reads(where, name)


def _reads(where: str, name: str) -> str:
    return f"{where}: reads {name}, which act sets for a composite action and GitHub does not"


def _action(uses: str, find: Find) -> Iterator[str]:
    """An action's own steps, and the scripts beside its file."""
    folder = find(uses)
    steps = _inner(uses, find)
    where = uses.partition("@")[0]
    yield from _steps(where, steps, find)
    yield from _references(where, load(uses, find), steps, find, {})
    for path in sorted(folder.glob("*.sh")) if folder else []:
        for name in sorted(set(_INPUT.findall(path.read_text(encoding="utf-8")))):
            yield _reads(f"{where}/{path.name}", name)


def _references(
    where: str,
    body: Mapping[str, Any],
    steps: list[dict[str, Any]],
    find: Find,
    jobs: Mapping[str, Any],
) -> Iterator[str]:
    """Outputs that are used and that nothing declares: empty on GitHub."""
    by_id = {step["id"]: step for step in steps if "id" in step}
    for text in _texts(body):
        for kind, *names in _REFERENCE.findall(text):
            origin, output = names[0] or names[1], names[2] or names[3]
            said = (
                f"{where}: uses the output {output} of {kind[:-1].replace('need', 'job')} {origin}"
            )
            if kind == "needs":
                if origin not in _needs(body):
                    yield f"{said}, which it does not need"
                elif output not in (jobs.get(origin, {}).get("outputs") or {}):
                    yield f"{said}, which declares none of this name"
            elif origin not in by_id:
                yield f"{said}, and there is no such step"
            elif "uses" in by_id[origin] and output not in outputs(by_id[origin]["uses"], find):
                yield f"{said}, whose action declares none of this name"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _artifacts(name: str, job: Mapping[str, Any], jobs: Mapping[str, Any]) -> Iterator[str]:
    kept = {artifact for each in before(name, jobs) for artifact in uploads(jobs[each])}
    for wanted in fetches(job):
        if not fnmatch.filter(kept, wanted):
            yield f"{name}: fetches the artifact {wanted}, which no job that it needs keeps"
