"""What a training was: `out/train/training.json`."""

from __future__ import annotations

import msgspec

from mlops_steps.config import Params


class Handed(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The labelled table: `digest` of what the command got, `whole` of what it was taken from.

    `files`: how many files its rows name, for a manifest.
    """

    path: str
    rows: int
    withheld: int
    digest: str
    whole: str
    files: int = 0


class Training(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is needed to train again, and what it took.

    Attributes:
        judge: The split that will judge: test or valid.
        uncommitted: Tracked files that were not as in the commit.
        environment: Digest of the project's lock.
        gpus: As `setup.gpu.facts`.
        seconds: Of the command alone.
    """

    judge: str
    parameters: Params
    seed: int
    commit: str | None
    uncommitted: list[str]
    data: Handed
    environment: str
    python: str
    gpus: list[dict[str, str | int]]
    seconds: float
    format: int = 1
