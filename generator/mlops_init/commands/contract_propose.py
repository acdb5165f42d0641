"""`mlops-init contract propose`: the contract, or the change of it, that the data ask for.

The steps' own code does it, in the environment of step validate-data, which is built once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from mlops_init.engines import downloads
from mlops_init.errors import UsageError, visible
from mlops_init.renderers import doors


def contract_propose(folder: str, *, apply: bool) -> int:
    """Print a patch, or write what it does; returns 0, 2, 3, or 4 where it cannot be told."""
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    command = [sys.executable, "-I", str(doors.PACKAGE / "enter.py"), "--propose-contract"]
    command += [str(root.resolve()), *(["--apply"] if apply else [])]
    env = {name: value for name, value in os.environ.items() if name != "MLOPS_PYTHON"}
    env["MLOPS_CACHE"] = str(downloads.folder())
    found = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    # The patch as it is, for git; what is said of it names what stands in somebody's files.
    patch = found.stdout.decode(errors="surrogateescape")
    if sys.stdout.isatty():
        patch = "".join(visible(line) for line in patch.splitlines(keepends=True))
    click.echo(patch.encode(errors="surrogateescape"), nl=False)
    click.echo(visible(found.stderr.decode(errors="backslashreplace")), nl=False, err=True)
    return found.returncode
