"""Every way a step can end other than with a verdict, and its exit code."""

from __future__ import annotations


class MlopsError(Exception):
    """The root. `exit_code` tells a caller what kind of trouble it was.

    0 pass, 1 judged and failed, 2 usage or configuration, 3 could not judge,
    4 infrastructure (worth a retry) or stopped from outside.
    """

    exit_code = 3


class ConfigError(MlopsError):
    """The user can mend it in mlops.yaml, in a contract or on the command line."""

    exit_code = 2


class CommandError(MlopsError):
    """The project's own command (train, predict, a linter, …) failed."""

    exit_code = 1


class UndecidedError(MlopsError):
    """The question cannot be answered with what is there: too few rows, a missing file, NaN."""

    exit_code = 3


class InfrastructureError(MlopsError):
    """Something outside failed: a registry that does not answer, a full disk."""

    exit_code = 4


class StoppedError(BaseException):
    """SIGTERM or SIGINT; what was recorded so far is kept.

    Not an `Exception`: it comes wherever the signal does, and no handler there may take it
    for a problem of its own.
    """

    exit_code = 4
