"""Which commit of the steps this generator carries, and which a new project pins."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata, resources
from pathlib import Path

from mlops_init.errors import UsageError


def version() -> str:
    """The distribution's version."""
    return metadata.version("mlops-init")


def pin(given: str = "") -> tuple[str, str]:
    """The commit to pin, and a warning (empty when there is nothing to warn of).

    In this order: what was given, the commit stamped into the installed wheel, the commit of
    the checkout that this is an editable installation of.

    Raises:
        UsageError: None of them is there, or what was given is no commit.
    """
    if given:
        if not re.fullmatch(r"[0-9a-f]{40}", given):
            raise UsageError(f"--pin: {given!r} is not a commit of 40 hexadecimal digits")
        return given, ""
    stamp = resources.files("mlops_init").joinpath("_commit.txt")
    if stamp.is_file():
        return stamp.read_text(encoding="utf-8").strip(), ""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        raise UsageError("this installation does not know its commit; give one: --pin COMMIT")
    head = _git(checkout, "rev-parse", "HEAD")
    warning = f"the steps are pinned to this checkout's {head[:7]}"
    if _git(checkout, "status", "--porcelain"):
        warning += ", which has changes that are not committed"
    return head, warning


def _git(folder: Path, *arguments: str) -> str:
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        raise UsageError("git is not on PATH, so the commit is unknown; --pin COMMIT") from None
    if found.returncode:
        raise UsageError(f"git {arguments[0]} failed in {folder}: {found.stderr.strip()}")
    return found.stdout.strip()
