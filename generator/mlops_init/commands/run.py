"""`mlops-init run`: walk a workflow, or the whole road, on this machine."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import os
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from mlops_init import answers, project
from mlops_init.engines import Outcome, Start, ground
from mlops_init.engines.ground import Run
from mlops_init.errors import UsageError
from mlops_init.main import WORKFLOWS
from mlops_init.pipeline import Workflow, describe, on
from mlops_init.progress import Screen

ENGINES = {"native": "native", "act": "act", "gitlab": "gitlab_ci_local"}
#: Whose pipeline an engine walks; the native one walks the description itself.
PLATFORMS = {"act": "github", "gitlab": "gitlab"}
EVENTS = ("push", "pull_request", "schedule", "manual")
#: A monitor starts ct, ct starts cd: a chain longer than this goes in circles.
LONGEST_CHAIN = 4


def run(
    workflow: str,
    *,
    engine: str,
    event: str,
    inputs: tuple[str, ...],
    state: str,
    registry: str,
    job: str,
) -> int:
    """Walk; returns 0 when everything passed, 1 when something was refused, 3 when not judged."""
    folder = Path.cwd()
    kept = answers.load(folder)
    workflows = {each.name: each for each in describe(kept.answers)}
    starts = _only(job, _starts(workflow, event, inputs, workflows), workflows)
    name, module = _engine(engine, kept.answers.platforms)
    walked = {each.name: each for each in on(describe(kept.answers), PLATFORMS.get(name, name))}
    for start in starts:
        if start.workflow not in walked:
            raise UsageError(f"the engine {name} has no workflow {start.workflow!r}")
        if start.job and start.job not in {each.name for each in walked[start.workflow].jobs}:
            raise UsageError(f"--job: the engine {name} has no job {start.job!r}")
    place = Path(state).resolve() if state else _state_folder(folder)
    ground.require_commit(folder)
    screen = Screen()
    _warn(screen, folder, kept, name)
    screen.say(
        f"  engine {name}, {'registry ' + registry if registry else 'state in ' + str(place)}"
    )
    codes, began = [], time.time()
    with ground.prepare(folder, kept, place, registry) as ready:
        for start in starts:
            codes.append(_chain(ready, module, start, screen, bare=not workflow))
            if codes[-1]:
                break
    # Not one that an earlier walk has left, where this one came to none.
    times = {path: path.stat().st_mtime for path in (place / "runs").glob("*/report/index.html")}
    reports = sorted((when, path) for path, when in times.items() if when >= began)
    if reports:
        screen.say(f"  {reports[-1][1]}")
    return max(codes)


def _starts(
    workflow: str, event: str, inputs: tuple[str, ...], known: dict[str, Workflow]
) -> list[Start]:
    if event and event not in EVENTS:
        raise UsageError(f"--event: {event!r} is not allowed. Allowed: {', '.join(EVENTS)}")
    if not workflow:
        if event or inputs:
            raise UsageError("--event and --input go with a workflow: ci, ct, cd or monitor")
        return [Start("ci", "push"), Start("ct", "manual"), Start("monitor", "manual")]
    if workflow not in known:
        raise UsageError(f"unknown workflow {workflow!r}. Known: {', '.join(WORKFLOWS)}")
    each = known[workflow]
    allowed = [*(["push", "pull_request"] if each.on_change else [])]
    allowed += ["schedule"] if each.schedule else []
    allowed += ["manual"] if each.manual else []
    event = event or ("push" if each.on_change else "manual")
    if event not in allowed:
        raise UsageError(
            f"--event: {workflow} is not started by {event!r}. Allowed: {', '.join(allowed)}"
        )
    given = {}
    parameters = [parameter.name for parameter in each.parameters]
    for entry in inputs:
        key, equals, value = entry.partition("=")
        if not equals or key not in parameters:
            takes = ", ".join(parameters) or "none"
            raise UsageError(f"--input {entry}: write NAME=VALUE. {workflow} takes: {takes}")
        given[key] = value
    return [Start(workflow, event, given)]


def _only(job: str, starts: list[Start], known: dict[str, Workflow]) -> list[Start]:
    """The same, held to one job and those that it needs."""
    if not job:
        return starts
    if len(starts) != 1:
        raise UsageError("--job goes with a workflow: ci, ct, cd or monitor")
    workflow = known[starts[0].workflow]
    names = [each.name for each in workflow.jobs]
    if job not in names:
        near = difflib.get_close_matches(job, names, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise UsageError(
            f"--job: {workflow.name} has no job {job!r}{hint}. Its jobs: {', '.join(names)}"
        )
    wanted = {job}
    for each in reversed(workflow.jobs):  # needs come before those that need them
        wanted |= set(each.needs) if each.name in wanted else set()
    jobs = tuple(name for name in names if name in wanted)
    return [replace(starts[0], job=job, jobs=jobs)]


def _engine(wanted: str, platforms: tuple[str, ...]) -> tuple[str, ModuleType]:
    names = [wanted]
    if wanted == "auto":
        names = ["act"] * ("github" in platforms) + ["gitlab"] * ("gitlab" in platforms)
        names.append("native")
    elif wanted not in ENGINES:
        raise UsageError(
            f"--engine: {wanted!r} is not allowed. Allowed: auto, {', '.join(ENGINES)}"
        )
    for name in names:
        module = importlib.import_module(f"mlops_init.engines.{ENGINES[name]}")
        trouble = module.problem()
        if name in PLATFORMS and PLATFORMS[name] not in platforms:
            trouble = f"this project has no pipeline for {PLATFORMS[name]}"
        if not trouble:
            return name, module
        if wanted != "auto":
            raise UsageError(f"--engine {name}: {trouble}")
    raise UsageError("no engine can run here")


def _state_folder(folder: Path) -> Path:
    if os.environ.get("MLOPS_STATE"):
        return Path(os.environ["MLOPS_STATE"])
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    place = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return Path(home) / "mlops-init" / f"{folder.name}-{place}"


def _warn(screen: Screen, folder: Path, kept: answers.Kept, engine: str) -> None:
    changed = ground.uncommitted(folder)
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        screen.say(f"  not committed, so not part of this run: {', '.join(changed[:3])}{more}")
    edited = project.edited(folder, kept) if engine == "native" else []
    if edited:
        screen.say(f"  edited by hand, and not what the native engine walks: {', '.join(edited)}")


def _chain(ready: Run, module: ModuleType, start: Start, screen: Screen, *, bare: bool) -> int:
    """One workflow and those that it starts; the worst exit code."""
    code, waiting, length = 0, [start], 0
    if bare and start.workflow == "ct" and not _has_champion(ready):
        # The whole road on a fresh machine: nobody has released anything yet.
        screen.say("  no champion yet: this is the first release, and is recorded as one")
        waiting = [Start("ct", "manual", {"first-release": "true"})]
    while waiting:
        length += 1
        now = waiting.pop(0)
        if length > LONGEST_CHAIN:
            screen.say(f"  {now.workflow} was not started: the chain goes in circles")
            return max(code, 3)
        with screen.live():
            outcomes: list[Outcome] = module.walk(ready, now, screen)
        for outcome in outcomes:
            code = max(code, _code(outcome))
            if outcome.next and start.job:
                asked = " and ".join(each.workflow for each in outcome.next)
                screen.say(f"  {asked} asked for, and not started: only {start.job} was wanted")
                continue
            waiting += outcome.next
    return code


def _has_champion(ready: Run) -> bool:
    return bool(ready.registry) or (ready.state / "aliases" / "champion.json").is_file()


def _code(outcome: Outcome) -> int:
    statuses = {result.status for result in outcome.results}
    if outcome.problems or "undecided" in statuses:
        return 3
    return 1 if "fail" in statuses else 3 if "skipped" in statuses else 0
