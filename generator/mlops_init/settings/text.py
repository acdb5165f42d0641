"""A plan in words: commands for a shell, or JSON for a program. Nothing is asked or done."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from mlops_init.settings import Body, Lookup, Plan, Setting

PROGRAM = {"github": "gh", "gitlab": "glab"}
#: Takes the number out of an answer; the two programs differ in how they would do it.
NUMBER = (
    "import json, sys; found = json.load(sys.stdin); "
    "print(int((found[0] if type(found) is list else found)['id']))"
)


def as_json(plan: Plan) -> str:
    """The calls, in order; `if_there` is for what an earlier run has made."""
    calls = [_call(plan, step) for step in plan.steps]
    by_hand = [{"command": command, "why": why} for command, why in plan.by_hand]
    whole = {
        "platform": plan.platform,
        "repository": plan.repository,
        "needs": plan.needs,
        "calls": calls,
        "by_hand": by_hand,
    }
    return json.dumps(whole, indent=2)


def _call(plan: Plan, step: Lookup | Setting) -> dict[str, Any]:
    if isinstance(step, Lookup):
        look = {"title": step.title, "method": "GET", "url": f"{plan.api}/{step.path}"}
        return look | {"gives": f"${step.gives}"}
    method, path = step.make or step.change
    call: dict[str, Any] = {"title": step.title, "method": method, "url": f"{plan.api}/{path}"}
    call["body"] = step.wanted | step.first
    if step.make and step.make != step.change:
        call["if_there"] = {"method": step.change[0], "url": f"{plan.api}/{step.change[1]}"}
    return call | ({"gives": f"${step.gives}"} if step.gives else {})


def as_shell(plan: Plan) -> str:
    """Commands for a repository on which nothing has been set yet."""
    lines = [
        f"# What files cannot say, for {plan.repository} on {plan.host}. Nothing has been done.",
        "# --apply makes these calls, and changes what is there already; this only makes it.",
        f"# {plan.needs}",
        "set -eu",
    ]
    for step in plan.steps:
        lines += ["", f"# {step.title}", _line(plan, step)]
    if plan.by_hand:
        lines += ["", "# By hand, since it is a secret or a choice:"]
    for command, why in plan.by_hand:
        lines.append(f"#   {command + '  ' if command else ''}{why}")
    return "\n".join(lines) + "\n"


def _line(plan: Plan, step: Lookup | Setting) -> str:
    program = f"{PROGRAM[plan.platform]} api --hostname {shlex.quote(plan.host)}"
    number = f"python3 -c {shlex.quote(NUMBER)}"
    if isinstance(step, Lookup):
        return f'{step.gives}="$({program} {shlex.quote(step.path)} | {number})"'
    line = _sent(program, step.make or step.change, step.wanted | step.first)
    if step.gives and _used(plan, step.gives):
        return f'{step.gives}="$({line} | {number})"'
    line += " > /dev/null"
    if step.usual:
        return f"{_sent(program, step.change, step.wanted)} > /dev/null || {line}"
    return line


def _sent(program: str, call: tuple[str, str], body: Body) -> str:
    method, path = call
    return (
        f"printf %s {_unquoted(json.dumps(body))} | {program} --method {method} {_path(path)} "
        "--header 'Content-Type: application/json' --input -"
    )


def _used(plan: Plan, name: str) -> bool:
    settings = [step for step in plan.steps if isinstance(step, Setting)]
    paths = [(step.make or step.change)[1] for step in settings]
    return any(f"${name}" in path.split("/") for path in paths)


def _unquoted(text: str) -> str:
    """JSON as one word of a shell, with numbers where names stand for them.

    A name is a JSON text of its own, and its quotes become the shell's. Within any other text
    JSON writes a quote with a backslash, so that nothing else can look like it.
    """
    return re.sub(r'(?<!\\)"\$([A-Z0-9_]+)"', r"""'"$\1"'""", shlex.quote(text))


def _path(path: str) -> str:
    parts = [f'"{part}"' if part.startswith("$") else shlex.quote(part) for part in path.split("/")]
    return "/".join(parts)
