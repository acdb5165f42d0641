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


@dataclass(frozen=True)
class Input:
    """One thing that differs from run to run; everything else is in mlops.yaml.

    An empty value means the default, because both platforms hand over "" for an input
    that an event did not set.
    """

    name: str
    help: str
    kind: Kind = Kind.TEXT
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Output:
    """A short value that a later job may use; anything longer is a file."""

    name: str
    help: str


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

STATUS_OUTPUT = Output("status", "The verdict: pass, fail or undecided.")


def variable(name: str) -> str:
    """The environment variable that hands over an input where no door collects them all."""
    return f"MLOPS_STEP_{name.upper().replace('-', '_')}"
