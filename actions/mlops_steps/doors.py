"""How a step is entered and what it says: inputs from any door, help, and the verdict in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from mlops_steps.errors import ConfigError
from mlops_steps.record import Verdict
from mlops_steps.spec import STATUS_OUTPUT, Input, Kind, Output, Step, meaning, variable
from mlops_steps.yaml_file import did_you_mean


def read_inputs(step: Step, arguments: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Every declared input, from the command line, else the door's variables, else its default.

    GitHub's door sets `MLOPS_INPUTS` to all inputs as one JSON object; GitLab's sets
    `MLOPS_STEP_<NAME>` each. An empty value is no value.

    Raises:
        ConfigError: An unknown input, or a value that is not allowed, with what is.
    """
    known = {each.name: each for each in step.inputs}
    given: dict[str, str] = {}
    try:
        door = json.loads(environment.get("MLOPS_INPUTS") or "{}")
    except json.JSONDecodeError as error:
        raise ConfigError(f"MLOPS_INPUTS is not JSON: {error}") from None
    if not isinstance(door, dict):
        raise ConfigError("MLOPS_INPUTS is not a JSON object of inputs and their values")
    for name, value in door.items():
        _known(name, known, step)
        # A text is itself, a number or a truth value is written as in JSON.
        given[name] = value if isinstance(value, str) else json.dumps(value)
        if value is None:
            given[name] = ""
    for name in known:
        value = environment.get(variable(name), "")
        if value:
            given[name] = value
    given |= _options(arguments, known, step)
    return {name: _check(each, given.get(name) or each.default) for name, each in known.items()}


def _options(arguments: list[str], known: dict[str, Input], step: Step) -> dict[str, str]:
    given: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("--"):
            raise ConfigError(f"unexpected {argument!r}. {_allowed(known)}")
        name, equals, value = argument[2:].partition("=")
        _known(name, known, step)
        if not equals:
            if known[name].kind is Kind.FLAG:
                value = "true"
            else:
                value = next(rest, "")
                if not value or value.startswith("--"):
                    raise ConfigError(f"--{name} needs a value: {known[name].help}")
        given[name] = value
    return given


def _known(name: str, known: dict[str, Input], step: Step) -> None:
    if name not in known:
        near = did_you_mean(name, list(known))
        raise ConfigError(f"step {step.name} has no input {name!r}{near}. {_allowed(known)}")


def _allowed(known: dict[str, Input]) -> str:
    return f"Inputs: {', '.join(known)}" if known else "This step has no inputs."


def _check(each: Input, value: str) -> str:
    if each.choices and value and value not in each.choices:
        raise ConfigError(
            f"input {each.name}: {value!r}{did_you_mean(value, list(each.choices))}. "
            f"Allowed: {', '.join(each.choices)}"
        )
    if each.pattern and value and not re.fullmatch(each.pattern, value):
        raise ConfigError(
            f"input {each.name}: {value!r} is not written as it has to be, as in "
            f"{each.example}. Allowed: {each.pattern}"
        )
    return value


def overview(steps: Iterable[Step]) -> str:
    """What `mlops-step --help` prints."""
    rows = "\n".join(f"  {step.name:<15} {step.summary}" for step in steps)
    head = "Usage: mlops-step STEP [--INPUT VALUE ...]\n\nRun one step in this folder's project."
    return f"{head}\n\n{rows}"


def help_text(step: Step) -> str:
    """What `mlops-step NAME --help` prints."""
    lines = [f"Usage: mlops-step {step.name} [--INPUT VALUE ...]", "", step.summary]
    rows: tuple[tuple[str, tuple[Input | Output, ...]], ...] = (
        ("Inputs", step.inputs),
        ("Outputs", (STATUS_OUTPUT, *step.outputs)),
    )
    for title, entries in rows:
        if entries:
            lines += ["", f"{title}:"]
        for each in entries:
            default = (
                f" Default: {each.default}." if isinstance(each, Input) and each.default else ""
            )
            lines.append(f"  {each.name:<16} {meaning(each)}{default}")
    return "\n".join(lines)


def verdict_text(verdict: Verdict) -> str:
    """A verdict for a terminal or a log: what, verdict, the figure that explains it, time.

    What would steer a terminal, or turn a line around, is shown by its number.
    """
    head = f"{verdict.step:<16}{verdict.status:<12}{verdict.line}  ({verdict.seconds:.1f} s)"
    text = "\n".join([head, *(f"  {line}" for line in verdict.lines)])
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else ascii(sign)[1:-1] for sign in text
    )


def verdict_markdown(verdict: Verdict) -> str:
    """A verdict for a job's summary page."""
    lines = [f"### {verdict.step}: {verdict.status}", "", escape_markdown(verdict.line)]
    lines += [f"- {escape_markdown(line)}" for line in verdict.lines]
    return "\n".join(lines) + "\n"


_MARKUP = {ord(mark): f"\\{mark}" for mark in "\\`*_{}[]|#!~$"}
_MARKUP |= {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("@"): "@&#8203;"}
#: Platforms make a link of a bare address; an invisible mark parts what they look for.
_ADDRESS = re.compile(r":(?=//)|www(?=\.)", re.IGNORECASE)


def escape_markdown(text: str) -> str:
    """Text from files and programs must not become markup, a link, a mention or a new line."""
    return _ADDRESS.sub(r"\g<0>&#8203;", " ".join(text.split()).translate(_MARKUP))
