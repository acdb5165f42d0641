"""The project's tracked files, copied to where a command may run on them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from mlops_steps.errors import ConfigError, UndecidedError


def tracked(root: Path) -> list[str]:
    """The files and links that git tracks under `root`, relative to it, if they are there.

    Raises:
        UndecidedError: It is not a git checkout, or nothing is tracked.
    """
    names = _git(root, "ls-files", "-z", "--cached", "--recurse-submodules").split("\0")
    paths = {name: root / name for name in names if name}
    found = sorted(name for name, path in paths.items() if path.is_symlink() or path.is_file())
    if not found:
        raise UndecidedError(f"{root}: git tracks no file here; commit the project first")
    return found


def uncommitted(root: Path) -> list[str]:
    """The tracked files that differ from the commit, relative to `root`.

    Raises:
        UndecidedError: It is not a git checkout, or has no commit.
    """
    names = _git(root, "diff", "--name-only", "-z", "--relative", "HEAD").split("\0")
    return sorted(name for name in names if name)


def copy_tracked(root: Path, target: Path, *, without: Collection[str] = ()) -> list[str]:
    """Copy the tracked files, as they lie in `root`, into a new folder; returns their names.

    Git's own folder is not copied: it holds every row that was ever committed.

    Raises:
        ConfigError: A link leads outside the project: what lies there is not tracked.
        UndecidedError: As `tracked`.
    """
    target.mkdir(parents=True)
    names = [name for name in tracked(root) if name not in without]
    for name in names:
        source, copy = root / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            leads_to = source.readlink()
            if leads_to.is_absolute() or not end_of(source).is_relative_to(root.resolve()):
                raise ConfigError(
                    f"{name}: is a link that leads outside the project, to {leads_to}"
                )
            copy.symlink_to(leads_to)
        else:
            shutil.copyfile(source, copy)
            shutil.copymode(source, copy)
    return names


def end_of(link: Path) -> Path:
    """Where a link leads in the end; of links that lead in a circle, one of them."""
    return Path(os.path.realpath(link))  # Path.resolve() raises on a circle, in some versions


def _git(root: Path, *arguments: str) -> str:
    found = subprocess.run(
        ["git", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    if found.returncode:
        raise UndecidedError(f"git {arguments[0]}: {found.stderr.strip()}")
    return found.stdout
