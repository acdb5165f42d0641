"""What act's own log (`--json`) tells of a job: its steps, outputs, summary, annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlops_init.engines import Account, Annotation

#: A workflow command that makes an annotation, read as GitHub reads it: act takes a later `::`
#: for the end of the command, and drops a property whose value holds an =.
_ANNOTATION = re.compile(r"::(error|warning|notice)(?: (.*?))?::(.*)", re.DOTALL)


def entry(line: str) -> dict[str, Any]:
    """One line of the log; nothing where it is no JSON object."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class JobLog:
    """Collects the account of one job from the lines that are about it.

    A step of a composite action has a path: `["1", "run"]` is the step `run` of the action
    that step 1 uses. After the inner step act reads its files once more for the outer one.
    So the outer step of a path repeats the inner one's summary, and its outputs, declared or
    not: the summaries of the innermost steps count, and the outputs that an action declares.
    """

    def __init__(
        self, name: str, job: Mapping[str, Any], declared: Callable[[str], Iterable[str]]
    ) -> None:
        """`job` as the workflow has it; `declared` are an action's outputs by its `uses`."""
        self.account = Account(name)
        self._declared = declared
        self._steps = {
            str(step.get("id", number)): step for number, step in enumerate(job.get("steps", []))
        }
        self._within: set[tuple[str, ...]] = set()
        for place, step in self._steps.items():
            self.account.steps[self._name(place, step)] = "skipped"

    def hear(self, line: Mapping[str, Any]) -> None:
        """One line about this job."""
        path = tuple(line.get("stepID") or ())
        if not path or line.get("stage") != "Main":
            return
        self._within |= {path[:depth] for depth in range(1, len(path))}
        command = line.get("command", "")
        if command == "summary" and path not in self._within:
            self.account.summary += line["content"]
        elif marked := _ANNOTATION.fullmatch(str(line.get("raw", "")).rstrip("\r\n")):
            self.account.annotations.append(_annotation(*marked.groups()))
        elif command == "set-output" and len(path) == 1:
            self._output(path[0], line["name"], line["arg"])
        elif "stepResult" in line and len(path) == 1 and path[0] in self._steps:
            self.account.steps[self._name(path[0], self._steps[path[0]])] = line["stepResult"]

    def _output(self, place: str, name: str, value: str) -> None:
        uses = self._steps.get(place, {}).get("uses", "")
        if not uses or name in self._declared(uses):
            self.account.outputs[name] = value

    def _name(self, place: str, step: Mapping[str, Any]) -> str:
        return str(step.get("name") or step.get("uses") or f"step {place}")


def _annotation(level: str, properties: str | None, message: str) -> Annotation:
    pairs = (each.partition("=") for each in (properties or "").split(",") if each)
    where = {name.strip(): _plain(value) for name, _, value in pairs}
    number = where.get("line", "")
    return Annotation(
        level, _plain(message), where.get("file", ""), int(number) if number.isdecimal() else 0
    )


def _plain(value: str) -> str:
    for escaped, sign in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        value = value.replace(escaped, sign)
    return value
