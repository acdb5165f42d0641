"""The folder in which the train command runs: outside the checkout, gone afterwards.

Outside, because programs look upwards for a configuration, for data, or for git's history,
which holds the withheld rows. Its place follows from the project's, so that the next run finds
what a killed one left; inside it each run has a folder of its own, so that a program that
outlived its run cannot write into the next one's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlops_steps.errors import InfrastructureError


@dataclass(frozen=True)
class Scratch:
    """`folder` is new and empty; `left_over` is the place of an earlier run's, now removed."""

    folder: Path
    left_over: Path | None


@contextlib.contextmanager
def scratch(root: Path) -> Iterator[Scratch]:
    """A new folder for one run of the project in `root`, removed on leaving.

    Raises:
        InfrastructureError: Someone else owns the place, or it cannot be written.
    """
    project = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"mlops-train-{os.getuid()}-{project}"
    try:
        left_over = place if _clear(place) else None
        place.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=place))
    except OSError as error:
        raise InfrastructureError(f"{place}: {error.strerror}") from None
    try:
        yield Scratch(folder, left_over)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _clear(place: Path) -> bool:
    """Remove what is there, if it is ours; whether anything was."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        return False
    # The name can be guessed, and the temporary folder is everybody's.
    if place.is_symlink() or not place.is_dir() or found.st_uid != os.getuid():
        raise InfrastructureError(f"{place}: is not a folder of this user; remove it")
    shutil.rmtree(place, ignore_errors=True)
    return True
