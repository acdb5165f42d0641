"""The project's source as a program may see it: tracked files, without the labelled table."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mlops_steps.errors import UndecidedError


def copy_tracked(root: Path, target: Path, *, without: str) -> None:
    """Copy every file that git tracks, as it lies in `root` now, except `without`.

    Symbolic links are copied as links; files of submodules are not followed.

    Raises:
        UndecidedError: `root` is not in a git repository.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=root,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        reason = listed.stderr.decode(errors="replace").strip()
        raise UndecidedError(f"the project's files cannot be listed: {reason}")
    for name in listed.stdout.decode("utf-8", "surrogateescape").split("\0"):
        source = root / name
        if name and name != without and (source.is_file() or source.is_symlink()):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
