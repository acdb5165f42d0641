"""Ruff, from the step's own lock, on the project's Python files."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_steps.errors import ConfigError

#: Unreadable files are told by `check`; `format` would tell them again.
SYNTAX = "invalid-syntax"


@dataclass(frozen=True)
class Found:
    """One finding of ruff: `rule` such as F401, `file` relative to the project, `line` from 1."""

    rule: str
    message: str
    file: str
    line: int


def files(root: Path) -> list[str]:
    """The files that ruff would look at, relative to the project.

    Raises:
        ConfigError: Ruff refuses the project's configuration.
    """
    listed = _ruff(root, "check", "--show-files").splitlines()
    return sorted(_relative(root, line) for line in listed)


def check(root: Path) -> list[Found]:
    """What `ruff check` finds, then what `ruff format --check` finds.

    Raises:
        ConfigError: Ruff refuses the project's configuration.
    """
    found = _read(root, _ruff(root, "check", "--output-format", "json"))
    unformatted = _read(root, _ruff(root, "format", "--check", "--output-format", "json"))
    return found + [each for each in unformatted if each.rule != SYNTAX]


def _ruff(root: Path, verb: str, *options: str) -> str:
    command = [sys.executable, "-I", "-m", "ruff", verb, "--no-cache", "--quiet", *options, "."]
    found = subprocess.run(
        command, cwd=root, capture_output=True, text=True, errors="replace", check=False
    )
    # Exit code 1 is findings, 2 trouble; but `format` also gives 2 for a syntax error, which
    # is a finding. Trouble writes nothing to stdout.
    if found.returncode not in {0, 1} and not found.stdout.strip():
        raise ConfigError(f"ruff {verb}: {found.stderr.strip()}")
    return found.stdout


def _read(root: Path, text: str) -> list[Found]:
    rows: list[dict[str, Any]] = json.loads(text or "[]")
    return [
        Found(
            rule=row["code"] or SYNTAX,
            message=row["message"],
            file=_relative(root, row["filename"]),
            line=row["location"]["row"],
        )
        for row in rows
    ]


def _relative(root: Path, name: str) -> str:
    path = Path(name)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else name
