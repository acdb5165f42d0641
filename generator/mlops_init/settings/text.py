"""A plan in words: commands for a shell, or JSON for a program. Nothing is asked or done."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from mlops_init.settings import Body, Lookup, Plan, Setting

PROGRAM = {"github": "gh", "gitlab": "glab"}
#: What a shell calls. `gh` and `glab` end what they say of a refusal with its status.
CALLS = r"""
# send METHOD PATH BODY: false where nothing is there.
send() {
  echo "$1 $2" >&2
  said="$(printf %s "$3" | api --method "$1" --header "Content-Type: application/json" \
    --input - "$2" 2>&1 > /dev/null)" || refused "$said"
}

# there PATH: whether something is there.
there() {
  echo "GET $1" >&2
  said="$(api "$1" 2>&1 > /dev/null)" || refused "$said"
}

# look PATH: what is there.
look() {
  echo "GET $1" >&2
  api "$1"
}

# refused MESSAGE: false for 404; anything else ends it all.
refused() {
  printf "%s\n" "$1" >&2
  case "$1" in *"(HTTP 404)"*) return 1 ;; esac
  exit 1
}
"""
USER = """
# user PATH: the number of the user who is found there.
user() {
  found="$(look "$1")" && printf %s "$found" | python3 -c '
import json, sys
found = json.load(sys.stdin)
found = found if isinstance(found, list) else [found]
print(int(found[0]["id"]) if found else sys.exit("the server knows no such user"))'
}
"""
NUMBER = """
# number PATH FIELD NAME [KEY]: of the one in a list (under KEY) that is called so, if there is one.
number() {
  found="$(look "$1?per_page=100")" && shift && printf %s "$found" | python3 -c '
import json, sys
field, name, *key = sys.argv[1:]
found = json.load(sys.stdin)
rows = found[key[0]] if key else found
print(*[int(row["id"]) for row in rows if row[field] == name][:1])
if len(rows) > 99: sys.exit("a list of 100 and perhaps more: --apply reads on")' "$@"
}
"""
MENDED = """
# mended PATH BODY: the body that keeps what is there; nothing, if nothing is missing.
mended() {
  found="$(look "$1")" && printf %s "$found" | python3 -c '
import json, sys
found, wanted = json.load(sys.stdin), json.loads(sys.argv[1])
MEND
if body: print(json.dumps(body))' "$2"
}
"""


def as_json(plan: Plan) -> str:
    """The calls, in order; `if_there` is for what an earlier run has made: null, it is left."""
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
        other = {"method": step.change[0], "url": f"{plan.api}/{step.change[1]}"}
        call["if_there"] = None if step.left else other
    return call | ({"gives": f"${step.gives}"} if step.gives else {})


def as_shell(plan: Plan) -> str:
    """Commands that end in the same state however often they run, or at the first refusal."""
    lines = [
        "#!/bin/sh",
        f"# What files cannot say, for {plan.repository} on {plan.host}. Nothing has been done.",
        "# What is missing is made, and what is there is changed: this may run again, and goes on",
        "# where it was stopped. A refusal stops it, but for 404: what is looked for is not there.",
        "# --apply does the same, and looks again afterwards.",
        f"# {plan.needs}",
        "set -eu",
        "",
        *_functions(plan),
    ]
    for step in plan.steps:
        lines += ["", f"# {step.title}", *_lines(step, used=_used(plan, step.gives))]
    if plan.by_hand:
        lines += ["", "# By hand, since it is a secret or a choice:"]
    for command, why in plan.by_hand:
        lines.append(f"#   {command + '  ' if command else ''}{why}")
    return "\n".join(lines) + "\n"


def _functions(plan: Plan) -> list[str]:
    """Those that this plan calls."""
    settings = [step for step in plan.steps if isinstance(step, Setting)]
    texts = [CALLS]
    if len(settings) < len(plan.steps):
        texts.append(USER)
    if any(each.named for each in settings):
        texts.append(NUMBER)
    texts += dict.fromkeys(
        MENDED.replace("MEND", each.mend_in_shell) for each in settings if each.mend_in_shell
    )
    program = f"{PROGRAM[plan.platform]} api --hostname {shlex.quote(plan.host)}"
    return [f'api() {{ {program} "$@"; }}', *"".join(texts).splitlines()]


def _lines(step: Lookup | Setting, *, used: bool) -> list[str]:
    """One step; `used` tells whether a later one needs its number."""
    if isinstance(step, Lookup):
        return [f'{step.gives}="$(user {shlex.quote(step.path)})"']
    if not step.make:
        return [_send(step.change, _word(step.wanted))]
    same = not step.first
    body = [f"body={_word(step.wanted)}"] if same else []
    wanted = '"$body"' if same else _word(step.wanted)
    make = _send(step.make, '"$body"' if same else _word(step.wanted | step.first))
    change = _send(step.change, wanted)
    if step.named:
        return body + _in_a_list(step, change, make, used=used)
    if step.mend_in_shell:
        return body + _mended(step, wanted, make)
    if step.left:
        return [*body, f"there {_path(step.look)} || {make}"]
    return [*body, f"{change} ||", f"  {make}"]


def _in_a_list(step: Setting, change: str, make: str, *, used: bool) -> list[str]:
    name = step.gives or "NUMBER"
    words = [step.named, step.wanted[step.named], *([step.inside] if step.inside else [])]
    find = f'{name}="$(number {_path(step.look)} {" ".join(map(shlex.quote, words))})"'
    if step.left:
        return [find, f'[ -n "${name}" ] || {make}']
    again = [f"  {find}"] if used else []
    return [find, f'if [ -n "${name}" ]; then', f"  {change}", "else", f"  {make}", *again, "fi"]


def _mended(step: Setting, wanted: str, make: str) -> list[str]:
    path = _path(step.look)
    return [
        f"if there {path}; then",
        f'  more="$(mended {path} {wanted})"',
        f'  [ -z "$more" ] || {_send(step.change, chr(34) + "$more" + chr(34))}',
        "else",
        f"  {make}",
        "fi",
    ]


def _send(call: tuple[str, str], word: str) -> str:
    method, path = call
    return f"send {method} {_path(path)} {word}"


def _used(plan: Plan, name: str) -> bool:
    """Whether something is made at a path with that number in it."""
    settings = [step for step in plan.steps if isinstance(step, Setting)]
    return any(f"${name}" in step.make[1].split("/") for step in settings if step.make)


def _word(body: Body) -> str:
    """JSON as one word of a shell, with numbers where names stand for them.

    A name is a JSON text of its own, and its quotes become the shell's. Within any other text
    JSON writes a quote with a backslash, so that nothing else can look like it.
    """
    return re.sub(r'(?<!\\)"\$([A-Z0-9_]+)"', r"""'"$\1"'""", shlex.quote(json.dumps(body)))


def _path(path: str) -> str:
    parts = [f'"{part}"' if part.startswith("$") else shlex.quote(part) for part in path.split("/")]
    return "/".join(parts)
