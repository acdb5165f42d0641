"""Stamp the commit into what is built: a project made by an installed generator pins it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP = "_commit.txt"


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds `_commit.txt` to a wheel (in the package) and to an sdist (at its root)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the build; an editable installation asks its checkout instead."""
        commit = _commit(Path(self.root))
        if version == "editable" or not commit:
            return
        stamp = Path(self.root) / "build" / STAMP
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(commit + "\n", encoding="utf-8")
        place = STAMP if self.target_name == "sdist" else f"mlops_init/{STAMP}"
        build_data["force_include"][str(stamp)] = place


def _commit(root: Path) -> str:
    """The commit that is built; nothing if the tree is not just that commit."""
    if (root / STAMP).is_file():  # in an unpacked sdist
        return (root / STAMP).read_text(encoding="utf-8").strip()
    git = shutil.which("git")
    if not git or not (root / ".git").exists():
        return ""
    asked = [git, "-C", str(root)]
    if subprocess.check_output([*asked, "status", "--porcelain"]):
        return ""
    return subprocess.check_output([*asked, "rev-parse", "HEAD"], text=True).strip()
