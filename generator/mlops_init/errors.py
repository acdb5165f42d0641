"""What the generator cannot do, in words for the user."""

from __future__ import annotations


class InitError(Exception):
    """The root: one clear message and an exit code."""

    exit_code = 2


class UsageError(InitError):
    """The user can mend it: a name, a value, a file, a missing program."""

    exit_code = 2


class RunError(InitError):
    """A local run could not be judged: a skipped job, a surviving process, an engine's crash."""

    exit_code = 3


class DescriptionError(InitError):
    """The pipeline is described so that no platform could run it: a defect of the generator."""

    exit_code = 3
