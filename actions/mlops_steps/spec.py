"""What a step declares: its inputs, its outputs and what it needs installed.

Only the standard library is imported here, so that the generator, the documentation
and `--help` can read every declaration without any step's environment.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

#: The steps in the order in which a model meets them. A step's room has the same name
#: with underscores; its declaration is `STEP` in the room's `step.py`.
STEP_NAMES = (
    "setup",
    "lint",
    "validate-data",
    "train",
    "evaluate",
    "gate",
    "register",
    "deploy-canary",
    "monitor",
    "report",
    "comment",
)


class Status(enum.StrEnum):
    """The three verdicts. What could not be judged is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    UNDECIDED = "undecided"


class Kind(enum.StrEnum):
    """How the text of an input is read."""

    TEXT = "text"
    FLAG = "flag"  # "true" or "false"


#: Grammars that inputs share. Every door checks them, so they keep to what Python, RE2 (GitLab)
#: and JavaScript (gitlab-ci-local) read alike: classes, groups, counts.
VERSION_NUMBER = r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}"
WORKFLOW_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"


@dataclass(frozen=True)
class Input:
    """One thing that differs from run to run; everything else is in mlops.yaml.

    An empty value means the default, because both platforms hand over "" for an input
    that an event did not set.

    Attributes:
        name: As users write it, with hyphens.
        help: One sentence: what it means, and what empty means.
        kind: How its text is read.
        default: What an empty value means. A flag's is "false".
        choices: The only values allowed. A flag's are true and false.
        pattern: Instead of choices: what the whole value has to match.
        example: A value that `pattern` allows. Choices are examples themselves.
    """

    name: str
    help: str
    kind: Kind = Kind.TEXT
    default: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = ""
    example: str = ""

    def __post_init__(self) -> None:
        """A flag's default and values need not be written."""
        if self.kind is Kind.FLAG:
            object.__setattr__(self, "default", self.default or "false")
            object.__setattr__(self, "choices", ("true", "false"))
        if self.choices:
            object.__setattr__(self, "example", self.example or self.choices[0])


@dataclass(frozen=True)
class Output:
    """A short value that a later job may use; anything longer is a file.

    Attributes:
        name: As users write it, with hyphens.
        help: What it holds.
        choices: The only values that it takes.
        example: One that it may take.
    """

    name: str
    help: str
    choices: tuple[str, ...] = ()
    example: str = ""

    def __post_init__(self) -> None:
        """The first of its choices is an example."""
        if self.choices:
            object.__setattr__(self, "example", self.example or self.choices[0])


@dataclass(frozen=True)
class Step:
    """The declaration from which every door is rendered.

    Attributes:
        name: As users write it, with hyphens.
        summary: One sentence, imperative.
        requires: Distributions the step imports; `make locks` pins them by hash in
            `locks/<name>.txt`.
        inputs: What may differ from run to run.
        outputs: Besides `status`, which every step has.
    """

    name: str
    summary: str
    requires: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()

    @property
    def package(self) -> str:
        """The room's name: `deploy-canary` lives in `deploy_canary/`."""
        return self.name.replace("-", "_")


#: Every step needs these: typed configuration and YAML.
BASE_REQUIRES = ("msgspec", "pyyaml")

STATUS_OUTPUT = Output("status", "The verdict.", choices=("pass", "fail", "undecided"))


def variable(name: str) -> str:
    """The environment variable that hands over an input where no door collects them all."""
    return f"MLOPS_STEP_{name.upper().replace('-', '_')}"


def meaning(each: Input | Output) -> str:
    """What an input or output means and which values it takes: the same words at every door."""
    if each.choices:
        return f"{each.help} One of: {', '.join(each.choices)}."
    return f"{each.help} For example: {each.example}." if each.example else each.help
