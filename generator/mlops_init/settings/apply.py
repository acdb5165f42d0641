"""Make the calls of a plan, in order, and stop at the first refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlops_init.settings import Body, Lookup, Plan, Setting, filled, filled_path, holds
from mlops_init.settings.api import Api, NotThereError, ServerError


def apply(plan: Plan, api: Api, say: Callable[[str], None]) -> int:
    """Do all of it; says a line for each. Doing it again changes nothing.

    Returns:
        0 when everything holds; 4 at the first refusal, after which nothing was tried.
    """
    names: dict[str, int] = {}
    counts = {"made": 0, "changed": 0, "as it was": 0}
    done: list[str] = []
    try:
        _may_administer(plan, api)
        for step in plan.steps:
            if isinstance(step, Lookup):
                names[step.gives] = _number(step, api)
            else:
                how = _set(step, api, names)
                counts[how] += 1
                say(f"  {how:<12}{step.title}")
            done.append(step.title)
    except ServerError as error:
        return _stopped(plan, len(done), error, say)
    say("  " + ", ".join(f"{count} {how}" for how, count in counts.items() if count))
    return 0


def _stopped(plan: Plan, done: int, error: ServerError, say: Callable[[str], None]) -> int:
    step = plan.steps[done] if done < len(plan.steps) else None
    reached = step is not None and not str(error).startswith("repository")
    if step and reached:
        say(f"  {'refused':<12}{step.title}")
    say(f"    {error}")
    left = [each.title for each in plan.steps[done + reached :] if isinstance(each, Setting)]
    for title in left:
        say(f"  {'not tried':<12}{title}")
    say("  Stopped there; what is above it was done. The same command goes on from there.")
    return error.exit_code


def _may_administer(plan: Plan, api: Api) -> None:
    """Every later 404 would be taken for a setting that is not there yet."""
    try:
        found = api.get(plan.path)
    except ServerError as error:
        raise ServerError(f"repository {plan.repository}: {error}") from None
    if not isinstance(found, dict) or "id" not in found:
        raise ServerError(f"repository {plan.repository}: the answer is not about a repository")
    allowed = found.get("permissions")
    if plan.platform == "github" and isinstance(allowed, dict) and not allowed.get("admin"):
        raise ServerError(
            f"repository {plan.repository}: the token may not administer it. {plan.needs}"
        )


def _number(step: Lookup, api: Api) -> int:
    try:
        found = api.get(step.path)
    except NotThereError as error:
        raise ServerError(f"{error}: the server knows no such user") from None
    found = found[0] if isinstance(found, list) and found else found
    if not isinstance(found, dict):
        raise ServerError(f"GET {api.address}/{step.path}: the server knows no such user")
    return _id_in(found, step.path)


def _id_in(found: Any, path: str) -> int:
    number = found.get("id") if isinstance(found, dict) else None
    if type(number) is not int:
        raise ServerError(f"{path}: the answer has no id")
    return number


def _set(step: Setting, api: Api, names: dict[str, int]) -> str:
    """Look, and make or change what does not hold; returns which it was."""
    wanted: Body = filled(step.wanted, names)
    now = _now(step, api, names)
    if now is not None and holds(wanted, now):
        return "as it was"
    if now is not None:
        method, path = step.change
        body = step.mend(now, wanted)
    elif step.make:
        method, path = step.make
        body = wanted | filled(step.first, names)
    else:
        raise ServerError(f"GET {api.address}/{step.look}: not found")
    api.call(method, filled_path(path, names), body)
    # Servers leave out in silence what a plan or a role does not allow.
    after = _now(step, api, names)
    if after is None or not holds(wanted, after):
        raise ServerError(
            f"{method} {api.address}/{filled_path(path, names)}: the server accepted it and did "
            "not do it"
        )
    return "made" if now is None else "changed"


def _now(step: Setting, api: Api, names: dict[str, int]) -> Body | None:
    path = filled_path(step.look, names)
    try:
        found = _entry(step, api, path, names) if step.named else api.get(path)
        return None if found is None else step.view(found)
    except NotThereError:
        return None
    except (LookupError, TypeError, ValueError, AttributeError):
        raise ServerError(f"GET {api.address}/{path}: the answer is not what was asked") from None


def _entry(step: Setting, api: Api, path: str, names: dict[str, int]) -> Any:
    """The one in a list that has the wanted name, whole."""
    for entry in api.pages(path, step.inside):
        if entry[step.named] == step.wanted[step.named]:
            if step.gives:
                names[step.gives] = _id_in(entry, path)
            return api.get(filled_path(step.item, names)) if step.item else entry
    return None
